//! A stream that does what a test says, call by call, for every adapter; and what is tested over it in each of the
//! asynchronous ones.

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sockeye::blocking::{Duplex, Transport};
use sockeye::polled::{Runtime, WebSocket};
use sockeye::{Client, IoError, Role, Server, Timeouts};
use tokio::io::ReadBuf;

use crate::ends::server;
use crate::peer::{Ear, Frame, request, response};

/// A handle to the stream: the test keeps a clone of it.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

pub(crate) struct State {
    /// What the peer has sent and the adapter has not read.
    pub(crate) incoming: Vec<u8>,
    /// Whether the peer has ended its half.
    pub(crate) ended: bool,
    /// What the adapter has written.
    pub(crate) written: Vec<u8>,
    /// Bytes that the stream still takes.
    pub(crate) room: usize,
    /// The most bytes of one read or write.
    pub(crate) chunk: usize,
    /// Whether every second call finds the stream not ready.
    pub(crate) pauses: bool,
    /// Whether whoever finds it not ready is woken before the call returns, as a runtime does that has others in turn.
    pub(crate) hurries: bool,
    /// What goes wrong at which call, counted from the first.
    pub(crate) fault: Option<(usize, Fault)>,
    /// Bytes that go over the stream, both ways together, before it is reset.
    pub(crate) until_reset: usize,
    /// What a server says behind its response, once the request was written.
    pub(crate) reply: Option<Vec<u8>>,
    pub(crate) calls: usize,
    /// Whether the adapter has shut its half down.
    pub(crate) is_shut_down: bool,
    ready: bool,
    reading: Option<Waker>,
    writing: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error for this call, and for all after it.
    Broken(io::ErrorKind),
    /// An error once.
    Once(io::ErrorKind),
    /// Not ready once.
    Pending,
    /// One byte.
    Short,
    /// The end of the peer's half; a write that takes nothing.
    Zero,
}

enum Call {
    Read,
    Write,
    /// A flush or the end of the writing half.
    Other,
    /// What does not wait and is not cut short, but may fail: telling the stream how long to wait, and making a second handle.
    Setting,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            incoming: Vec::new(),
            ended: false,
            written: Vec::new(),
            room: usize::MAX,
            chunk: usize::MAX,
            pauses: false,
            hurries: false,
            fault: None,
            until_reset: usize::MAX,
            reply: None,
            calls: 0,
            is_shut_down: false,
            ready: false,
            reading: None,
            writing: None,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The peer sends in pieces of this size, with pauses or without.
    pub(crate) fn chunks(&self, chunk: usize, pauses: bool, told: &[u8]) {
        let mut state = self.state();
        state.incoming.extend_from_slice(told);
        (state.chunk, state.pauses) = (chunk, pauses);
    }

    /// The peer sends, and whoever waits for it is woken.
    pub(crate) fn tell(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.incoming.extend_from_slice(bytes);
        let waker = state.reading.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The stream takes so many bytes more, and whoever waits for it is woken.
    pub(crate) fn make_room(&self, room: usize) {
        self.state().room = room;
        let waker = self.state().writing.take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// The stream is ready for whoever was told that it is not. Whether there was anybody.
    pub(crate) fn become_ready(&self) -> bool {
        let mut state = self.state();
        let waiting = [state.reading.take(), state.writing.take()];
        drop(state);
        let somebody = waiting.iter().any(Option::is_some);
        waiting.into_iter().flatten().for_each(Waker::wake);
        somebody
    }

    /// The frames that were written, all of them whole.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let cut = |frame: Option<Frame>| frame.expect("expected whole frames");
        frames(&self.state().written).into_iter().map(cut).collect()
    }
}

/// The frames in these bytes, behind the head of an HTTP message where there is one; the last may be cut, and is `None`.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Option<Frame>> {
    let bytes = if bytes.starts_with(b"HTTP/") || bytes.starts_with(b"GET ") {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        end.map_or(&b""[..], |end| &bytes[end + 4..])
    } else {
        bytes
    };
    let mut rest = bytes;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        frames.push(Ear::of(&mut rest));
        if frames.last().is_some_and(Option::is_none) {
            break;
        }
    }
    frames
}

impl State {
    /// What comes of a call: so many bytes may go, or it is not ready, or it fails.
    fn call(&mut self, call: &Call) -> Option<io::Result<usize>> {
        let number = self.calls;
        self.calls += 1;
        match self.fault {
            Some((at, Fault::Broken(kind))) if number >= at => return Some(Err(kind.into())),
            Some((at, Fault::Once(kind))) if number == at && kind != io::ErrorKind::Interrupted => {
                return Some(Err(kind.into()));
            }
            _ if matches!(call, Call::Setting) => return Some(Ok(0)),
            Some((at, fault)) if number == at => match fault {
                Fault::Broken(kind) | Fault::Once(kind) => return Some(Err(kind.into())),
                Fault::Pending => return None,
                Fault::Short => return Some(Ok(1)),
                Fault::Zero => match call {
                    Call::Read => {
                        self.incoming.clear();
                        self.ended = true;
                    }
                    Call::Write => return Some(Ok(0)),
                    Call::Other | Call::Setting => {}
                },
            },
            _ => {}
        }
        if self.pauses {
            self.ready = !self.ready;
            if !self.ready {
                return None;
            }
        }
        Some(Ok(self.chunk))
    }

    fn read(&mut self, space: &mut [u8]) -> Option<io::Result<usize>> {
        let chunk = match self.call(&Call::Read)? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error)),
        };
        if self.incoming.is_empty() {
            return self.ended.then_some(Ok(0));
        }
        let count = chunk.min(space.len()).min(self.incoming.len());
        let count = match self.go(count) {
            Ok(count) => count,
            Err(error) => return Some(Err(error)),
        };
        space[..count].copy_from_slice(&self.incoming[..count]);
        self.incoming.drain(..count);
        Some(Ok(count))
    }

    fn write(&mut self, bytes: &[u8]) -> Option<io::Result<usize>> {
        let chunk = match self.call(&Call::Write)? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error)),
        };
        let count = chunk.min(bytes.len()).min(self.room);
        if count == 0 && chunk > 0 {
            return None;
        }
        let count = match self.go(count) {
            Ok(count) => count,
            Err(error) => return Some(Err(error)),
        };
        self.room -= count;
        self.written.extend_from_slice(&bytes[..count]);
        if self.written.ends_with(b"\r\n\r\n")
            && let Some(reply) = self.reply.take()
        {
            let request = String::from_utf8(self.written.clone()).unwrap();
            self.incoming = [response(&request, "").as_bytes(), &reply].concat();
            self.ended = true;
        }
        Some(Ok(count))
    }

    /// As many of these bytes as go over the stream before it is reset.
    fn go(&mut self, count: usize) -> io::Result<usize> {
        if self.until_reset == 0 && count > 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let count = count.min(self.until_reset);
        self.until_reset -= count;
        Ok(count)
    }

    fn other(&mut self) -> Option<io::Result<()>> {
        Some(self.call(&Call::Other)?.map(drop))
    }

    fn setting(&mut self) -> io::Result<()> {
        self.call(&Call::Setting).map_or(Ok(()), |called| called.map(drop))
    }
}

impl Script {
    fn poll_read(&self, context: &Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let read = state.read(space);
        let hurries = state.hurries;
        or_wait(read, &mut state.reading, hurries, context)
    }

    fn poll_write(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let written = state.write(bytes);
        let hurries = state.hurries;
        or_wait(written, &mut state.writing, hurries, context)
    }

    fn poll_flush(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        let flushed = state.other();
        let hurries = state.hurries;
        or_wait(flushed, &mut state.writing, hurries, context)
    }

    fn poll_shut_down(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        let shut_down = state.other();
        state.is_shut_down |= matches!(shut_down, Some(Ok(())));
        let hurries = state.hurries;
        or_wait(shut_down, &mut state.writing, hurries, context)
    }
}

fn or_wait<T>(
    result: Option<io::Result<T>>,
    waiting: &mut Option<Waker>,
    hurries: bool,
    context: &Context<'_>,
) -> Poll<io::Result<T>> {
    if hurries && result.is_none() {
        context.waker().wake_by_ref();
    }
    // A stream that was ready has nobody to wake.
    *waiting = result.is_none().then(|| context.waker().clone());
    result.map_or(Poll::Pending, Poll::Ready)
}

impl tokio::io::AsyncRead for Script {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Script::poll_read(&self, context, space.initialize_unfilled()).map_ok(|count| space.advance(count))
    }
}

impl tokio::io::AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Script::poll_write(&self, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Script::poll_flush(&self, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_shut_down(context)
    }
}

impl futures_io::AsyncRead for Script {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        Script::poll_read(&self, context, space)
    }
}

impl futures_io::AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Script::poll_write(&self, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Script::poll_flush(&self, context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_shut_down(context)
    }
}

fn wait<T>(result: Option<io::Result<T>>) -> io::Result<T> {
    result.unwrap_or(Err(io::ErrorKind::WouldBlock.into()))
}

impl Read for Script {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        wait(self.state().read(space))
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wait(self.state().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        wait(self.state().other())
    }
}

impl Transport for Script {
    fn set_wait(&mut self, _: Option<Duration>) -> io::Result<()> {
        self.state().setting()
    }

    fn shut_down(&mut self) -> io::Result<()> {
        wait(self.state().other())?;
        self.state().is_shut_down = true;
        Ok(())
    }
}

impl Duplex for Script {
    fn duplicate(&self) -> io::Result<Self> {
        self.state().setting()?;
        Ok(self.clone())
    }

    fn end(&self) -> io::Result<()> {
        let mut state = self.state();
        (state.ended, state.room) = (true, 0);
        Ok(())
    }
}

/// Polls once, for nobody.
pub(crate) fn poll_once<F: Future + ?Sized>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// An asynchronous adapter, over the script.
pub(crate) trait Polled: Runtime<Script> + 'static {
    async fn accept_with(server: &Server, script: Script) -> Result<WebSocket<Script, Self>, IoError>;
    async fn connect_over(client: &Client, script: Script) -> Result<WebSocket<Script, Self>, IoError>;
}

impl Polled for sockeye::tokio::Clock {
    async fn accept_with(server: &Server, script: Script) -> Result<WebSocket<Script, Self>, IoError> {
        sockeye::tokio::accept_with(server, script).await
    }

    async fn connect_over(client: &Client, script: Script) -> Result<WebSocket<Script, Self>, IoError> {
        sockeye::tokio::connect_over(client, "ws://localhost/", script).await
    }
}

impl Polled for sockeye::futures::Clock {
    async fn accept_with(server: &Server, script: Script) -> Result<WebSocket<Script, Self>, IoError> {
        sockeye::futures::accept_with(server, script).await
    }

    async fn connect_over(client: &Client, script: Script) -> Result<WebSocket<Script, Self>, IoError> {
        sockeye::futures::connect_over(client, "ws://localhost/", script).await
    }
}

/// States what every asynchronous adapter promises: functions of the adapter, tested in each.
macro_rules! polled {
    ($($(#[$doc:meta])* fn $name:ident<$adapter:ident>() $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;

            fn keep<$adapter: $crate::scripted::Polled>() $body

            #[test]
            fn tokio() {
                keep::<sockeye::tokio::Clock>();
            }

            #[test]
            fn futures() {
                keep::<sockeye::futures::Clock>();
            }
        }
    )* };
}

/// A server's connection over the script, which is then as new but for the handshake.
pub(crate) fn accept_now<A: Polled>(script: &Script) -> WebSocket<Script, A> {
    accept_as(script, &patient())
}

pub(crate) fn accept_as<A: Polled>(script: &Script, server: &Server) -> WebSocket<Script, A> {
    script.tell(request("").as_bytes());
    let accepted = poll_once(&mut std::pin::pin!(A::accept_with(server, script.clone())));
    let Poll::Ready(Ok(accepted)) = accepted else { panic!("{accepted:?}") };
    script.state().written.clear();
    script.state().calls = 0;
    accepted
}

/// A server without deadlines, so that it needs no runtime.
pub(crate) fn patient() -> Server {
    static PATIENT: LazyLock<Server> = LazyLock::new(|| server().timeouts(Timeouts::NEVER));
    PATIENT.clone()
}

/// A client without deadlines.
pub(crate) fn patient_client() -> Client {
    static PATIENT: LazyLock<Client> = LazyLock::new(|| Client::new().timeouts(Timeouts::NEVER));
    PATIENT.clone()
}

/// A client's connection over the script.
pub(crate) fn connect_now<A: Polled>(script: &Script) -> WebSocket<Script, A> {
    script.state().reply = Some(Vec::new());
    let connected = poll_once(&mut std::pin::pin!(A::connect_over(&patient_client(), script.clone())));
    let Poll::Ready(Ok(connected)) = connected else { panic!("{connected:?}") };
    let mut state = script.state();
    state.written.clear();
    (state.calls, state.ended) = (0, false);
    drop(state);
    connected
}

/// A connection in this role over the script.
pub(crate) fn open_now<A: Polled>(role: Role, script: &Script) -> WebSocket<Script, A> {
    match role {
        Role::Server => accept_now(script),
        Role::Client => connect_now(script),
    }
}
