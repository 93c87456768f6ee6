//! The loop: operations that have completed, accepting, deadlines, the end.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use compio_buf::IntoInner;
use compio_driver::op::Accept;
use embed::alarms::Alarms;
use embed::session::Terms;
use slab::Slab;

use crate::peer::{Common, Peer, Pool};
use crate::ring::{Ring, UnderWay, bell};

/// The server, with all its connections.
pub(crate) struct Server {
    common: Common,
    started: Instant,
    /// None once the server stops.
    listener: Option<Arc<TcpListener>>,
    accepting: Option<UnderWay<Accept<Arc<TcpListener>>>>,
    /// Rings when a connection was accepted.
    bell: Waker,
    /// Until when none are accepted, as the last attempt failed.
    paused_until: Option<Duration>,
    peers: Slab<Peer>,
    alarms: Alarms,
    is_to_stop: Arc<AtomicBool>,
    /// By when the peers have to have answered the close frame.
    stops_by: Option<Duration>,
}

/// Stops a server, from whatever thread.
pub(crate) struct Stopper {
    is_to_stop: Arc<AtomicBool>,
    waker: Waker,
}

impl Stopper {
    pub(crate) fn stop(&self) {
        self.is_to_stop.store(true, Ordering::Release);
        self.waker.wake_by_ref();
    }
}

impl Server {
    /// A server on this listener, and what stops it.
    pub(crate) fn new(listener: TcpListener, terms: Terms) -> io::Result<(Self, Stopper)> {
        let common = Common { ring: Ring::new()?, terms, pool: Pool::default(), now: Duration::ZERO };
        let stopper = Stopper { is_to_stop: Arc::default(), waker: common.ring.waker() };
        let server = Self {
            common,
            started: Instant::now(),
            listener: Some(Arc::new(listener)),
            accepting: None,
            bell: bell(LISTENER),
            paused_until: None,
            peers: Slab::with_capacity(PEERS),
            alarms: Alarms::with_capacity(PEERS),
            is_to_stop: Arc::clone(&stopper.is_to_stop),
            stops_by: None,
        };
        Ok((server, stopper))
    }

    /// Serves until it is stopped and all connections have ended, or have had their time to.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        self.listen()?;
        let mut rung = Vec::new();
        loop {
            self.common.ring.wait(self.patience(), &mut rung)?;
            self.common.now = self.started.elapsed();
            for key in rung.drain(..) {
                if key == LISTENER { self.accept()? } else { self.serve(key) }
            }
            self.ring();
            if self.paused_until.is_some_and(|time| self.common.now >= time) {
                self.paused_until = None;
                self.listen()?;
            }
            if self.stops_by.is_none() && self.is_to_stop.load(Ordering::Acquire) {
                self.stop();
            }
            match self.stops_by {
                Some(_) if self.peers.is_empty() => return Ok(()),
                Some(time) if self.common.now >= time => {
                    eprintln!("some peers did not answer the close frame in time; their connections were dropped");
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// How long to wait for operations.
    fn patience(&self) -> Option<Duration> {
        let next = [self.alarms.next(), self.stops_by, self.paused_until].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.common.now))
    }

    /// Has the next connection accepted.
    fn listen(&mut self) -> io::Result<()> {
        if let Some(listener) = &self.listener {
            self.accepting = Some(self.common.ring.submit(Accept::new(Arc::clone(listener)), &self.bell)?);
        }
        Ok(())
    }

    /// A connection was accepted, or could not be.
    fn accept(&mut self) -> io::Result<()> {
        let Some((accepted, operation)) = self.common.ring.completed(&mut self.accepting) else { return Ok(()) };
        if self.listener.is_none() {
            return Ok(());
        }
        let accepted = accepted.and_then(|_| {
            let (socket, address) = operation.into_inner();
            socket.set_tcp_nodelay(true)?;
            Ok((socket.into(), address.as_socket().ok_or(io::ErrorKind::Unsupported)?))
        });
        match accepted {
            Ok((stream, address)) => {
                let place = self.peers.vacant_entry();
                let key = place.key();
                place.insert(Peer::new(stream, address, key, self.common.now));
                self.serve(key);
                self.listen()
            }
            Err(error) => {
                eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                self.paused_until = Some(self.common.now + ACCEPT_PAUSE);
                Ok(())
            }
        }
    }

    /// Gives a connection its turn.
    fn serve(&mut self, key: usize) {
        // One that has gone may ring once more.
        let Some(peer) = self.peers.get_mut(key) else { return };
        if !peer.turn(&mut self.common) {
            drop(self.peers.remove(key));
        } else if let Some(deadline) = peer.deadline(&self.common) {
            self.alarms.set(&mut peer.alarm, key, deadline);
        }
    }

    /// Has the connections whose alarms ring look at what is due.
    fn ring(&mut self) {
        while let Some((ring, key)) = self.alarms.ring(self.common.now) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if peer.alarm.rings(ring) {
                peer.rung = true;
                self.serve(key);
            }
        }
    }

    /// Begins to stop: no more connections, and a close frame for each that is open.
    fn stop(&mut self) {
        self.stops_by = Some(self.common.now + PATIENCE);
        self.listener = None;
        self.paused_until = None;
        if let Some(accept) = &self.accepting {
            self.common.ring.call_back(accept);
        }
        self.peers.retain(|_, peer| peer.stop());
        let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
        keys.into_iter().for_each(|key| self.serve(key));
    }
}

/// The number of the listener's bell; those of the connections are their keys.
const LISTENER: usize = usize::MAX;

/// Connections for which there is room at first. It takes no memory before it is used, and none is wasted on growing.
const PEERS: usize = 1 << 15;

/// After a connection could not be accepted: until another may have ended.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long peers have to answer the close frame when the server stops.
const PATIENCE: Duration = Duration::from_secs(6);
