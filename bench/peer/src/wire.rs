//! A transport in memory that never waits and never ends.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::task::{Kind, Random};

/// A transport in memory: what is read are the same frames over and over, and what is written is copied away, as a
/// socket does.
#[derive(Clone)]
pub struct Wire {
    frames: Vec<u8>,
    /// The next byte to be read.
    next: usize,
    /// Bytes that arrive at once.
    chunk: usize,
    /// Bytes that have arrived and were not read.
    there: usize,
    sink: Box<[u8]>,
    sent: Sent,
    /// Bytes of payload in each message that arrives.
    payload: usize,
}

/// Bytes that were written so far.
#[derive(Clone, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// Their number.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, count: usize) {
        // One thread writes: no locked instruction.
        self.0.store(self.bytes() + count as u64, Ordering::Relaxed);
    }
}

impl Wire {
    /// A transport on which a client has sent messages with this payload, `chunk` bytes of which arrive at once.
    pub(crate) fn of_messages(kind: Kind, size: usize, chunk: usize) -> Self {
        let payload = kind.payload(size);
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let mut frames = Vec::new();
        while frames.len() < FRAMES {
            frames.extend(frame(kind.is_text(), &payload, Some((random.next() as u32).to_le_bytes())));
        }
        Self { payload: size, ..Self::of_bytes(frames, chunk) }
    }

    /// A transport on which these bytes arrive, over and over, `chunk` of them at once.
    pub fn of_bytes(frames: Vec<u8>, chunk: usize) -> Self {
        Self { frames, next: 0, chunk, there: 0, sink: vec![0; SINK].into(), sent: Sent::default(), payload: 0 }
    }

    /// A transport on which nothing arrives.
    pub fn silent() -> Self {
        Self::of_bytes(Vec::new(), 0)
    }

    /// What was written so far; goes on counting.
    pub fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// Bytes of payload in each message that arrives.
    pub const fn payload(&self) -> usize {
        self.payload
    }

    /// The next bytes, at most so many, for implementations that are fed instead of reading.
    #[inline]
    pub fn arrived(&mut self, most: usize) -> &[u8] {
        let count = self.arrive(most);
        &self.frames[self.next - count..self.next]
    }

    /// Takes the next bytes, at most so many: how many there are. They end at `next`.
    #[inline]
    fn arrive(&mut self, most: usize) -> usize {
        if self.there == 0 {
            self.there = self.chunk;
        }
        if self.next == self.frames.len() {
            self.next = 0;
        }
        let count = most.min(self.there).min(self.frames.len() - self.next);
        self.next += count;
        self.there -= count;
        count
    }
}

impl Read for Wire {
    #[inline]
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let bytes = self.arrived(space.len());
        space[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Wire {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.chunks(SINK) {
            self.sink[..part.len()].copy_from_slice(part);
        }
        self.sent.add(bytes.len());
        Ok(bytes.len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().map(|slice| self.write(slice)).sum()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "tokio")]
mod asynchronous {
    use std::io::{self, IoSlice, Write};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Wire;

    impl AsyncRead for Wire {
        #[inline]
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let bytes = self.get_mut().arrived(space.remaining());
            space.put_slice(bytes);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Wire {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(self.get_mut().write(bytes))
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(self.get_mut().write_vectored(slices))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}

/// One frame that is a message (RFC 6455 section 5.2).
pub fn frame(text: bool, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = vec![0x80 | if text { 1 } else { 2 }];
    let masked = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => frame.push(masked | length as u8),
        length @ 126..=0xffff => {
            frame.push(masked | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    match key {
        None => frame.extend_from_slice(payload),
        Some(key) => {
            frame.extend(key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
    }
    frame
}

/// Bytes of frames until they begin anew: within the second cache, as what a socket has to give is, and more than the
/// processor's branch predictor learns by heart.
const FRAMES: usize = 256 << 10;

/// What is written goes here, over and over: the copy that a socket makes.
const SINK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_is_the_frames_over_and_over_in_chunks() {
        let mut wire = Wire::of_bytes((0..10).collect(), 4);
        let (mut space, mut read, mut sizes) = ([0; 3], Vec::new(), Vec::new());
        while read.len() < 25 {
            let count = wire.read(&mut space).unwrap();
            read.extend_from_slice(&space[..count]);
            sizes.push(count);
        }
        assert!(read.iter().copied().eq((0..10).cycle().take(read.len())), "{read:?}");
        // Chunks of four, read by three, and cut where the frames begin anew.
        assert_eq!(sizes[..8], [3, 1, 3, 1, 2, 2, 3, 1]);
    }

    #[test]
    fn what_is_written_is_counted() {
        let mut wire = Wire::silent();
        let sent = wire.sent();
        wire.write_all(&[0; 2 * SINK + 1]).unwrap();
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"c")];
        assert_eq!(wire.write_vectored(&slices).unwrap(), 3);
        assert_eq!(sent.bytes(), 2 * SINK as u64 + 4);
    }

    /// The frames of RFC 6455 section 5.7.
    #[test]
    fn frames_are_those_of_the_standard() {
        assert_eq!(frame(true, b"Hello", None), b"\x81\x05Hello");
        assert_eq!(
            frame(true, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d])),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        );
        assert_eq!(frame(false, &[0; 256], None)[..4], [0x82, 0x7e, 0x01, 0x00]);
        assert_eq!(frame(false, &[0; 65_536], None)[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
