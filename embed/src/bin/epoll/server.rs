//! The loop: events of the poll, accepting, deadlines, turns of the connections, the end.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

use embed::alarms::Alarms;
use embed::session::Terms;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use crate::peer::{Common, Next, Peer};
use crate::pool::Pool;

/// The server, with all its connections.
pub(crate) struct Server {
    poll: Poll,
    started: Instant,
    /// None once the server stops.
    listener: Option<TcpListener>,
    /// Whether there may be connections to accept.
    acceptable: bool,
    /// Until when none are accepted, as the last attempt failed.
    paused_until: Duration,
    peers: Slab<Peer>,
    /// The connections that have something to do, each once.
    queue: Vec<usize>,
    alarms: Alarms,
    common: Common,
    /// By when the peers have to have answered the close frame.
    stops_by: Option<Duration>,
}

impl Server {
    /// A server on this listener, and what stops it.
    pub(crate) fn new(mut listener: TcpListener, terms: Terms) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(&registry, STOP)?;
        let common = Common { registry, pool: Pool::default(), terms, now: Duration::ZERO };
        let server = Self {
            poll,
            started: Instant::now(),
            listener: Some(listener),
            acceptable: false,
            paused_until: Duration::ZERO,
            peers: Slab::with_capacity(PEERS),
            queue: Vec::new(),
            alarms: Alarms::with_capacity(PEERS),
            common,
            stops_by: None,
        };
        Ok((server, waker))
    }

    /// Serves until it is stopped and all connections have ended, or have had their time to.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, self.wait()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                polled => polled?,
            }
            self.common.now = self.started.elapsed();
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptable = true,
                    STOP => self.stop(),
                    Token(key) => {
                        if let Some(peer) = self.peers.get_mut(key) {
                            peer.mark(event);
                            enqueue(&mut self.queue, key, peer);
                        }
                    }
                }
            }
            self.accept();
            self.ring();
            self.serve();
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

    /// How long to wait for events.
    fn wait(&self) -> Option<Duration> {
        if !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        let accept = self.acceptable.then_some(self.paused_until);
        let next = [self.alarms.next(), self.stops_by, accept].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.common.now))
    }

    /// Accepts connections, but not for long.
    fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        if !self.acceptable || self.common.now < self.paused_until {
            return;
        }
        for _ in 0..ACCEPTED {
            match listener.accept() {
                Ok((mut stream, address)) => {
                    let place = self.peers.vacant_entry();
                    let key = place.key();
                    let watched = stream
                        .set_nodelay(true)
                        .and_then(|()| self.common.registry.register(&mut stream, Token(key), Interest::READABLE));
                    if let Err(error) = watched {
                        eprintln!("connection from {address}: {error}");
                        continue;
                    }
                    let peer = place.insert(Peer::new(stream, address, self.common.now));
                    set_alarm(&mut self.alarms, key, peer, &self.common.terms);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.acceptable = false;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                    self.paused_until = self.common.now + ACCEPT_PAUSE;
                    return;
                }
            }
        }
    }

    /// Has the connections whose alarms ring look at what is due.
    fn ring(&mut self) {
        while let Some((ring, key)) = self.alarms.ring(self.common.now) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if peer.alarm.rings(ring) {
                peer.rung = true;
                enqueue(&mut self.queue, key, peer);
            }
        }
    }

    /// Gives each connection that has something to do its turn.
    fn serve(&mut self) {
        let mut queue = mem::take(&mut self.queue);
        for key in queue.drain(..) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            peer.queued = false;
            let next = peer.turn(key, &mut self.common);
            match next {
                Next::Drop => drop(self.peers.remove(key)),
                Next::Wait => set_alarm(&mut self.alarms, key, peer, &self.common.terms),
                Next::Again => {
                    enqueue(&mut self.queue, key, peer);
                    set_alarm(&mut self.alarms, key, peer, &self.common.terms);
                }
            }
        }
        if self.queue.is_empty() {
            self.queue = queue;
        }
    }

    /// Begins to stop: no more connections, and a close frame for each that is open.
    fn stop(&mut self) {
        if self.stops_by.is_some() {
            return;
        }
        self.stops_by = Some(self.common.now + PATIENCE);
        self.listener = None;
        self.acceptable = false;
        self.peers.retain(|key, peer| {
            let stays = peer.stop(&mut self.common);
            if stays {
                enqueue(&mut self.queue, key, peer);
            }
            stays
        });
    }
}

fn enqueue(queue: &mut Vec<usize>, key: usize, peer: &mut Peer) {
    if !peer.queued {
        peer.queued = true;
        queue.push(key);
    }
}

fn set_alarm(alarms: &mut Alarms, key: usize, peer: &mut Peer, terms: &Terms) {
    if let Some(deadline) = peer.deadline(terms) {
        alarms.set(&mut peer.alarm, key, deadline);
    }
}

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);

/// Connections for which there is room at first. It takes no memory before it is used, and none is wasted on growing.
const PEERS: usize = 1 << 15;

/// Events of one poll.
const EVENTS: usize = 1024;

/// Connections that are accepted before those that are open have their turn.
const ACCEPTED: usize = 64;

/// After a connection could not be accepted: until another may have ended.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long peers have to answer the close frame when the server stops.
const PATIENCE: Duration = Duration::from_secs(6);
