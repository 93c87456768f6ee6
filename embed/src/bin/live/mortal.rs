//! A TCP stream that can be told to break behind so many bytes more.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(crate) struct Mortal {
    stream: TcpStream,
    /// Bytes that it still takes.
    left: AtomicUsize,
}

impl Mortal {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, left: AtomicUsize::new(usize::MAX) }
    }

    /// It takes so many bytes more, and then fails.
    pub(crate) fn break_behind(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    /// Once it is dropped, the peer hears of a reset and not of an end.
    pub(crate) fn reset(&self) {
        // A socket that cannot be told so is one that has been reset already.
        let _ = self.stream.set_zero_linger();
    }

    fn left(&self) -> io::Result<usize> {
        match self.left.load(Ordering::Relaxed) {
            0 => Err(ErrorKind::ConnectionReset.into()),
            left => Ok(left),
        }
    }

    fn took(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        written.map_ok(|count| {
            self.left.fetch_sub(count, Ordering::Relaxed);
            count
        })
    }
}

impl AsyncRead for Mortal {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, space)
    }
}

impl AsyncWrite for Mortal {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = self.left()?.min(bytes.len());
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..count]);
        self.took(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let left = self.left()?;
        let written = if slices.iter().map(|slice| slice.len()).sum::<usize>() <= left {
            Pin::new(&mut self.stream).poll_write_vectored(context, slices)
        } else {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            Pin::new(&mut self.stream).poll_write(context, &first[..left.min(first.len())])
        };
        self.took(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
