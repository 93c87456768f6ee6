//! Every adapter behind one interface of calls that block, so that the contract is stated once.

use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use sockeye::bytes::Bytes;
use sockeye::handshake::{OriginPolicy, Request, Response};
use sockeye::{Broadcast, Client, CloseFrame, Ending, IoError, Message, Part, Role, Server, Upgrade, blocking};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::runtime::Runtime;

use crate::peer::{Blocking, Peer};
use crate::pipe::{Pipe, pipe};
use crate::ported::Ported;
use crate::tls;

/// One place where the contract has to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) adapter: Adapter,
    pub(crate) role: Role,
    pub(crate) link: Link,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Tokio,
    Futures,
    Blocking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Tcp,
    Memory,
    Tls,
}

/// A connection.
pub(crate) trait End: Send {
    fn receive(&mut self) -> Result<Option<Message>, IoError>;
    fn receive_part(&mut self) -> Result<Option<Part>, IoError>;
    fn send(&mut self, message: Message) -> Result<(), IoError>;
    fn send_part(&mut self, part: Part) -> Result<(), IoError>;
    fn feed(&mut self, message: Message) -> Result<(), IoError>;
    fn flush(&mut self) -> Result<(), IoError>;
    fn try_send(&mut self, message: &Message) -> Result<(), IoError>;
    fn try_broadcast(&mut self, message: &Broadcast) -> Result<(), IoError>;
    fn close(&mut self, frame: Option<CloseFrame<'static>>) -> Result<Ending, IoError>;
    fn ending(&self) -> Option<Ending>;
    fn subprotocol(&self) -> Option<String>;
    fn split(self: Box<Self>) -> (Box<dyn Sending>, Box<dyn Receiving>);
}

pub(crate) trait Sending: Send {
    fn send(&self, message: Message) -> Result<(), IoError>;
    fn send_part(&self, part: Part) -> Result<(), IoError>;
    fn feed(&self, message: Message) -> Result<(), IoError>;
    fn flush(&self) -> Result<(), IoError>;
    fn try_send(&self, message: &Message) -> Result<(), IoError>;
    fn close(&self, frame: Option<CloseFrame<'static>>) -> Result<(), IoError>;
    fn another(&self) -> Box<dyn Sending>;
}

pub(crate) trait Receiving: Send {
    fn receive(&mut self) -> Result<Option<Message>, IoError>;
    fn receive_part(&mut self) -> Result<Option<Part>, IoError>;
    fn ending(&self) -> Option<Ending>;
}

/// A request that was read.
pub(crate) trait Asking {
    fn request(&self) -> &Request;
    fn accept(self: Box<Self>) -> Result<Box<dyn End>, IoError>;
    fn respond(self: Box<Self>, response: &Response) -> Result<(), IoError>;
    /// What came after the request's head.
    fn into_rest(self: Box<Self>) -> Bytes;
}

/// The adapter's end of a link.
pub(crate) enum Wire {
    Tcp(TcpStream),
    Duplex(DuplexStream),
    Pipe(Pipe),
    /// A server's end of TLS, for each adapter.
    Secure(Box<tokio_rustls::server::TlsStream<tokio::net::TcpStream>>),
    SecureFutures(Box<futures_rustls::server::TlsStream<smol::net::TcpStream>>),
    SecureBlocking(blocking::Stream),
    /// Where a peer waits for a client, by TLS.
    Url(String),
}

/// The runtime of all tests on tokio. Those of the futures adapter run outside of it, on smol.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// Runs a case to its end, which must come.
pub(crate) fn run(case: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let thread = thread::spawn(move || {
        case();
        let _ = done.send(());
    });
    match ended.recv_timeout(Duration::from_secs(30)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// Both ends of a TCP connection.
pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let other = listener.accept().unwrap().0;
    one.set_nodelay(true).unwrap();
    (other, one)
}

/// What a server is told where a case asks for nothing else.
pub(crate) fn server() -> Server {
    Server::new(OriginPolicy::SameOrigin)
}

impl Adapter {
    /// A server's end of TLS over this socket.
    pub(crate) fn secure(self, socket: TcpStream) -> Wire {
        match self {
            Self::Tokio => {
                let accepting = tokio_rustls::TlsAcceptor::from(tls::shared()).accept(on_tokio(socket));
                Wire::Secure(Box::new(runtime().block_on(accepting).unwrap()))
            }
            Self::Futures => {
                let accepting = futures_rustls::TlsAcceptor::from(tls::shared()).accept(on_smol(socket));
                Wire::SecureFutures(Box::new(smol::block_on(accepting).unwrap()))
            }
            Self::Blocking => Wire::SecureBlocking(blocking::secure(&server(), tls::identity(), socket).unwrap()),
        }
    }
}

impl Place {
    /// The adapter's end and the peer.
    pub(crate) fn link(self) -> (Wire, Peer) {
        match (self.link, self.adapter) {
            (Link::Tcp, _) => {
                let (wire, peer) = tcp();
                (Wire::Tcp(wire), Peer::new(self.role, peer.try_clone().unwrap(), peer))
            }
            (Link::Memory, Adapter::Tokio | Adapter::Futures) => {
                let (wire, peer) = tokio::io::duplex(64 << 10);
                let (read, write) = tokio::io::split(peer);
                (Wire::Duplex(wire), Peer::new(self.role, Blocking(read), Blocking(write)))
            }
            (Link::Memory, Adapter::Blocking) => {
                let (wire, peer) = pipe();
                (Wire::Pipe(wire), Peer::new(self.role, peer.clone(), peer))
            }
            (Link::Tls, adapter) => match self.role {
                Role::Client => {
                    let (url, peer) = tls::server();
                    (Wire::Url(url), peer)
                }
                Role::Server => {
                    let (wire, peer) = tcp();
                    let peer = tls::client(peer);
                    let wire = adapter.secure(wire);
                    (wire, peer)
                }
            },
        }
    }

    /// An open connection and its peer.
    pub(crate) fn open(self) -> (Box<dyn End>, Peer) {
        self.open_with(&Client::new(), &server(), b"")
    }

    /// An open connection and its peer, which says `more` in the same breath as its part of the handshake.
    pub(crate) fn open_with(self, client: &Client, server: &Server, more: &'static [u8]) -> (Box<dyn End>, Peer) {
        let (wire, mut peer) = self.link();
        let peer = thread::spawn(move || {
            peer.shake(self.role, more);
            peer
        });
        let end = match self.role {
            Role::Server => self.incoming(server, wire).and_then(Asking::accept),
            Role::Client => self.connect_over(client, wire),
        };
        (end.unwrap(), peer.join().unwrap())
    }

    pub(crate) fn connect(self, url: &str) -> Result<Box<dyn End>, IoError> {
        self.connect_with(&Client::new(), url)
    }

    pub(crate) fn connect_with(self, client: &Client, url: &str) -> Result<Box<dyn End>, IoError> {
        match self.adapter {
            Adapter::Tokio => Ok(Box::new(runtime().block_on(sockeye::tokio::connect_with(client, url))?)),
            Adapter::Futures => Ok(Box::new(smol::block_on(sockeye::futures::connect_with(client, url))?)),
            Adapter::Blocking => Ok(Box::new(blocking::connect_with(client, url)?)),
        }
    }

    pub(crate) fn connect_over(self, client: &Client, wire: Wire) -> Result<Box<dyn End>, IoError> {
        use sockeye::{futures, tokio};
        match (self.adapter, wire) {
            (Adapter::Tokio, Wire::Tcp(stream)) => {
                Ok(Box::new(runtime().block_on(tokio::connect_over(client, URL, on_tokio(stream)))?))
            }
            (Adapter::Tokio, Wire::Duplex(stream)) => {
                Ok(Box::new(runtime().block_on(tokio::connect_over(client, URL, stream))?))
            }
            (Adapter::Futures, Wire::Tcp(stream)) => {
                Ok(Box::new(smol::block_on(futures::connect_over(client, URL, on_smol(stream)))?))
            }
            (Adapter::Futures, Wire::Duplex(stream)) => {
                Ok(Box::new(smol::block_on(futures::connect_over(client, URL, Ported(stream)))?))
            }
            (_, Wire::Tcp(stream)) => Ok(Box::new(blocking::connect_over(client, URL, stream)?)),
            (_, Wire::Pipe(stream)) => Ok(Box::new(blocking::connect_over(client, URL, stream)?)),
            (_, Wire::Url(url)) => self.connect_with(&client.clone().roots(tls::authority().roots()), &url),
            (_, Wire::Secure(_) | Wire::SecureFutures(_) | Wire::SecureBlocking(_)) => unreachable!("a server's end"),
            (Adapter::Blocking, Wire::Duplex(_)) => unreachable!("the link gives it a pipe"),
        }
    }

    pub(crate) fn incoming<'s>(self, server: &'s Server, wire: Wire) -> Result<Box<dyn Asking + 's>, IoError> {
        use sockeye::{futures, tokio};
        match (self.adapter, wire) {
            (Adapter::Tokio, Wire::Tcp(stream)) => {
                Ok(Box::new(runtime().block_on(tokio::incoming(server, on_tokio(stream)))?))
            }
            (Adapter::Tokio, Wire::Duplex(stream)) => {
                Ok(Box::new(runtime().block_on(tokio::incoming(server, stream))?))
            }
            (Adapter::Futures, Wire::Tcp(stream)) => {
                Ok(Box::new(smol::block_on(futures::incoming(server, on_smol(stream)))?))
            }
            (Adapter::Futures, Wire::Duplex(stream)) => {
                Ok(Box::new(smol::block_on(futures::incoming(server, Ported(stream)))?))
            }
            (_, Wire::Tcp(stream)) => Ok(Box::new(blocking::incoming(server, stream)?)),
            (_, Wire::Pipe(stream)) => Ok(Box::new(blocking::incoming(server, stream)?)),
            (_, Wire::Secure(stream)) => Ok(Box::new(runtime().block_on(tokio::incoming(server, stream))?)),
            (_, Wire::SecureFutures(stream)) => Ok(Box::new(smol::block_on(futures::incoming(server, stream))?)),
            (_, Wire::SecureBlocking(stream)) => Ok(Box::new(blocking::incoming(server, stream)?)),
            (_, Wire::Url(_)) => unreachable!("a client's end"),
            (Adapter::Blocking, Wire::Duplex(_)) => unreachable!("the link gives it a pipe"),
        }
    }

    /// A connection whose handshake nobody has carried over the wire.
    pub(crate) fn upgraded(self, upgrade: Upgrade, wire: Wire, unread: &[u8]) -> Box<dyn End> {
        use sockeye::{futures, tokio};
        match (self.adapter, wire) {
            (Adapter::Tokio, Wire::Tcp(stream)) => {
                Box::new(tokio::WebSocket::upgraded(on_tokio(stream), upgrade, unread))
            }
            (Adapter::Tokio, Wire::Duplex(stream)) => Box::new(tokio::WebSocket::upgraded(stream, upgrade, unread)),
            (Adapter::Futures, Wire::Tcp(stream)) => {
                Box::new(futures::WebSocket::upgraded(on_smol(stream), upgrade, unread))
            }
            (Adapter::Futures, Wire::Duplex(stream)) => {
                Box::new(futures::WebSocket::upgraded(Ported(stream), upgrade, unread))
            }
            (_, Wire::Tcp(stream)) => Box::new(blocking::WebSocket::upgraded(stream, upgrade, unread)),
            (_, Wire::Pipe(stream)) => Box::new(blocking::WebSocket::upgraded(stream, upgrade, unread)),
            (Adapter::Blocking, Wire::Duplex(_)) => unreachable!("the link gives it a pipe"),
            (_, Wire::Secure(stream)) => Box::new(tokio::WebSocket::upgraded(stream, upgrade, unread)),
            (_, Wire::SecureFutures(stream)) => Box::new(futures::WebSocket::upgraded(stream, upgrade, unread)),
            (_, Wire::SecureBlocking(stream)) => Box::new(blocking::WebSocket::upgraded(stream, upgrade, unread)),
            (_, Wire::Url(_)) => unreachable!("a client's end"),
        }
    }
}

pub(crate) fn on_tokio(stream: TcpStream) -> tokio::net::TcpStream {
    stream.set_nonblocking(true).unwrap();
    let _entered = runtime().enter();
    tokio::net::TcpStream::from_std(stream).unwrap()
}

fn on_smol(stream: TcpStream) -> smol::net::TcpStream {
    stream.try_into().unwrap()
}

/// Implements the interface for an adapter: `$call` makes a call of the adapter's one that blocks.
macro_rules! end {
    ($module:ident, [$($bound:tt)*], $call:expr, |$split:ident| $halves:expr) => {
        impl<S: $($bound)*> Asking for sockeye::$module::Incoming<'_, S> {
            fn request(&self) -> &Request {
                self.request()
            }
            fn accept(self: Box<Self>) -> Result<Box<dyn End>, IoError> {
                Ok(Box::new($call((*self).accept())?))
            }
            fn respond(self: Box<Self>, response: &Response) -> Result<(), IoError> {
                $call((*self).respond(response))
            }
            fn into_rest(self: Box<Self>) -> Bytes {
                self.into_parts().1
            }
        }

        impl<S: $($bound)*> End for sockeye::$module::WebSocket<S> {
            fn receive(&mut self) -> Result<Option<Message>, IoError> {
                $call(self.receive())
            }
            fn receive_part(&mut self) -> Result<Option<Part>, IoError> {
                $call(self.receive_part())
            }
            fn send(&mut self, message: Message) -> Result<(), IoError> {
                $call(self.send(message))
            }
            fn send_part(&mut self, part: Part) -> Result<(), IoError> {
                $call(self.send_part(part))
            }
            fn feed(&mut self, message: Message) -> Result<(), IoError> {
                $call(self.feed(message))
            }
            fn flush(&mut self) -> Result<(), IoError> {
                $call(self.flush())
            }
            fn try_send(&mut self, message: &Message) -> Result<(), IoError> {
                self.try_send(message)
            }
            fn try_broadcast(&mut self, message: &Broadcast) -> Result<(), IoError> {
                self.try_broadcast(message)
            }
            fn close(&mut self, frame: Option<CloseFrame<'static>>) -> Result<Ending, IoError> {
                $call(self.close(frame))
            }
            fn ending(&self) -> Option<Ending> {
                self.ending()
            }
            fn subprotocol(&self) -> Option<String> {
                self.subprotocol().map(String::from)
            }
            fn split(self: Box<Self>) -> (Box<dyn Sending>, Box<dyn Receiving>) {
                let $split = *self;
                let (sender, receiver) = $halves;
                (Box::new(sender), Box::new(receiver))
            }
        }

        impl<S: $($bound)*> Sending for sockeye::$module::Sender<S> {
            fn send(&self, message: Message) -> Result<(), IoError> {
                $call(self.send(message))
            }
            fn send_part(&self, part: Part) -> Result<(), IoError> {
                $call(self.send_part(part))
            }
            fn feed(&self, message: Message) -> Result<(), IoError> {
                $call(self.feed(message))
            }
            fn flush(&self) -> Result<(), IoError> {
                $call(self.flush())
            }
            fn try_send(&self, message: &Message) -> Result<(), IoError> {
                self.try_send(message)
            }
            fn close(&self, frame: Option<CloseFrame<'static>>) -> Result<(), IoError> {
                $call(self.close(frame))
            }
            fn another(&self) -> Box<dyn Sending> {
                Box::new(self.clone())
            }
        }

        impl<S: $($bound)*> Receiving for sockeye::$module::Receiver<S> {
            fn receive(&mut self) -> Result<Option<Message>, IoError> {
                $call(self.receive())
            }
            fn receive_part(&mut self) -> Result<Option<Part>, IoError> {
                $call(self.receive_part())
            }
            fn ending(&self) -> Option<Ending> {
                self.ending()
            }
        }
    };
}

end!(tokio, [AsyncRead + AsyncWrite + Unpin + Send + 'static], |call| runtime().block_on(call), |whole| whole.split());
end!(futures, [futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static], smol::block_on, |whole| whole
    .split());
end!(blocking, [blocking::Duplex + Send + 'static], |called| called, |whole| whole.split().unwrap());

/// States a part of the contract: a function of a [`Place`], tested in every place, or for one role in all of its.
macro_rules! contract {
    ($($(#[$doc:meta])* $role:ident fn $name:ident($place:ident) $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;

            fn keep($place: Place) $body

            contract!(@$role keep);
        }
    )* };
    (@both $keep:ident) => {
        contract!(@server $keep);
        contract!(@client $keep);
    };
    (@server $keep:ident) => {
        mod server { contract!(@places $keep Server); }
    };
    (@client $keep:ident) => {
        mod client { contract!(@places $keep Client); }
    };
    (@places $keep:ident $role:ident) => {
        contract!(@place $keep tokio_tcp Tokio $role Tcp);
        contract!(@place $keep tokio_memory Tokio $role Memory);
        contract!(@place $keep tokio_tls Tokio $role Tls);
        contract!(@place $keep futures_tcp Futures $role Tcp);
        contract!(@place $keep futures_memory Futures $role Memory);
        contract!(@place $keep futures_tls Futures $role Tls);
        contract!(@place $keep blocking_tcp Blocking $role Tcp);
        contract!(@place $keep blocking_memory Blocking $role Memory);
        contract!(@place $keep blocking_tls Blocking $role Tls);
    };
    (@place $keep:ident $name:ident $adapter:ident $role:ident $link:ident) => {
        #[test]
        fn $name() {
            use $crate::ends::{Adapter, Link, Place, run};
            let place = Place { adapter: Adapter::$adapter, role: sockeye::Role::$role, link: Link::$link };
            run(move || super::$keep(place));
        }
    };
}

/// Where clients of these tests connect to, over streams that are made already.
const URL: &str = "ws://localhost/here?x=1";
