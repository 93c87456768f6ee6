//! A peer made of bytes alone: it shares no code with what it tests, and stands on anything that blocks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

/// The reading half.
pub(crate) struct Ear {
    pub(crate) stream: Box<dyn Read + Send>,
}

/// The writing half.
pub(crate) struct Mouth {
    pub(crate) stream: Box<dyn Speak>,
    /// Whether it plays the client, which masks.
    masks: bool,
}

pub(crate) trait Speak: Write + Send {
    fn end(&mut self);
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FIN: u8 = 0x80;

/// The payload of a close frame.
pub(crate) fn close_body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A frame of either kind of peer.
pub(crate) fn frame(first: u8, payload: &[u8], masks: bool) -> Vec<u8> {
    let mut bytes = vec![first];
    let bit = if masks { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..126 => bytes.push(bit | length as u8),
        length @ 126..65536 => {
            bytes.push(bit | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(bit | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if masks {
        let key = [0x12, 0x34, 0x56, 0x78];
        bytes.extend(key);
        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        bytes.extend(payload);
    }
    bytes
}

/// A good request, with these headers more.
pub(crate) fn request(headers: &str) -> String {
    format!(
        "GET /here?x=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// The good response to a request, with these headers more.
pub(crate) fn response(request: &str, headers: &str) -> String {
    use base64::Engine;
    use sha1::Digest;
    let fields = request.lines().filter_map(|line| line.split_once(": "));
    let mut keys = fields.filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key")).map(|(_, key)| key);
    let key = keys.next().expect("a key in the request");
    let digest = sha1::Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(digest);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
}

impl Ear {
    /// The head of an HTTP message.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take(1));
        }
        String::from_utf8(head).unwrap()
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("expected more bytes");
        bytes
    }

    /// The next frame; it must be there.
    pub(crate) fn frame(&mut self) -> Frame {
        Self::of(&mut self.stream).expect("expected a whole frame")
    }

    /// The next frame of a stream, where all of it is there.
    pub(crate) fn of(stream: &mut impl Read) -> Option<Frame> {
        let mut take = |count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).ok().map(|()| bytes)
        };
        let head = take(2)?;
        let length = match head[1] & 0x7f {
            126 => u16::from_be_bytes(take(2)?.try_into().unwrap()).into(),
            127 => u64::from_be_bytes(take(8)?.try_into().unwrap()),
            length => length.into(),
        };
        let key = if head[1] & 0x80 == 0 { vec![0; 4] } else { take(4)? };
        let mut payload = take(length as usize)?;
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        Some(Frame { first: head[0], payload })
    }

    /// Asserts what the next frame is.
    #[track_caller]
    pub(crate) fn hears(&mut self, opcode: u8, payload: &[u8]) {
        self.hears_frame(FIN | opcode, payload);
    }

    /// The next frame has this first byte and payload.
    pub(crate) fn hears_frame(&mut self, first: u8, payload: &[u8]) {
        let frame = self.frame();
        assert_eq!(frame.first, first);
        assert!(
            frame.payload == payload,
            "expected {} bytes {:.40?}, got {:.40?}",
            payload.len(),
            payload,
            frame.payload
        );
    }

    /// All until the end of the stream, or until it is reset.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// All until the end of the stream, which must come in order.
    pub(crate) fn orderly_rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("expected the end of the stream in order");
        rest
    }
}

impl Mouth {
    pub(crate) fn new(stream: impl Speak + 'static, masks: bool) -> Self {
        Self { stream: Box::new(stream), masks }
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.try_say(bytes).expect("the other end listens");
    }

    pub(crate) fn try_say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Says a frame: its first byte, with the final bit where it is wanted.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let frame = frame(first, payload, self.masks);
        self.say(&frame);
    }

    /// A message or a control frame, whole.
    pub(crate) fn tell(&mut self, opcode: u8, payload: &[u8]) {
        self.frame(FIN | opcode, payload);
    }

    pub(crate) fn masks(&self) -> bool {
        self.masks
    }

    pub(crate) fn end(&mut self) {
        self.stream.end();
    }
}

impl Speak for TcpStream {
    fn end(&mut self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}
