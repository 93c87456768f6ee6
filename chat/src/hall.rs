//! The rooms that there are.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::protocol::{Entry, Goodbye, Say};
use crate::room::{Door, Room, Ticket};

/// Every room that has a guest in it. It does no I/O.
pub(crate) struct Hall<D> {
    rooms: HashMap<String, Room<D>>,
    /// What tells this hall's logs from those of another start.
    start: String,
    /// Tickets and logs that were given out.
    count: u64,
    is_open: bool,
}

/// Where a guest is.
pub(crate) struct Place {
    room: String,
    ticket: Ticket,
}

impl<D: Door> Hall<D> {
    /// A hall without rooms. `start` is what no earlier hall had.
    pub(crate) fn new(start: String) -> Self {
        Self { rooms: HashMap::new(), start, count: 0, is_open: true }
    }

    /// Lets a guest in. The room exists as soon as somebody asks for it.
    ///
    /// # Errors
    /// [`Goodbye::Full`] where there is no place left, [`Goodbye::ServerEnds`] after [`close`](Self::close).
    pub(crate) fn enter(&mut self, entry: Entry, door: D) -> Result<Place, Goodbye> {
        if !self.is_open {
            return Err(Goodbye::ServerEnds);
        }
        self.count += 1;
        let ticket = Ticket(self.count);
        let rooms = self.rooms.len();
        let room = match self.rooms.entry(entry.room.clone()) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(_) if rooms == ROOMS => return Err(Goodbye::Full),
            Slot::Vacant(slot) => slot.insert(Room::new(entry.room.clone(), format!("{}-{}", self.start, self.count))),
        };
        let place = Place { room: entry.room.clone(), ticket };
        room.enter(entry, ticket, door)?;
        Ok(place)
    }

    /// Says something in the guest's room, at `at` milliseconds since the Unix epoch.
    pub(crate) fn say(&mut self, place: &Place, say: Say, at: u64) {
        self.visit(place, |room| room.say(place.ticket, say, at));
    }

    /// Takes a guest out, where it still has its place.
    pub(crate) fn leave(&mut self, place: &Place) {
        self.visit(place, |room| room.leave(place.ticket));
    }

    /// Closes every room for good.
    pub(crate) fn close(&mut self) {
        self.is_open = false;
        self.rooms.drain().for_each(|(_, room)| room.close(Goodbye::ServerEnds));
    }

    /// Does something in a room, and forgets the room where nobody is left.
    fn visit(&mut self, place: &Place, act: impl FnOnce(&mut Room<D>)) {
        if let Some(room) = self.rooms.get_mut(&place.room) {
            act(room);
            if room.is_empty() {
                self.rooms.remove(&place.room);
            }
        }
    }
}

/// The most rooms at a time.
const ROOMS: usize = 256;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use sockeye::Broadcast;

    use super::*;
    use crate::room::Full;

    /// Counts what it was given.
    #[derive(Clone, Default)]
    struct Mat(Rc<RefCell<(usize, Option<Goodbye>)>>);

    impl Door for Mat {
        fn put(&self, _: &Broadcast) -> Result<(), Full> {
            self.0.borrow_mut().0 += 1;
            Ok(())
        }

        fn shut(&self, why: Goodbye) {
            self.0.borrow_mut().1 = Some(why);
        }
    }

    fn entry(room: &str) -> Entry {
        Entry::parse(&format!("room={room}&name=Mina")).unwrap()
    }

    #[test]
    fn rooms_do_not_hear_each_other() {
        let mut hall = Hall::new("1".into());
        let (here, there) = (Mat::default(), Mat::default());
        let place = hall.enter(entry("here"), here.clone()).unwrap();
        hall.enter(entry("there"), there.clone()).unwrap();
        hall.say(&place, Say::parse(r#"{"type":"say","text":"x"}"#).unwrap(), 0);
        assert_eq!((here.0.borrow().0, there.0.borrow().0), (2, 1));
    }

    #[test]
    fn a_room_is_gone_with_its_last_guest_and_begins_another_log() {
        let mut hall = Hall::new("1".into());
        let log = |hall: &Hall<Mat>| hall.rooms["x"].log.clone();
        let places = [hall.enter(entry("x"), Mat::default()).unwrap(), hall.enter(entry("x"), Mat::default()).unwrap()];
        let first = log(&hall);
        hall.leave(&places[0]);
        assert_eq!(log(&hall), first);
        hall.leave(&places[1]);
        assert!(hall.rooms.is_empty());
        // Twice is once, also where the room is gone.
        hall.leave(&places[1]);
        hall.enter(entry("x"), Mat::default()).unwrap();
        assert_ne!(log(&hall), first);
        assert_ne!(first, "1");
    }

    #[test]
    fn the_rooms_have_a_limit() {
        let mut hall = Hall::new("1".into());
        let places: Vec<Place> =
            (0..ROOMS).map(|room| hall.enter(entry(&room.to_string()), Mat::default()).unwrap()).collect();
        assert_eq!(hall.enter(entry("more"), Mat::default()).err(), Some(Goodbye::Full));
        assert!(hall.enter(entry("0"), Mat::default()).is_ok());
        hall.leave(&places[1]);
        assert!(hall.enter(entry("more"), Mat::default()).is_ok());
    }

    #[test]
    fn a_closed_hall_lets_nobody_in() {
        let mut hall = Hall::new("1".into());
        let mats = [Mat::default(), Mat::default()];
        hall.enter(entry("x"), mats[0].clone()).unwrap();
        hall.enter(entry("y"), mats[1].clone()).unwrap();
        hall.close();
        assert!(mats.iter().all(|mat| mat.0.borrow().1 == Some(Goodbye::ServerEnds)));
        assert_eq!(hall.enter(entry("x"), Mat::default()).err(), Some(Goodbye::ServerEnds));
        assert!(hall.rooms.is_empty());
    }
}
