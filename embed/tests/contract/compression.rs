//! permessage-deflate (RFC 7692), judged by another implementation of DEFLATE.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::program::{Program, Role};
use crate::stage::{Guest, Stage};
use crate::traffic::bytes;
use crate::wire::{BINARY, CLOSE, FIN, TEXT};

/// The bit that marks a compressed message (section 6).
const RSV1: u8 = 0x40;

/// Both directions of compression, with contexts that last.
struct Deflate {
    compress: Compress,
    decompress: Decompress,
}

impl Deflate {
    fn new() -> Self {
        Self { compress: Compress::new(Compression::best(), false), decompress: Decompress::new(false) }
    }

    /// The payload of a message, without the four bytes of its end (section 7.2.1).
    fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        let before = self.compress.total_in();
        let mut payload = Vec::with_capacity(message.len() + 64);
        loop {
            let taken = (self.compress.total_in() - before) as usize;
            self.compress.compress_vec(&message[taken..], &mut payload, FlushCompress::Sync).expect("DEFLATE");
            if payload.len() < payload.capacity() {
                break;
            }
            payload.reserve(payload.len());
        }
        assert!(payload.ends_with(&[0, 0, 0xff, 0xff]));
        payload.truncate(payload.len() - 4);
        payload
    }

    /// The message of a payload (section 7.2.2).
    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        let input = [payload, &[0, 0, 0xff, 0xff]].concat();
        let before = self.decompress.total_in();
        let mut message = Vec::new();
        loop {
            let (taken, had) = ((self.decompress.total_in() - before) as usize, message.len());
            message.reserve(64 << 10);
            self.decompress.decompress_vec(&input[taken..], &mut message, FlushDecompress::Sync).expect("DEFLATE");
            if taken == input.len() && message.len() == had {
                return message;
            }
        }
    }

    /// Says a compressed message and hears its echo; returns the length of its payload.
    #[track_caller]
    fn echoes(&mut self, guest: &mut Guest, opcode: u8, message: &[u8]) -> usize {
        let payload = self.deflate(message);
        guest.mouth.frame(FIN | RSV1 | opcode, &payload);
        self.hears(guest, opcode, message)
    }

    /// Hears a message, compressed or not; returns the length of its payload.
    #[track_caller]
    fn hears(&mut self, guest: &mut Guest, opcode: u8, message: &[u8]) -> usize {
        let first = guest.ear.frame();
        assert_eq!(first.first & 0x3f & !FIN, opcode, "the opcode of the echo");
        let (mut last, mut payload) = (first.first & FIN != 0, first.payload);
        while !last {
            let frame = guest.ear.frame();
            assert_eq!(frame.first & 0x7f, 0, "expected a continuation without the bit of compression");
            last = frame.first & FIN != 0;
            payload.extend(frame.payload);
        }
        let echo = if first.first & RSV1 == 0 { payload.clone() } else { self.inflate(&payload) };
        assert!(echo == message, "expected {} bytes, got {} others", message.len(), echo.len());
        payload.len()
    }
}

/// A connection with compression, on these terms: a server is asked for them, a client is told them. Returns the terms
/// that the program stated.
#[track_caller]
fn agree(stage: &mut Stage, terms: &str) -> (Guest, String) {
    let mut guest = stage.meet();
    let header = format!("Sec-WebSocket-Extensions: permessage-deflate{terms}\r\n");
    let head = stage.shake(&mut guest, &header, b"");
    let stated = extensions(&head).unwrap_or_else(|| panic!("expected compression: {head}"));
    (guest, stated)
}

/// What a head says of extensions.
fn extensions(head: &str) -> Option<String> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = fields.filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Extensions"));
    values.next().map(|(_, value)| value.trim().into())
}

pub(crate) fn agrees_on_compression_and_keeps_its_context(program: Program) {
    let mut stage = Stage::new(program);
    let (mut guest, stated) = agree(&mut stage, "");
    assert!(stated.starts_with("permessage-deflate"), "{stated}");
    let mut deflate = Deflate::new();
    let text = "연어가 강을 거슬러 오른다. ".repeat(200);
    let length = deflate.echoes(&mut guest, TEXT, text.as_bytes());
    assert!(length < text.len() / 4, "expected a compressed echo, got {length} of {} bytes", text.len());
    for length in [0, 1, 125, 126, 65535, 65536, 1 << 20] {
        deflate.echoes(&mut guest, BINARY, &bytes(length));
        deflate.echoes(&mut guest, TEXT, &vec![b'x'; length]);
    }
    // What came before helps with what comes (section 7.1.1), unless the program said that it does not.
    let message = bytes(2000);
    deflate.echoes(&mut guest, BINARY, &message);
    let again = deflate.echoes(&mut guest, BINARY, &message);
    let keeps = match program.role {
        Role::Server => !stated.contains("server_no_context_takeover"),
        Role::Client => true,
    };
    assert!(!keeps || again < 200, "expected an echo from the context, got {again} bytes");
    // In fragments, the first alone has the bit (section 6.1); and a message that is not compressed.
    let payload = deflate.deflate(text.as_bytes());
    let (one, two) = payload.split_at(payload.len() / 2);
    guest.mouth.frame(RSV1 | TEXT, one);
    guest.mouth.frame(FIN, two);
    deflate.hears(&mut guest, TEXT, text.as_bytes());
    guest.mouth.tell(TEXT, b"plain");
    deflate.hears(&mut guest, TEXT, b"plain");
    stage.finish(guest);
}

/// A window of 512 bytes, in the direction of what the program sends: what came 1,000 bytes before is out of sight
/// (section 7.1.2).
pub(crate) fn keeps_to_a_small_window(program: Program) {
    let mut stage = Stage::new(program);
    let (mut guest, stated) = match program.role {
        Role::Server => agree(&mut stage, "; server_max_window_bits=9"),
        Role::Client => agree(&mut stage, "; client_max_window_bits=9"),
    };
    match program.role {
        Role::Server => assert!(stated.contains("server_max_window_bits=9"), "{stated}"),
        Role::Client => assert!(stated.contains("client_max_window_bits"), "{stated}"),
    }
    let mut deflate = Deflate::new();
    let twice = [bytes(1000), bytes(1000)].concat();
    let length = deflate.echoes(&mut guest, BINARY, &twice);
    assert!(length > 1900, "expected nothing from beyond the window, got {length} bytes");
    let text = "x".repeat(100_000);
    assert!(deflate.echoes(&mut guest, TEXT, text.as_bytes()) < 2000, "expected a compressed echo");
    stage.finish(guest);
}

pub(crate) fn sends_nothing_compressed_unless_agreed(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.meet();
    let head = stage.shake(&mut guest, "", b"");
    if program.role == Role::Server {
        assert_eq!(extensions(&head), None, "{head}");
    }
    guest.echoes(TEXT, &[b'x'; 10_000]);
    stage.finish(guest);
}

/// "a message [...] after decompression": a megabyte fits into a thousand bytes of wire.
pub(crate) fn holds_the_limit_while_it_inflates(program: Program) {
    let mut stage = Stage::with(program, &["--max-message", "50000"]);
    let (mut guest, _) = agree(&mut stage, "");
    let mut deflate = Deflate::new();
    deflate.echoes(&mut guest, BINARY, &[0; 50_000]);
    let bomb = deflate.deflate(&vec![0; 1 << 20]);
    guest.mouth.frame(FIN | RSV1 | BINARY, &bomb);
    let frame = guest.ear.frame();
    assert_eq!((frame.first, frame.payload.get(..2)), (FIN | CLOSE, Some(&1009_u16.to_be_bytes()[..])));
    guest.ends();
    stage.complains();
}
