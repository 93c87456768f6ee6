//! Rules 29 to 33: masking (RFC 6455 sections 5.1 and 5.3).

use std::collections::HashSet;

use sockeye::{Broadcast, CloseCode, CloseFrame, Config, Error, Message, Misuse, Protocol, Role};

use crate::common::*;

/// An end that has sent every kind of frame in every way.
fn talkative(role: Role) -> End {
    let mut end = End::new(role);
    let End { connection, outbox, .. } = &mut end;
    connection.send_text("text", outbox).unwrap();
    connection.send_binary(b"", outbox).unwrap();
    connection.send(&Message::text("text"), outbox).unwrap();
    connection.send(&Message::binary(vec![7; 100_000]), outbox).unwrap();
    connection.send_text_fragment("te", false, outbox).unwrap();
    connection.ping(b"", outbox).unwrap();
    connection.send_text_fragment("xt", true, outbox).unwrap();
    connection.send_binary_fragment(&[1], false, outbox).unwrap();
    connection.send_binary_fragment(&[2], true, outbox).unwrap();
    connection.pong(b"pong", outbox).unwrap();
    end.read(Door::Whole, &whole(role.peer(), PING, "ping"));
    end.read(Door::Whole, &close(role.peer(), 1000, ""));
    end
}

/// Ends that have sent each a close frame of another origin.
fn closing(role: Role) -> Vec<End> {
    let mut asked = End::new(role);
    let frame = CloseFrame::new(CloseCode::NORMAL, "reason");
    asked.connection.close(Some(&frame), &mut asked.outbox).unwrap();
    let mut empty = End::new(role);
    empty.connection.close(None, &mut empty.outbox).unwrap();
    let mut failed = End::new(role);
    failed.read(Door::Whole, &[0xFF, 0xFF]);
    vec![asked, empty, failed]
}

#[test]
fn rule_29_a_client_masks_every_frame() {
    let sent = talkative(Role::Client).sent();
    assert_eq!(sent.len(), 12);
    for frame in sent.into_iter().chain(closing(Role::Client).iter_mut().flat_map(End::sent)) {
        assert!(frame.mask.is_some(), "{frame:?}");
    }
}

#[test]
fn rule_31_a_server_never_masks() {
    let mut end = talkative(Role::Server);
    let sent = end.sent();
    assert_eq!(sent.len(), 12);
    for frame in sent.into_iter().chain(closing(Role::Server).iter_mut().flat_map(End::sent)) {
        assert_eq!(frame.mask, None, "{frame:?}");
    }
    let mut end = End::new(Role::Server);
    end.connection.broadcast(&Broadcast::text("news"), &mut end.outbox).unwrap();
    assert_eq!(drain(&mut end.outbox), b"\x81\x04news");
}

#[test]
fn rules_29_and_31_both_send_the_same_but_for_the_mask() {
    let shapes = |role| talkative(role).sent().iter().map(Frame::shape).collect::<Vec<_>>();
    assert_eq!(shapes(Role::Client), shapes(Role::Server));
    let large = &talkative(Role::Client).sent()[3];
    assert_eq!(large.payload, vec![7; 100_000]);
}

#[test]
fn rule_30_a_server_fails_on_unmasked_frames_and_a_client_on_masked_ones() {
    for role in ROLES {
        let wrong = mask_bit(role);
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            for length in [0, 5, 125] {
                assert_failing(role, &[0x80 | opcode, wrong | length], 1002);
            }
        }
        for length in [126, 127] {
            assert_failing(role, &[0x80 | BINARY, wrong | length], 1002);
        }
        let open = part(role.peer(), TEXT, "a");
        assert_failing(role, &[open.clone(), vec![0x80, wrong | 5]].concat(), 1002);

        let mut end = End::new(role);
        end.read(Door::Whole, &[0x81, wrong]);
        let expected = match role {
            Role::Client => Protocol::Masked(sockeye::Opcode::Text),
            Role::Server => Protocol::Unmasked(sockeye::Opcode::Text),
        };
        assert_eq!(end.error, Some(Error::Protocol(expected)));

        let right = [open, whole(role.peer(), CONTINUATION, "b")].concat();
        assert_receiving(role, &Config::default(), &right, &[Seen::text("ab")], &[]);
    }
}

#[test]
fn rule_30_a_server_takes_a_mask_of_zeros() {
    let frame = Frame { mask: Some([0; 4]), ..Frame::new(Role::Client, true, TEXT, "plain") };
    assert_receiving(Role::Server, &Config::default(), &frame.bytes(), &[Seen::text("plain")], &[]);
}

#[test]
fn rule_32_each_frame_has_the_next_key_of_the_source() {
    // Twice as many as any batch that the keys may be drawn in.
    let mut end = End::new(Role::Client);
    let End { connection, outbox, .. } = &mut end;
    for i in 0..50u8 {
        connection.send_binary(&[i; 3], outbox).unwrap();
        connection.ping(&[i], outbox).unwrap();
        connection.send_text_fragment("a", false, outbox).unwrap();
        connection.send_text_fragment("b", true, outbox).unwrap();
    }
    // What is refused takes no key.
    assert_eq!(connection.ping(&[0; 126], outbox), Err(Misuse::LongControl(126).into()));
    end.read(Door::Whole, &whole(Role::Server, PING, "ping"));
    end.connection.close(None, &mut end.outbox).unwrap();
    for (n, frame) in end.sent().into_iter().enumerate() {
        assert_eq!(frame.mask, Some(key(n as u32)), "frame {n}: {frame:?}");
    }
}

#[test]
fn rule_32_the_same_source_gives_the_same_bytes() {
    let bytes = || drain(&mut talkative(Role::Client).outbox);
    assert_eq!(bytes(), bytes());
}

#[test]
fn rule_32_the_systems_keys_differ_frame_by_frame_and_connection_by_connection() {
    let mut keys = HashSet::new();
    for _ in 0..10 {
        let mut end = End::new(Role::Client);
        end.connection = sockeye::Connection::client(&Config::default());
        (0..100).for_each(|_| end.connection.send_text("same", &mut end.outbox).unwrap());
        keys.extend(end.sent().iter().map(|frame| frame.mask.unwrap()));
    }
    // Two of 1000 random keys are equal once in 8600 runs; three pairs once in 10^12.
    assert!(keys.len() >= 998, "{} of 1000 keys differ", keys.len());
}

#[test]
fn rule_33_octet_i_is_unmasked_with_key_i_mod_4_across_reads() {
    let frame = |length: u8, key| Frame {
        mask: Some(key),
        ..Frame::new(Role::Client, true, BINARY, (0..length).collect::<Vec<_>>())
    };
    for length in 0..70 {
        let frame = frame(length, [0x80, 0x01, 0xFE, 0x7F]);
        for size in 1..=13 {
            for door in DOORS {
                let mut end = End::new(Role::Server);
                frame.bytes().chunks(size).for_each(|read| end.read(door, read));
                assert_eq!(end.seen, [Seen::Binary(frame.payload.clone())], "{length} in reads of {size}, {door:?}");
            }
        }
    }
    // The example of section 5.7.
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_receiving(Role::Server, &Config::default(), &hello, &[Seen::text("Hello")], &[]);
}

#[test]
fn rule_33_each_fragment_begins_with_the_first_byte_of_its_key() {
    let fragment = |fin, opcode, mask, payload: &[u8]| {
        Frame { mask: Some(mask), ..Frame::new(Role::Client, fin, opcode, payload) }.bytes()
    };
    let bytes = [
        fragment(false, TEXT, [1, 2, 3, 4], b"abc"),
        fragment(true, PING, [9, 8, 7, 6], b"ping!"),
        fragment(false, CONTINUATION, [5, 6, 7, 8], b"defgh"),
        fragment(true, CONTINUATION, [0, 0xFF, 0, 0xFF], b"ijk"),
    ];
    let seen = [Seen::Ping(b"ping!".into()), Seen::text("abcdefghijk")];
    let pong = [(PONG, b"ping!".to_vec())];
    assert_receiving(Role::Server, &Config::default(), &bytes.concat(), &seen, &pong);
}
