//! What an attack costs, and whether that is within its bounds.

use sockeye::Role;

use crate::table::Attack;
use crate::victim::{Deed, End, Victim};

/// What one attack on one role has cost.
pub struct Measured {
    /// Bytes that the attacker sent, or had the victim send.
    pub bytes: usize,
    /// The most bytes that were allocated at once.
    pub peak: usize,
    /// Calls for memory.
    pub allocations: u64,
    /// How it ended.
    pub end: End,
    /// Bytes allocated in all by a sample of the attack, and by four times as much: as growing memory copies what it has,
    /// this counts the copies.
    pub allocated: [u64; 2],
}

/// Instructions of a sample of an attack, and of four times as much.
#[derive(Clone, Copy)]
pub struct Work {
    /// Bytes that the attacker sent in the sample, or had the victim send.
    pub bytes: usize,
    /// Instructions.
    pub instructions: [u64; 2],
}

/// Suffers the attack in this role.
pub fn measure(attack: &Attack, role: Role) -> Measured {
    let deed = (attack.deed)(role, attack.size);
    let (info, end) = heap_of(attack, role, &deed);
    let allocated =
        [1, 4].map(|times| heap_of(attack, role, &(attack.deed)(role, times * attack.sample)).0.bytes_total);
    Measured { bytes: deed.bytes(), peak: info.bytes_max as usize, allocations: info.count_total, end, allocated }
}

fn heap_of(attack: &Attack, role: Role, deed: &Deed) -> (allocation_counter::AllocationInfo, End) {
    let mut end = None;
    let info = allocation_counter::measure(|| end = Some(Victim::new(role, attack.manner).suffer(deed)));
    (info, end.expect("the attack was suffered"))
}

impl Deed {
    /// How much it is.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Tell { wire, .. } => wire.len(),
            Self::Hear { message, times } => message.len() * times,
        }
    }
}

impl Measured {
    /// What is not as the table says.
    pub fn faults(&self, attack: &Attack) -> Vec<String> {
        let mut faults = Vec::new();
        if self.end != attack.end {
            faults.push(format!("expected it to end with \"{}\", got \"{}\"", attack.end, self.end));
        }
        if self.peak > attack.memory {
            let (peak, memory, bound) = (self.peak, attack.memory, attack.bound);
            faults.push(format!("expected at most {memory} bytes of memory ({bound}), got {peak}"));
        }
        let [one, four] = self.allocated;
        if four > 8 * one + SLACK {
            faults.push(format!(
                "expected four times the allocations or so for four times as much, got {four} bytes after {one}"
            ));
        }
        faults
    }
}

impl Work {
    /// How much more work four times the sample is.
    pub fn growth(&self) -> f64 {
        let [one, four] = self.instructions;
        four as f64 / one as f64
    }

    /// What is not as it ought to be.
    pub fn faults(&self) -> Vec<String> {
        let [one, four] = self.instructions;
        if self.growth() <= GROWTH {
            return Vec::new();
        }
        vec![format!("expected at most {GROWTH} times the instructions for four times as much, got {four} after {one}")]
    }
}

/// How much more work four times the attack may be: linear is 4, quadratic 16.
const GROWTH: f64 = 4.4;

/// Memory doubles, so that four times as much may take up to eight times as many bytes, and small buffers have a least
/// size.
const SLACK: u64 = 64 << 10;
