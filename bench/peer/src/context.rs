//! The memory of a compressor or decompressor.

use crate::process::messages;
use crate::task::{Kind, Role, Takeover};
use crate::{Job, Peer, Wire, deflated};

/// How much more of the heap so many connections have that compress, or decompress, than as many that do not; `None` where the
/// peer cannot do it, or the system does not tell.
pub(crate) fn memory(peer: &impl Peer, words: &str, count: u64) -> Option<u64> {
    let (direction, takeover) = words.split_once(' ')?;
    let takeover = Takeover::parse(takeover)?;
    let messages = messages(SIZE);
    let (plain, compressed) = if direction == "compress" {
        let plain = growth(count, Wire::silent(), |wire| peer.encode(Role::Server, messages[0], 1, wire))?;
        (plain, growth(count, Wire::silent(), |wire| peer.compress(messages, takeover, wire))?)
    } else {
        let plain =
            growth(count, Wire::of_messages(Kind::Json, SIZE, CHUNK), |wire| peer.decode_lent(wire, Kind::Json))?;
        (plain, growth(count, deflated::wire(messages, takeover), |wire| peer.decompress(wire, takeover))?)
    };
    Some(compressed.saturating_sub(plain))
}

/// What is allocated while so many jobs are prepared and run, each on a transport like this one.
fn growth(count: u64, wire: Wire, prepare: impl FnMut(Wire) -> Option<Job>) -> Option<u64> {
    let wires = vec![wire; count as usize];
    let before = allocated()?;
    let mut jobs = wires.into_iter().map(prepare).collect::<Option<Vec<_>>>()?;
    for job in &mut jobs {
        job(UNITS);
    }
    Some(allocated()?.saturating_sub(before))
}

/// Bytes of the heap that are allocated.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code)]
fn allocated() -> Option<u64> {
    // SAFETY: it is given nothing, and returns numbers.
    let heap = unsafe { nix::libc::mallinfo2() };
    Some((heap.uordblks + heap.hblkhd) as u64)
}

#[cfg(not(target_env = "gnu"))]
fn allocated() -> Option<u64> {
    None
}

/// Small messages, so that memory to read and write is little beside the context, and as many as fill the largest window
/// several times.
const SIZE: usize = 4096;
const UNITS: u64 = 64;
const CHUNK: usize = 65_536;
