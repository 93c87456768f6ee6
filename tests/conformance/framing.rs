//! Rules 23 to 28: the frame (RFC 6455 sections 5.2, 6.1 and 10.4).

use sockeye::{Config, Error, Message, Misuse};

use crate::common::*;
use crate::states::states;

/// The lengths on both sides of each form's edge.
const LENGTHS: [usize; 8] = [0, 1, 125, 126, 127, 65535, 65536, 65537];

#[test]
fn rule_23_reserved_bits_are_zero() {
    for role in ROLES {
        let peer = role.peer();
        for reserved in 1..8 {
            for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
                let start = [0x80 | reserved << 4 | opcode, mask_bit(peer)];
                assert_failing(role, &start, 1002);
            }
            let continuation = [part(peer, TEXT, "a"), vec![0x80 | reserved << 4, mask_bit(peer)]].concat();
            assert_failing(role, &continuation, 1002);
        }
        assert_receiving(role, &Config::default(), &whole(peer, TEXT, "a"), &[Seen::text("a")], &[]);
    }
}

#[test]
fn rule_24_reserved_opcodes_fail() {
    for role in ROLES {
        let peer = role.peer();
        for opcode in (0x3..=0x7).chain(0xB..=0xF) {
            for fin in [0, 0x80] {
                assert_failing(role, &[fin | opcode, mask_bit(peer)], 1002);
            }
        }
        let all = [
            part(peer, TEXT, "te"),
            whole(peer, CONTINUATION, "xt"),
            whole(peer, BINARY, [0xFF]),
            whole(peer, PONG, "o"),
            whole(peer, PING, "i"),
            close(peer, 1000, ""),
        ];
        let seen = [
            Seen::text("text"),
            Seen::binary([0xFF]),
            Seen::Pong(b"o".into()),
            Seen::Ping(b"i".into()),
            Seen::close(1000, ""),
        ];
        let answers = [(PONG, b"i".to_vec()), (CLOSE, vec![3, 232])];
        assert_receiving(role, &Config::default(), &all.concat(), &seen, &answers);
    }
}

#[test]
fn rule_25_the_length_is_in_network_byte_order_and_its_top_bit_is_zero() {
    let unlimited = Config::default().frame_limit(u64::MAX).message_limit(u64::MAX);
    for role in ROLES {
        let start = |third: u8| vec![0x82, mask_bit(role.peer()) | 127, third, 0, 0, 0, 0, 0, 0, 0];
        assert_failing_after(role, &unlimited, &start(0x80), &[], 1002);
        assert_failing_after(role, &unlimited, &start(0xFF), &[], 1002);
        let mut end = End::with(role, &unlimited);
        end.read(Door::Whole, &start(0x7F));
        assert_eq!(end.error, None);

        for length in [258, 65536 + 258] {
            let data = vec![7; length];
            let bytes = whole(role.peer(), BINARY, &data);
            assert_receiving(role, &Config::default(), &bytes, &[Seen::binary(&data)], &[]);
        }
        let mut end = End::new(role);
        end.connection.send_binary(&[7; 258], &mut end.outbox).unwrap();
        end.connection.send_binary(&[7; 65536 + 258], &mut end.outbox).unwrap();
        let sent = drain(&mut end.outbox);
        assert_eq!(sent[..4], [0x82, mask_bit(role) | 126, 1, 2]);
        let second = if role.masks() { 4 + 4 + 258 } else { 4 + 258 };
        assert_eq!(sent[second..second + 10], [0x82, mask_bit(role) | 127, 0, 0, 0, 0, 0, 1, 1, 2]);
    }
}

#[test]
fn rule_26_the_minimal_number_of_bytes_encodes_the_length() {
    for role in ROLES {
        let bit = mask_bit(role.peer());
        for length in [0, 1, 124, 125] {
            assert_failing(role, &[0x82, bit | 126, 0, length], 1002);
        }
        for length in [0u64, 125, 126, 65534, 65535] {
            let bytes = [&[0x82, bit | 127][..], &length.to_be_bytes()].concat();
            assert_failing(role, &bytes, 1002);
        }
        for length in LENGTHS {
            let data: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let bytes = whole(role.peer(), BINARY, &data);
            assert_receiving(role, &Config::default(), &bytes, &[Seen::binary(&data)], &[]);

            // `frames` expects the shortest form.
            let mut end = End::new(role);
            end.connection.send_binary(&data, &mut end.outbox).unwrap();
            end.connection.send(&Message::binary(data.clone()), &mut end.outbox).unwrap();
            end.connection.send_binary_fragment(&data, true, &mut end.outbox).unwrap();
            assert_eq!(end.answers(), vec![(BINARY, data); 3]);
        }
    }
}

#[test]
fn rule_27_limits_are_inclusive_and_hold_before_the_payload_comes() {
    for role in ROLES {
        let (peer, bit) = (role.peer(), mask_bit(role.peer()));
        let key = (bit != 0).then_some(KEY);
        for limit in [0, 1, 125, 126, 65535, 65536] {
            for config in [Config::default().frame_limit(limit), Config::default().message_limit(limit)] {
                let data = vec![b'a'; limit as usize];
                let seen = [Seen::binary(&data)];
                assert_receiving(role, &config, &whole(peer, BINARY, &data), &seen, &[]);

                // The header alone fails, and of it what comes before the key.
                let mut one_more = header(true, 0, BINARY, key, limit + 1);
                one_more.truncate(one_more.len() - if bit != 0 { 4 } else { 0 });
                assert_failing_after(role, &config, &one_more, &[], 1009);
                let after_good_one = [whole(peer, BINARY, &data), one_more].concat();
                assert_failing_after(role, &config, &after_good_one, &seen, 1009);
            }
        }
        // A control frame is no message.
        let config = Config::default().frame_limit(0).message_limit(0);
        assert_receiving(role, &config, &whole(peer, PONG, "abc"), &[Seen::Pong(b"abc".into())], &[]);
    }
}

#[test]
fn rule_28_data_is_sent_only_while_open() {
    for role in ROLES {
        for (name, end) in states(role) {
            let open = name == "open" || name == "fragment sent" || name == "fragment received";
            let End { mut connection, .. } = end;
            assert_eq!(connection.is_open(), open, "{role:?}, {name}");
            let mut outbox = sockeye::Outbox::new();
            let mut results = vec![
                connection.send_text("a", &mut outbox),
                connection.send_binary(b"a", &mut outbox),
                connection.send(&Message::text("a"), &mut outbox),
                connection.send(&Message::binary(vec![0; 5000]), &mut outbox),
            ];
            if name != "fragment sent" {
                results.push(connection.send_text_fragment("a", true, &mut outbox));
                results.push(connection.send_binary_fragment(b"a", true, &mut outbox));
            }
            for (i, result) in results.into_iter().enumerate() {
                let fits = match result {
                    Ok(()) => open && name != "fragment sent",
                    Err(Error::Misuse(Misuse::MessageOpen)) => name == "fragment sent",
                    Err(Error::Misuse(Misuse::Closed)) => !open && name != "failed",
                    Err(Error::Protocol(_)) => name == "failed",
                    Err(_) => false,
                };
                assert!(fits, "{role:?}, {name}, send {i}: {result:?}");
                assert!(result.is_ok() || outbox.is_empty(), "{role:?}, {name}, send {i}");
            }
        }
    }
}

#[test]
fn rule_28_the_rest_of_a_message_may_go_before_the_answer_to_a_close() {
    // "For instance, if the majority of a fragmented message is already sent, an endpoint MAY send the remaining
    // fragments before sending a Close frame." (RFC 6455 section 5.5.1)
    for role in ROLES {
        let mut end = End::with(role, &Config::default().auto_close(false));
        end.connection.send_text_fragment("a", false, &mut end.outbox).unwrap();
        end.read(Door::Whole, &close(role.peer(), 1000, ""));
        end.connection.send_text_fragment("b", false, &mut end.outbox).unwrap();
        end.connection.send_text_fragment("c", true, &mut end.outbox).unwrap();
        let next = end.connection.send_text_fragment("d", true, &mut end.outbox);
        assert_eq!(next, Err(Misuse::Closed.into()), "{role:?}: a new message");
        end.connection.close(None, &mut end.outbox).unwrap();
        let shapes: Vec<_> = end.sent().iter().map(Frame::shape).collect();
        let expected = [
            (false, 0, TEXT, b"a".to_vec()),
            (false, 0, CONTINUATION, b"b".to_vec()),
            (true, 0, CONTINUATION, b"c".to_vec()),
            (true, 0, CLOSE, vec![]),
        ];
        assert_eq!(shapes, expected, "{role:?}");
    }
}
