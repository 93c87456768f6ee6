//! The tasks, as they stand in a line.

use std::hint::black_box;

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes that are no text.
    Binary,
    /// Text of one byte a character.
    Ascii,
    /// Text in which most characters take two or three bytes, and some four.
    Multibyte,
    /// Text like the answers of a programming interface.
    Json,
}

impl Kind {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "binary" => Self::Binary,
            "ascii" => Self::Ascii,
            "multibyte" => Self::Multibyte,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// Whether messages of this kind are text messages.
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Binary)
    }

    /// A payload of exactly so many bytes, the same in every process.
    pub fn payload(self, size: usize) -> Vec<u8> {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut payload = Vec::with_capacity(size + 128);
        match self {
            Self::Binary => payload.extend((0..size).map(|_| random.next() as u8 | 0x80)),
            Self::Ascii => payload.extend((0..size).map(|_| b' ' + (random.next() % 95) as u8)),
            Self::Multibyte => {
                let characters: Vec<char> = "연어는강을거슬러오른다жñ語🐟é ".chars().collect();
                while payload.len() < size {
                    let character = characters[random.next() as usize % characters.len()];
                    let mut bytes = [0; 4];
                    let bytes = character.encode_utf8(&mut bytes).as_bytes();
                    let fits = payload.len() + bytes.len() <= size;
                    payload.extend_from_slice(if fits { bytes } else { b"." });
                }
            }
            Self::Json => {
                let names = ["salmon", "sockeye", "chum", "coho", "pink", "chinook"];
                while payload.len() < size {
                    let name = names[random.next() as usize % names.len()];
                    let (id, weight) = (random.next() % 100_000, random.next() % 5000);
                    let item = format!("{{\"id\":{id},\"name\":\"{name}\",\"weight\":{weight},\"tags\":[\"river\"]}},");
                    payload.extend_from_slice(item.as_bytes());
                }
                payload.truncate(size);
            }
        }
        payload
    }
}

/// Which end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its frames are masked.
    Client,
    /// Its frames are not.
    Server,
}

impl Role {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "client" => Self::Client,
            "server" => Self::Server,
            _ => return None,
        })
    }
}

/// Whether a compressed message may refer to the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// It may.
    On,
    /// Each message is by itself.
    Off,
}

impl Takeover {
    #[cfg(feature = "deflate")]
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "takeover" => Self::On,
            "fresh" => Self::Off,
            _ => return None,
        })
    }
}

/// What [`look`] saw.
pub type Looked = u64;

/// What a receiver at least does with a message: sees its length and its ends. The sum over all messages shows that they
/// were unmasked.
#[inline]
pub fn look(payload: &[u8]) -> Looked {
    let payload = black_box(payload);
    let ends = payload.first().zip(payload.last()).map_or(0, |(first, last)| u64::from(*first) + u64::from(*last));
    payload.len() as u64 + ends
}

/// Numbers that are random enough, and the same each time (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_as_long_as_asked_and_text_is_text() {
        for kind in [Kind::Binary, Kind::Ascii, Kind::Multibyte, Kind::Json] {
            for size in (0..300).chain([1460, 65_536]) {
                let payload = kind.payload(size);
                assert_eq!(payload.len(), size, "{kind:?}");
                assert!(!kind.is_text() || str::from_utf8(&payload).is_ok(), "{kind:?}, {size}");
            }
        }
        assert!(str::from_utf8(&Kind::Binary.payload(64)).is_err());
    }
}
