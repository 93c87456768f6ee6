//! What a connection sends, judged by other decompressors.

use flate2::{Decompress, FlushDecompress, Status};
use sockeye::deflate::Options;
use sockeye::{Config, Connection, Opcode};

use crate::wire::{End, ROLES, frames, noise, plain, prose, symmetric};

fn messages() -> Vec<Vec<u8>> {
    let far = noise(20_000);
    vec![
        b"Hello".to_vec(),
        prose(9000).into_bytes(),
        Vec::new(),
        far.clone(),
        prose(300).into_bytes(),
        [&far[..], &far[..5000]].concat(),
        vec![0; 70_000],
        prose(9000).into_bytes(),
    ]
}

/// The payloads of the messages that this connection sends, in one frame and in three, with the tail that a receiver
/// appends. `None` for a message that went uncompressed.
fn payloads(connection: Connection, messages: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let mut end = End::new(connection);
    let mut payloads = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let End { connection, outbox, .. } = &mut end;
        if index % 2 == 0 {
            connection.send_binary(message, outbox).expect("room");
        } else {
            let (start, rest) = message.split_at(message.len() / 3);
            connection.send_binary_fragment(start, false, outbox).expect("room");
            connection.send_binary_fragment(&[], false, outbox).expect("room");
            connection.send_binary_fragment(rest, true, outbox).expect("room");
        }
        let frames = frames(&end.drain());
        assert_eq!(frames[0].0.opcode, Opcode::Binary);
        let payload = frames.iter().flat_map(|(_, payload)| payload).copied().collect::<Vec<_>>();
        if frames[0].0.reserved == 0 {
            assert_eq!(&payload, message);
            payloads.push(None);
        } else {
            payloads.push(Some([&payload[..], &[0x00, 0x00, 0xff, 0xff]].concat()));
        }
    }
    payloads
}

#[test]
fn flate2_and_a_checking_decompressor_understand_all_of_it_within_the_window() {
    let messages = messages();
    for bits in 8..=15 {
        for takeover in [false, true] {
            for (level, memory) in [(1, 1), (6, 5), (9, 9)] {
                for role in ROLES {
                    let options = Options::new().threshold(0).level(level).memory_level(memory);
                    let connection = plain(role, &Config::default()).with_deflate(symmetric(bits, takeover), &options);
                    let mut flate2 = Decompress::new(false);
                    let mut output = Vec::new();
                    let mut farthest = 0;
                    for (message, payload) in messages.iter().zip(payloads(connection, &messages)) {
                        let Some(payload) = payload else {
                            assert!(!takeover, "what moves the window is sent as it is");
                            continue;
                        };
                        if !takeover {
                            flate2.reset(false);
                            output.clear();
                        }
                        let mut other = Vec::with_capacity(message.len() + 16);
                        let status = flate2.decompress_vec(&payload, &mut other, FlushDecompress::Sync);
                        assert!(matches!(status, Ok(Status::Ok | Status::BufError)), "{status:?}");
                        assert!(other == *message, "flate2 sees another message");

                        let start = output.len();
                        farthest = farthest.max(inflate(&payload, &mut output).expect("valid DEFLATE"));
                        assert!(output[start..] == *message, "the checking decompressor sees another message");
                    }
                    assert!(farthest <= 1 << bits, "{farthest} octets back, with a window of {bits} bits");
                    assert!(bits < 10 || farthest > 1 << (bits - 2), "{farthest} octets back: the window is not used");
                }
            }
        }
    }
}

/// Decompresses by the letter of RFC 1951, slowly, and says how far back the farthest match reached.
fn inflate(input: &[u8], output: &mut Vec<u8>) -> Option<usize> {
    let mut bits = Bits { input, at: 0 };
    let mut farthest = 0;
    while bits.at + 3 <= input.len() * 8 {
        let last = bits.take(1)? == 1;
        let (literals, distances) = match bits.take(2)? {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let length = bits.take(16)?;
                assert_eq!(bits.take(16)?, !length & 0xffff);
                for _ in 0..length {
                    output.push(bits.take(8)? as u8);
                }
                continue;
            }
            1 => {
                let lengths: Vec<u8> = (0..288u16)
                    .map(|symbol| match symbol {
                        0..144 | 280.. => 8,
                        144..256 => 9,
                        256..280 => 7,
                    })
                    .collect();
                (Code::new(&lengths), Code::new(&[5; 30]))
            }
            2 => bits.codes()?,
            _ => return None,
        };
        loop {
            match bits.symbol(&literals)? {
                256 => break,
                literal @ 0..256 => output.push(literal as u8),
                length => {
                    let (base, extra) = LENGTHS[length - 257];
                    let length = base + bits.take(extra)?;
                    let symbol = bits.symbol(&distances)?;
                    let extra = (symbol / 2).saturating_sub(1);
                    let base = if symbol < 2 { symbol + 1 } else { ((2 + symbol % 2) << extra) + 1 };
                    let distance = base + bits.take(extra)?;
                    farthest = farthest.max(distance);
                    for _ in 0..length {
                        output.push(output[output.len().checked_sub(distance)?]);
                    }
                }
            }
        }
        assert!(!last, "this end sends no final block");
    }
    Some(farthest)
}

struct Bits<'a> {
    input: &'a [u8],
    /// In bits.
    at: usize,
}

/// How many codes there are of each length, and the symbols in the order of their codes.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|&length| counts[usize::from(length)] += 1);
        counts[0] = 0;
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|&symbol| lengths[symbol] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[symbol]);
        Self { counts, symbols }
    }
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for bit in 0..count {
            value |= usize::from(self.input.get(self.at / 8)? >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    fn symbol(&mut self, code: &Code) -> Option<usize> {
        let (mut word, mut first, mut index) = (0, 0, 0);
        for count in &code.counts[1..] {
            word |= self.take(1)?;
            if word < first + count {
                return code.symbols.get(index + word - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            word <<= 1;
        }
        None
    }

    /// The codes of a block with codes of its own (RFC 1951 section 3.2.7).
    fn codes(&mut self) -> Option<(Code, Code)> {
        let (literals, distances, count) = (self.take(5)? + 257, self.take(5)? + 1, self.take(4)? + 4);
        let mut lengths = [0; 19];
        for symbol in &ORDER[..count] {
            lengths[*symbol] = self.take(3)? as u8;
        }
        let code = Code::new(&lengths);
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match self.symbol(&code)? {
                16 => (*lengths.last()?, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                18 => (0, 11 + self.take(7)?),
                length => (length as u8, 1),
            };
            lengths.extend(std::iter::repeat_n(length, times));
        }
        Some((Code::new(&lengths[..literals]), Code::new(&lengths[literals..])))
    }
}

/// RFC 1951 section 3.2.5: the length of each symbol from 257, and the bits that are added to it.
const LENGTHS: [(usize, usize); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// RFC 1951 section 3.2.7.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
