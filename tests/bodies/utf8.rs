//! The validator of UTF-8 against the standard library's.
//!
//! Input: a seed for the pieces (2 bytes), where the text is to lie in memory (1), the text.

use sockeye::Text;
use sockeye::utf8::{Validator, is_valid};

use super::cursor::{Cursor, Sizes};
use super::{Seed, seed};

/// The same verdict and the same first wrong byte in any pieces at any alignment.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let (sizes, alignment) = (cursor.number(), usize::from(cursor.byte() % 64));
    let text = cursor.rest();
    let mut memory = vec![0xFF; alignment];
    memory.extend(text);
    let text = &memory[alignment..];

    let expected = verdict(text);
    assert_eq!(validate([text]), expected, "whole");
    assert_eq!(validate(text.chunks(1)), expected, "byte by byte");
    assert_eq!(validate(Sizes::new(sizes).split(text)), expected, "in pieces");
    let valid = std::str::from_utf8(text).is_ok();
    assert_eq!(is_valid(text), valid);
    assert_eq!(Text::new(text.to_vec().into()).is_ok(), valid);
}

/// The first wrong byte, or how many bytes at the end wait for others.
fn verdict(text: &[u8]) -> Result<usize, usize> {
    let Err(error) = std::str::from_utf8(text) else { return Ok(0) };
    let valid = error.valid_up_to();
    match error.error_len() {
        None => Ok(text.len() - valid),
        // "error_len" counts the bytes that could have begun a code point, or one that cannot.
        Some(length) => match std::str::from_utf8(&text[valid..valid + length]) {
            Err(error) if error.error_len().is_none() => Err(valid + length),
            _ => Err(valid),
        },
    }
}

fn validate<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, usize> {
    let (mut validator, mut before) = (Validator::new(), 0);
    for piece in pieces {
        validator.validate(piece).map_err(|wrong| before + wrong.at)?;
        before += piece.len();
    }
    assert_eq!(validator.is_complete(), validator.pending() == 0);
    Ok(validator.pending())
}

pub fn seeds() -> Vec<Seed> {
    let long = "물고기가 강을 거슬러 오른다. ".repeat(8);
    let texts: [(&str, &[u8]); 16] = [
        ("empty", b""),
        ("ascii", b"Hello, the quick brown fox jumps over the lazy dog, and over 64 bytes of text."),
        ("korean", long.as_bytes()),
        ("fish", "🐟🐠🐡".as_bytes()),
        ("one-of-each-length", "aé물🐟".as_bytes()),
        // Autobahn 6.2 and 6.3.
        ("autobahn-valid", b"Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!"),
        ("autobahn-invalid", b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80edited"),
        ("surrogate", b"\xED\xA0\x80"),
        ("last-code-point", b"\xF4\x8F\xBF\xBF"),
        ("past-the-last", b"\xF4\x90\x80\x80"),
        ("overlong-2", b"\xC0\xAF"),
        ("overlong-3", b"\xE0\x80\xAF"),
        ("overlong-4", b"\xF0\x80\x80\xAF"),
        ("unfinished", b"abc\xF0\x9F\x90"),
        ("lone-continuation", b"abc\x80"),
        ("byte-order-mark", b"\xEF\xBB\xBFa"),
    ];
    texts.iter().enumerate().map(|(i, (name, text))| seed(name, &[&[0, i as u8, i as u8], text])).collect()
}
