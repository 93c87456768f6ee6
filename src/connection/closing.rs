//! The closing handshake and the end of the connection
//! ([RFC 6455 section 7](https://www.rfc-editor.org/rfc/rfc6455#section-7)).

use super::Connection;
use crate::buffer::{Inbox, Outbox};
use crate::close::{CloseCode, CloseFrame, REASON_LIMIT};
use crate::error::{Error, Misuse};
use crate::role::Role;

/// How far the connection has come. It does not know which role it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages go both ways.
    Open,
    /// A close frame was sent, the peer's has not come.
    CloseSent,
    /// The peer's close frame has come, it was not answered yet.
    CloseReceived,
    /// Both close frames went over the wire.
    Closed,
    /// An error failed the connection.
    Failed,
    /// The transport ended before the closing handshake did.
    Lost,
}

/// What is to be known of a connection's end, once that has begun.
#[derive(Default)]
pub(super) struct End {
    /// Who began it.
    by: Option<Side>,
    /// The code of the close frame that was sent, [`CloseCode::NO_STATUS`] for an empty one.
    sent: Option<CloseCode>,
    /// The code of the close frame that was received.
    received: Option<CloseCode>,
    /// The error that failed the connection; replayed by every later call.
    failure: Option<Error>,
}

/// What moves a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    SendClose,
    ReceiveClose,
    Fail,
    Eof,
}

impl State {
    /// The one transition table.
    pub(super) const fn after(self, step: Move) -> Self {
        match (self, step) {
            (Self::Open, Move::SendClose) => Self::CloseSent,
            (Self::Open, Move::ReceiveClose) => Self::CloseReceived,
            (Self::CloseSent, Move::SendClose) => Self::CloseSent,
            (Self::CloseSent, Move::ReceiveClose) => Self::Closed,
            (Self::CloseReceived, Move::SendClose) => Self::Closed,
            (Self::CloseReceived, Move::ReceiveClose) => Self::CloseReceived,
            (Self::Open | Self::CloseSent | Self::CloseReceived, Move::Fail) => Self::Failed,
            (Self::Open | Self::CloseSent | Self::CloseReceived, Move::Eof) => Self::Lost,
            (Self::Closed | Self::Failed | Self::Lost, _) => self,
        }
    }
}

/// What the caller owes the transport; see [`Connection::duty`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Nothing yet: keep writing the outbox and reading into the inbox.
    Carry,
    /// Write all of the outbox, then shut the writing half down, and read on (the connection discards what comes)
    /// until the peer ends the transport or patience does: closing a socket with unread bytes would reset it, and
    /// the peer might lose the close frame (RFC 6455 section 7.1.1).
    ShutDown,
    /// Write what the transport still takes of the outbox, then drop it.
    Drop,
}

/// One of the three that can end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This end: it sent the first close frame, or failed the connection.
    Local,
    /// The peer sent the first close frame.
    Peer,
    /// The transport, without a close frame of either end.
    Transport,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who began it.
    pub by: Side,
    /// The code of the close frame that this end sent, [`CloseCode::NO_STATUS`] for one without a code, `None` if
    /// none was sent.
    pub sent: Option<CloseCode>,
    /// The code of the close frame that the peer sent, [`CloseCode::NO_STATUS`] for one without a code, `None` if
    /// none came.
    pub received: Option<CloseCode>,
    /// Whether both close frames went over the wire (RFC 6455 section 7.1.4).
    pub clean: bool,
}

impl Ending {
    /// The connection's close code: the one received, [`CloseCode::NO_STATUS`] for an empty close frame,
    /// [`CloseCode::ABNORMAL`] for none (RFC 6455 section 7.1.5).
    pub fn code(&self) -> CloseCode {
        self.received.unwrap_or(CloseCode::ABNORMAL)
    }
}

impl Connection {
    /// Action: begins the closing handshake, or answers the peer's close frame where
    /// [`Config::auto_close`](crate::Config::auto_close) is off. `None` sends a close frame without a body.
    ///
    /// Messages that the peer sent before it answers are still received, and its pings answered. A close frame is
    /// queued whatever the outbox's limit, and after it no messages.
    ///
    /// # Errors
    /// [`Misuse::Closed`] where a close frame was sent before, [`Misuse::CloseCode`] for a code that must not be
    /// sent, [`Misuse::LongControl`] for a reason of more than 123 bytes. The connection is then as it was.
    pub fn close(&mut self, frame: Option<&CloseFrame<'_>>, outbox: &mut Outbox) -> Result<(), Error> {
        match self.state {
            State::Open | State::CloseReceived => {}
            State::CloseSent | State::Closed | State::Lost | State::Failed => return Err(self.closed()),
        }
        let Some(CloseFrame { code, reason }) = frame else {
            self.send_close(CloseCode::NO_STATUS, "", outbox);
            return Ok(());
        };
        if !code.is_sendable() {
            return Err(Misuse::CloseCode(*code).into());
        }
        if reason.len() > REASON_LIMIT {
            return Err(Misuse::LongControl(2 + reason.len()).into());
        }
        self.send_close(*code, reason, outbox);
        Ok(())
    }

    /// Input: the transport has ended; no more bytes will come. Call it after [`receive`](Self::receive) has
    /// returned `None` for those that came before.
    ///
    /// Without a closing handshake before, the connection is lost: [`ending`](Self::ending) then reports
    /// [`CloseCode::ABNORMAL`] (RFC 6455 section 7.1.5).
    pub fn receive_eof(&mut self) {
        self.eof = true;
        self.step(Move::Eof, Side::Transport);
    }

    /// Question: what the caller owes the transport now. Ask after each input and action.
    ///
    /// > The server MUST close the underlying TCP connection immediately; the client SHOULD wait for the server to
    /// > close the connection but MAY close the connection at any time after sending and receiving a Close message
    /// > ([RFC 6455 section 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1))
    ///
    /// So a server shuts down after both close frames, a client waits for it, and whoever failed the connection
    /// shuts down at once (section 7.1.7).
    pub const fn duty(&self) -> Duty {
        match (self.state, self.role) {
            (State::Lost, _) => Duty::Drop,
            (State::Closed | State::Failed, _) if self.eof => Duty::Drop,
            (State::Closed, Role::Server) | (State::Failed, _) => Duty::ShutDown,
            (State::Closed, Role::Client) => Duty::Carry,
            (State::Open | State::CloseSent | State::CloseReceived, _) => Duty::Carry,
        }
    }

    /// Question: whether the closing handshake has begun, by either end, and waits for its end.
    pub const fn is_closing(&self) -> bool {
        match self.state {
            State::CloseSent | State::CloseReceived => true,
            State::Closed | State::Failed => !self.eof,
            State::Open | State::Lost => false,
        }
    }

    /// Question: how the connection ended; `None` while messages may still come.
    pub fn ending(&self) -> Option<Ending> {
        let clean = match self.state {
            State::Open | State::CloseSent | State::CloseReceived => return None,
            State::Closed => true,
            State::Failed | State::Lost => false,
        };
        let End { by, sent, received, .. } = self.aside.as_ref()?.end;
        Some(Ending { by: by.unwrap_or(Side::Transport), sent, received, clean })
    }

    /// Takes note of the peer's close frame and answers it.
    pub(super) fn receive_close(&mut self, code: CloseCode, outbox: &mut Outbox) {
        let end = self.end();
        end.received = Some(code);
        let answered = end.sent.is_some();
        self.step(Move::ReceiveClose, Side::Peer);
        // "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send
        // a Close frame in response. (When sending a Close frame in response, the endpoint typically echos the
        // status code it received.)" (RFC 6455 section 5.5.1)
        if self.config.auto_close && !answered {
            self.send_close(code, "", outbox);
        }
    }

    /// Fails the connection (RFC 6455 section 7.1.7): the peer hears why, and nothing more of its is processed.
    #[cold]
    pub(super) fn fail(&mut self, error: Error, inbox: &mut Inbox, outbox: &mut Outbox) -> Error {
        if let (None, Some(code)) = (self.end().sent, error.close_code()) {
            self.send_close(code, "", outbox);
        }
        self.end().failure = Some(error);
        self.step(Move::Fail, Side::Local);
        inbox.discard();
        error
    }

    /// The error of an action that comes after the end.
    #[cold]
    pub(super) fn closed(&self) -> Error {
        self.failure().unwrap_or(Error::Misuse(Misuse::Closed))
    }

    /// The error that failed the connection.
    pub(super) fn failure(&self) -> Option<Error> {
        self.aside.as_ref()?.end.failure
    }

    fn send_close(&mut self, code: CloseCode, reason: &str, outbox: &mut Outbox) {
        let mut body = [0; 2 + REASON_LIMIT];
        let size = if code == CloseCode::NO_STATUS { 0 } else { 2 + reason.len() };
        if size > 0 {
            body[..2].copy_from_slice(&code.number().to_be_bytes());
            body[2..size].copy_from_slice(reason.as_bytes());
        }
        self.write_close(&body[..size], outbox);
        self.end().sent = Some(code);
        self.step(Move::SendClose, Side::Local);
    }

    fn step(&mut self, step: Move, side: Side) {
        let before = self.state;
        self.state = before.after(step);
        if before == State::Open && self.state != before {
            self.end().by = Some(side);
        }
    }

    fn end(&mut self) -> &mut End {
        &mut self.aside.get_or_insert_default().end
    }
}
