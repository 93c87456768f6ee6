use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use sockeye::bytes::Buf;
use sockeye::{CloseFrame, Config, Connection, Event, Inbox, Outbox};

use super::*;

/// Both ends of a guest's connection, in memory.
#[derive(Clone)]
struct Peer {
    server: Rc<RefCell<(Connection, Outbox)>>,
    client: Rc<RefCell<(Connection, Inbox)>>,
}

impl Peer {
    fn new() -> Self {
        let config = Config::default();
        Self {
            server: Rc::new(RefCell::new((Connection::server(&config), Outbox::with_limit(QUEUE_SIZE)))),
            client: Rc::new(RefCell::new((Connection::client(&config), Inbox::new()))),
        }
    }

    /// Reads all that was sent: frames, and the code of a close frame.
    fn read(&self) -> Vec<Value> {
        let (_, outbox) = &mut *self.server.borrow_mut();
        let (client, inbox) = &mut *self.client.borrow_mut();
        while outbox.has_remaining() {
            let count = outbox.chunk().len();
            inbox.space(count)[..count].copy_from_slice(outbox.chunk());
            inbox.filled(count);
            outbox.advance(count);
        }
        let mut frames = Vec::new();
        while let Some(event) = client.receive(inbox, &mut Outbox::new()).unwrap() {
            frames.push(match event {
                Event::Text(text) => serde_json::from_str(&text).unwrap(),
                Event::Close(frame) => json!(frame.map(|CloseFrame { code, .. }| code.number())),
                other => panic!("{other:?}"),
            });
        }
        frames
    }

    /// Reads all that was sent, and forgets it.
    fn discard(&self) {
        let (_, outbox) = &mut *self.server.borrow_mut();
        outbox.advance(outbox.remaining());
    }

    /// The first byte of what waits to be sent, where it is, and how much.
    fn front(&self) -> (u8, usize, usize) {
        let (_, outbox) = &*self.server.borrow();
        (outbox.chunk()[0], outbox.chunk().as_ptr().addr(), outbox.remaining())
    }

    /// The messages in the frames that were sent.
    fn texts(&self) -> Vec<String> {
        let frames = self.read();
        frames.iter().map(|frame| frame["text"].as_str().unwrap().to_owned()).collect()
    }
}

impl Door for Peer {
    fn put(&self, frame: &Broadcast) -> Result<(), Full> {
        let (connection, outbox) = &mut *self.server.borrow_mut();
        match connection.broadcast(frame, outbox) {
            Err(sockeye::Error::OutboxFull(_)) => Err(Full),
            _ => Ok(()),
        }
    }

    fn shut(&self, why: Goodbye) {
        let (connection, outbox) = &mut *self.server.borrow_mut();
        let _ = connection.close(Some(&why.frame()), outbox);
    }
}

/// A room, and the tickets that were given out.
struct House {
    room: Room<Peer>,
    tickets: u64,
}

impl House {
    fn new() -> Self {
        Self { room: Room::new("강".into(), "1".into()), tickets: 0 }
    }

    fn try_enter(&mut self, name: &str, seat: Option<&str>) -> Result<(Ticket, Peer), Goodbye> {
        self.tickets += 1;
        let (ticket, peer) = (Ticket(self.tickets), Peer::new());
        let entry = Entry { room: "강".into(), name: name.into(), seat: seat.map(Into::into) };
        self.room.enter(entry, ticket, peer.clone())?;
        Ok((ticket, peer))
    }

    /// Lets somebody in who has read the welcome.
    fn enter(&mut self, name: &str) -> (Ticket, Peer) {
        let (ticket, peer) = self.try_enter(name, None).unwrap();
        assert_eq!(peer.read()[0]["type"], "welcome");
        (ticket, peer)
    }

    fn say(&mut self, ticket: Ticket, text: &str) {
        let frame = json!({ "type": "say", "text": text }).to_string();
        self.room.say(ticket, Say::parse(&frame).unwrap(), 5);
    }
}

#[test]
fn a_welcome_tells_who_is_here_and_what_was_said() {
    let mut house = House::new();
    let (mina, mina_peer) = house.enter("미나");
    house.room.say(mina, Say::parse(r#"{"type":"say","text":"안녕!","ref":"k3v9"}"#).unwrap(), 7);
    let said = json!({ "id": 1, "from": "미나", "text": "안녕!", "at": 7, "ref": "k3v9" });
    let mut message = said.clone();
    message["type"] = json!("message");
    assert_eq!(mina_peer.read(), [message]);

    let (_, jonas) = house.try_enter("Jonas", None).unwrap();
    let welcome = json!({
        "type": "welcome", "you": "Jonas", "room": "강", "log": "1", "people": ["미나", "Jonas"], "history": [said],
    });
    assert_eq!(jonas.read(), [welcome]);
    assert_eq!(mina_peer.read(), [json!({ "type": "joined", "name": "Jonas" })]);
}

#[test]
fn a_message_without_a_ref_has_none() {
    let mut house = House::new();
    let (mina, peer) = house.enter("Mina");
    house.say(mina, "x");
    assert_eq!(peer.read(), [json!({ "type": "message", "id": 1, "from": "Mina", "text": "x", "at": 5 })]);
}

#[test]
fn messages_go_to_everybody_in_one_order() {
    let mut house = House::new();
    let (mina, mina_peer) = house.enter("Mina");
    let (jonas, jonas_peer) = house.enter("Jonas");
    mina_peer.read();
    for (ticket, text) in [(mina, "one"), (jonas, "two"), (mina, "three")] {
        house.say(ticket, text);
    }
    assert_eq!(mina_peer.texts(), ["one", "two", "three"]);
    assert_eq!(jonas_peer.texts(), ["one", "two", "three"]);
}

#[test]
fn a_message_is_framed_once_and_shared_by_every_queue() {
    let mut house = House::new();
    let (mina, _) = house.enter("Mina");
    let peers: Vec<Peer> = (0..10).map(|_| house.enter("Jonas").1).collect();
    peers.iter().for_each(|peer| drop(peer.read()));
    house.say(mina, &"가".repeat(2000));
    let memory = |peer: &Peer| peer.server.borrow().1.chunk().as_ptr();
    assert!(peers.iter().all(|peer| memory(peer) == memory(&peers[0])));
}

/// Those who have agreed on compression share the compressed frame, the others the plain one.
#[test]
fn a_message_is_compressed_once_for_those_who_have_agreed_on_it() {
    let offer = [sockeye::handshake::Extension::new("permessage-deflate")];
    let (_, parameters) = COMPRESSION.answer(&offer).unwrap();
    let mut house = House::new();
    let guests = ["a", "b", "c", "d"].map(|name| house.enter(name));
    let compressed = |name: usize| name % 2 == 1;
    for (name, (_, peer)) in guests.iter().enumerate() {
        peer.discard();
        if compressed(name) {
            let agreed = Connection::server(&Config::default()).with_deflate(parameters, &COMPRESSION);
            peer.server.borrow_mut().0 = agreed;
        }
    }
    // Syllables without any order, so that what is left of them is long enough to be shared and not copied.
    let syllables = (0..2_000).filter_map(|number| char::from_u32(0xac00 + number * number % 11_171));
    house.say(guests[0].0, &syllables.collect::<String>());
    let frames: Vec<(u8, usize, usize)> = guests.iter().map(|(_, peer)| peer.front()).collect();
    assert_eq!((frames[0], frames[1]), (frames[2], frames[3]));
    let [(plain, _, plain_size), (short, _, short_size), ..] = frames[..] else { unreachable!("four guests") };
    assert_eq!((plain, short), (0x81, 0xc1));
    assert!(short_size < plain_size, "{short_size} of {plain_size}");
}

#[test]
fn whoever_leaves_is_seen_to_leave_once_and_is_not_heard_any_more() {
    let mut house = House::new();
    let (_, mina) = house.enter("Mina");
    let (jonas, _) = house.enter("Jonas");
    mina.read();
    house.room.leave(jonas);
    house.room.leave(jonas);
    house.say(jonas, "still here");
    assert_eq!(mina.read(), [json!({ "type": "left", "name": "Jonas" })]);
}

#[test]
fn a_name_that_is_taken_gets_the_first_free_number() {
    let mut house = House::new();
    let (first, _) = house.enter("Mina");
    house.enter("Mina 3");
    let you = |house: &mut House| house.try_enter("Mina", None).unwrap().1.read()[0]["you"].clone();
    assert_eq!([you(&mut house), you(&mut house)], ["Mina 2", "Mina 4"]);
    house.room.leave(first);
    assert_eq!(you(&mut house), "Mina");
}

#[test]
fn a_seat_is_taken_over_and_nobody_is_told() {
    let mut house = House::new();
    let (_, mina) = house.enter("Mina");
    let (old, old_peer) = house.try_enter("Jonas", Some("a-1")).unwrap();
    house.enter("지훈");
    old_peer.read();
    mina.read();

    let (new, new_peer) = house.try_enter("Somebody", Some("a-1")).unwrap();
    assert_eq!(old_peer.read(), [json!(4003)]);
    let welcome = &new_peer.read()[0];
    assert_eq!((&welcome["you"], &welcome["people"]), (&json!("Jonas"), &json!(["Mina", "Jonas", "지훈"])));

    // What the older connection still does has no effect.
    house.say(old, "again");
    house.room.leave(old);
    house.say(new, "here");
    assert_eq!(mina.read()[0]["text"], "here");
    assert_eq!(new_peer.texts(), ["here"]);

    let (_, other) = house.try_enter("Jonas", Some("a-2")).unwrap();
    assert_eq!(other.read()[0]["you"], "Jonas 2");
}

#[test]
fn the_last_hundred_messages_are_kept() {
    let mut house = House::new();
    let (mina, _) = house.enter("Mina");
    (1..=103).for_each(|number| house.say(mina, &format!("number {number}")));
    let (_, late) = house.try_enter("Late", None).unwrap();
    let history = late.read()[0]["history"].as_array().unwrap().clone();
    assert_eq!(history.len(), 100);
    assert_eq!((&history[0]["text"], &history[0]["id"]), (&json!("number 4"), &json!(4)));
    assert_eq!(history[99]["text"], "number 103");
}

#[test]
fn a_full_room_with_the_largest_messages_welcomes_within_the_queue() {
    let mut house = House::new();
    let name = "🐟".repeat(32);
    let (mina, peer) = house.enter(&name);
    let others: Vec<Peer> = (2..GUESTS).map(|_| house.try_enter(&name, None).unwrap().1).collect();
    peer.discard();
    for _ in 0..110 {
        others.iter().for_each(Peer::discard);
        house.say(mina, &"\u{1}🐟".repeat(1000));
        peer.discard();
    }
    assert_eq!(house.room.guests.len(), GUESTS - 1);
    let (_, late) = house.try_enter(&"\"".repeat(32), None).unwrap();
    let history = late.read()[0]["history"].as_array().unwrap().clone();
    assert_eq!(history.last().unwrap()["id"], 110);
    assert!(history.len() > 20, "{}", history.len());
}

#[test]
fn a_full_room_lets_in_only_those_who_are_there() {
    let mut house = House::new();
    house.try_enter("Mina", Some("a-1")).unwrap();
    for _ in 1..GUESTS {
        house.enter("x");
    }
    assert_eq!(house.try_enter("y", None).err(), Some(Goodbye::Full));
    assert!(house.try_enter("Mina", Some("a-1")).is_ok());
}

#[test]
fn a_slow_reader_is_dropped_and_the_others_go_on() {
    let mut house = House::new();
    let (mina, mina_peer) = house.enter("Mina");
    let (_, slow) = house.enter("Slow");
    let (_, slower) = house.enter("Slower");
    mina_peer.read();
    let text = "가".repeat(2000);
    let mut left = Vec::new();
    let mut said = 0;
    while left.len() < 2 {
        house.say(mina, &text);
        said += 1;
        left.extend(mina_peer.read().into_iter().filter(|frame| frame["type"] == "left"));
        assert!(said * text.len() < 2 * QUEUE_SIZE);
    }
    assert_eq!(left, [json!({ "type": "left", "name": "Slow" }), json!({ "type": "left", "name": "Slower" })]);
    for peer in [slow, slower] {
        let frames = peer.read();
        assert_eq!(frames.last(), Some(&json!(1013)));
        assert!(frames.len() < said + 5);
    }
    house.say(mina, "and on");
    assert_eq!(mina_peer.texts(), ["and on"]);
}

#[test]
fn a_room_that_closes_tells_everybody() {
    let mut house = House::new();
    let peers = [house.enter("Mina").1, house.enter("Jonas").1];
    peers[0].read();
    house.room.close(Goodbye::ServerEnds);
    peers.iter().for_each(|peer| assert_eq!(peer.read(), [json!(1001)]));
}
