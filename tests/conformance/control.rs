//! Rules 39 to 42: pings and pongs (RFC 6455 section 5.5).

use sockeye::bytes::Buf;
use sockeye::{Config, Error, Misuse, Outbox};

use crate::common::*;

#[test]
fn rule_39_a_control_frame_has_at_most_125_bytes_and_is_not_fragmented() {
    for role in ROLES {
        let (peer, bit) = (role.peer(), mask_bit(role.peer()));
        for opcode in [CLOSE, PING, PONG] {
            for length in [126, 127] {
                assert_failing(role, &[0x80 | opcode, bit | length], 1002);
            }
            for length in [0, 2, 125] {
                assert_failing(role, &[opcode, bit | length], 1002);
            }
        }
        let most = vec![0xFE; 125];
        let bytes = [whole(peer, PONG, &most), whole(peer, PING, &most), close(peer, 1000, [b'a'; 123])].concat();
        let reason = "a".repeat(123);
        let seen = [Seen::Pong(most.clone()), Seen::Ping(most.clone()), Seen::close(1000, &reason)];
        let answers = [(PONG, most), (CLOSE, vec![3, 232])];
        assert_receiving(role, &Config::default(), &bytes, &seen, &answers);
    }
}

#[test]
fn rule_39_nor_is_a_longer_one_sent() {
    for role in ROLES {
        let mut end = End::new(role);
        let End { connection, outbox, .. } = &mut end;
        for length in [126, 127, 65536] {
            let long = Err(Error::Misuse(Misuse::LongControl(length)));
            assert_eq!(connection.ping(&vec![0; length], outbox), long);
            assert_eq!(connection.pong(&vec![0; length], outbox), long);
        }
        connection.ping(&[0; 125], outbox).unwrap();
        connection.pong(&[1; 125], outbox).unwrap();
        assert_eq!(end.answers(), [(PING, vec![0; 125]), (PONG, vec![1; 125])]);
    }
}

#[test]
fn rule_40_a_ping_is_answered_with_the_same_payload() {
    for role in ROLES {
        for payload in [vec![], b"Hello".to_vec(), vec![0xFF; 124], (0..125).collect()] {
            let bytes = whole(role.peer(), PING, &payload);
            let (seen, answers) = ([Seen::Ping(payload.clone())], [(PONG, payload)]);
            assert_receiving(role, &Config::default(), &bytes, &seen, &answers);
        }
    }
}

#[test]
fn rule_40_a_ping_is_answered_while_closing_until_the_peers_close_has_come() {
    for role in ROLES {
        let peer = role.peer();
        for door in DOORS {
            let mut end = End::new(role);
            end.connection.close(None, &mut end.outbox).unwrap();
            assert_eq!(end.answers(), [(CLOSE, vec![])]);
            end.read(door, &whole(peer, PING, "still here?"));
            assert_eq!(end.answers(), [(PONG, b"still here?".to_vec())], "{role:?}");
            end.read(door, &[close(peer, 1000, ""), whole(peer, PING, "and now?")].concat());
            assert_eq!(end.answers(), [], "{role:?}");
            assert_eq!(end.seen, [Seen::Ping(b"still here?".into()), Seen::close(1000, "")], "{role:?}");
        }
    }
}

#[test]
fn rule_40_a_caller_can_answer_for_itself() {
    for role in ROLES {
        let mut end = End::with(role, &Config::default().auto_pong(false));
        end.read(Door::Whole, &whole(role.peer(), PING, "ping"));
        assert_eq!(end.seen, [Seen::Ping(b"ping".into())]);
        assert_eq!(end.answers(), []);
        end.connection.pong(b"ping", &mut end.outbox).unwrap();
        assert_eq!(end.answers(), [(PONG, b"ping".to_vec())]);

        // "unless it already received a Close frame" (RFC 6455 section 5.5.2): to have sent one is no excuse.
        end.connection.close(None, &mut end.outbox).unwrap();
        assert_eq!(end.answers(), [(CLOSE, vec![])]);
        end.read(Door::Whole, &whole(role.peer(), PING, "closing"));
        end.connection.pong(b"closing", &mut end.outbox).unwrap();
        assert_eq!(end.answers(), [(PONG, b"closing".to_vec())]);
        end.read(Door::Whole, &close(role.peer(), 1000, ""));
        assert_eq!(end.connection.pong(b"late", &mut end.outbox), Err(Misuse::Closed.into()));
    }
}

#[test]
fn rule_41_ten_pings_have_ten_pongs() {
    for role in ROLES {
        let payloads: Vec<Vec<u8>> = (0..10).map(|i| vec![i; 12 * usize::from(i)]).collect();
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| whole(role.peer(), PING, payload)).collect();
        let seen: Vec<_> = payloads.iter().cloned().map(Seen::Ping).collect();
        let pongs: Vec<_> = payloads.into_iter().map(|payload| (PONG, payload)).collect();
        assert_receiving(role, &Config::default(), &bytes, &seen, &pongs);
    }
}

#[test]
fn rule_41_a_peer_that_does_not_read_is_owed_the_latest_pong_and_bounded_memory() {
    for role in ROLES {
        let peer = role.peer();
        let mut end = End::new(role);
        for i in 0..100_000u32 {
            end.read(Door::Whole, &whole(peer, PING, i.to_be_bytes()));
            assert!(end.outbox.len() <= Outbox::CONTROL_ROOM + 2 * 131, "{} bytes wait", end.outbox.len());
        }
        assert_eq!(end.seen.len(), 100_000);
        let numbers: Vec<u32> =
            end.answers().iter().map(|(_, payload)| u32::from_be_bytes(payload[..].try_into().unwrap())).collect();
        let first = numbers.len() as u32 - 1;
        assert_eq!(numbers[..first as usize], (0..first).collect::<Vec<_>>(), "while there is room, each is answered");
        assert_eq!(numbers[first as usize], 99_999, "then the latest alone");
        assert!(first >= 300, "{first}");

        // Once it reads again, each is answered again.
        end.read(Door::Whole, &[whole(peer, PING, "a"), whole(peer, PING, "b")].concat());
        assert_eq!(end.answers(), [(PONG, b"a".to_vec()), (PONG, b"b".to_vec())]);
    }
}

#[test]
fn rule_41_pongs_leave_in_the_order_of_their_pings() {
    for role in ROLES {
        let peer = role.peer();
        let mut end = End::new(role);
        end.connection.send_binary(&[0; 5000], &mut end.outbox).unwrap();
        end.read(Door::Whole, &whole(peer, PING, "1"));
        end.read(Door::Whole, &whole(peer, PING, "2"));
        // The transport takes a part, so that there is room again behind the pong that waits.
        let mut taken = end.outbox.copy_to_bytes(3000).to_vec();
        end.read(Door::Whole, &whole(peer, PING, "3"));
        taken.extend(drain(&mut end.outbox));
        let pongs: Vec<_> = frames(&taken).into_iter().skip(1).map(|frame| frame.payload).collect();
        assert_eq!(pongs, [b"2", b"3"], "{role:?}");
    }
}

#[test]
fn rule_41_a_pong_is_not_overtaken_for_ever_by_what_is_sent_after_it() {
    // "It SHOULD respond with Pong frame as soon as is practical." (RFC 6455 section 5.5.2)
    for role in ROLES {
        let mut end = End::new(role);
        let mut taken = Vec::new();
        end.connection.send_binary(&[0; 8000], &mut end.outbox).unwrap();
        end.read(Door::Whole, &whole(role.peer(), PING, "are you there?"));
        // A busy sender: whenever the transport takes something, there is more.
        for _ in 0..10 {
            end.connection.send_binary(&[0; 8000], &mut end.outbox).unwrap();
            taken.extend(end.outbox.copy_to_bytes(8000));
            assert!(end.outbox.len() >= 8000);
        }
        taken.extend(drain(&mut end.outbox));
        let at = frames(&taken).iter().position(|frame| frame.opcode == PONG);
        assert_eq!(at, Some(1), "{role:?}: the pong stands where its ping came");
    }
}

#[test]
fn rule_41_a_pong_that_has_begun_to_leave_is_not_replaced() {
    for role in ROLES {
        let peer = role.peer();
        for taken in 0..=20 {
            let mut end = End::new(role);
            end.connection.send_binary(&[0; 5000], &mut end.outbox).unwrap();
            let message = end.outbox.len();
            end.read(Door::Whole, &whole(peer, PING, "the first"));
            let mut bytes = end.outbox.copy_to_bytes((message + taken).min(end.outbox.len())).to_vec();
            let begun = bytes.len() > message;
            end.connection.send_binary(&[0; 5000], &mut end.outbox).unwrap();
            end.read(Door::Whole, &whole(peer, PING, "the second"));
            bytes.extend(drain(&mut end.outbox));
            let frames: Vec<_> = frames(&bytes).into_iter().map(|frame| frame.payload).collect();
            assert_eq!(frames.last().unwrap(), b"the second", "{role:?}, {taken}");
            assert!(!begun || frames.contains(&b"the first".to_vec()), "{role:?}, {taken}");
        }
    }
}

#[test]
fn rule_41_a_pong_that_waits_stands_before_the_close() {
    for role in ROLES {
        let mut end = End::new(role);
        end.connection.send_binary(&[0; 5000], &mut end.outbox).unwrap();
        end.read(Door::Whole, &[whole(role.peer(), PING, "ping"), close(role.peer(), 1000, "")].concat());
        let expected = [(BINARY, vec![0; 5000]), (PONG, b"ping".to_vec()), (CLOSE, vec![3, 232])];
        assert_eq!(end.answers(), expected, "{role:?}");
    }
}

#[test]
fn rule_42_a_pong_that_nobody_asked_for_needs_no_reply() {
    for role in ROLES {
        for payload in [vec![], b"beat".to_vec(), vec![0; 125]] {
            let bytes = whole(role.peer(), PONG, &payload).repeat(2);
            let seen = [Seen::Pong(payload.clone()), Seen::Pong(payload)];
            assert_receiving(role, &Config::default(), &bytes, &seen, &[]);
        }
    }
}
