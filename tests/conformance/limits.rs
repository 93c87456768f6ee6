//! Rule 27 again: limits over many frames, and of what waits to be sent (RFC 6455 section 10.4).

use sockeye::bytes::Buf;
use sockeye::{Broadcast, Config, Error, Limit, Message, Outbox, OutboxFull, Role};

use crate::common::*;

#[test]
fn rule_27_the_message_limit_counts_all_fragments() {
    for role in ROLES {
        let peer = role.peer();
        let config = Config::default().message_limit(10);
        let seen = [Seen::text("abcdefghij")];
        let exact = [part(peer, TEXT, "abcd"), part(peer, CONTINUATION, "efgh"), whole(peer, CONTINUATION, "ij")];
        assert_receiving(role, &config, &exact.concat(), &seen, &[]);
        // An empty fragment more is within it, a byte more is not, and is refused before it comes.
        let empty = [part(peer, TEXT, "abcdefghij"), part(peer, CONTINUATION, ""), whole(peer, CONTINUATION, "")];
        assert_receiving(role, &config, &empty.concat(), &seen, &[]);
        let more = [part(peer, TEXT, "abcd"), part(peer, CONTINUATION, "efgh"), vec![0x80, mask_bit(peer) | 3]];
        assert_failing_after(role, &config, &more.concat(), &[], 1009);
        // It counts each message by itself.
        let twice = exact.concat().repeat(2);
        assert_receiving(role, &config, &twice, &[seen[0].clone(), seen[0].clone()], &[]);

        let mut end = End::with(role, &config);
        end.read(Door::Whole, &more.concat());
        assert_eq!(end.error, Some(Error::Limit(Limit::Message { length: 11 })));
    }
}

#[test]
fn rule_27_the_frame_limit_counts_each_fragment() {
    for role in ROLES {
        let peer = role.peer();
        let config = Config::default().frame_limit(4);
        let bytes = [part(peer, TEXT, "abcd"), part(peer, CONTINUATION, "efgh"), whole(peer, CONTINUATION, "ij")];
        assert_receiving(role, &config, &bytes.concat(), &[Seen::text("abcdefghij")], &[]);
        let more = [part(peer, TEXT, "abcd"), vec![0x00, mask_bit(peer) | 5]].concat();
        assert_failing_after(role, &config, &more, &[], 1009);

        let mut end = End::with(role, &config);
        end.read(Door::Whole, &more);
        assert_eq!(end.error, Some(Error::Limit(Limit::Frame { length: 5 })));
    }
}

#[test]
fn rule_27_a_declared_length_of_any_size_fails_at_its_last_byte() {
    for role in ROLES {
        let bit = mask_bit(role.peer());
        for length in [(16 << 20) + 1u64, 1 << 32, 1 << 62, (1 << 63) - 1] {
            let bytes = [&[0x82, bit | 127][..], &length.to_be_bytes()].concat();
            assert_failing(role, &bytes, 1009);
            // And in the middle of a message, where the sum would not fit.
            let bytes = [part(role.peer(), BINARY, "a"), [&[0x80, bit | 127][..], &length.to_be_bytes()].concat()];
            assert_failing(role, &bytes.concat(), 1009);
            let config = Config::default().frame_limit(u64::MAX);
            assert_failing_after(role, &config, &bytes.concat(), &[], 1009);
        }
        // The default itself is within the default.
        let mut end = End::new(role);
        end.read(Door::Whole, &[&[0x82, bit | 127][..], &(16u64 << 20).to_be_bytes()].concat());
        assert_eq!(end.error, None);
    }
}

#[test]
fn rule_27_a_message_of_65536_fragments_of_64_bytes_is_legal() {
    for role in ROLES {
        let peer = role.peer();
        let fragment = [b'a'; 64];
        let mut bytes = part(peer, TEXT, fragment);
        (2..65536).for_each(|_| bytes.extend(part(peer, CONTINUATION, fragment)));
        bytes.extend(whole(peer, CONTINUATION, fragment));
        for door in DOORS {
            for size in [bytes.len(), 16 << 10, 1460, 61] {
                let mut end = End::new(role);
                bytes.chunks(size).for_each(|read| end.read(door, read));
                assert_eq!(end.error, None);
                let [Seen::Text(text)] = &end.seen[..] else { panic!("expected one text, got {}", end.seen.len()) };
                assert!(text.len() == 4 << 20 && text.bytes().all(|byte| byte == b'a'));
            }
        }
    }
}

#[test]
fn rule_27_fragments_are_limited_by_count_with_1008() {
    for role in ROLES {
        let peer = role.peer();
        for limit in [1, 2, 3, 10] {
            let config = Config::default().fragment_limit(limit);
            for payload in ["", "a"] {
                let open: Vec<u8> =
                    (0..limit).flat_map(|i| part(peer, if i == 0 { TEXT } else { CONTINUATION }, payload)).collect();
                // One more, the last one or not, is refused by its first two bytes.
                for fin in [0, 0x80] {
                    let bytes = [&open[..], &[fin, mask_bit(peer)]].concat();
                    assert_failing_after(role, &config, &bytes, &[], 1008);
                }
                // Exactly as many are within it, and control frames do not count.
                let mut exact = Vec::new();
                for i in 0..limit {
                    let opcode = if i == 0 { BINARY } else { CONTINUATION };
                    exact.extend(Frame::new(peer, i + 1 == limit, opcode, payload).bytes());
                    exact.extend(whole(peer, PONG, ""));
                }
                let mut seen = vec![Seen::Pong(vec![]); limit as usize + 1];
                seen[limit as usize - 1] = Seen::binary(payload.repeat(limit as usize));
                assert_receiving(role, &config, &exact, &seen, &[]);
            }
        }
    }
}

/// Sends a message in each way that there is for one of this length, until the outbox is full.
fn fill(end: &mut End, data: &[u8]) -> (Vec<(u8, Vec<u8>)>, OutboxFull) {
    let mut sent = Vec::new();
    let text = String::from_utf8(data.to_vec()).unwrap();
    let news = Broadcast::binary(data);
    let End { connection, outbox, role, .. } = end;
    for i in 0.. {
        let (opcode, result) = match i % 6 {
            0 => (TEXT, connection.send_text(&text, outbox)),
            1 => (BINARY, connection.send_binary(data, outbox)),
            2 => (TEXT, connection.send(&Message::text(&*text), outbox)),
            3 if *role == Role::Server => (BINARY, connection.broadcast(&news, outbox)),
            4 if data.len() <= 125 => (PING, connection.ping(data, outbox)),
            5 if data.len() <= 125 => (PONG, connection.pong(data, outbox)),
            _ => (BINARY, connection.send_binary_fragment(data, true, outbox)),
        };
        match result {
            Ok(()) => sent.push((opcode, data.to_vec())),
            Err(Error::OutboxFull(full)) => return (sent, full),
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

#[test]
fn rule_27_an_outbox_that_is_full_loses_nothing() {
    for role in ROLES {
        for size in [0, 1, 100, 126, 5000, 70_000] {
            let mut end = End::new(role);
            end.outbox = Outbox::with_limit(100_000);
            let data = vec![b'a'; size];
            for _ in 0..3 {
                let (sent, full) = fill(&mut end, &data);
                assert_eq!(full, OutboxFull { limit: 100_000, waiting: end.outbox.len() });
                assert!(end.outbox.len() <= 100_000);
                // A part leaves, and there is room again.
                let waiting = end.outbox.len();
                let mut bytes = end.outbox.copy_to_bytes(waiting / 2).to_vec();
                bytes.extend(drain(&mut end.outbox));
                let all: Vec<_> = frames(&bytes).into_iter().map(|frame| (frame.opcode, frame.payload)).collect();
                assert_eq!(all, sent, "{role:?}, {size}");
            }
        }
    }
}

#[test]
fn rule_27_the_outboxs_limit_is_inclusive_and_exact() {
    for role in ROLES {
        let key = role.masks().then_some(KEY);
        for size in [0, 1, 125, 126, 5000, 65535, 65536] {
            let frame = header(true, 0, BINARY, key, size as u64).len() + size;
            let data = vec![0; size];
            type Send<'a> = &'a dyn Fn(&mut End) -> Result<(), Error>;
            let sends: [Send<'_>; 4] = [
                &|end| end.connection.send_binary(&data, &mut end.outbox),
                &|end| end.connection.send(&Message::binary(data.clone()), &mut end.outbox),
                &|end| end.connection.send_binary_fragment(&data, true, &mut end.outbox),
                &|end| end.connection.broadcast(&Broadcast::binary(&data), &mut end.outbox),
            ];
            for (i, send) in sends.into_iter().enumerate().filter(|(i, _)| *i < 3 || role == Role::Server) {
                let mut end = End::new(role);
                end.outbox = Outbox::with_limit(2 * frame);
                assert_eq!((send(&mut end), send(&mut end)), (Ok(()), Ok(())), "{role:?}, {size}, way {i}");
                let full = OutboxFull { limit: 2 * frame, waiting: 2 * frame };
                assert_eq!(send(&mut end), Err(full.into()), "{role:?}, {size}, way {i}");

                let mut end = End::new(role);
                end.outbox = Outbox::with_limit(2 * frame - 1);
                send(&mut end).unwrap();
                let full = OutboxFull { limit: 2 * frame - 1, waiting: frame };
                assert_eq!(send(&mut end), Err(full.into()), "{role:?}, {size}, way {i}");
            }
        }
    }
}

#[test]
fn rule_27_pongs_and_closes_go_past_the_outboxs_limit() {
    for role in ROLES {
        let mut end = End::new(role);
        end.outbox = Outbox::with_limit(0);
        assert!(matches!(end.connection.send_text("", &mut end.outbox), Err(Error::OutboxFull(_))));
        assert!(matches!(end.connection.ping(b"", &mut end.outbox), Err(Error::OutboxFull(_))));
        end.read(Door::Whole, &whole(role.peer(), PING, "ping"));
        end.connection.close(None, &mut end.outbox).unwrap();
        assert_eq!(end.answers(), [(PONG, b"ping".to_vec()), (CLOSE, vec![])]);
    }
}
