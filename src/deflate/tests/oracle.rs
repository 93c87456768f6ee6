//! A plain decompressor (RFC 1951) that shares nothing with zlib, and that catches a match which reaches
//! back further than the window that was promised.

use alloc::vec::Vec;

/// One direction of a connection.
pub(super) struct Oracle {
    window: usize,
    context_takeover: bool,
    output: Vec<u8>,
}

impl Oracle {
    pub(super) fn new(window: usize, context_takeover: bool) -> Self {
        Self { window, context_takeover, output: Vec::new() }
    }

    /// The message whose payload this is: RFC 7692 section 7.2.2, word for word, and the demand that what
    /// is appended ends an empty block, as every sender's does (section 7.2.1).
    pub(super) fn message(&mut self, payload: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut data = payload.to_vec();
        data.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
        if !self.context_takeover {
            self.output.clear();
        }
        let start = self.output.len();
        let mut bits = Bits { data: &data, at: 0 };
        let mut last = start;
        while bits.at < data.len() * 8 {
            last = self.output.len();
            self.block(&mut bits)?;
        }
        if self.output.len() > last {
            return Err("the data ends in a block");
        }
        Ok(self.output[start..].to_vec())
    }

    fn block(&mut self, bits: &mut Bits<'_>) -> Result<(), &'static str> {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                bits.align();
                let length = bits.take(16)?;
                if bits.take(16)? != !length & 0xffff {
                    return Err("stored length");
                }
                for _ in 0..length {
                    let octet = bits.take(8)?;
                    self.output.push(octet as u8);
                }
            }
            1 => {
                let literals: Vec<u8> = (0..288)
                    .map(|symbol| match symbol {
                        0..144 => 8,
                        144..256 => 9,
                        256..280 => 7,
                        _ => 8,
                    })
                    .collect();
                self.symbols(bits, &Code::new(&literals), &Code::new(&[5; 30]))?;
            }
            2 => {
                let literals = 257 + bits.take(5)? as usize;
                let distances = 1 + bits.take(5)? as usize;
                let mut lengths = [0; 19];
                for index in 0..4 + bits.take(4)? as usize {
                    lengths[ORDER[index]] = bits.take(3)? as u8;
                }
                let code = Code::new(&lengths);
                let mut lengths = Vec::new();
                while lengths.len() < literals + distances {
                    let (value, count) = match code.symbol(bits)? {
                        16 => (*lengths.last().ok_or("nothing to repeat")?, 3 + bits.take(2)?),
                        17 => (0, 3 + bits.take(3)?),
                        18 => (0, 11 + bits.take(7)?),
                        length => (length as u8, 1),
                    };
                    lengths.extend((0..count).map(|_| value));
                }
                let (literals, distances) = lengths.split_at(literals);
                self.symbols(bits, &Code::new(literals), &Code::new(distances))?;
            }
            _ => return Err("block type"),
        }
        if last {
            bits.align();
        }
        Ok(())
    }

    fn symbols(&mut self, bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Result<(), &'static str> {
        loop {
            let symbol = literals.symbol(bits)?;
            match symbol {
                0..256 => self.output.push(symbol as u8),
                256 => return Ok(()),
                _ => {
                    let (base, extra) = *LENGTHS.get(symbol - 257).ok_or("length symbol")?;
                    let length = base + bits.take(extra)? as usize;
                    let symbol = distances.symbol(bits)?;
                    let extra = (symbol as u32 / 2).saturating_sub(1);
                    let base = match symbol {
                        0..4 => symbol + 1,
                        4..30 => ((2 + symbol % 2) << extra) + 1,
                        _ => return Err("distance symbol"),
                    };
                    let distance = base + bits.take(extra)? as usize;
                    if distance > self.window {
                        return Err("a match leaves the window");
                    }
                    let from = self.output.len().checked_sub(distance);
                    let from = from.ok_or("a match begins before the first octet")?;
                    for index in 0..length {
                        self.output.push(self.output[from + index]);
                    }
                }
            }
        }
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, &'static str> {
        let mut value = 0;
        for index in 0..count {
            let octet = *self.data.get(self.at / 8).ok_or("the data ends in a block")?;
            value |= u32::from(octet >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// A Huffman code: for each length the number of symbols, and the symbols in the order of their codes.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|&s| lengths[s] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[symbol]);
        for &symbol in &symbols {
            counts[usize::from(lengths[symbol])] += 1;
        }
        Self { counts, symbols }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, &'static str> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)? as usize;
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("no such code")
    }
}

const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The first length and the number of extra bits of the symbols from 257.
const LENGTHS: [(usize, u32); 29] = [
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

#[test]
fn the_oracle_itself() {
    // RFC 7692 section 7.2.3.2: the second message has a match that reaches back by 5 octets.
    let messages: [&[u8]; 2] = [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &[0xf2, 0x00, 0x11, 0x00, 0x00]];
    let decompress = |window, context_takeover| {
        let mut oracle = Oracle::new(window, context_takeover);
        messages.map(|payload| oracle.message(payload))
    };
    let hello = Ok(b"Hello".to_vec());
    assert_eq!(decompress(5, true), [hello.clone(), hello.clone()]);
    assert_eq!(decompress(4, true), [hello.clone(), Err("a match leaves the window")]);
    assert_eq!(decompress(5, false), [hello, Err("a match begins before the first octet")]);
    let cut_off = Oracle::new(5, true).message(&messages[0][..3]);
    assert_eq!(cut_off, Err("the data ends in a block"));
}
