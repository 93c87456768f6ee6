//! Rules 52 to 54: UTF-8 (RFC 6455 sections 5.6 and 8.1, RFC 3629).

use sockeye::{Config, Error, InvalidText, Protocol, Role};

use crate::common::*;

/// The start of a frame of `opcode` that declares 100 bytes more than the `payload` that has come.
fn begun(from: Role, fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Frame::new(from, fin, opcode, [payload, &[0; 100]].concat()).bytes();
    bytes.truncate(bytes.len() - 100);
    bytes
}

/// Wrong texts, each as short as it is wrong: the last byte is the first wrong one.
const WRONG: [&[u8]; 24] = [
    &[0x80],
    &[0xBF],
    &[0xC0],
    &[0xC1],
    &[0xC2, 0x41],
    &[0xC2, 0xC2],
    &[0xDF, 0x7F],
    &[0xE0, 0x80], // overlong
    &[0xE0, 0x9F], // overlong
    &[0xE1, 0x41],
    &[0xE1, 0x80, 0x41],
    &[0xE1, 0x80, 0xC0],
    &[0xED, 0xA0], // the first surrogate
    &[0xED, 0xBF], // the last surrogate
    &[0xEF, 0xBF, 0x7F],
    &[0xF0, 0x80], // overlong
    &[0xF0, 0x8F], // overlong
    &[0xF0, 0x90, 0x80, 0x41],
    &[0xF1, 0x80, 0x41],
    &[0xF4, 0x90], // above U+10FFFF
    &[0xF5],
    &[0xF8],
    &[0xFE],
    &[0xFF],
];

/// The nearest to those that are right: noncharacters, the edges of every length, a zero.
const RIGHT: [&str; 12] = [
    "\0",
    "\u{7F}",
    "\u{80}",
    "\u{7FF}",
    "\u{800}",
    "\u{D7FF}",
    "\u{E000}",
    "\u{FFFE}\u{FFFF}",
    "\u{FDD0}",
    "\u{10000}",
    "\u{1FFFE}",
    "\u{10FFFF}",
];

/// Lengths of valid text before the wrong byte, at the edges of the machine's words.
const BEFORE: [usize; 11] = [0, 1, 2, 3, 7, 8, 15, 16, 31, 64, 130];

#[test]
fn rule_52_a_text_is_valid_as_a_whole_and_a_frame_may_end_inside_a_code_point() {
    let text = "a é 물 🐟 \u{10FFFF}";
    for role in ROLES {
        let peer = role.peer();
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            let bytes = [part(peer, TEXT, head), whole(peer, CONTINUATION, tail)].concat();
            assert_receiving(role, &Config::default(), &bytes, &[Seen::text(text)], &[]);
        }
        let mut bytes = part(peer, TEXT, "");
        text.bytes().for_each(|byte| bytes.extend(part(peer, CONTINUATION, [byte])));
        bytes.extend(whole(peer, CONTINUATION, ""));
        assert_receiving(role, &Config::default(), &bytes, &[Seen::text(text)], &[]);
    }
}

#[test]
fn rule_52_a_text_that_ends_inside_a_code_point_fails_at_its_end() {
    for role in ROLES {
        let peer = role.peer();
        for text in ["é", "물", "🐟"] {
            for cut in 1..text.len() {
                let text = ["before ".as_bytes(), &text.as_bytes()[..cut]].concat();
                assert_failing(role, &whole(peer, TEXT, &text), 1007);
                assert_failing(role, &[part(peer, TEXT, &text), whole(peer, CONTINUATION, "")].concat(), 1007);
                let mut end = End::new(role);
                end.read(Door::Whole, &whole(peer, TEXT, &text));
                let expected = InvalidText::Unfinished(text.len() as u64);
                assert_eq!(end.error, Some(Error::Protocol(Protocol::InvalidText(expected))));
                // In the middle of a message it is no error, nor in a binary one.
                for fine in [part(peer, TEXT, &text), whole(peer, BINARY, &text)] {
                    let mut end = End::new(role);
                    end.read(Door::Whole, &fine);
                    assert_eq!(end.error, None);
                }
            }
        }
    }
}

#[test]
fn rules_53_and_54_invalid_text_fails_at_the_first_wrong_byte() {
    for role in ROLES {
        let peer = role.peer();
        for wrong in WRONG {
            for before in BEFORE {
                let text = ["a".repeat(before).as_bytes(), wrong].concat();
                // Before the rest of the frame has arrived.
                assert_failing(role, &begun(peer, true, TEXT, &text), 1007);
                let mut end = End::new(role);
                end.read(Door::Whole, &begun(peer, true, TEXT, &text));
                let at = InvalidText::At(text.len() as u64 - 1);
                assert_eq!(end.error, Some(Error::Protocol(Protocol::InvalidText(at))), "{text:x?}");
            }
            // And behind a frame's edge, wherever it lies.
            for cut in 0..wrong.len() {
                let (head, tail) = wrong.split_at(cut);
                let bytes = [part(peer, TEXT, head), begun(peer, false, CONTINUATION, tail)].concat();
                assert_failing(role, &bytes, 1007);
                let mut end = End::new(role);
                end.read(Door::Whole, &bytes);
                let at = InvalidText::At(wrong.len() as u64 - 1);
                assert_eq!(end.error, Some(Error::Protocol(Protocol::InvalidText(at))), "{wrong:x?} cut at {cut}");
            }
            assert_receiving(role, &Config::default(), &whole(peer, BINARY, wrong), &[Seen::binary(wrong)], &[]);
        }
    }
}

#[test]
fn rule_53_the_place_is_counted_over_pieces_and_reads() {
    for role in ROLES {
        for size in [1, 2, 5, 100] {
            let mut end = End::new(role);
            let text = ["물고기 물고기".as_bytes(), b"\xFF later"].concat();
            whole(role.peer(), TEXT, &text).chunks(size).for_each(|read| end.read(Door::Pieces, read));
            let at = InvalidText::At("물고기 물고기".len() as u64);
            assert_eq!(end.error, Some(Error::Protocol(Protocol::InvalidText(at))));
        }
    }
}

#[test]
fn rule_53_a_good_message_before_an_invalid_one_is_delivered_first() {
    for role in ROLES {
        let peer = role.peer();
        let bytes = [whole(peer, TEXT, "good"), begun(peer, true, TEXT, b"\xC0")].concat();
        assert_failing_after(role, &Config::default(), &bytes, &[Seen::text("good")], 1007);
    }
}

#[test]
fn rule_53_an_invalid_close_reason_fails_with_1007() {
    for role in ROLES {
        let peer = role.peer();
        for wrong in WRONG {
            assert_failing(role, &close(peer, 1000, wrong), 1007);
            assert_failing(role, &close(peer, 1000, [b"reason ", wrong].concat()), 1007);
        }
        // A code point that the reason does not finish, and a code that is wrong as well.
        assert_failing(role, &close(peer, 1000, &"물".as_bytes()[..2]), 1007);
        for right in RIGHT {
            let answer = [(CLOSE, vec![3, 232])];
            assert_receiving(role, &Config::default(), &close(peer, 1000, right), &[Seen::close(1000, right)], &answer);
        }
    }
}

#[test]
fn rule_54_noncharacters_and_the_edges_are_accepted() {
    for role in ROLES {
        for right in RIGHT {
            for before in BEFORE {
                let text = "a".repeat(before) + right;
                let bytes = whole(role.peer(), TEXT, &text);
                assert_receiving(role, &Config::default(), &bytes, &[Seen::text(&text)], &[]);
            }
        }
    }
}
