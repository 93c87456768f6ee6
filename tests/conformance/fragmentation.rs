//! Rules 34 to 38: fragmentation (RFC 6455 section 5.4).

use sockeye::{Config, Error, Misuse, Opcode, Protocol};

use crate::common::*;

#[test]
fn rule_34_the_first_fragment_has_the_opcode_and_the_last_alone_has_fin() {
    let table: [(u8, &[&[u8]]); 5] = [
        (TEXT, &[b"one"]),
        (TEXT, &[b"", b""]),
        (TEXT, &[b"one", b"two", b"three"]),
        (BINARY, &[b"\xFF", b"", b"\x00\xC0"]),
        (BINARY, &[b"", b"", b"", b"a"]),
    ];
    for role in ROLES {
        for (kind, fragments) in table {
            let mut expected = Vec::new();
            let mut sender = End::new(role);
            for (i, fragment) in fragments.iter().enumerate() {
                let last = i + 1 == fragments.len();
                expected.push((last, 0, if i == 0 { kind } else { CONTINUATION }, fragment.to_vec()));
                let End { connection, outbox, .. } = &mut sender;
                match kind {
                    TEXT => connection.send_text_fragment(str::from_utf8(fragment).unwrap(), last, outbox).unwrap(),
                    _ => connection.send_binary_fragment(fragment, last, outbox).unwrap(),
                }
            }
            let sent = drain(&mut sender.outbox);
            assert_eq!(frames(&sent).iter().map(Frame::shape).collect::<Vec<_>>(), expected, "{role:?}");

            let by_hand: Vec<u8> = expected
                .iter()
                .flat_map(|(fin, _, opcode, payload)| Frame::new(role, *fin, *opcode, payload).bytes())
                .collect();
            let all = fragments.concat();
            let seen = match kind {
                TEXT => Seen::Text(String::from_utf8(all).unwrap()),
                _ => Seen::Binary(all),
            };
            for bytes in [sent, by_hand] {
                assert_receiving(role.peer(), &Config::default(), &bytes, std::slice::from_ref(&seen), &[]);
            }
        }
    }
}

#[test]
fn rule_35_a_continuation_with_nothing_open_fails() {
    for role in ROLES {
        let peer = role.peer();
        for fin in [0, 0x80] {
            let start = vec![fin, mask_bit(peer) | 1];
            assert_failing(role, &start, 1002);
            // After a whole message, and after the last fragment of one, nothing is open any more.
            let after_whole = [whole(peer, TEXT, "a"), start.clone()].concat();
            assert_failing_after(role, &Config::default(), &after_whole, &[Seen::text("a")], 1002);
            let after_last = [part(peer, TEXT, "a"), whole(peer, CONTINUATION, "b"), start].concat();
            assert_failing_after(role, &Config::default(), &after_last, &[Seen::text("ab")], 1002);
        }
        let mut end = End::new(role);
        end.read(Door::Whole, &[0x80, mask_bit(peer)]);
        assert_eq!(end.error, Some(Error::Protocol(Protocol::NothingToContinue)));
    }
}

#[test]
fn rule_35_a_new_message_while_one_is_open_fails() {
    for role in ROLES {
        let peer = role.peer();
        for (open, second) in [(TEXT, TEXT), (TEXT, BINARY), (BINARY, TEXT), (BINARY, BINARY)] {
            for fin in [0, 0x80] {
                let start = vec![fin | second, mask_bit(peer) | 1];
                assert_failing(role, &[part(peer, open, "a"), start.clone()].concat(), 1002);
                assert_failing(role, &[part(peer, open, ""), start.clone()].concat(), 1002);
                let third = [part(peer, open, "a"), part(peer, CONTINUATION, "b"), start].concat();
                assert_failing(role, &third, 1002);
            }
            let one_by_one = [part(peer, open, "a"), whole(peer, CONTINUATION, "b"), whole(peer, second, "c")];
            let seen = |opcode, data: &str| if opcode == TEXT { Seen::text(data) } else { Seen::binary(data) };
            let both = [seen(open, "ab"), seen(second, "c")];
            assert_receiving(role, &Config::default(), &one_by_one.concat(), &both, &[]);
        }
        let mut end = End::new(role);
        end.read(Door::Whole, &part(peer, TEXT, "a"));
        end.read(Door::Whole, &[0x82, mask_bit(peer)]);
        assert_eq!(end.error, Some(Error::Protocol(Protocol::MessageOpen(Opcode::Binary))));
    }
}

#[test]
fn rule_36_control_frames_between_fragments_change_nothing_of_the_message() {
    for role in ROLES {
        let peer = role.peer();
        // A ping inside a code point too.
        let bytes = [
            part(peer, TEXT, [0xEB, 0xAC]),
            whole(peer, PING, "1"),
            whole(peer, PONG, [0xFF]),
            part(peer, CONTINUATION, ""),
            whole(peer, PING, ""),
            whole(peer, PING, [0xBC; 125]),
            part(peer, CONTINUATION, [0xBC, 0xEA, 0xB3, 0xA0]),
            whole(peer, PONG, ""),
            whole(peer, CONTINUATION, "기"),
        ];
        let seen = [
            Seen::Ping(b"1".into()),
            Seen::Pong(vec![0xFF]),
            Seen::Ping(vec![]),
            Seen::Ping(vec![0xBC; 125]),
            Seen::Pong(vec![]),
            Seen::text("물고기"),
        ];
        let pongs = [(PONG, b"1".to_vec()), (PONG, vec![]), (PONG, vec![0xBC; 125])];
        assert_receiving(role, &Config::default(), &bytes.concat(), &seen, &pongs);

        // A close too, after which the rest of the message is discarded.
        let bytes = [part(peer, TEXT, "a"), close(peer, 1000, "bye"), whole(peer, CONTINUATION, "b")].concat();
        for door in DOORS {
            let mut end = End::new(role);
            end.read(door, &bytes);
            assert_eq!(end.seen, [Seen::close(1000, "bye")]);
            assert_eq!(end.error, None);
        }

        // And what this end sends in between is not held back, nor does it end the message.
        let mut end = End::new(role);
        let End { connection, outbox, .. } = &mut end;
        connection.send_text_fragment("a", false, outbox).unwrap();
        connection.ping(b"i", outbox).unwrap();
        connection.pong(b"o", outbox).unwrap();
        end.read(Door::Whole, &whole(peer, PING, "asked"));
        end.connection.send_text_fragment("b", true, &mut end.outbox).unwrap();
        let shapes: Vec<_> = end.sent().iter().map(Frame::shape).collect();
        let expected = [
            (false, 0, TEXT, b"a".to_vec()),
            (true, 0, PING, b"i".to_vec()),
            (true, 0, PONG, b"o".to_vec()),
            (true, 0, PONG, b"asked".to_vec()),
            (true, 0, CONTINUATION, b"b".to_vec()),
        ];
        assert_eq!(shapes, expected);
    }
}

#[test]
fn rule_37_messages_are_not_interleaved() {
    for role in ROLES {
        let mut end = End::new(role);
        let End { connection, outbox, .. } = &mut end;
        connection.send_text_fragment("a", false, outbox).unwrap();
        let text = Err(Misuse::OtherKind(Opcode::Text).into());
        assert_eq!(connection.send_binary_fragment(b"x", true, outbox), text);
        assert_eq!(connection.send_text("x", outbox), Err(Misuse::MessageOpen.into()));
        assert_eq!(connection.send_binary(b"x", outbox), Err(Misuse::MessageOpen.into()));
        connection.send_text_fragment("b", true, outbox).unwrap();
        connection.send_binary_fragment(b"c", false, outbox).unwrap();
        let binary = Err(Misuse::OtherKind(Opcode::Binary).into());
        assert_eq!(connection.send_text_fragment("x", true, outbox), binary);
        connection.send_binary_fragment(b"d", true, outbox).unwrap();
        connection.send_text("e", outbox).unwrap();
        let sent = drain(outbox);
        let seen = [Seen::text("ab"), Seen::binary(b"cd"), Seen::text("e")];
        assert_receiving(role.peer(), &Config::default(), &sent, &seen, &[]);
    }
}

#[test]
fn rule_38_fragmented_and_whole_messages_are_received() {
    for role in ROLES {
        let peer = role.peer();
        let table: [(&[&str], u8); 6] = [
            (&["a"], TEXT),
            (&[""], BINARY),
            (&["", ""], TEXT),
            (&["a", "", "b"], BINARY),
            (&["a", "b", "c", "d", "e", "f"], TEXT),
            (&["", "", "", "", ""], BINARY),
        ];
        let (mut bytes, mut seen) = (Vec::new(), Vec::new());
        for (fragments, kind) in table {
            for (i, fragment) in fragments.iter().enumerate() {
                let opcode = if i == 0 { kind } else { CONTINUATION };
                bytes.extend(Frame::new(peer, i + 1 == fragments.len(), opcode, fragment).bytes());
            }
            let all = fragments.concat();
            seen.push(if kind == TEXT { Seen::text(&all) } else { Seen::binary(&all) });
        }
        assert_receiving(role, &Config::default(), &bytes, &seen, &[]);
    }
}
