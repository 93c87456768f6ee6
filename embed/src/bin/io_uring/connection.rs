//! A connection over completions: the kernel owns a buffer from the moment that a read or a write is submitted until it
//! has completed.
//!
//! So the inbox gives its space away for each read and gets it back with what has arrived, and the outbox gives whole
//! pieces away. Both operations are under way at the same time, and neither is dropped while the connection lives,
//! whatever deadline passes: a read that is dropped may have taken bytes, which nobody would see. A read that is to
//! end early is called back, and then waited for.

use std::cell::RefCell;
use std::mem;
use std::pin::pin;
use std::time::{Duration, Instant};

use compio::BufResult;
use compio::driver::ErrorExt;
use compio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use compio::net::TcpStream;
use compio::runtime::{CancelToken, FutureExt as _};
use compio::time::{sleep_until, timeout};
use futures_util::future::{Either, Fuse, FusedFuture};
use futures_util::{FutureExt as _, select_biased};
use sockeye::bytes::{Buf, Bytes, BytesMut};
use sockeye::deflate::Options;
use sockeye::handshake::{Acceptance, HandshakeError, OriginPolicy, Request, RequestReader, Response};
use sockeye::{
    CloseCode, CloseFrame, Config, Connection, Due, Duty, Event, Inbox, IoError, Keepalive, Outbox, Timeouts,
};

/// What is the same for all connections.
pub(crate) struct Terms {
    pub(crate) config: Config,
    pub(crate) deflate: Options,
    pub(crate) timeouts: Timeouts,
    pub(crate) pool: Pool,
}

/// Serves a connection until it has ended, or until `stop` has closed it.
pub(crate) async fn serve(stream: TcpStream, terms: &Terms, stop: CancelToken) -> Result<(), IoError> {
    stream.set_nodelay(true)?;
    let (connection, inbox) = select_biased! {
        accepted = Box::pin(handshake(&stream, terms)).fuse() => accepted?,
        () = stop.clone().wait().fuse() => return Ok(()),
    };
    let link = &mut Link::new(connection, inbox, terms);
    let mut writing = pin!(Fuse::terminated());
    let mut reading = pin!(Fuse::terminated());
    let mut alarm = pin!(Fuse::terminated());
    let mut stopped = pin!(stop.wait().fuse());
    let mut is_shut = false;
    loop {
        let mut starved = link.echo();
        if writing.is_terminated() && link.outbox.has_remaining() {
            writing.set(write(&stream, link.pieces()).fuse());
            // What the kernel writes has left its place to the next answers.
            starved = link.echo();
        }
        if writing.is_terminated() && !is_shut && link.connection.duty() != Duty::Carry {
            if let Err(error) = (&stream).shutdown().await {
                return link.end(error);
            }
            is_shut = true;
        }
        if is_shut && link.connection.duty() == Duty::Drop {
            return link.failure.take().map_or(Ok(()), Err);
        }
        if reading.is_terminated() && starved {
            let read = read(&stream, link.space());
            reading.set(
                match link.patience() {
                    Some(patience) => Either::Left(read.with_cancel(patience)),
                    None => Either::Right(read),
                }
                .fuse(),
            );
        }
        if let Some(deadline) = link.earlier_deadline(alarm.is_terminated()) {
            alarm.set(sleep_until(deadline).fuse());
        }
        select_biased! {
            BufResult(count, pieces) = writing => match count {
                Ok(count) => if let Some(rest) = link.written(count, pieces) {
                    writing.set(write(&stream, rest).fuse());
                },
                Err(error) => return link.end(error),
            },
            BufResult(count, space) = reading => match count {
                Ok(count) => link.arrived(count, space),
                Err(error) if error.is_cancelled() => link.inbox.put_space(space, 0),
                Err(error) => return link.end(error),
            },
            () = alarm => if let Err(due) = link.tick() {
                return link.end(IoError::TimedOut(due));
            },
            () = stopped => link.close(),
        }
    }
}

/// What a connection has between its reads and writes.
struct Link<'t> {
    connection: Connection,
    inbox: Inbox,
    outbox: Outbox,
    keepalive: Keepalive,
    terms: &'t Terms,
    /// When the keepalive's clock began.
    origin: Instant,
    /// What the alarm is set for.
    alarm: Option<Duration>,
    /// Bytes to offer to the next read, by what the last ones took.
    room: usize,
    /// Whether the transport has taken a part of a write: what it takes next, the peer has made room for.
    stalled: bool,
    /// Calls a read back that has been given much memory.
    patience: Option<CancelToken>,
    /// The protocol's failure; the peer hears of it first.
    failure: Option<IoError>,
}

impl<'t> Link<'t> {
    fn new(connection: Connection, inbox: Inbox, terms: &'t Terms) -> Self {
        let mut keepalive = Keepalive::new(Duration::ZERO);
        keepalive.opened(Duration::ZERO);
        Self {
            connection,
            inbox,
            outbox: Outbox::new(),
            keepalive,
            terms,
            origin: Instant::now(),
            alarm: None,
            room: LEAST_ROOM,
            stalled: false,
            patience: None,
            failure: None,
        }
    }

    /// Answers the messages that have arrived, as long as the peer takes the answers. Whether it takes more bytes to go on:
    /// only then is there to be a read, or a peer that sends faster than it reads would fill the inbox.
    fn echo(&mut self) -> bool {
        while self.has_room() {
            let Self { connection, inbox, outbox, .. } = self;
            let echoed = match connection.receive(inbox, outbox) {
                Ok(None) => return connection.duty() != Duty::Drop,
                Ok(Some(event)) if connection.is_open() && is_large(&event) => {
                    let sent = connection.send(&event.into_message(), outbox);
                    // What is left of its memory is none for the next read: all of it comes back once it is written.
                    if inbox.is_empty() {
                        inbox.release();
                    }
                    sent
                }
                Ok(Some(Event::Text(text))) if connection.is_open() => connection.send_text(&text, outbox),
                Ok(Some(Event::Binary(data))) if connection.is_open() => connection.send_binary(&data, outbox),
                Ok(Some(_)) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = echoed {
                self.failure.get_or_insert(error.into());
                return self.connection.duty() != Duty::Drop;
            }
        }
        false
    }

    /// Whether to receive: not while the peer leaves too much lying that was sent to it. What comes after a close frame is
    /// not answered, and is taken so that the peer gets round to reading.
    fn has_room(&self) -> bool {
        self.outbox.len() < HIGH_WATER || !self.connection.is_open()
    }

    /// Memory for a read: little while the connection is quiet, more where there is more to read, and the rest of a
    /// message in its place.
    fn space(&mut self) -> BytesMut {
        let held = self.inbox.len();
        if held > 0 {
            if held >= LARGE && self.inbox.capacity() < 2 * held {
                self.terms.pool.lend(&mut self.inbox);
            }
            return self.inbox.take_space(held.clamp(self.room, MOST_ROOM));
        }
        if self.inbox.capacity() > self.room {
            self.inbox.release();
        }
        self.inbox.take_space(self.room)
    }

    /// A read has completed; one of no bytes is the end of the peer's half.
    fn arrived(&mut self, count: usize, space: BytesMut) {
        let now = self.origin.elapsed();
        if count == space.capacity() {
            self.room = (4 * self.room).min(MOST_ROOM);
        }
        self.inbox.put_space(space, count);
        if count == 0 {
            self.connection.receive_eof();
            // What waits for the peer waits no longer than this.
            self.keepalive.closing(now);
            return;
        }
        self.keepalive.heard(now);
        if self.room > LEAST_ROOM || self.connection.is_compressed() {
            self.keepalive.stirred(now);
        }
    }

    /// What to write next: the header of a large message leaves with it.
    fn pieces(&mut self) -> Pieces {
        let mut piece = || self.outbox.copy_to_bytes(self.outbox.chunk().len());
        [piece(), piece()]
    }

    /// A write has completed; what it left is to be written next.
    fn written(&mut self, mut count: usize, mut pieces: Pieces) -> Option<Pieces> {
        if self.stalled {
            self.keepalive.heard(self.origin.elapsed());
        }
        for piece in &mut pieces {
            let written = count.min(piece.len());
            count -= written;
            if written < piece.len() {
                piece.advance(written);
            } else {
                self.terms.pool.take_back(mem::take(piece));
            }
        }
        self.stalled = pieces.iter().any(Buf::has_remaining);
        self.stalled.then_some(pieces)
    }

    fn close(&mut self) {
        // Where the peer was first, or the connection has failed, it is closing already.
        let _ =
            self.connection.close(Some(&CloseFrame::new(CloseCode::GOING_AWAY, "the server stops")), &mut self.outbox);
    }

    /// What a read of much memory is to be called back by once the connection is idle. A quiet connection's little stays
    /// with the kernel for good.
    fn patience(&mut self) -> Option<CancelToken> {
        self.patience = (self.room > LEAST_ROOM).then(CancelToken::new);
        self.patience.clone()
    }

    /// When to set the alarm for, where that is not what it is set for. One that comes early is set anew: with each
    /// message a deadline moves, and mostly further away.
    fn earlier_deadline(&mut self, rung: bool) -> Option<Instant> {
        if self.connection.is_closing() {
            self.keepalive.closing(self.origin.elapsed());
        }
        let deadline = self.keepalive.deadline(&self.terms.timeouts)?;
        if !rung && self.alarm.is_some_and(|alarm| alarm <= deadline) {
            return None;
        }
        self.alarm = Some(deadline);
        Some(self.origin + deadline)
    }

    /// # Errors
    /// What the peer was waited for in vain.
    fn tick(&mut self) -> Result<(), Due> {
        match self.keepalive.due(&self.terms.timeouts, self.origin.elapsed()) {
            None => {}
            Some(Due::Ping) => {
                // Behind a close frame there is none, and the deadline is another.
                let _ = self.connection.ping(&[], &mut self.outbox);
            }
            Some(Due::Idle) => {
                self.connection.release_idle();
                self.outbox.release();
                self.room = LEAST_ROOM;
                if let Some(patience) = self.patience.take() {
                    patience.cancel();
                }
            }
            Some(due) => return Err(due),
        }
        Ok(())
    }

    /// How it went, where the transport is of no more use. Its own failure counts while the connection was not over.
    fn end(&mut self, error: impl Into<IoError>) -> Result<(), IoError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None if self.connection.ending().is_some() => Ok(()),
            None => Err(error.into()),
        }
    }
}

async fn read(mut stream: &TcpStream, space: BytesMut) -> BufResult<usize, BytesMut> {
    stream.read(space).await
}

async fn write(mut stream: &TcpStream, [first, second]: Pieces) -> BufResult<usize, Pieces> {
    if !first.is_empty() && !second.is_empty() {
        return stream.write_vectored([first, second]).await;
    }
    let BufResult(count, only) = stream.write(if second.is_empty() { first } else { second }).await;
    BufResult(count, [only, Bytes::new()])
}

/// Pieces of the outbox that leave in one write.
type Pieces = [Bytes; 2];

/// The memory of large messages that have left, for the next ones.
#[derive(Default)]
pub(crate) struct Pool(RefCell<Vec<BytesMut>>);

impl Pool {
    /// Has a message that is under way go on in memory that need not grow.
    pub(crate) fn lend(&self, inbox: &mut Inbox) {
        if let Some(memory) = self.0.borrow_mut().pop() {
            inbox.exchange(memory);
        }
    }

    /// Takes the memory of what was written, where nothing else is in it any more.
    pub(crate) fn take_back(&self, written: Bytes) {
        let Ok(mut memory) = written.try_into_mut() else { return };
        memory.clear();
        let _ = memory.try_reclaim(memory.capacity() + 1);
        let mut pool = self.0.borrow_mut();
        if pool.len() < POOL_LIMIT && (4 * LARGE..=LARGEST).contains(&memory.capacity()) {
            pool.push(memory);
        }
    }
}

/// Whether a message is sent back in the memory in which it has come.
fn is_large(event: &Event<'_>) -> bool {
    match event {
        Event::Text(text) => text.len() >= SHARED,
        Event::Binary(data) => data.len() >= SHARED,
        _ => false,
    }
}

/// Reads the request and answers it. What came behind it is in the inbox.
async fn handshake(mut stream: &TcpStream, terms: &Terms) -> Result<(Connection, Inbox), IoError> {
    let mut inbox = Inbox::new();
    let answered = within(terms.timeouts.handshake, async {
        let (response, answer) = match request(stream, &mut inbox).await?.and_then(|request| accept(&request, terms)) {
            Ok((response, connection)) => (response, Ok(connection)),
            Err(error) => (error.response(), Err(error)),
        };
        stream.write_all(response.write()).await.0?;
        Ok(answer)
    });
    let answer = answered.await?;
    if answer.is_err() {
        // A socket that is closed with unread bytes is reset, and the peer might lose the response.
        let _ = within(terms.timeouts.close_wait, linger(stream)).await;
    }
    Ok((answer?, inbox))
}

async fn request(stream: &TcpStream, inbox: &mut Inbox) -> Result<Result<Request, HandshakeError>, IoError> {
    let mut reader = RequestReader::default();
    loop {
        let BufResult(count, space) = read(stream, inbox.take_space(LEAST_ROOM)).await;
        let count = count?;
        inbox.put_space(space, count);
        if count == 0 {
            return Err(IoError::HandshakeCut);
        }
        match reader.read(inbox.unread()) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                inbox.consume(length);
                return Ok(Ok(request));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn accept(request: &Request, terms: &Terms) -> Result<(Response, Connection), HandshakeError> {
    // An echo serves every page: it has nothing that a page of another site could steal.
    OriginPolicy::Any.check(request)?;
    let (connection, acceptance) = (Connection::server(&terms.config), Acceptance::new());
    let (connection, acceptance) = match terms.deflate.answer(&request.extensions()?) {
        Some((extension, parameters)) => {
            (connection.with_deflate(parameters, &terms.deflate), acceptance.with_extension(extension)?)
        }
        None => (connection, acceptance),
    };
    let (response, _) = request.accept(&acceptance)?;
    Ok((response, connection))
}

/// Ends this half, and reads until the peer has ended its own.
async fn linger(mut stream: &TcpStream) -> Result<(), IoError> {
    stream.shutdown().await?;
    let mut space = BytesMut::with_capacity(LEAST_ROOM);
    loop {
        let BufResult(count, same) = read(stream, space).await;
        if count? == 0 {
            return Ok(());
        }
        space = same;
    }
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T, IoError>>) -> Result<T, IoError> {
    match limit {
        Some(limit) => timeout(limit, work).await.unwrap_or(Err(IoError::TimedOut(Due::Handshake))),
        None => work.await,
    }
}

/// While more than this waits to be written, nothing is read.
const HIGH_WATER: usize = 64 << 10;

/// What a quiet connection holds for its next read.
const LEAST_ROOM: usize = 512;

/// The most that one read is offered.
const MOST_ROOM: usize = 64 << 10;

/// Messages of at least this many bytes are not copied into the outbox: it shares their memory.
const SHARED: usize = 64 << 10;

/// From here on memory that grows is worth to be kept.
const LARGE: usize = 64 << 10;

/// The most memory that is kept of one message: that of a message of 1 MiB, which has grown by doubling.
const LARGEST: usize = (2 << 20) + LARGE;

/// Pieces of memory that are kept: some 32 MiB, once so many large messages have come.
const POOL_LIMIT: usize = 16;
