//! The order in which an adapter does things, without doing them.

use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::sync::Arc;

use super::error::IoError;
use super::memory;
use super::upgrade::Upgrade;
use crate::{
    Broadcast, CloseFrame, Connection, Due, Duty, Ending, Error, Event, Inbox, Keepalive, Message, Misuse, Outbox,
    Part, Piece, Side, Timeouts,
};

/// A connection with its buffers and its deadlines.
///
/// An adapter asks [`step`](Self::step) what to do next, does it, and tells what came of it.
pub(crate) struct Driver {
    pub(crate) connection: Connection,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    keepalive: Keepalive,
    /// Those of all connections of a server or a client.
    timeouts: Arc<Timeouts>,
    /// Whether the connection has memory to give back when it is idle.
    releases: bool,
    /// What failed, until it is handed to the caller; the peer hears of it first.
    failure: Option<Box<IoError>>,
    transport: Transport,
    /// Why what was queued can no longer be written; whoever flushes hears of it.
    broken: Option<Broken>,
    /// Whether bytes were read since the deadlines were last looked at.
    unjudged: bool,
    /// Whether the rest of a message has been waited for since before its deadline. Who has given up waiting does not say so.
    watches: bool,
}

/// What keeps queued bytes from the peer.
#[derive(Clone, Copy)]
enum Broken {
    Io(io::ErrorKind),
    TimedOut(Due),
}

/// What is left of the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Whole,
    /// The writing half is shut down or broken.
    ReadOnly,
    Gone,
}

/// What an adapter does next.
pub(crate) enum Step<T> {
    /// Hand this part of a message to the caller, or the whole of it. Whatever else there is to do can wait.
    Deliver(T),
    /// Write what the transport takes now, as the answer does not wait for the caller's next call, and hand this control
    /// frame to the caller.
    Answer(T),
    /// Tell the caller that it asked for what there is not. The connection goes on.
    Refuse(Error),
    /// Write the outbox, as much as the transport takes now, and read; wait for either or for the deadline.
    Exchange,
    /// Write all of the outbox, shut the writing half down, and say so with [`Driver::shut_down`]; or let the
    /// deadline pass.
    ShutDown,
    /// Nothing more will come. A failure is handed to the caller once.
    End(Option<IoError>),
}

/// What the caller has an adapter send.
pub(crate) trait Sent {
    fn send(&self, connection: &mut Connection, outbox: &mut Outbox) -> Result<(), Error>;
}

impl Sent for Message {
    fn send(&self, connection: &mut Connection, outbox: &mut Outbox) -> Result<(), Error> {
        connection.send(self, outbox)
    }
}

impl Sent for Part {
    fn send(&self, connection: &mut Connection, outbox: &mut Outbox) -> Result<(), Error> {
        connection.send_part(self, outbox)
    }
}

impl Sent for Broadcast {
    fn send(&self, connection: &mut Connection, outbox: &mut Outbox) -> Result<(), Error> {
        connection.broadcast(self, outbox)
    }
}

/// What an adapter hands to the caller: whole messages, or messages in parts.
pub(crate) trait Received: Sized {
    /// The same, as the inbox lends it.
    type Lent<'i>;

    fn receive<'i>(
        connection: &mut Connection,
        inbox: &'i mut Inbox,
        outbox: &mut Outbox,
    ) -> Result<Option<Self::Lent<'i>>, Error>;

    fn kind(lent: &Self::Lent<'_>) -> Kind;

    fn keep(lent: Self::Lent<'_>) -> Self;
}

/// What an adapter asks of what was received.
pub(crate) enum Kind {
    Data,
    Control,
    Close,
}

impl Received for Message {
    type Lent<'i> = Event<'i>;

    #[inline]
    fn receive<'i>(
        connection: &mut Connection,
        inbox: &'i mut Inbox,
        outbox: &mut Outbox,
    ) -> Result<Option<Event<'i>>, Error> {
        connection.receive(inbox, outbox)
    }

    #[inline]
    fn kind(lent: &Event<'_>) -> Kind {
        match lent {
            Event::Text(_) | Event::Binary(_) => Kind::Data,
            Event::Ping(_) | Event::Pong(_) => Kind::Control,
            Event::Close(_) => Kind::Close,
        }
    }

    #[inline]
    fn keep(lent: Event<'_>) -> Self {
        lent.into_message()
    }
}

impl Received for Part {
    type Lent<'i> = Piece<'i>;

    fn receive<'i>(
        connection: &mut Connection,
        inbox: &'i mut Inbox,
        outbox: &mut Outbox,
    ) -> Result<Option<Piece<'i>>, Error> {
        connection.receive_piece(inbox, outbox)
    }

    fn kind(lent: &Piece<'_>) -> Kind {
        match lent {
            Piece::Text { .. } | Piece::Binary { .. } => Kind::Data,
            Piece::Ping(_) | Piece::Pong(_) => Kind::Control,
            Piece::Close(_) => Kind::Close,
        }
    }

    fn keep(lent: Piece<'_>) -> Self {
        lent.into_part()
    }
}

impl Driver {
    /// A connection whose opening handshake has ended.
    pub(crate) fn new(upgrade: Upgrade, mut inbox: Inbox, now: Duration) -> Self {
        let Upgrade { connection, timeouts, outbox_limit, .. } = upgrade;
        memory::reclaim(&mut inbox);
        let releases = connection.is_compressed();
        let mut keepalive = Keepalive::new(now);
        keepalive.opened(now);
        let outbox = Outbox::with_limit(outbox_limit);
        let transport = Transport::Whole;
        Self {
            connection,
            inbox,
            outbox,
            keepalive,
            timeouts,
            releases,
            failure: None,
            transport,
            broken: None,
            unjudged: false,
            watches: false,
        }
    }

    /// What to do next.
    #[inline]
    pub(crate) fn step<T: Received>(&mut self, now: impl Fn() -> Duration) -> Step<T> {
        if self.transport == Transport::Gone {
            return Step::End(self.take_failure());
        }
        let failed = match T::receive(&mut self.connection, &mut self.inbox, &mut self.outbox) {
            Ok(Some(lent)) => {
                if !self.connection.is_receiving() {
                    self.keepalive.received();
                }
                if self.transport == Transport::ReadOnly {
                    discard(&mut self.outbox);
                }
                match T::kind(&lent) {
                    Kind::Data => {
                        if self.releases {
                            self.keepalive.stirred(now());
                        }
                        self.watches = false;
                        return Step::Deliver(T::keep(lent));
                    }
                    Kind::Control => {}
                    Kind::Close => self.keepalive.closing(now()),
                }
                return Step::Answer(T::keep(lent));
            }
            Ok(None) => None,
            Err(error @ Error::Misuse(_)) => return Step::Refuse(error),
            Err(error) => Some(error),
        };
        self.step_without(failed, now)
    }

    /// What to do next, where the inbox has nothing to hand out, or what it has is wrong.
    fn step_without<T>(&mut self, failed: Option<Error>, now: impl Fn() -> Duration) -> Step<T> {
        if let Some(error) = failed {
            self.fail(error.into());
        }
        if self.transport == Transport::ReadOnly {
            discard(&mut self.outbox);
        }
        if self.connection.is_closing() {
            self.keepalive.closing(now());
            // A peer that never stops sending does not put off the end.
            if core::mem::take(&mut self.unjudged) {
                self.tick(true, now());
            }
        } else if self.timeouts.message.is_some() && (self.connection.is_receiving() || !self.inbox.is_empty()) {
            self.watch(now());
        }
        if self.transport == Transport::Gone {
            return Step::End(self.take_failure());
        }
        match (self.connection.duty(), self.transport) {
            // The peer waits for the end of this half too, however long the caller keeps the stream.
            (Duty::ShutDown | Duty::Drop, Transport::Whole) => Step::ShutDown,
            (Duty::Drop, _) => {
                self.transport = Transport::Gone;
                Step::End(self.take_failure())
            }
            (Duty::Carry | Duty::ShutDown, _) => Step::Exchange,
        }
    }

    /// The rest of a message is waited for. A peer that never stops sending does not put off its deadline either.
    fn watch(&mut self, now: Duration) {
        self.keepalive.receiving(now);
        let alone = Timeouts { message: self.timeouts.message, ..Timeouts::NEVER };
        if self.keepalive.due(&alone, now).is_some() {
            self.overdue(true);
            self.keepalive.receiving(now);
        }
        self.watches = true;
    }

    /// The deadline of a message has passed. Where nobody waited for its bytes, they may have come meanwhile.
    fn overdue(&mut self, receives: bool) {
        if receives && self.watches {
            self.give_up(Broken::TimedOut(Due::Message), IoError::TimedOut(Due::Message));
        } else {
            self.keepalive.received();
        }
    }

    /// The caller begins to receive, and may have given it up before.
    #[cfg(any(feature = "tokio", feature = "futures"))]
    pub(crate) fn receives_anew(&mut self) {
        self.watches = false;
    }

    /// Queues a message. It leaves with the next exchange.
    pub(crate) fn send(&mut self, message: &impl Sent, now: impl Fn() -> Duration) -> Result<(), Error> {
        self.admit_sending()?;
        message.send(&mut self.connection, &mut self.outbox)?;
        if self.releases {
            self.keepalive.stirred(now());
        }
        Ok(())
    }

    /// Queues a close frame, or the answer to the peer's, where none was sent and the connection is not over.
    pub(crate) fn close(&mut self, frame: Option<&CloseFrame<'_>>) -> Result<(), Error> {
        if !self.is_writable() || self.connection.ending().is_some() {
            return Ok(());
        }
        match self.connection.close(frame, &mut self.outbox) {
            Err(Error::Misuse(Misuse::Closed)) => Ok(()),
            closed => closed,
        }
    }

    /// Whether something can be sent, as far as the transport goes.
    fn admit_sending(&self) -> Result<(), Error> {
        match self.transport {
            Transport::Whole => Ok(()),
            Transport::ReadOnly | Transport::Gone => Err(Misuse::Closed.into()),
        }
    }

    /// All was written, and the transport has no half to shut down: it ends as a whole.
    #[cfg(feature = "blocking")]
    pub(crate) fn ended_whole(&mut self) {
        self.connection.receive_eof();
        self.transport = Transport::Gone;
    }

    /// The writing half was shut down.
    pub(crate) fn shut_down(&mut self) {
        self.transport = Transport::ReadOnly;
    }

    /// Bytes were read into the inbox.
    pub(crate) fn read(&mut self, count: usize, now: impl Fn() -> Duration) {
        self.inbox.filled(count);
        self.unjudged = true;
        self.heard(now);
    }

    /// The peer has given a sign of life: it has sent, or it reads, as the transport has taken bytes for which it had no
    /// room before.
    pub(crate) fn heard(&mut self, now: impl Fn() -> Duration) {
        // Without pings nothing waits for one, and to look at the clock costs more than a small message.
        if self.timeouts.ping_interval.is_some() {
            self.keepalive.heard(now());
        }
    }

    /// The peer has ended its half of the transport.
    pub(crate) fn eof(&mut self, now: Duration) {
        self.connection.receive_eof();
        self.keepalive.closing(now);
    }

    /// The transport takes nothing more. What the peer sent before is still read.
    pub(crate) fn unwritable(&mut self, error: io::Error, now: Duration) {
        self.broken.get_or_insert(Broken::Io(error.kind()));
        discard(&mut self.outbox);
        if self.transport == Transport::Whole {
            self.transport = Transport::ReadOnly;
        }
        self.keepalive.closing(now);
        self.fail_transport(error.into());
    }

    /// The transport gives nothing more.
    pub(crate) fn unreadable(&mut self, error: io::Error) {
        self.give_up(Broken::Io(error.kind()), error.into());
    }

    /// Whether the transport takes bytes.
    pub(crate) fn is_writable(&self) -> bool {
        self.transport == Transport::Whole
    }

    /// Whether more may come of the transport.
    pub(crate) fn is_readable(&self) -> bool {
        self.transport != Transport::Gone && self.connection.duty() != Duty::Drop
    }

    /// After a flush: whether all that was queued could be written.
    pub(crate) fn flushed(&self) -> Result<(), IoError> {
        match self.broken {
            None => Ok(()),
            Some(Broken::Io(kind)) => Err(IoError::Io(kind.into())),
            Some(Broken::TimedOut(due)) => Err(IoError::TimedOut(due)),
        }
    }

    /// Whether the transport has been given up.
    #[cfg(feature = "blocking")]
    pub(crate) fn is_gone(&self) -> bool {
        self.transport == Transport::Gone
    }

    /// When to call [`tick`](Self::tick) next.
    pub(crate) fn deadline(&mut self, now: impl Fn() -> Duration) -> Option<Duration> {
        if self.connection.is_closing() {
            self.keepalive.closing(now());
        }
        self.keepalive.deadline(&self.timeouts)
    }

    /// The deadline may have passed. `receives` says whether bytes of the peer are waited for.
    pub(crate) fn tick(&mut self, receives: bool, now: Duration) {
        match self.keepalive.due(&self.timeouts, now) {
            None => {}
            Some(Due::Ping) => {
                // A full outbox waits for the peer as well: the ping's deadline runs without a ping.
                let _ = self.connection.ping(&[], &mut self.outbox);
            }
            Some(Due::Idle) => self.connection.release_idle(),
            Some(Due::Message) => self.overdue(receives),
            Some(due) => self.give_up(Broken::TimedOut(due), IoError::TimedOut(due)),
        }
    }

    /// Question: how the connection ended, after [`Step::End`].
    pub(crate) fn ended(&self) -> Ending {
        let lost = Ending { by: Side::Transport, sent: None, received: None, clean: false };
        self.connection.ending().unwrap_or(lost)
    }

    fn give_up(&mut self, broken: Broken, error: IoError) {
        if self.connection.ending().is_none() || !self.outbox.is_empty() {
            self.broken.get_or_insert(broken);
        }
        self.fail_transport(error);
        discard(&mut self.outbox);
        self.connection.receive_eof();
        self.transport = Transport::Gone;
    }

    /// A failure of the transport counts while the connection was not over; how the transport ends after that is of
    /// no interest.
    fn fail_transport(&mut self, error: IoError) {
        if self.connection.ending().is_none() {
            self.fail(error);
        }
    }

    fn take_failure(&mut self) -> Option<IoError> {
        self.failure.take().map(|failure| *failure)
    }

    fn fail(&mut self, error: IoError) {
        self.failure.get_or_insert_with(|| Box::new(error));
    }
}

/// Drops what waits: half a frame may have left, and what is behind it would be read as its rest.
fn discard(outbox: &mut Outbox) {
    *outbox = Outbox::with_limit(outbox.limit());
}
