//! DEFLATE by the letter of RFC 1951, slowly: the judge of faster ones.
#![allow(unreachable_pub, reason = "several test programs have it")]

/// What a compressed message was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How far back the farthest match reached.
    pub farthest: usize,
    /// How many blocks had the BFINAL bit.
    pub finals: usize,
}

/// Adds to `output` what `payload` inflates to, the payload of a compressed message as it went over the wire. Matches may
/// reach back into what `output` has. `None` where it is not valid, or ends inside a block.
pub fn inflate(payload: &[u8], output: &mut Vec<u8>) -> Option<Report> {
    // RFC 7692 section 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
    let input = [payload, &[0x00, 0x00, 0xff, 0xff]].concat();
    let mut bits = Bits { input: &input, at: 0 };
    let mut report = Report::default();
    // Whether the message may end here without the block that the tail ends: nothing has come, or a final block.
    let mut may_end = true;
    while bits.at < payload.len() * 8 {
        let last = bits.take(1)? == 1;
        let (literals, distances) = match bits.take(2)? {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let is_tail = bits.at == payload.len() * 8;
                let length = bits.take(16)?;
                if bits.take(16)? != !length & 0xffff {
                    return None;
                }
                if is_tail {
                    // The tail ends a block that the last octet began, and a message that is whole ends here.
                    report.finals += usize::from(last);
                    return Some(report);
                }
                for _ in 0..length {
                    output.push(bits.take(8)? as u8);
                }
                (may_end, report.finals) = (last, report.finals + usize::from(last));
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
                    let (base, extra) = *LENGTHS.get(length - 257)?;
                    let length = base + bits.take(extra)?;
                    let symbol = bits.symbol(&distances)?;
                    let extra = (symbol / 2).saturating_sub(1);
                    let base = if symbol < 2 { symbol + 1 } else { ((2 + symbol % 2) << extra) + 1 };
                    let distance = base + bits.take(extra)?;
                    report.farthest = report.farthest.max(distance);
                    for _ in 0..length {
                        output.push(output[output.len().checked_sub(distance)?]);
                    }
                }
            }
        }
        (may_end, report.finals) = (last, report.finals + usize::from(last));
        if last {
            // RFC 7692 section 7.2.1: "The next DEFLATE block follows the padded data if any."
            bits.at = bits.at.next_multiple_of(8);
        }
    }
    (may_end && bits.at == payload.len() * 8).then_some(report)
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
    /// Whether no bits are ambiguous, and none are left over.
    fn is_complete(lengths: &[u8]) -> bool {
        lengths.iter().filter(|&&length| length > 0).map(|length| 1u32 << (15 - length)).sum::<u32>() == 1 << 15
    }

    /// Whether zlib takes it: complete, or with one code at most (RFC 1951 section 3.2.7, of distances).
    fn is_sound(lengths: &[u8]) -> bool {
        let mut used = lengths.iter().filter(|&&length| length > 0);
        Self::is_complete(lengths) || (used.next().is_none_or(|&length| length == 1) && used.next().is_none())
    }

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
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut lengths = [0; 19];
        for symbol in &ORDER[..count] {
            lengths[*symbol] = self.take(3)? as u8;
        }
        if !Code::is_complete(&lengths) {
            return None;
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
        if lengths.len() > literals + distances || lengths[256] == 0 {
            return None;
        }
        let (literals, distances) = lengths.split_at(literals);
        let sound = Code::is_sound(literals) && Code::is_sound(distances);
        sound.then(|| (Code::new(literals), Code::new(distances)))
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
