//! Rules 67 to 72, for both roles and through both doors. Rules 59 to 66 are in `negotiation`.

use sockeye::deflate::Parameters;
use sockeye::{CloseCode, Config, Error, InvalidText, Opcode, Protocol, Role};

use crate::wire::{
    DOORS, Door, End, Outcome, ROLES, RSV1, RSV2, RSV3, Seen, compressed, eager, every_way, frame, frames, plain,
    prose, symmetric,
};

fn end_with(role: Role, parameters: Parameters) -> End {
    End::new(plain(role, &Config::default()).with_deflate(parameters, &eager()))
}

fn end(role: Role) -> End {
    end_with(role, symmetric(15, true))
}

fn check(role: Role, wire: &[u8]) -> Outcome {
    every_way(|| end(role), wire)
}

fn assert_fails(outcome: &Outcome, error: Protocol, code: CloseCode) {
    assert_eq!(outcome.result, Err(Error::Protocol(error)));
    assert_eq!(outcome.told, Some(code));
}

fn assert_sees(outcome: &Outcome, seen: &[Seen]) {
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.seen, seen);
}

fn text(text: &str) -> Seen {
    Seen::Text(text.into())
}

/// "Hello" as section 7.2.3.1 compresses it.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn rule_67_a_reserved_bit_without_negotiation_fails() {
    for role in ROLES {
        for reserved in 1..8 {
            for opcode in [Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong, Opcode::Close] {
                let wire = frame(role, true, reserved, opcode, &[]);
                let outcome = every_way(|| End::new(plain(role, &Config::default())), &wire);
                assert_fails(&outcome, Protocol::ReservedBits(reserved), CloseCode::PROTOCOL_ERROR);
            }
        }
        let wire = frame(role, true, 0, Opcode::Text, b"Hello");
        assert_sees(&every_way(|| End::new(plain(role, &Config::default())), &wire), &[text("Hello")]);
    }
}

#[test]
fn rule_67_rsv1_on_a_control_frame_fails() {
    for role in ROLES {
        for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
            let outcome = check(role, &frame(role, true, RSV1, opcode, &[]));
            assert_fails(&outcome, Protocol::ReservedBits(RSV1), CloseCode::PROTOCOL_ERROR);
            // Between the fragments of a compressed message too.
            let mut wire = frame(role, false, RSV1, Opcode::Text, &HELLO[..3]);
            wire.extend(frame(role, true, RSV1, opcode, &[]));
            assert_fails(&check(role, &wire), Protocol::ReservedBits(RSV1), CloseCode::PROTOCOL_ERROR);
        }
        let mut wire = frame(role, false, RSV1, Opcode::Text, &HELLO[..3]);
        wire.extend(frame(role, true, 0, Opcode::Ping, b"?"));
        wire.extend(frame(role, true, 0, Opcode::Pong, b"!"));
        wire.extend(frame(role, true, 0, Opcode::Continuation, &HELLO[3..]));
        assert_sees(&check(role, &wire), &[Seen::Ping(b"?".into()), Seen::Pong(b"!".into()), text("Hello")]);
    }
}

#[test]
fn rule_67_rsv1_on_a_continuation_fails() {
    for role in ROLES {
        for (first, start, rest) in [(RSV1, &HELLO[..3], &HELLO[3..]), (0, &b"Hel"[..], &b"lo"[..])] {
            for fin in [false, true] {
                let mut wire = frame(role, false, first, Opcode::Text, start);
                wire.extend(frame(role, fin, RSV1, Opcode::Continuation, rest));
                assert_fails(&check(role, &wire), Protocol::ReservedBits(RSV1), CloseCode::PROTOCOL_ERROR);
            }
            let mut wire = frame(role, false, first, Opcode::Text, start);
            wire.extend(frame(role, true, 0, Opcode::Continuation, rest));
            assert_sees(&check(role, &wire), &[text("Hello")]);
        }
    }
}

#[test]
fn rule_67_rsv2_and_rsv3_fail_with_and_without_rsv1() {
    for role in ROLES {
        for reserved in [RSV2, RSV3, RSV2 | RSV3, RSV1 | RSV2, RSV1 | RSV3, RSV1 | RSV2 | RSV3] {
            for opcode in [Opcode::Text, Opcode::Binary, Opcode::Ping] {
                let outcome = check(role, &frame(role, true, reserved, opcode, &[0]));
                assert_fails(&outcome, Protocol::ReservedBits(reserved), CloseCode::PROTOCOL_ERROR);
            }
        }
    }
}

#[test]
fn rule_67_a_sender_sets_rsv1_on_the_first_frame_alone() {
    for role in ROLES {
        let mut end = end(role);
        let End { connection, outbox, .. } = &mut end;
        connection.send_text_fragment("sal", false, outbox).unwrap();
        connection.ping(b"?", outbox).unwrap();
        connection.send_text_fragment("", false, outbox).unwrap();
        connection.send_text_fragment("mon", true, outbox).unwrap();
        connection.send_binary(b"", outbox).unwrap();
        connection.close(None, outbox).unwrap();
        let sent: Vec<_> =
            frames(&end.drain()).into_iter().map(|(header, _)| (header.opcode, header.reserved, header.fin)).collect();
        let expected = [
            (Opcode::Text, RSV1, false),
            (Opcode::Ping, 0, true),
            (Opcode::Continuation, 0, false),
            (Opcode::Continuation, 0, true),
            (Opcode::Binary, RSV1, true),
            (Opcode::Close, 0, true),
        ];
        assert_eq!(sent, expected);
    }
}

#[test]
fn rule_68_without_rsv1_a_payload_is_not_inflated() {
    for role in ROLES {
        let wire = frame(role, true, 0, Opcode::Binary, &HELLO);
        assert_sees(&check(role, &wire), &[Seen::Binary(HELLO.into())]);
        // Nor is it part of the window that a later message refers to.
        let mut wire = frame(role, true, RSV1, Opcode::Text, &HELLO);
        wire.extend(frame(role, true, 0, Opcode::Text, b"HELLO HELLO HELLO"));
        wire.extend(frame(role, true, RSV1, Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]));
        assert_sees(&check(role, &wire), &[text("Hello"), text("HELLO HELLO HELLO"), text("Hello")]);
    }
}

#[test]
fn rule_69_the_sender_strips_the_tail_and_the_receiver_appends_it() {
    for role in ROLES {
        let mut end = end(role);
        let End { connection, outbox, .. } = &mut end;
        connection.send_text("Hello", outbox).unwrap();
        connection.send_text("Hello", outbox).unwrap();
        connection.send_text("", outbox).unwrap();
        let payloads: Vec<_> = frames(&end.drain()).into_iter().map(|(_, payload)| payload).collect();
        assert_eq!(payloads[0], HELLO, "section 7.2.3.1");
        assert_eq!(payloads[2], [0x00], "section 7.2.3.6");
        assert!(payloads.iter().all(|payload| !payload.ends_with(&[0x00, 0x00, 0xff, 0xff])));
        // Who leaves the tail where it is has sent one more empty block.
        let wire = frame(role, true, RSV1, Opcode::Text, &[&HELLO[..], &[0x00, 0x00, 0xff, 0xff, 0x00]].concat());
        assert_sees(&check(role, &wire), &[text("Hello")]);
    }
}

#[test]
fn rule_69_a_message_that_is_cut_off_fails() {
    for role in ROLES {
        let payload = compressed(prose(120).as_bytes());
        for end in 1..payload.len() {
            let outcome = check(role, &frame(role, true, RSV1, Opcode::Binary, &payload[..end]));
            assert!(matches!(outcome.result, Err(Error::Protocol(Protocol::Corrupt { .. }))), "{end}: {outcome:?}");
            assert_eq!(outcome.told, Some(CloseCode::INVALID_PAYLOAD));
        }
        // A frame may end anywhere where the message goes on.
        let whole = Seen::Binary(prose(120).into_bytes());
        for end in 0..=payload.len() {
            let mut wire = frame(role, false, RSV1, Opcode::Binary, &payload[..end]);
            wire.extend(frame(role, true, 0, Opcode::Continuation, &payload[end..]));
            assert_sees(&check(role, &wire), std::slice::from_ref(&whole));
        }
    }
}

#[test]
fn rule_69_what_came_before_the_cut_is_handed_out_in_pieces() {
    let payload = compressed(prose(120).as_bytes());
    for role in ROLES {
        let mut end = end(role);
        end.inbox.extend(&frame(role, true, RSV1, Opcode::Binary, &payload[..payload.len() - 1]));
        let mut seen = Vec::new();
        let error = end.take(Door::Pieces, &mut seen);
        assert!(matches!(error, Err(Error::Protocol(Protocol::Corrupt { .. }))), "{error:?}");
        assert!(seen.is_empty() && prose(120).as_bytes().starts_with(end.piece()) && !end.piece().is_empty());
    }
}

#[test]
fn rule_70_utf_8_applies_after_inflation() {
    for role in ROLES {
        // The compressed bytes need not be text, nor need what a frame inflates to end with a code point.
        let message = "물고기 𝄞 é";
        let payload = compressed(message.as_bytes());
        assert!(std::str::from_utf8(&payload).is_err());
        for end in 0..=payload.len() {
            let mut wire = frame(role, false, RSV1, Opcode::Text, &payload[..end]);
            wire.extend(frame(role, true, 0, Opcode::Continuation, &payload[end..]));
            assert_sees(&check(role, &wire), &[text(message)]);
        }
        let invalid = |wrong: &[u8], at: u64| {
            let wire = frame(role, true, RSV1, Opcode::Text, &compressed(wrong));
            let expected = Protocol::InvalidText(InvalidText::At(at));
            assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
            let wire = frame(role, true, RSV1, Opcode::Binary, &compressed(wrong));
            assert_sees(&check(role, &wire), &[Seen::Binary(wrong.into())]);
        };
        invalid(b"\xff", 0);
        invalid(b"sal\xc0mon", 3);
        invalid(
            "물\u{d7ff}".as_bytes().split_last().unwrap().1.iter().chain(b"a").copied().collect::<Vec<_>>().as_slice(),
            5,
        );
        invalid(&[prose(5000).as_bytes(), b"\xed\xa0"].concat(), prose(5000).len() as u64 + 1);
        let cut = "물".as_bytes().split_last().unwrap().1;
        let wire = frame(role, true, RSV1, Opcode::Text, &compressed(cut));
        let expected = Protocol::InvalidText(InvalidText::Unfinished(2));
        assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
    }
}

#[test]
fn rule_70_a_wrong_byte_fails_before_its_message_is_whole() {
    // Stored blocks show when each byte is there.
    let message = [b"salmon".as_slice(), b"\xff", b"river"].concat();
    let mut payload = vec![0x00, message.len() as u8, 0, !(message.len() as u8), 0xff];
    let wrong = payload.len() + 6;
    payload.extend_from_slice(&message);
    for role in ROLES {
        for door in DOORS {
            let mut end = end(role);
            let mut seen = Vec::new();
            let wire = frame(role, false, RSV1, Opcode::Text, &payload);
            let header = wire.len() - payload.len();
            for (at, byte) in wire.iter().enumerate() {
                end.inbox.extend(std::slice::from_ref(byte));
                let result = end.take(door, &mut seen);
                let expected = Error::Protocol(Protocol::InvalidText(InvalidText::At(6)));
                assert_eq!(result, if at < header + wrong { Ok(()) } else { Err(expected) }, "byte {at}");
            }
            assert_eq!(end.piece(), if door == Door::Pieces { b"salmon".as_slice() } else { b"" });
        }
    }
}

/// Section 7.2.3, each example byte for byte: what goes in, with its frames, and what comes out.
#[test]
fn rule_71_the_examples_of_section_7_2_3() {
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let shared = [0xf2, 0x00, 0x11, 0x00, 0x00];
    for role in ROLES {
        // 7.2.3.1, unmasked, as it is printed.
        if role == Role::Client {
            let printed = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
            assert_sees(&check(role, &printed), &[text("Hello")]);
            let fragments = [0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00];
            assert_sees(&check(role, &fragments), &[text("Hello")]);
        }
        let one = |payload: &[u8]| frame(role, true, RSV1, Opcode::Text, payload);
        for payload in [&HELLO[..], &stored, &last, &two] {
            assert_sees(&check(role, &one(payload)), &[text("Hello")]);
            // And again, and in fragments of one byte.
            assert_sees(&check(role, &one(payload).repeat(3)), &[text("Hello"), text("Hello"), text("Hello")]);
            let mut wire = frame(role, false, RSV1, Opcode::Text, &payload[..1]);
            for byte in &payload[1..] {
                wire.extend(frame(role, false, 0, Opcode::Continuation, std::slice::from_ref(byte)));
            }
            wire.extend(frame(role, true, 0, Opcode::Continuation, &[]));
            assert_sees(&check(role, &wire), &[text("Hello")]);
        }
        // 7.2.3.2: sharing the window.
        for first in [&HELLO[..], &stored, &last, &two] {
            assert_sees(&check(role, &[one(first), one(&shared)].concat()), &[text("Hello"), text("Hello")]);
        }
        // Where there is no takeover the same is a fault.
        let outcome = every_way(|| end_with(role, symmetric(15, false)), &[one(&HELLO), one(&shared)].concat());
        assert_eq!(outcome.seen, [text("Hello")]);
        assert!(matches!(outcome.result, Err(Error::Protocol(Protocol::Corrupt { .. }))), "{outcome:?}");
        // 7.2.3.6: an empty message, and an empty payload.
        assert_sees(&check(role, &one(&[0x00])), &[text("")]);
        assert_sees(&check(role, &one(&[])), &[text("")]);
    }
}

#[test]
fn rule_72_uncompressed_messages_may_be_sent_after_negotiation() {
    for role in ROLES {
        let mut wire = frame(role, true, 0, Opcode::Text, b"plain");
        wire.extend(frame(role, true, RSV1, Opcode::Text, &HELLO));
        wire.extend(frame(role, false, 0, Opcode::Text, b"in "));
        wire.extend(frame(role, true, 0, Opcode::Continuation, b"fragments"));
        wire.extend(frame(role, true, RSV1, Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]));
        let seen = [text("plain"), text("Hello"), text("in fragments"), text("Hello")];
        assert_sees(&check(role, &wire), &seen);

        // Below the threshold this end does so.
        let options = eager().threshold(6);
        let mut end = End::new(plain(role, &Config::default()).with_deflate(symmetric(15, true), &options));
        for message in ["short", "longer", "five5", "longer"] {
            end.connection.send_text(message, &mut end.outbox).unwrap();
        }
        let reserved: Vec<_> = frames(&end.drain()).iter().map(|(header, _)| header.reserved).collect();
        assert_eq!(reserved, [0, RSV1, 0, RSV1]);
    }
}

#[test]
fn a_fault_says_where_it_is_however_the_bytes_arrive() {
    let stored = |bytes: &[u8]| [&[0x00, bytes.len() as u8, 0, !(bytes.len() as u8), 0xff], bytes].concat();
    // Block type 3; a length that does not match its complement; a reference to before the start.
    let faults: [(&[u8], u64); 3] =
        [(&[0x06], 1), (&[0x00, 0x01, 0x00, 0x00, 0x00], 5), (&[0xf2, 0x00, 0x11, 0x00, 0x00], 3)];
    for role in ROLES {
        for (fault, at) in faults {
            for before in [0, 1, 40] {
                let good = if before == 0 { Vec::new() } else { stored(&vec![b'a'; before]) };
                if before > 0 && fault[0] == 0xf2 {
                    continue;
                }
                let payload = [&good[..], fault, &[0; 30]].concat();
                let wire = frame(role, true, RSV1, Opcode::Binary, &payload);
                let expected = Protocol::Corrupt { at: good.len() as u64 + at };
                assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
                let mut wire = frame(role, false, RSV1, Opcode::Binary, &payload[..good.len()]);
                wire.extend(frame(role, true, 0, Opcode::Continuation, &payload[good.len()..]));
                assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
            }
        }
        // Text that was wrong before the fault counts first.
        let wire = frame(role, true, RSV1, Opcode::Text, &[&stored(b"ab\xff")[..], &[0x06]].concat());
        let expected = Protocol::InvalidText(InvalidText::At(2));
        assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
    }
}

/// Section 7.2.2 does not ask for the check of the window, and so what is there is understood, however it was read.
#[test]
fn a_match_past_the_agreed_window_comes_to_the_same_in_any_reads() {
    let stored = [&[0x00, 0xe8, 0x03, 0x17, 0xfc], &[b'x'; 1000][..], &[0x00]].concat();
    // An empty block, and a final one with a match of three octets at a distance of 713.
    let far = [0x02, 0x0c, 0x98, 0x90, 0x01, 0x00];
    for role in ROLES {
        let wire = [stored.as_slice(), &far].map(|payload| frame(role, true, RSV1, Opcode::Binary, payload)).concat();
        let outcome = every_way(|| end_with(role, symmetric(8, true)), &wire);
        assert_sees(&outcome, &[Seen::Binary(vec![b'x'; 1000]), Seen::Binary(vec![b'x'; 3])]);
    }
}

/// What a block that is cut off would make of the tail, and of what is behind it, is no part of the text.
#[test]
fn what_comes_of_the_tail_is_no_text() {
    // The first octet of a character and then the end of a fixed block; five octets stored, and one of them there.
    for payload in [&[0x7a, 0x08][..], &[0x00, 0x05, 0x00, 0xfa, 0xff, b'a']] {
        for role in ROLES {
            let wire = frame(role, true, RSV1, Opcode::Text, payload);
            let expected = Protocol::Corrupt { at: payload.len() as u64 };
            assert_fails(&check(role, &wire), expected, CloseCode::INVALID_PAYLOAD);
        }
    }
}
