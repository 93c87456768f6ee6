//! The place of permessage-deflate in a connection.

#[cfg(feature = "deflate")]
use alloc::boxed::Box;

use bytes::BytesMut;

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::error::Protocol;
use crate::written::Written;

/// Compression, where it was negotiated. Without the feature it never is.
#[derive(Default)]
pub(super) struct Compression {
    #[cfg(feature = "deflate")]
    deflate: Option<Box<Deflate>>,
}

#[cfg(feature = "deflate")]
impl Compression {
    pub(super) fn new(deflate: Deflate) -> Self {
        Self { deflate: Some(Box::new(deflate)) }
    }

    pub(super) fn deflate(&self) -> Option<&Deflate> {
        self.deflate.as_deref()
    }

    #[inline]
    pub(super) fn is_negotiated(&self) -> bool {
        self.deflate.is_some()
    }

    /// The window bits of messages that this end compresses, where each is compressed by itself.
    pub(super) fn stateless(&self) -> Option<u8> {
        let local = self.deflate.as_ref()?.parameters().local;
        if local.context_takeover() { None } else { Some(local.window_bits()) }
    }

    /// Whether the next frame of this much payload is tried to be compressed.
    #[inline]
    pub(super) fn will_compress(&self, payload: usize, fin: bool) -> bool {
        self.deflate.as_ref().is_some_and(|deflate| deflate.will_compress(payload, fin))
    }

    pub(super) fn compress(&mut self, payload: &[u8], fin: bool, output: &mut BytesMut) -> bool {
        self.deflate.as_mut().is_some_and(|deflate| deflate.compress(payload, fin, output))
    }

    pub(super) fn inflate(&mut self, input: &[u8], output: &mut Written, room: usize) -> Result<usize, Protocol> {
        let Some(deflate) = &mut self.deflate else { return Ok(input.len()) };
        let progress =
            deflate.inflate_to(input, output, room).map_err(|corrupt| Protocol::Corrupt { at: corrupt.at })?;
        Ok(progress.consumed)
    }

    /// How many octets of the last ones of a message were inflated, and whether it is whole.
    pub(super) fn inflate_last(
        &mut self,
        input: &[u8],
        output: &mut Written,
        room: usize,
    ) -> Result<(usize, bool), Protocol> {
        let Some(deflate) = &mut self.deflate else { return Ok((input.len(), true)) };
        let (progress, finished) =
            deflate.inflate_last_to(input, output, room).map_err(|corrupt| Protocol::Corrupt { at: corrupt.at })?;
        Ok((progress.consumed, finished))
    }

    pub(super) fn finish(&mut self, output: &mut Written, room: usize) -> Result<bool, Protocol> {
        let Some(deflate) = &mut self.deflate else { return Ok(true) };
        deflate.finish_to(output, room).map_err(|corrupt| Protocol::Corrupt { at: corrupt.at })
    }

    pub(super) fn release_idle(&mut self) {
        if let Some(deflate) = &mut self.deflate {
            deflate.release_idle();
        }
    }
}

#[cfg(not(feature = "deflate"))]
impl Compression {
    pub(super) fn is_negotiated(&self) -> bool {
        false
    }

    pub(super) fn stateless(&self) -> Option<u8> {
        None
    }

    pub(super) fn will_compress(&self, _: usize, _: bool) -> bool {
        false
    }

    pub(super) fn compress(&mut self, _: &[u8], _: bool, _: &mut BytesMut) -> bool {
        false
    }

    pub(super) fn inflate(&mut self, input: &[u8], _: &mut Written, _: usize) -> Result<usize, Protocol> {
        Ok(input.len())
    }

    pub(super) fn inflate_last(&mut self, input: &[u8], _: &mut Written, _: usize) -> Result<(usize, bool), Protocol> {
        Ok((input.len(), true))
    }

    pub(super) fn finish(&mut self, _: &mut Written, _: usize) -> Result<bool, Protocol> {
        Ok(true)
    }

    pub(super) fn release_idle(&mut self) {}
}
