//! DEFLATE by the letter of RFC 1951, slowly: the judge of faster ones.
#![allow(dead_code, unreachable_pub, reason = "several test programs use a part of it")]

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
    let mut inflater = Inflater::default();
    inflater.inflate(payload, output, usize::MAX).ok()?;
    inflater.finish()
}

/// A compressed message whose payload comes in parts.
pub struct Inflater {
    bits: Bits,
    place: Place,
    /// Whether the block under way is a final one.
    last: bool,
    /// Whether the message may end here without the block that the tail ends: nothing has come, or a final block.
    may_end: bool,
    report: Report,
}

/// Where in the stream of blocks the next bits stand.
enum Place {
    BetweenBlocks,
    /// In a block that is not compressed, before so many octets of it.
    Stored(usize),
    /// In a block with these codes, of literals and of distances.
    Coded(Box<[Code; 2]>),
}

/// Why there is no next step.
enum Stop {
    /// Its bits have not all come.
    Short,
    /// It is not DEFLATE.
    Wrong,
}

/// The data is not valid, whatever follows.
#[derive(Debug)]
pub struct Wrong;

impl Default for Inflater {
    fn default() -> Self {
        let bits = Bits { input: Vec::new(), at: 0 };
        Self { bits, place: Place::BetweenBlocks, last: false, may_end: true, report: Report::default() }
    }
}

impl Inflater {
    /// Adds to `output` what follows from the payload so far, up to the first symbol with which `output` is longer than
    /// `limit`.
    pub fn inflate(&mut self, payload: &[u8], output: &mut Vec<u8>, limit: usize) -> Result<(), Wrong> {
        self.bits.input.extend(payload);
        while output.len() <= limit {
            let before = self.bits.at;
            match self.step(output) {
                Ok(()) => {}
                Err(Stop::Short) => {
                    self.bits.at = before;
                    break;
                }
                Err(Stop::Wrong) => return Err(Wrong),
            }
        }
        Ok(())
    }

    /// Ends a message whose payload has been inflated as far as it goes.
    pub fn finish(mut self) -> Option<Report> {
        let end = self.bits.input.len() * 8;
        if !matches!(self.place, Place::BetweenBlocks) {
            return None;
        }
        if self.bits.at == end {
            return self.may_end.then_some(self.report);
        }
        // RFC 7692 section 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
        // They are the lengths of an empty block that the last octet began.
        self.report.finals += self.bits.take(1).ok()?;
        let is_stored = self.bits.take(2).ok()? == 0;
        (is_stored && self.bits.at.next_multiple_of(8) == end).then_some(self.report)
    }

    /// What was seen so far.
    pub fn report(&self) -> Report {
        self.report
    }

    /// Octets of the payload that have no bit in what was inflated.
    pub fn left(&self) -> usize {
        self.bits.input.len() - self.bits.at.div_ceil(8)
    }

    /// The header of a block, a stored octet, or a symbol. Where it stops, the output is as it was.
    fn step(&mut self, output: &mut Vec<u8>) -> Result<(), Stop> {
        match &mut self.place {
            Place::BetweenBlocks => self.block()?,
            Place::Stored(0) => self.end_block(),
            Place::Stored(left) => {
                output.push(self.bits.take(8)? as u8);
                *left -= 1;
            }
            Place::Coded(codes) => match self.bits.symbol(&codes[0])? {
                256 => self.end_block(),
                literal @ 0..256 => output.push(literal as u8),
                length => {
                    let (base, extra) = *LENGTHS.get(length - 257).ok_or(Stop::Wrong)?;
                    let length = base + self.bits.take(extra)?;
                    let symbol = self.bits.symbol(&codes[1])?;
                    let extra = (symbol / 2).saturating_sub(1);
                    let base = if symbol < 2 { symbol + 1 } else { ((2 + symbol % 2) << extra) + 1 };
                    let distance = base + self.bits.take(extra)?;
                    self.report.farthest = self.report.farthest.max(distance);
                    let start = output.len().checked_sub(distance).ok_or(Stop::Wrong)?;
                    for at in start..start + length {
                        output.push(output[at]);
                    }
                }
            },
        }
        Ok(())
    }

    /// The header of a block.
    fn block(&mut self) -> Result<(), Stop> {
        let last = self.bits.take(1)? == 1;
        let place = match self.bits.take(2)? {
            0 => {
                self.bits.at = self.bits.at.next_multiple_of(8);
                let length = self.bits.take(16)?;
                if self.bits.take(16)? != !length & 0xffff {
                    return Err(Stop::Wrong);
                }
                Place::Stored(length)
            }
            1 => {
                let lengths: Vec<u8> = (0..288u16)
                    .map(|symbol| match symbol {
                        0..144 | 280.. => 8,
                        144..256 => 9,
                        256..280 => 7,
                    })
                    .collect();
                Place::Coded(Box::new([Code::new(&lengths), Code::new(&[5; 30])]))
            }
            2 => Place::Coded(Box::new(self.bits.codes()?)),
            _ => return Err(Stop::Wrong),
        };
        (self.place, self.last) = (place, last);
        Ok(())
    }

    fn end_block(&mut self) {
        self.place = Place::BetweenBlocks;
        self.may_end = self.last;
        self.report.finals += usize::from(self.last);
        if self.last {
            // RFC 7692 section 7.2.1: "The next DEFLATE block follows the padded data if any."
            self.bits.at = self.bits.at.next_multiple_of(8);
        }
    }
}

struct Bits {
    input: Vec<u8>,
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

impl Bits {
    fn take(&mut self, count: usize) -> Result<usize, Stop> {
        let mut value = 0;
        for bit in 0..count {
            value |= usize::from(self.input.get(self.at / 8).ok_or(Stop::Short)? >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Ok(value)
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, Stop> {
        let (mut word, mut first, mut index) = (0, 0, 0);
        for count in &code.counts[1..] {
            word |= self.take(1)?;
            if word < first + count {
                return code.symbols.get(index + word - first).copied().ok_or(Stop::Wrong);
            }
            index += count;
            if index == code.symbols.len() {
                // No longer code is left.
                break;
            }
            first = (first + count) << 1;
            word <<= 1;
        }
        Err(Stop::Wrong)
    }

    /// The codes of a block with codes of its own (RFC 1951 section 3.2.7).
    fn codes(&mut self) -> Result<[Code; 2], Stop> {
        let (literals, distances, count) = (self.take(5)? + 257, self.take(5)? + 1, self.take(4)? + 4);
        if literals > 286 || distances > 30 {
            return Err(Stop::Wrong);
        }
        let mut lengths = [0; 19];
        for symbol in &ORDER[..count] {
            lengths[*symbol] = self.take(3)? as u8;
        }
        if lengths == [0; 19] {
            // Without a code there is nothing to read; zlib takes a bit for each length before it says so.
            (0..literals + distances).try_for_each(|_| self.take(1).map(|_| ()))?;
        }
        if !Code::is_complete(&lengths) {
            return Err(Stop::Wrong);
        }
        let code = Code::new(&lengths);
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match self.symbol(&code)? {
                16 => {
                    let times = 3 + self.take(2)?;
                    (*lengths.last().ok_or(Stop::Wrong)?, times)
                }
                17 => (0, 3 + self.take(3)?),
                18 => (0, 11 + self.take(7)?),
                length => (length as u8, 1),
            };
            lengths.extend(std::iter::repeat_n(length, times));
        }
        if lengths.len() > literals + distances || lengths[256] == 0 {
            return Err(Stop::Wrong);
        }
        let (literals, distances) = lengths.split_at(literals);
        if !Code::is_sound(literals) || !Code::is_sound(distances) {
            return Err(Stop::Wrong);
        }
        Ok([Code::new(literals), Code::new(distances)])
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
