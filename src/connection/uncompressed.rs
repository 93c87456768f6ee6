//! The place of permessage-deflate in a connection that is built without it.

use bytes::BytesMut;

use crate::error::Protocol;
use crate::written::Written;

/// Compression that is never negotiated.
#[derive(Default)]
pub(super) struct Compression {}

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
