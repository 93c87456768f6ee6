//! A room: who is in it, what was said in it, and who hears of what. It does no I/O.

use std::collections::{HashSet, VecDeque};

use sockeye::Broadcast;
use sockeye::deflate::Options;

use crate::protocol::{Entry, Frame, Goodbye, Said, Say};

/// The way to a guest. Neither of its calls waits.
pub(crate) trait Door {
    /// Queues a frame.
    fn put(&self, frame: &Broadcast) -> Result<(), Full>;

    /// Closes the connection, behind what is queued.
    fn shut(&self, why: Goodbye);
}

/// A guest reads so slowly that its queue is full.
#[derive(Debug)]
pub(crate) struct Full;

/// A guest's place in a room. No other guest of any room has ever had the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

pub(crate) struct Room<D> {
    name: String,
    pub(crate) log: String,
    last: u64,
    history: VecDeque<Said>,
    /// Bytes of `history` in a frame.
    size: usize,
    guests: Vec<Guest<D>>,
}

struct Guest<D> {
    ticket: Ticket,
    name: String,
    seat: Option<String>,
    door: D,
}

impl<D: Door> Room<D> {
    /// An empty room. No other room ever has the same `log`.
    pub(crate) fn new(name: String, log: String) -> Self {
        Self { name, log, last: 0, history: VecDeque::new(), size: 0, guests: Vec::new() }
    }

    /// Lets a guest in, or gives it back the seat that it had.
    ///
    /// # Errors
    /// [`Goodbye::Full`] where there is no place left.
    pub(crate) fn enter(&mut self, entry: Entry, ticket: Ticket, door: D) -> Result<(), Goodbye> {
        let Entry { name, seat, .. } = entry;
        let taken = self.guests.iter().position(|guest| seat.is_some() && guest.seat == seat);
        let index = match taken {
            Some(index) => {
                let guest = &mut self.guests[index];
                std::mem::replace(&mut guest.door, door).shut(Goodbye::SeatTaken);
                guest.ticket = ticket;
                index
            }
            None if self.guests.len() == GUESTS => return Err(Goodbye::Full),
            None => {
                self.guests.push(Guest { ticket, name: self.free_name(name), seat, door });
                self.guests.len() - 1
            }
        };
        let guest = &self.guests[index];
        let welcome = framed(&self.welcome(&guest.name).to_json());
        // The limits of a room are such that a welcome fits into an empty queue.
        let _ = guest.door.put(&welcome);
        if taken.is_none() {
            let joined = framed(&Frame::Joined { name: &guest.name }.to_json());
            self.tell(joined, Some(ticket));
        }
        Ok(())
    }

    /// Takes a guest out, where it still has its place.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        if let Some(left) = self.remove(ticket) {
            self.tell(left, None);
        }
    }

    /// Says something to everybody, at `at` milliseconds since the Unix epoch. Nobody hears those who have left.
    pub(crate) fn say(&mut self, ticket: Ticket, say: Say, at: u64) {
        let Some(guest) = self.guests.iter().find(|guest| guest.ticket == ticket) else {
            return;
        };
        self.last += 1;
        let mut said = Said { id: self.last, from: guest.name.clone(), say, at, size: 0 };
        let json = Frame::Message(&said).to_json();
        said.size = json.len();
        self.size += said.size;
        self.history.push_back(said);
        while self.history.len() > HISTORY || self.size > HISTORY_SIZE {
            self.size -= self.history.pop_front().map_or(0, |said| said.size);
        }
        self.tell(framed(&json), None);
    }

    /// Closes the connections of all.
    pub(crate) fn close(self, why: Goodbye) {
        self.guests.iter().for_each(|guest| guest.door.shut(why));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    /// Hands one frame, made once, to everybody but one. Whoever has no space for it is slow, and is taken out: the
    /// others do not wait.
    fn tell(&mut self, frame: Broadcast, but: Option<Ticket>) {
        let mut frames = VecDeque::from([(frame, but)]);
        while let Some((frame, but)) = frames.pop_front() {
            let others = self.guests.iter().filter(|guest| Some(guest.ticket) != but);
            let slow: Vec<Ticket> =
                others.filter(|guest| guest.door.put(&frame).is_err()).map(|guest| guest.ticket).collect();
            for ticket in slow {
                let guest = self.guests.iter().find(|guest| guest.ticket == ticket);
                guest.into_iter().for_each(|guest| guest.door.shut(Goodbye::TooSlow));
                frames.extend(self.remove(ticket).map(|left| (left, None)));
            }
        }
    }

    /// Takes a guest out; the frame that the others are to be told.
    fn remove(&mut self, ticket: Ticket) -> Option<Broadcast> {
        let index = self.guests.iter().position(|guest| guest.ticket == ticket)?;
        let guest = self.guests.remove(index);
        Some(framed(&Frame::Left { name: &guest.name }.to_json()))
    }

    fn welcome<'a>(&'a self, you: &'a str) -> Frame<'a> {
        let people = self.guests.iter().map(|guest| &*guest.name).collect();
        Frame::Welcome { you, room: &self.name, log: &self.log, people, history: &self.history }
    }

    /// The name, with a number while somebody has it.
    fn free_name(&self, name: String) -> String {
        let taken: HashSet<&str> = self.guests.iter().map(|guest| &*guest.name).collect();
        let mut free = name.clone();
        let mut number = 1;
        while taken.contains(&*free) {
            number += 1;
            free = format!("{name} {number}");
        }
        free
    }
}

/// Framed once for everybody, and compressed once for those who have agreed on it.
fn framed(json: &str) -> Broadcast {
    Broadcast::text(json).deflated(&COMPRESSION)
}

/// What is agreed on with guests who offer compression.
///
/// Without context takeover every message is compressed by itself, so one compressor serves all guests, for as long as
/// it makes a frame: about 160 KiB, with the default window of 12 bits, which spans all but the longest messages. It
/// works fast, as the others wait, but not at level 1, which does little for text that is not ASCII.
///
/// No guest has a compressor, and what a guest sends takes at most 79 KiB for it to be decompressed, which are given
/// back when it pauses: 79 MB where a thousand talk at once. Windows of less than 15 bits would lessen that, but
/// browsers that cannot promise them would be left without compression.
///
/// What a frame holds is for everybody in the room, so that its length gives no secret away.
pub(crate) const COMPRESSION: Options =
    Options::new().level(2).local_context_takeover(false).remote_context_takeover(false).release_when_idle(true);

/// The most guests in a room.
const GUESTS: usize = 256;

/// The most messages that a latecomer reads.
const HISTORY: usize = 100;

/// The most bytes of them, so that long messages in many rooms have a bound too: a hundred of 3.8 KB.
const HISTORY_SIZE: usize = 384 << 10;

/// The most bytes that wait for a guest: room for the largest welcome, whose names take at most 140 bytes each, and as
/// much as a reader who is not slow leaves unread.
pub(crate) const QUEUE_SIZE: usize = HISTORY_SIZE + GUESTS * 140 + (96 << 10);

#[cfg(test)]
mod tests;
