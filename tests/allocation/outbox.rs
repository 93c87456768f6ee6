//! What waits to leave: shared where it is large, and gathered in memory of a stated size where it is small.

use sockeye::bytes::{Buf, Bytes};
use sockeye::{Broadcast, Config, Connection, Error, Message, Outbox, Role};

use super::heap_of;
use crate::common::*;

/// Where the slices lie that the outbox offers.
fn slices(outbox: &Outbox) -> Vec<(*const u8, usize)> {
    let mut slices = [std::io::IoSlice::new(&[]); 16];
    let count = outbox.chunks_vectored(&mut slices);
    slices[..count].iter().map(|slice| (slice.as_ptr(), slice.len())).collect()
}

#[test]
fn a_servers_large_payload_is_not_copied() {
    let payload = Bytes::from(vec![b'a'; 100_000]);
    let text = sockeye::Text::new(payload.clone()).unwrap();
    for message in [Message::binary(payload.clone()), Message::Text(text)] {
        let mut connection = Connection::server(&Config::default());
        let mut outbox = Outbox::new();
        connection.send_text("before", &mut outbox).unwrap();
        let (heap, ()) = heap_of(|| connection.send(&message, &mut outbox).unwrap());
        connection.send_text("after", &mut outbox).unwrap();
        assert_eq!(slices(&outbox)[1], (payload.as_ptr(), payload.len()));
        assert!(heap.total <= 1000, "{heap:?}");
        let opcode = if message.as_text().is_some() { TEXT } else { BINARY };
        let expected = [
            whole(Role::Server, TEXT, "before"),
            whole(Role::Server, opcode, &payload),
            whole(Role::Server, TEXT, "after"),
        ];
        assert_eq!(drain(&mut outbox), expected.concat());
    }
}

#[test]
fn a_clients_large_payload_is_masked_in_the_memory_of_a_write() {
    let payload = Bytes::from((0..16 << 20).map(|i: u32| (i / 3) as u8).collect::<Vec<_>>());
    let mut client = connection(Role::Client, &Config::default());
    let mut outbox = Outbox::new();
    let frame = |n, opcode, payload: &[u8]| {
        let masked = payload.iter().enumerate().map(|(i, byte)| byte ^ key(n)[i % 4]).collect();
        [header(true, 0, opcode, Some(key(n)), payload.len() as u64), masked].concat()
    };
    let expected = [frame(0, TEXT, b"before"), frame(1, BINARY, &payload), frame(2, TEXT, b"after")].concat();
    let (mut sent, mut writes) = (Vec::with_capacity(expected.len()), 0);
    let (heap, ()) = heap_of(|| {
        client.send_text("before", &mut outbox).unwrap();
        client.send(&Message::binary(payload.clone()), &mut outbox).unwrap();
        client.send_text("after", &mut outbox).unwrap();
        while outbox.has_remaining() {
            let mut slices = [std::io::IoSlice::new(&[]); 16];
            let count = outbox.chunks_vectored(&mut slices);
            let before = sent.len();
            slices[..count].iter().for_each(|slice| sent.extend_from_slice(slice));
            outbox.advance(sent.len() - before);
            writes += 1;
        }
    });
    assert_eq!(outbox.len(), 0);
    let differs = sent.iter().zip(&expected).position(|(sent, expected)| sent != expected);
    assert_eq!((sent.len(), differs), (expected.len(), None), "the bytes of a client that masks at once");
    assert!(heap.peak <= 48 << 10, "{heap:?}");
    assert!(heap.calls <= 20 && writes <= 600, "{heap:?}, {writes} writes");
}

#[test]
fn many_large_payloads_of_a_client_wait_in_the_memory_of_one_write() {
    let payload = Bytes::from(vec![b'a'; 20_000]);
    let mut client = connection(Role::Client, &Config::default());
    let mut outbox = Outbox::new();
    let (heap, ()) =
        heap_of(|| (0..50).for_each(|_| client.send(&Message::binary(payload.clone()), &mut outbox).unwrap()));
    assert_eq!(outbox.len(), 50 * (8 + payload.len()));
    assert!(heap.peak <= 64 << 10, "{heap:?}");
}

#[test]
fn a_broadcast_is_shared_by_every_outbox() {
    let news = Broadcast::text(&"n".repeat(5000));
    let expected = whole(Role::Server, TEXT, "n".repeat(5000));
    let mut outboxes: Vec<Outbox> = (0..100).map(|_| Outbox::new()).collect();
    let (heap, ()) = heap_of(|| {
        for outbox in &mut outboxes {
            Connection::server(&Config::default()).broadcast(&news, outbox).unwrap();
        }
    });
    // A place in each queue, and no frame.
    assert!(heap.total <= 100 * 500, "{heap:?}");
    let first = slices(&outboxes[0]);
    assert_eq!(first.len(), 1);
    for outbox in &mut outboxes {
        assert_eq!(slices(outbox), first);
        assert_eq!(drain(outbox), expected);
    }
}

#[test]
fn an_outbox_that_is_drained_bit_by_bit_does_not_grow() {
    for role in ROLES {
        let mut connection = connection(role, &Config::default());
        let mut outbox = Outbox::new();
        let mut send = || {
            connection.send_binary(&[0; 94], &mut outbox).unwrap();
            if outbox.len() > 1000 {
                outbox.advance(97);
            }
        };
        (0..1000).for_each(|_| send());
        let (heap, ()) = heap_of(|| (0..10_000).for_each(|_| send()));
        // Per message 100 or 96 bytes come and 97 leave.
        assert!(heap.live <= 100_000, "{role:?}: {heap:?}");
        let per_call = heap.total / 10_000;
        assert!(per_call <= 100, "{role:?}: {heap:?}");
    }
}

/// "Its memory is at most twice the limit, or 1 KiB, and twice as much again while it moves to a larger place".
#[test]
fn an_outbox_keeps_to_the_memory_of_its_limit() {
    for limit in [10, 300, 1000, 5000, 100_000] {
        for role in ROLES {
            let mut connection = connection(role, &Config::default());
            let mut outbox = Outbox::with_limit(limit);
            let (heap, full) = heap_of(|| {
                loop {
                    if let Err(error) = connection.send_binary(&[7; 3], &mut outbox) {
                        break error;
                    }
                }
            });
            assert!(matches!(full, Error::OutboxFull(_)), "{full:?}");
            let most = (2 * limit).max(1 << 10);
            assert!(heap.live <= most && heap.peak <= 3 * most, "{role:?}, {limit}: {heap:?}");
        }
    }
}

/// The memory of an idle connection's first frames is made in one step.
#[test]
fn the_first_frames_of_a_kilobyte_are_one_allocation() {
    let mut connection = Connection::server(&Config::default());
    let mut outbox = Outbox::new();
    let (heap, ()) = heap_of(|| (0..15).for_each(|_| connection.send_binary(&[7; 60], &mut outbox).unwrap()));
    assert_eq!((heap.calls, heap.live), (1, 1 << 10));
}
