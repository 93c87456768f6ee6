//! What a connection sends, judged by other decompressors.

#[path = "../common/inflate.rs"]
mod plain_inflate;

use flate2::{Decompress, FlushDecompress, Status};
use sockeye::deflate::Options;
use sockeye::{Config, Connection, Opcode};

use crate::wire::{End, ROLES, frames, noise, plain, prose, symmetric};
use plain_inflate::inflate;

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

/// The payloads of the messages that this connection sends, in one frame and in three. `None` for a message that went
/// uncompressed.
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
            payloads.push(Some(payload));
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
                        let ended = [&payload[..], &[0x00, 0x00, 0xff, 0xff]].concat();
                        let status = flate2.decompress_vec(&ended, &mut other, FlushDecompress::Sync);
                        assert!(matches!(status, Ok(Status::Ok | Status::BufError)), "{status:?}");
                        assert!(other == *message, "flate2 sees another message");

                        let start = output.len();
                        let report = inflate(&payload, &mut output).expect("valid DEFLATE");
                        assert_eq!(report.finals, 0, "this end sends no final block");
                        farthest = farthest.max(report.farthest);
                        assert!(output[start..] == *message, "the checking decompressor sees another message");
                    }
                    assert!(farthest <= 1 << bits, "{farthest} octets back, with a window of {bits} bits");
                    assert!(bits < 10 || farthest > 1 << (bits - 2), "{farthest} octets back: the window is not used");
                }
            }
        }
    }
}
