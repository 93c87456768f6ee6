//! A client and a server that talk over two pipes, and what is held against what they should say.

use alloc::boxed::Box;
use alloc::format;
use core::fmt::Debug;

use sockeye::deflate::Options;
use sockeye::{CloseCode, CloseFrame, Connection, Duty, Ending, Error, Message, Outbox, Role, Side};

use crate::end::End;
use crate::pipe::Pipe;
use crate::{Failure, heap};

/// Both ends and the pipes between them.
pub(crate) struct Conversation {
    client: End,
    server: End,
    up: Pipe,
    down: Pipe,
    /// The most memory in use that was seen after a piece.
    most: usize,
}

impl Conversation {
    /// After the opening handshake.
    pub(crate) fn begin(compression: Option<Options>) -> Result<Self, Failure> {
        let (client, server) = (End::client(compression.clone())?, End::server(compression));
        let mut conversation = Self { client, server, up: Pipe::new(), down: Pipe::new(), most: 0 };
        while conversation.client.connection().is_none() {
            conversation.turn()?;
        }
        Ok(conversation)
    }

    /// What went through the pipes and how much memory it took, since the last time that somebody asked.
    pub(crate) fn cost(&mut self) -> Cost {
        let cost = Cost {
            bytes: self.up.carried + self.down.carried,
            pieces: self.up.pieces + self.down.pieces,
            most: self.most,
        };
        (self.up.carried, self.down.carried, self.up.pieces, self.down.pieces, self.most) = (0, 0, 0, 0, 0);
        cost
    }

    /// The client sends a message and gets the same one back.
    pub(crate) fn echo(&mut self, message: &Message) -> Result<(), Failure> {
        self.say(|connection, outbox| connection.send(message, outbox))?;
        same(&self.hear()?, message)
    }

    /// The same in fragments, with a ping in between.
    pub(crate) fn echo_fragments(&mut self, fragments: &[&str]) -> Result<(), Failure> {
        let (last, first) = fragments.split_last().ok_or("no fragments")?;
        for text in first {
            self.say(|connection, outbox| connection.send_text_fragment(text, false, outbox))?;
        }
        self.ping()?;
        self.say(|connection, outbox| connection.send_text_fragment(last, true, outbox))?;
        same(&self.hear()?, &Message::text(fragments.concat()))
    }

    /// The client pings and gets its pong, the server pings and the client answers.
    pub(crate) fn ping(&mut self) -> Result<(), Failure> {
        self.say(|connection, outbox| connection.ping(b"there?", outbox))?;
        same(&self.hear()?, &Message::Pong("there?".into()))?;
        let (server, outbox) = self.server.connection().ok_or("the server is not connected")?;
        server.ping(b"and you?", outbox)?;
        same(&self.hear()?, &Message::Ping("and you?".into()))
    }

    /// One end begins the closing handshake, and both end with its code, cleanly.
    pub(crate) fn close(mut self, by: Role) -> Result<Cost, Failure> {
        let code = CloseCode::new(3000);
        let (connection, outbox) = self.end(by).connection().ok_or("not connected")?;
        connection.close(Some(&CloseFrame::new(code, "enough")), outbox)?;
        for role in [by, by.peer()] {
            let ending = loop {
                let (connection, _) = self.end(role).connection().ok_or("not connected")?;
                match connection.ending() {
                    Some(ending) if connection.duty() == Duty::Drop => break ending,
                    _ => self.turn()?,
                }
            };
            let by = if role == by { Side::Local } else { Side::Peer };
            same(&ending, &Ending { by, sent: Some(code), received: Some(code), clean: true })?;
        }
        Ok(self.cost())
    }

    fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    fn say(&mut self, what: impl FnOnce(&mut Connection, &mut Outbox) -> Result<(), Error>) -> Result<(), Failure> {
        let (client, outbox) = self.client.connection().ok_or("the client is not connected")?;
        Ok(what(client, outbox)?)
    }

    /// The next thing that the client hears.
    fn hear(&mut self) -> Result<Message, Failure> {
        loop {
            if let Some(message) = self.client.heard.pop_front() {
                return Ok(message);
            }
            self.turn()?;
        }
    }

    /// Each end goes as far as it can. Where neither gets any further something is wrong.
    fn turn(&mut self) -> Result<(), Failure> {
        let before = self.progress();
        self.client.turn(&mut self.down, &mut self.up)?;
        self.server.turn(&mut self.up, &mut self.down)?;
        self.most = self.most.max(heap::used());
        if self.progress() == before { Err("nothing moves any more".into()) } else { Ok(()) }
    }

    fn progress(&self) -> (usize, usize, bool, bool) {
        (
            self.up.carried + self.down.carried,
            self.up.pieces + self.down.pieces,
            self.up.is_at_end(),
            self.down.is_at_end(),
        )
    }
}

/// What a part of a conversation took.
pub(crate) struct Cost {
    /// Bytes through both pipes.
    pub(crate) bytes: usize,
    /// Reads that they took.
    pub(crate) pieces: usize,
    /// Bytes of memory, at most.
    pub(crate) most: usize,
}

fn same<T: PartialEq + Debug>(got: &T, expected: &T) -> Result<(), Failure> {
    if got == expected { Ok(()) } else { Err(Box::from(format!("expected {expected:.80?}, got {got:.80?}"))) }
}
