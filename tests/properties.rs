//! Properties: any messages over any transport arrive as they were sent; any bytes mean the same whatever the reads,
//! the doors, and what is done with the memory in between.

mod common;

use common::*;
use proptest::prelude::*;
use proptest::sample::Index;
use sockeye::bytes::{Buf, BytesMut};
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{Config, Inbox, Misuse, Outbox, Role};

/// What an end sends.
#[derive(Clone, Debug)]
enum Send {
    Whole(Seen),
    Shared(Seen),
    Fragments(Vec<String>),
    BinaryFragments(Vec<Vec<u8>>),
}

/// What happens to an inbox between two reads; nothing of it may be seen from outside.
#[derive(Clone, Copy, Debug)]
enum Memory {
    Kept,
    Released,
    /// Exchanged for memory of this length.
    Exchanged(usize),
    /// A space is taken and filled, while up to so many of the bytes arrive by another way; or it is dropped.
    Taken {
        beside: usize,
        dropped: bool,
    },
    /// Where it is empty, another one that is empty takes its place: one that an unknown connection has used.
    Replaced,
}

/// A read of at most so many bytes.
#[derive(Clone, Copy, Debug)]
struct Read {
    size: usize,
    door: Door,
    memory: Memory,
}

#[derive(Clone, Debug)]
enum Step {
    Send(Role, Send),
    /// The transport takes from this end's outbox and brings to the other.
    Carry(Role, Read),
}

/// What was negotiated for compression, as the client sees it.
type Negotiated = Option<(Parameters, Options)>;

fn negotiated() -> impl Strategy<Value = Negotiated> {
    let direction = || (9..=15u8, any::<bool>()).prop_map(|(bits, takeover)| Direction::new(bits, takeover));
    let some = (direction(), direction(), 1..=9u8, prop_oneof![Just(0usize), Just(100)]).prop_map(
        |(local, remote, memory, threshold)| {
            (Parameters { local, remote }, Options::new().memory_level(memory).threshold(threshold))
        },
    );
    prop_oneof![Just(None), some.prop_map(Some)]
}

fn end(role: Role, config: &Config, negotiated: &Negotiated) -> End {
    let mut end = End::with(role, config);
    if let Some((Parameters { local, remote }, options)) = negotiated.clone() {
        let parameters = match role {
            Role::Client => Parameters { local, remote },
            Role::Server => Parameters { local: remote, remote: local },
        };
        end.connection = connection(role, config).with_deflate(parameters, &options);
    }
    end
}

/// An empty inbox through which a message has gone, and a part of another one.
fn used() -> Inbox {
    let mut other = End::new(Role::Server);
    let mut bytes = whole(Role::Client, 0x1, "of another connection");
    bytes.extend(part(Role::Client, 0x2, [7; 40]));
    other.read(Door::Pieces, &bytes);
    assert!(other.inbox.is_empty());
    other.inbox
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

fn read() -> impl Strategy<Value = Read> {
    let door = prop_oneof![Just(Door::Whole), Just(Door::Pieces)];
    let memory = prop_oneof![
        4 => Just(Memory::Kept),
        1 => Just(Memory::Released),
        1 => (0..200usize).prop_map(Memory::Exchanged),
        4 => (prop_oneof![Just(0), 0..20usize], prop::bool::weighted(0.1))
            .prop_map(|(beside, dropped)| Memory::Taken { beside, dropped }),
        1 => Just(Memory::Replaced),
    ];
    let size = prop_oneof![1..8usize, 1..200usize, Just(100_000)];
    (size, door, memory).prop_map(|(size, door, memory)| Read { size, door, memory })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", "[a물é🐟]{0,200}", Just("물고기".repeat(500))]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 100..300),
        (any::<u8>(), 1000..70_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn sends() -> impl Strategy<Value = Send> {
    let control = || prop::collection::vec(any::<u8>(), 0..=125);
    prop_oneof![
        text().prop_map(|text| Send::Whole(Seen::Text(text))),
        data().prop_map(|data| Send::Whole(Seen::Binary(data))),
        text().prop_map(|text| Send::Shared(Seen::Text(text))),
        data().prop_map(|data| Send::Shared(Seen::Binary(data))),
        control().prop_map(|data| Send::Whole(Seen::Ping(data))),
        control().prop_map(|data| Send::Shared(Seen::Pong(data))),
        prop::collection::vec(text(), 1..5).prop_map(Send::Fragments),
        prop::collection::vec(data(), 1..5).prop_map(Send::BinaryFragments),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (role(), sends()).prop_map(|(from, send)| Step::Send(from, send)),
        2 => (role(), read()).prop_map(|(from, read)| Step::Carry(from, read)),
    ];
    prop::collection::vec(step, 0..40)
}

/// Sends, and returns what the peer is to see.
fn send(end: &mut End, send: &Send) -> Seen {
    use sockeye::Message;
    let End { connection, outbox, .. } = end;
    match send {
        Send::Whole(seen) => {
            match seen {
                Seen::Text(text) => connection.send_text(text, outbox).unwrap(),
                Seen::Binary(data) => connection.send_binary(data, outbox).unwrap(),
                Seen::Ping(data) => connection.ping(data, outbox).unwrap(),
                Seen::Pong(data) => connection.pong(data, outbox).unwrap(),
                Seen::Close(_) => connection.close(None, outbox).unwrap(),
            }
            seen.clone()
        }
        Send::Shared(seen) => {
            let message = match seen.clone() {
                Seen::Text(text) => Message::text(text),
                Seen::Binary(data) => Message::binary(data),
                Seen::Ping(data) => Message::Ping(data.into()),
                Seen::Pong(data) => Message::Pong(data.into()),
                Seen::Close(_) => Message::Close(None),
            };
            connection.send(&message, outbox).unwrap();
            seen.clone()
        }
        Send::Fragments(fragments) => {
            for (i, fragment) in fragments.iter().enumerate() {
                connection.send_text_fragment(fragment, i + 1 == fragments.len(), outbox).unwrap();
            }
            Seen::Text(fragments.concat())
        }
        Send::BinaryFragments(fragments) => {
            for (i, fragment) in fragments.iter().enumerate() {
                connection.send_binary_fragment(fragment, i + 1 == fragments.len(), outbox).unwrap();
            }
            Seen::Binary(fragments.concat())
        }
    }
}

/// A write that takes only a part: up to `size` bytes of the slices that the outbox offers, or of a piece for keeps.
fn write(outbox: &mut Outbox, size: usize) -> Vec<u8> {
    if size.is_multiple_of(3) {
        return outbox.copy_to_bytes(size.min(outbox.chunk().len())).into();
    }
    let mut slices = [std::io::IoSlice::new(&[]); 4];
    let count = outbox.chunks_vectored(&mut slices);
    let mut bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
    assert_eq!(bytes.is_empty(), outbox.is_empty());
    bytes.truncate(size);
    outbox.advance(bytes.len());
    if size.is_multiple_of(2) {
        outbox.release();
    }
    bytes
}

fn arrive(end: &mut End, read: Read, bytes: &[u8]) {
    match read.memory {
        Memory::Kept => {}
        Memory::Released => end.inbox.release(),
        Memory::Exchanged(size) => drop(end.inbox.exchange(BytesMut::zeroed(size))),
        Memory::Taken { beside, dropped } => {
            let (beside, bytes) = bytes.split_at(beside.min(bytes.len()));
            let mut space = end.inbox.take_space(bytes.len());
            end.read(read.door, beside);
            if !dropped {
                space.clear();
                space.extend_from_slice(bytes);
                end.inbox.put_space(space, bytes.len());
                return end.read(read.door, &[]);
            }
            return end.read(read.door, bytes);
        }
        Memory::Replaced if end.inbox.is_empty() => end.inbox = used(),
        Memory::Replaced => {}
    }
    end.read(read.door, bytes);
}

fn carry(from: &mut End, to: &mut End, read: Read) {
    let bytes = write(&mut from.outbox, read.size);
    arrive(to, read, &bytes);
}

/// Carries until both ends have nothing to say.
fn settle(client: &mut End, server: &mut End) {
    let read = Read { size: 5000, door: Door::Pieces, memory: Memory::Kept };
    while !client.outbox.is_empty() || !server.outbox.is_empty() {
        carry(client, server, read);
        carry(server, client, read);
    }
    // What was left when a message that is in pieces was asked for whole.
    client.read(Door::Pieces, &[]);
    server.read(Door::Pieces, &[]);
    if !client.outbox.is_empty() || !server.outbox.is_empty() {
        settle(client, server);
    }
}

/// Whether all of `few` stand in `many`, in their order.
fn is_part(few: &[Seen], many: &[Seen]) -> bool {
    let mut many = many.iter();
    few.iter().all(|one| many.any(|other| other == one))
}

/// Any legal fragments of a message and control frames between them, as the peer of `role` sends them.
fn legal(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let peer = role.peer();
    let cut = |data: Vec<u8>, cuts: Vec<Index>| {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
        cuts.sort_unstable();
        let ends: Vec<usize> = cuts.iter().copied().chain([data.len()]).collect();
        let mut start = 0;
        ends.into_iter().map(|end| data[std::mem::replace(&mut start, end)..end].to_vec()).collect::<Vec<_>>()
    };
    let kind = prop_oneof![
        text().prop_map(|text| (TEXT, text.into_bytes())),
        data().prop_map(|data| (BINARY, data[..data.len().min(400)].to_vec())),
    ];
    let control = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(move |data| whole(peer, PING, data)),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(move |data| whole(peer, PONG, data)),
        Just(vec![]),
    ];
    let message = (kind, prop::collection::vec(any::<Index>(), 0..4), prop::collection::vec(control, 5)).prop_map(
        move |((kind, data), cuts, controls)| {
            let fragments = cut(data, cuts);
            let count = fragments.len();
            let mut bytes = Vec::new();
            for (i, (fragment, control)) in fragments.into_iter().zip(controls).enumerate() {
                let opcode = if i == 0 { kind } else { CONTINUATION };
                bytes.extend(Frame::new(peer, i + 1 == count, opcode, fragment).bytes());
                bytes.extend(control);
            }
            bytes
        },
    );
    let end = prop_oneof![
        Just(vec![]),
        (1000..1004u16, text()).prop_map(move |(code, text)| {
            let size = (0..=text.len().min(123)).rev().find(|&size| text.is_char_boundary(size)).unwrap();
            close(peer, code, &text[..size])
        }),
    ];
    (prop::collection::vec(message, 0..5), end).prop_map(|(messages, end)| [messages.concat(), end].concat())
}

/// Where a byte is changed, and how.
type Change = (Index, u8, u8);

fn change() -> impl Strategy<Value = Change> {
    (any::<Index>(), any::<u8>(), 0..3u8)
}

fn changed(mut bytes: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for (at, byte, how) in changes {
        let at = at.index(bytes.len() + 1);
        match how {
            0 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.insert(at, byte),
        }
    }
    bytes
}

/// Legal bytes with a few changed, or any bytes at all.
fn any_bytes(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let mutated =
        (legal(role), prop::collection::vec(change(), 0..4)).prop_map(|(bytes, changes)| changed(bytes, changes));
    prop_oneof![4 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn configs() -> impl Strategy<Value = Config> {
    let limits = (0..600u64, 0..600u64, 1..5u32).prop_map(|(frame, message, fragments)| {
        Config::default().frame_limit(frame).message_limit(message).fragment_limit(fragments)
    });
    let manners = any::<(bool, bool)>().prop_map(|(pong, close)| Config::default().auto_pong(pong).auto_close(close));
    prop_oneof![2 => Just(Config::default()), 1 => limits, 1 => manners]
}

/// All that can be told of an end from outside.
fn outcome(end: &mut End) -> impl PartialEq + std::fmt::Debug + use<> {
    let connection = &end.connection;
    let questions = (connection.is_open(), connection.is_closing(), connection.duty(), connection.ending());
    (end.error, questions, drain(&mut end.outbox), end.seen.clone())
}

/// Reads `bytes` in the reads of `plan`, over and over.
fn read_all(end: &mut End, bytes: &[u8], plan: &[Read]) {
    let (mut rest, mut plan) = (bytes, plan.iter().cycle());
    while !rest.is_empty() {
        let read = *plan.next().unwrap();
        let (now, later) = rest.split_at(read.size.min(rest.len()));
        arrive(end, read, now);
        rest = later;
    }
    // What was left when a message that is in pieces was asked for whole.
    end.read(Door::Pieces, &[]);
}

/// Expects the same of these bytes in these reads, through one door, the other and both in turn, and byte by byte.
fn same_in_any_reads(
    role: Role,
    config: &Config,
    negotiated: &Negotiated,
    bytes: &[u8],
    plan: &[Read],
) -> Result<(), TestCaseError> {
    let mut expected = end(role, config, negotiated);
    expected.read(Door::Whole, bytes);
    let expected = outcome(&mut expected);

    let of_door = |door| plan.iter().map(|read| Read { door, ..*read }).collect::<Vec<_>>();
    for plan in [of_door(Door::Whole), of_door(Door::Pieces), plan.to_vec()] {
        let mut end = end(role, config, negotiated);
        read_all(&mut end, bytes, &plan);
        prop_assert_eq!(&outcome(&mut end), &expected);
    }
    for door in DOORS {
        let mut end = end(role, config, negotiated);
        bytes.chunks(1).for_each(|byte| end.read(door, byte));
        prop_assert_eq!(&outcome(&mut end), &expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_messages_over_any_transport_arrive_as_they_were_sent(
        steps in steps(),
        closer in role(),
        negotiated in negotiated(),
    ) {
        let mut client = end(Role::Client, &Config::default(), &negotiated);
        let mut server = end(Role::Server, &Config::default(), &negotiated);
        let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
        for step in &steps {
            match step {
                Step::Send(Role::Client, message) => from_client.push(send(&mut client, message)),
                Step::Send(Role::Server, message) => from_server.push(send(&mut server, message)),
                Step::Carry(Role::Client, read) => carry(&mut client, &mut server, *read),
                Step::Carry(Role::Server, read) => carry(&mut server, &mut client, *read),
            }
        }
        settle(&mut client, &mut server);
        for (sent, answered, seen) in [(&from_client, &from_server, &server.seen), (&from_server, &from_client, &client.seen)] {
            // In between stand the pongs that answered the pings of the other direction.
            prop_assert!(is_part(sent, seen), "sent {sent:?}, seen {seen:?}");
            let not_pongs = |all: &[Seen]| all.iter().filter(|seen| !matches!(seen, Seen::Pong(_))).cloned().collect::<Vec<_>>();
            prop_assert_eq!(not_pongs(sent), not_pongs(seen));
            let last_ping = answered.iter().rev().find_map(|sent| match sent {
                Seen::Ping(payload) => Some(Seen::Pong(payload.clone())),
                _ => None,
            });
            prop_assert!(last_ping.is_none_or(|pong| seen.contains(&pong)), "the latest ping was answered");
        }
        let closing = if closer == Role::Client { &mut client } else { &mut server };
        closing.connection.close(None, &mut closing.outbox).unwrap();
        settle(&mut client, &mut server);
        for end in [&client, &server] {
            let ending = end.connection.ending().unwrap();
            prop_assert!(ending.clean && end.error.is_none(), "{ending:?}");
            prop_assert_eq!(ending.by == sockeye::Side::Local, end.role == closer);
        }
    }

    #[test]
    fn any_bytes_mean_the_same_in_any_reads_through_any_door(
        (role, bytes) in role().prop_flat_map(|role| (Just(role), any_bytes(role))),
        config in configs(),
        plan in prop::collection::vec(read(), 1..12),
    ) {
        same_in_any_reads(role, &config, &None, &bytes, &plan)?;
    }

    #[test]
    fn any_compressed_bytes_mean_the_same_in_any_reads_through_any_door(
        role in role(),
        messages in prop::collection::vec(sends(), 0..4),
        changes in prop::collection::vec(change(), 0..3),
        negotiated in negotiated(),
        config in configs(),
        plan in prop::collection::vec(read(), 1..12),
    ) {
        let mut peer = end(role.peer(), &Config::default(), &negotiated);
        messages.iter().for_each(|message| drop(send(&mut peer, message)));
        let bytes = changed(drain(&mut peer.outbox), changes);
        same_in_any_reads(role, &config, &negotiated, &bytes, &plan)?;
    }

    #[test]
    fn legal_bytes_do_not_fail(
        (role, bytes) in role().prop_flat_map(|role| (Just(role), legal(role))),
        plan in prop::collection::vec(read(), 1..12),
    ) {
        let mut end = End::new(role);
        read_all(&mut end, &bytes, &plan);
        prop_assert_eq!(end.error, None);
        prop_assert_eq!(end.open, None);
    }

    #[test]
    fn a_misuse_never_comes_of_what_the_peer_sent(
        (role, bytes) in role().prop_flat_map(|role| (Just(role), any_bytes(role))),
        config in configs(),
    ) {
        for door in DOORS {
            let mut end = End::with(role, &config);
            end.read(door, &bytes);
            prop_assert!(!matches!(end.error, Some(sockeye::Error::Misuse(_) | sockeye::Error::OutboxFull(_))));
            if door == Door::Whole {
                let again = end.connection.receive(&mut end.inbox, &mut end.outbox).map(|event| event.is_some());
                prop_assert_ne!(again, Err(Misuse::MessageInPieces.into()));
            }
        }
    }
}
