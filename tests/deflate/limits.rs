//! Limits, and peers that try them.

use sockeye::deflate::Options;
use sockeye::{Broadcast, CloseCode, Config, Error, Limit, Opcode, Outbox, OutboxFull, Piece, Role};

use crate::wire::{
    DOORS, Door, End, ROLES, RSV1, Seen, arrive, compressed, eager, every_way, frame, frames, noise, plain, prose,
    symmetric,
};

fn limited(role: Role, config: &Config) -> End {
    End::new(plain(role, config).with_deflate(symmetric(15, true), &eager()))
}

#[test]
fn a_message_of_the_limit_passes_and_one_byte_more_fails() {
    for limit in [0usize, 1, 2, 100, 255, 256, 257, 4096, 16_383, 16_384, 16_385, 40_000] {
        for content in [vec![0; limit + 1], noise(limit + 1), prose(2 * limit + 8).into_bytes()] {
            for role in ROLES {
                let config = Config::default().message_limit(limit as u64);
                let good = &content[..limit];
                let bad = &content[..limit + 1];
                let fits = arrivals(role, &config, &compressed(good));
                assert!(fits.iter().all(|outcome| outcome.result.is_ok()), "limit {limit}");
                assert!(fits.iter().all(|outcome| outcome.seen == [Seen::Binary(good.to_vec())]), "limit {limit}");
                for outcome in arrivals(role, &config, &compressed(bad)) {
                    let error = Error::Limit(Limit::Message { length: limit as u64 + 1 });
                    assert_eq!(outcome.result, Err(error), "limit {limit}");
                    assert_eq!((outcome.seen.len(), outcome.told), (0, Some(CloseCode::MESSAGE_TOO_BIG)));
                }
            }
        }
    }
}

/// A message in one frame and in fragments, whole and in reads, through both doors.
fn arrivals(role: Role, config: &Config, payload: &[u8]) -> Vec<crate::wire::Outcome> {
    let mut outcomes = Vec::new();
    for fragment in [payload.len(), 100, 1] {
        if payload.len() / fragment.max(1) > 2000 {
            continue;
        }
        let mut wire = Vec::new();
        let mut opcode = Opcode::Binary;
        for piece in payload.chunks(fragment.max(1)) {
            let reserved = if opcode == Opcode::Binary { RSV1 } else { 0 };
            wire.extend(frame(role, false, reserved, opcode, piece));
            opcode = Opcode::Continuation;
        }
        wire.extend(frame(role, true, 0, opcode, &[]));
        for door in DOORS {
            outcomes.push(arrive(limited(role, config), door, &wire, []));
            outcomes.push(arrive(limited(role, config), door, &wire, (1..wire.len()).step_by(wire.len() / 500 + 1)));
        }
    }
    outcomes
}

#[test]
fn pieces_never_go_past_the_limit() {
    for limit in [100, 16_384, 100_000] {
        let wire = frame(Role::Server, true, RSV1, Opcode::Binary, &compressed(&vec![0; 1 << 20]));
        let mut end = limited(Role::Server, &Config::default().message_limit(limit));
        end.inbox.extend(&wire);
        let mut seen = Vec::new();
        let error = end.take(Door::Pieces, &mut seen);
        assert_eq!(error, Err(Error::Limit(Limit::Message { length: limit + 1 })));
        assert!(end.piece().len() as u64 <= limit && seen.is_empty());
        assert_eq!(end.take(Door::Pieces, &mut seen), error, "the error is replayed");
        assert!(end.inbox.is_empty());
    }
}

#[test]
fn a_bomb_in_pieces_comes_in_few_calls_and_none_returns_none_before_its_end() {
    let length = 3 << 20;
    let wire = frame(Role::Client, true, RSV1, Opcode::Binary, &compressed(&vec![0; length]));
    let mut end = limited(Role::Client, &Config::default().message_limit(u64::MAX));
    end.inbox.extend(&wire);
    let (mut calls, mut seen) = (0, 0);
    loop {
        match end.connection.receive_piece(&mut end.inbox, &mut end.outbox) {
            Ok(Some(Piece::Binary { data, last })) => {
                calls += 1;
                seen += data.len();
                if last {
                    break;
                }
                assert_eq!(data.len(), 16 << 10, "a piece is full before the next");
            }
            other => panic!("expected the next piece after {seen} bytes, got {other:?}"),
        }
    }
    assert_eq!(seen, length);
    assert!(calls <= length / (16 << 10) + 1, "{calls} calls");
}

#[test]
fn all_that_a_fragment_inflates_to_comes_before_the_next_fragment() {
    // A few more bytes than fit into a piece, of which one match is the most of it.
    for (role, length) in ROLES.into_iter().flat_map(|role| [16_385, 16_500, 40_000].map(|length| (role, length))) {
        let mut end = limited(role, &Config::default());
        end.inbox.extend(&frame(role, false, RSV1, Opcode::Binary, &compressed(&vec![7; length])));
        let mut seen = 0;
        while let Some(piece) = end.connection.receive_piece(&mut end.inbox, &mut end.outbox).expect("a good message") {
            let Piece::Binary { data, last: false } = piece else {
                panic!("expected data that goes on, got {piece:?}")
            };
            seen += data.len();
        }
        assert_eq!(seen, length);
    }
}

#[test]
fn a_frame_may_be_longer_than_what_it_inflates_to_but_not_by_much() {
    let limit = 1000;
    // A quarter and 1 KiB more.
    let most = limit + limit / 4 + 1024;
    for role in ROLES {
        // The error names the limit that has to be raised.
        let length = most + 1;
        for (config, passed) in [
            (Config::default().frame_limit(limit), Limit::Frame { length }),
            (Config::default().message_limit(limit), Limit::Message { length }),
            (Config::default().frame_limit(limit).message_limit(limit), Limit::Frame { length }),
        ] {
            // Empty stored blocks, and the octet that ends a message.
            let mut payload = [0x00, 0x00, 0x00, 0xff, 0xff].repeat((most as usize - 1) / 5);
            payload.push(0x00);
            assert!(payload.len() as u64 + 5 > most);
            let wire = frame(role, true, RSV1, Opcode::Text, &payload);
            let outcome = arrive(limited(role, &config), Door::Whole, &wire, []);
            assert_eq!((outcome.seen, outcome.result), (vec![Seen::Text(String::new())], Ok(())));
            // The header is enough to refuse it.
            let wire = frame(role, true, RSV1, Opcode::Text, &vec![0; most as usize + 1]);
            let header = wire.len() - most as usize - 1;
            let outcome = every_way(|| limited(role, &config), &wire[..header]);
            assert_eq!(outcome.result, Err(Error::Limit(passed)));
            assert_eq!(outcome.told, Some(CloseCode::MESSAGE_TOO_BIG));
        }
    }
}

#[test]
fn fragments_that_inflate_to_nothing_end_at_the_limit_of_fragments() {
    for role in ROLES {
        for payload in [&[][..], &[0x00, 0x00, 0x00, 0xff, 0xff], &[0x03, 0x00]] {
            let config = Config::default().fragment_limit(50);
            let mut wire = frame(role, false, RSV1, Opcode::Text, payload);
            for _ in 1..50 {
                wire.extend(frame(role, false, 0, Opcode::Continuation, payload));
            }
            let outcome = arrive(limited(role, &config), Door::Whole, &wire, []);
            assert_eq!((outcome.seen.len(), outcome.result), (0, Ok(())));
            wire.extend(frame(role, true, 0, Opcode::Continuation, payload));
            let outcome = every_way(|| limited(role, &config), &wire);
            assert_eq!(outcome.result, Err(Error::Limit(Limit::Fragments { limit: 50 })));
            assert_eq!(outcome.told, Some(CloseCode::POLICY_VIOLATION));
        }
    }
}

#[test]
fn a_flood_of_final_blocks_is_read_to_its_end() {
    // "a" in a final block of its own, after a window that each block may refer to.
    let block = [0x4b, 0x04, 0x00];
    let payload = [&compressed(&noise(40_000))[..], &[0x00, 0x00, 0xff, 0xff], &block.repeat(3000), &[0x00]].concat();
    let wire = frame(Role::Server, true, RSV1, Opcode::Binary, &payload);
    let mut expected = noise(40_000);
    expected.extend([b'a'; 3000]);
    for door in DOORS {
        for step in [wire.len(), 7] {
            let outcome =
                arrive(limited(Role::Server, &Config::default()), door, &wire, (step..wire.len()).step_by(step));
            assert!(outcome.seen == [Seen::Binary(expected.clone())], "{door:?}, {:?}", outcome.result);
        }
    }
}

#[test]
fn a_full_outbox_leaves_the_compressor_where_it_was() {
    // Half of each message repeats what came before, the other half is new.
    let new: Vec<char> = noise(200_000).into_iter().map(|byte| char::from(b' ' + byte % 90)).collect();
    let message = |index: usize| {
        let length = 40 + index * 5;
        format!("{index} {}{}", prose(length), new[index * 900..][..length].iter().collect::<String>())
    };
    let messages: Vec<String> = (0..200).map(message).collect();
    for role in ROLES {
        for takeover in [false, true] {
            let options = Options::new().threshold(100);
            let mut end = End::new(plain(role, &Config::default()).with_deflate(symmetric(15, takeover), &options));
            let peer = if role == Role::Server { Role::Client } else { Role::Server };
            let mut peer = End::new(plain(peer, &Config::default()).with_deflate(symmetric(15, takeover), &options));
            end.outbox = Outbox::with_limit(6000);
            let (mut refused, mut seen) = (0, Vec::new());
            for (index, message) in messages.iter().enumerate() {
                loop {
                    let waiting = end.outbox.len();
                    let End { connection, outbox, .. } = &mut end;
                    let (start, rest) = message.split_at(message.find(' ').expect("a space"));
                    let sent = match index % 3 {
                        0 => connection.send_text(message, outbox),
                        1 => connection.send(&message.as_str().into(), outbox),
                        _ => connection.send_text_fragment(start, false, outbox).map(|()| {
                            while connection.send_text_fragment(rest, true, outbox).is_err() {
                                peer.inbox.extend(&crate::wire::drain(outbox));
                            }
                        }),
                    };
                    match sent {
                        Ok(()) => break,
                        Err(error) => assert_eq!(error, Error::OutboxFull(OutboxFull { limit: 6000, waiting })),
                    }
                    refused += 1;
                    peer.inbox.extend(&end.drain());
                    peer.take(Door::Whole, &mut seen).expect("good messages");
                }
                assert!(end.outbox.len() <= 6000);
            }
            peer.inbox.extend(&end.drain());
            peer.take(Door::Whole, &mut seen).expect("good messages");
            assert!(seen.iter().eq(&messages.iter().cloned().map(Seen::Text).collect::<Vec<_>>()));
            assert!(refused > 5, "{refused} times");
        }
    }
}

#[test]
fn what_is_admitted_never_goes_past_the_limit_of_the_outbox() {
    for level in [1, 2, 3, 6, 9] {
        for memory in [1, 5, 9] {
            for bits in [8, 9, 15] {
                let options = Options::new().threshold(0).level(level).memory_level(memory);
                let mut end =
                    End::new(plain(Role::Client, &Config::default()).with_deflate(symmetric(bits, true), &options));
                for length in [1, 10, 100, 1000, 60_000] {
                    end.outbox = Outbox::with_limit(length + length / 4 + 128 + 14);
                    let data: Vec<u8> = noise(length).iter().map(|byte| byte | 0x90).collect();
                    for data in [noise(length), data] {
                        end.connection.send_binary(&data, &mut end.outbox).expect("room in an empty outbox");
                        assert!(end.outbox.len() <= end.outbox.limit());
                        assert_eq!(frames(&end.drain()).len(), 1);
                    }
                }
            }
        }
    }
}

#[test]
fn what_grows_by_compression_is_admitted_only_where_it_fits() {
    for role in ROLES {
        // With the least memory the blocks are short, and many.
        for (memory, length) in [(5, 1), (5, 100), (5, 1000), (5, 20_000), (1, 20_000)] {
            let options = Options::new().threshold(0).memory_level(memory);
            let mut taken = 0;
            let worst = length + length / 4 + 128;
            for room in (length..length + 30).chain(length + 128..length + 160).chain(worst..worst + 14) {
                let mut end = End::new(plain(role, &Config::default()).with_deflate(symmetric(15, true), &options));
                end.outbox = Outbox::with_limit(room);
                if end.connection.send_binary(&noise(length), &mut end.outbox).is_ok() {
                    taken += 1;
                    assert!(end.outbox.len() <= room, "{} bytes in a room of {room}", end.outbox.len());
                }
            }
            assert!(taken > 0, "{length}");
        }
    }
}

#[test]
fn what_is_not_compressed_is_admitted_where_it_fits_itself() {
    for (role, size) in [(Role::Server, 102), (Role::Client, 106)] {
        let options = Options::new().threshold(101);
        let mut end = End::new(plain(role, &Config::default()).with_deflate(symmetric(15, true), &options));
        end.outbox = Outbox::with_limit(size);
        end.connection.send_binary(&noise(100), &mut end.outbox).expect("room");
        assert_eq!(end.outbox.len(), size);
    }
}

#[test]
fn misuse_leaves_the_compressor_where_it_was() {
    for role in ROLES {
        let mut end = limited(role, &Config::default());
        let peer = if role == Role::Server { Role::Client } else { Role::Server };
        let mut peer = limited(peer, &Config::default());
        let End { connection, outbox, .. } = &mut end;
        let text = prose(500);
        connection.send_text_fragment(&text, false, outbox).expect("room");
        connection.send_text(&prose(900), outbox).expect_err("a message is open");
        connection.send_binary_fragment(&noise(900), true, outbox).expect_err("a text message is open");
        connection.broadcast(&Broadcast::text(&text), outbox).expect_err("a message is open");
        connection.ping(&[0; 126], outbox).expect_err("too long");
        connection.send_text_fragment(&text, true, outbox).expect("room");
        connection.send_text(&text, outbox).expect("room");
        connection.close(None, outbox).expect("open");
        connection.send_text(&text, outbox).expect_err("closed");
        let wire = end.drain();
        peer.inbox.extend(&wire);
        let mut seen = Vec::new();
        peer.take(Door::Whole, &mut seen).expect("good messages");
        assert_eq!(seen, [Seen::Text(text.repeat(2)), Seen::Text(text), Seen::Close(None)]);
    }
}
