//! Copying, and nothing else: nobody who touches the bytes is faster.

use std::io::{Read, Write};

use peer::{Job, Kind, Peer, Role, Wire, frame, job, look};

struct Memcpy;

fn main() {
    peer::run(&Memcpy);
}

impl Peer for Memcpy {
    const SETTINGS: &'static str = "decode: the bytes of the frames copied from the wire in reads of 16 KiB; encode: the bytes \
        of the frames copied to the wire; mask: the bytes copied from elsewhere";

    fn decode_lent(&self, mut wire: Wire, kind: Kind) -> Option<Job> {
        let size = wire.payload();
        let each = look(&kind.payload(size));
        let frame = frame(true, &kind.payload(size), Some([0; 4])).len() as u64;
        let mut space = vec![0; READ];
        let mut surplus = 0;
        job(move |units| {
            while surplus < units * frame {
                surplus += wire.read(&mut space).expect("the wire does not fail") as u64;
                look(&space);
            }
            surplus -= units * frame;
            units * each
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, mut wire: Wire) -> Option<Job> {
        let key = (role == Role::Client).then_some([0; 4]);
        let frame = frame(false, payload, key);
        let at_once = batch.min((READ / frame.len()).max(1) as u64);
        let frames = frame.repeat(at_once as usize);
        let sent = wire.sent();
        job(move |units| {
            let before = sent.bytes();
            for _ in 0..units.div_ceil(at_once) {
                wire.write_all(&frames).expect("the wire does not fail");
            }
            sent.bytes() - before
        })
    }

    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        let from = vec![1; size];
        peer::kernels::mask(size, offset, move |piece, _| piece.copy_from_slice(&from))
    }
}

const READ: usize = 16 << 10;
