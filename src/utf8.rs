//! UTF-8 that is validated as it arrives
//! ([RFC 6455 section 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1),
//! [RFC 3629](https://www.rfc-editor.org/rfc/rfc3629)).
//!
//! Needs no allocator and is there without any feature of the crate; [`frame`](crate::frame) has an example with the rooms
//! of which that is true.

use core::fmt;

/// A validator that can stop and resume at any byte and fails at the first wrong one.
///
/// ```
/// use sockeye::utf8::Validator;
///
/// let mut validator = Validator::new();
/// let text = "물고기".as_bytes();
/// validator.validate(&text[..4]).unwrap();
/// assert_eq!(validator.pending(), 1); // one byte of the second character so far
/// validator.validate(&text[4..]).unwrap();
/// assert!(validator.is_complete());
/// assert_eq!(validator.validate(b"ab\xFF").unwrap_err().at, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Bytes of the code point under way that have come.
    have: u8,
    /// Bytes that it still needs; 0 between code points.
    need: u8,
    /// The next byte of the code point under way is in `low..=high`.
    low: u8,
    high: u8,
}

impl Validator {
    /// A validator at the start of a text.
    pub const fn new() -> Self {
        Self { have: 0, need: 0, low: 0x80, high: 0xBF }
    }

    /// Takes the next bytes of the text, which may end inside a code point.
    ///
    /// # Errors
    /// [`InvalidUtf8`] with the place of the first byte that no valid text could have there.
    #[inline]
    pub fn validate(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let mut start = 0;
        while self.need > 0 {
            let Some(&byte) = bytes.get(start) else { return Ok(()) };
            self.step(byte).map_err(|()| InvalidUtf8 { at: start })?;
            start += 1;
        }
        let rest = &bytes[start..];
        let whole = rest.len() - unfinished(rest);
        let (whole, tail) = rest.split_at(whole);
        if simdutf8::basic::from_utf8(whole).is_err() {
            return Err(InvalidUtf8 { at: start + self.locate(rest) });
        }
        for (i, &byte) in tail.iter().enumerate() {
            self.step(byte).map_err(|()| InvalidUtf8 { at: start + whole.len() + i })?;
        }
        Ok(())
    }

    /// How many bytes of an unfinished code point have come, 0 to 3.
    pub const fn pending(&self) -> usize {
        self.have as usize
    }

    /// Whether the text so far ends with a whole code point, so that it may end here.
    pub const fn is_complete(&self) -> bool {
        self.need == 0
    }

    /// One byte of the grammar of RFC 3629 section 4, which has no overlong forms, no surrogates and nothing
    /// above U+10FFFF.
    fn step(&mut self, byte: u8) -> Result<(), ()> {
        if self.need > 0 {
            if byte < self.low || byte > self.high {
                return Err(());
            }
            let need = self.need - 1;
            let have = if need == 0 { 0 } else { self.have + 1 };
            *self = Self { have, need, ..Self::new() };
            return Ok(());
        }
        let (need, low, high) = match byte {
            0x00..=0x7F => return Ok(()),
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xE1..=0xEC | 0xEE..=0xEF => (2, 0x80, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return Err(()),
        };
        *self = Self { have: 1, need, low, high };
        Ok(())
    }

    /// The first wrong byte of `bytes`, which are known to have one and to start between code points.
    #[cold]
    fn locate(&mut self, bytes: &[u8]) -> usize {
        let valid = core::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let wrong = bytes[valid..].iter().position(|&byte| self.step(byte).is_err());
        valid + wrong.unwrap_or(0)
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `bytes` are a whole text, with SIMD where the processor has it.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// How many bytes at the end begin a code point that `bytes` does not finish.
#[inline]
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for (back, &byte) in tail.iter().rev().enumerate() {
        let length = match byte {
            0x00..=0x7F => return 0,
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        return if back + 1 < length { back + 1 } else { 0 };
    }
    0
}

/// Bytes that are not UTF-8 (RFC 3629 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8 {
    /// The first wrong byte, counted from the start of the piece that was being validated.
    pub at: usize,
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected UTF-8, got a wrong byte at offset {} (RFC 3629 section 4)", self.at)
    }
}

impl core::error::Error for InvalidUtf8 {}

#[cfg(test)]
mod tests;
