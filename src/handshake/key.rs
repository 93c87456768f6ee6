//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The text of a key: the nonce in base64 (RFC 6455 section 4.1).
pub(super) fn key(nonce: [u8; 16]) -> [u8; 24] {
    encode(&nonce)
}

/// The text that proves to the client that its key was read.
///
/// RFC 6455 section 4.2.2: "concatenating /key/ [...] with the string
/// "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value to obtain a
/// 20-byte value and base64-encoding". The key is hashed as the text that came.
pub(super) fn accept(key: &[u8]) -> [u8; 28] {
    encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Whether a key is "a base64-encoded [...] value that, when decoded, is 16 bytes in length" (RFC 6455
/// section 4.2.1): 22 characters that carry six bits each, and the padding.
///
/// The last character carries four bits more than the 16 bytes have. RFC 4648 section 3.5 lets a decoder
/// refuse them where they are not zero; the example of a key in RFC 6455 section 4.1 has such bits, so
/// they are let pass.
pub(super) fn is_key(key: &[u8]) -> bool {
    match key.strip_suffix(b"==") {
        Some(digits) => {
            digits.len() == 22
                && digits.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/'))
        }
        None => false,
    }
}

/// `bytes` in base64, where `N` is the length of that.
fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let length = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(length.ok(), Some(N));
    text
}

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
