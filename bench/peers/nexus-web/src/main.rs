//! nexus-web.

use std::hint::black_box;
use std::io::Write;

use nexus_web::ws::{self, FrameReader, FrameWriter, Message};
use peer::{Job, Kind, Peer, Role, Wire, job, look};

struct NexusWeb;

fn main() {
    peer::run(&NexusWeb);
}

impl Peer for NexusWeb {
    const SETTINGS: &'static str = "its parts without I/O, a FrameReader with a buffer of 64 KiB fed by `read_from`, and a \
        FrameWriter into a buffer of the caller's; messages and frames to 64 MiB; a message lent is taken by a copy; of text it validates \
        only what one read brings as a whole: its times for text that a read cuts are times without validation";

    fn decode_lent(&self, wire: Wire, _: Kind) -> Option<Job> {
        let mut end = End::new(wire);
        job(move |units| end.messages(units, |message| look(message.as_bytes())))
    }

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        let mut end = End::new(wire);
        job(move |units| end.messages(units, |message| look(black_box(message.into_owned()).as_bytes())))
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        let mut end = End::new(wire);
        job(move |units| {
            end.messages(units, |message| match message {
                Message::Text(text) => look(text.as_bytes()),
                other => unreachable!("expected text, got {other:?}"),
            })
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, mut wire: Wire) -> Option<Job> {
        let role = match role {
            Role::Client => ws::Role::Client,
            Role::Server => ws::Role::Server,
        };
        let mut writer = FrameWriter::new(role);
        let mut space = vec![0; writer.max_encoded_len(payload.len()) * batch as usize];
        let sent = wire.sent();
        job(move |units| {
            let before = sent.bytes();
            let mut filled = 0;
            for unit in 1..=units {
                filled += writer.encode_binary(payload, &mut space[filled..]);
                if unit % batch == 0 || unit == units {
                    wire.write_all(&space[..filled]).expect("the wire does not fail");
                    filled = 0;
                }
            }
            sent.bytes() - before
        })
    }

    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        peer::kernels::mask(size, offset, ws::apply_mask)
    }
}

struct End {
    reader: FrameReader,
    wire: Wire,
}

impl End {
    fn new(wire: Wire) -> Self {
        let reader = FrameReader::builder()
            .role(ws::Role::Server)
            .buffer_capacity(READ)
            .max_frame_size(MOST as u64)
            .max_message_size(MOST)
            .build();
        Self { reader, wire }
    }

    #[inline]
    fn messages(&mut self, units: u64, mut take: impl FnMut(Message<'_>) -> u64) -> u64 {
        let (mut sum, mut left) = (0, units);
        while left > 0 {
            match self.reader.next().expect("good frames") {
                Some(message) => {
                    sum += take(message);
                    left -= 1;
                }
                None => {
                    if self.reader.should_compact() {
                        self.reader.compact();
                    }
                    self.reader.read_from(&mut self.wire).expect("the wire does not fail");
                }
            }
        }
        sum
    }
}

const READ: usize = 64 << 10;
const MOST: usize = 64 << 20;
