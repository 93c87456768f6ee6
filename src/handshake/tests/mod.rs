//! The rules of the opening handshake by their numbers, and what the tests share.

mod client;
mod hostile;
#[cfg(feature = "http")]
mod http;
mod parts;
mod request;
mod server;
mod url;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use super::HandshakeError;

/// `text` with `from` replaced by `to`, which is an error of the test where `from` is not there.
fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the text to edit");
    text.replacen(from, to, 1)
}

/// What `read` says about `bytes` when it is shown prefixes of these lengths and then the whole.
///
/// Once there is a verdict, nothing more is shown, as in a program.
fn verdict<T>(
    bytes: &[u8],
    lengths: impl IntoIterator<Item = usize>,
    mut read: impl FnMut(&[u8]) -> Result<Option<T>, HandshakeError>,
) -> Result<Option<T>, HandshakeError> {
    for length in lengths {
        if let Some(value) = read(&bytes[..length])? {
            return Ok(Some(value));
        }
    }
    read(bytes)
}

/// The verdict of a fresh reader on `bytes` as a whole, which must be that of every split in two, that
/// of byte by byte, and where there is a value, that with bytes behind.
fn same_for_all_splits<T: PartialEq + Debug, R>(
    bytes: &[u8],
    reader: impl Fn() -> R,
    read: impl Fn(&mut R, &[u8]) -> Result<Option<T>, HandshakeError>,
) -> Result<Option<T>, HandshakeError> {
    let judge = |bytes: &[u8], lengths: Vec<usize>| {
        let mut fresh = reader();
        verdict(bytes, lengths, |received| read(&mut fresh, received))
    };
    let whole = judge(bytes, Vec::new());
    for split in 0..bytes.len() {
        assert_eq!(judge(bytes, [split].into()), whole, "split at {split}");
    }
    assert_eq!(judge(bytes, (0..bytes.len()).collect()), whole, "byte by byte");
    if !matches!(whole, Ok(None)) {
        let trailed = [bytes, b"\x81\x85\0\r\n\r\nGET"].concat();
        assert_eq!(judge(&trailed, Vec::new()), whole, "with bytes behind");
    }
    whole
}
