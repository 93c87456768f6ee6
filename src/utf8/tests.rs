use super::*;
use std::vec::Vec;

/// The first wrong byte by the standard library, `None` where all is a prefix of valid text.
fn oracle(bytes: &[u8]) -> Option<usize> {
    // A byte is wrong if no continuation can make the bytes up to it valid, which `error_len` says of the
    // shortest prefix that has it.
    (1..=bytes.len())
        .find(|&end| core::str::from_utf8(&bytes[..end]).is_err_and(|error| error.error_len().is_some()))
        .map(|end| end - 1)
}

fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Option<usize>, Validator) {
    let mut validator = Validator::new();
    let mut before = 0;
    for piece in pieces {
        if let Err(InvalidUtf8 { at }) = validator.validate(piece) {
            return (Some(before + at), validator);
        }
        before += piece.len();
    }
    (None, validator)
}

fn assert_agrees(bytes: &[u8]) {
    let expected = oracle(bytes);
    let complete = core::str::from_utf8(bytes).is_ok();
    for split in 0..=bytes.len() {
        let (wrong, validator) = in_pieces([&bytes[..split], &bytes[split..]]);
        assert_eq!(wrong, expected, "{bytes:x?} split at {split}");
        if wrong.is_none() {
            assert_eq!(validator.is_complete(), complete, "{bytes:x?} split at {split}");
            let pending = core::str::from_utf8(bytes).map_or_else(|e| bytes.len() - e.valid_up_to(), |_| 0);
            assert_eq!(validator.pending(), pending, "{bytes:x?} split at {split}");
        }
    }
    let (wrong, _) = in_pieces(bytes.chunks(1));
    assert_eq!(wrong, expected, "{bytes:x?} byte by byte");
}

#[test]
fn rule_54_every_sequence_of_two_bytes_and_every_interesting_one_of_four() {
    for first in 0..=255 {
        for second in 0..=255 {
            assert_agrees(&[first, second]);
        }
    }
    // The edges of every range of RFC 3629 section 4.
    let edges = [
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
        0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];
    for a in edges {
        for b in edges {
            for c in edges {
                for d in [0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xF0] {
                    assert_agrees(&[a, b, c, d]);
                }
            }
        }
    }
}

#[test]
fn rule_54_noncharacters_are_accepted() {
    for text in ["\u{FFFE}", "\u{FFFF}", "\u{1FFFE}", "\u{10FFFF}", "\u{FDD0}"] {
        assert_agrees(text.as_bytes());
        assert_eq!(Validator::new().validate(text.as_bytes()), Ok(()));
    }
}

#[test]
fn rule_53_the_first_wrong_byte_is_found_behind_any_length_of_valid_text() {
    for prefix in 0..200 {
        let mut bytes = "é".repeat(prefix).into_bytes();
        bytes.extend([0xE2, 0x82, 0x41, 0x41]);
        assert_eq!(Validator::new().validate(&bytes), Err(InvalidUtf8 { at: 2 * prefix + 2 }));
    }
}

proptest::proptest! {
    #[test]
    fn rule_53_any_bytes_in_any_splits(bytes in mostly_text(), cuts: [u16; 4]) {
        let mut cuts = cuts.map(|cut| usize::from(cut) % (bytes.len() + 1));
        cuts.sort_unstable();
        let [a, b, c, d] = cuts;
        let (wrong, validator) =
            in_pieces([&bytes[..a], &bytes[a..b], &bytes[b..c], &bytes[c..d], &bytes[d..]]);
        proptest::prop_assert_eq!(wrong, oracle(&bytes));
        if wrong.is_none() {
            proptest::prop_assert_eq!(validator.is_complete(), core::str::from_utf8(&bytes).is_ok());
        }
    }
}

/// Text with a few bytes overwritten.
fn mostly_text() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    ("\\PC{0,60}", proptest::collection::vec((any::<u16>(), any::<u8>()), 0..3)).prop_map(|(text, wrong)| {
        let mut bytes = text.into_bytes();
        for (place, byte) in wrong {
            if !bytes.is_empty() {
                let place = usize::from(place) % bytes.len();
                bytes[place] = byte;
            }
        }
        bytes
    })
}
