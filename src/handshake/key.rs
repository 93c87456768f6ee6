//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::block_api::compress;

/// The text of a key: the nonce in base64 (RFC 6455 section 4.1).
pub(super) fn key(nonce: [u8; 16]) -> [u8; 24] {
    encode(&nonce)
}

/// The text that proves to the client that its key was read.
///
/// RFC 6455 section 4.2.2: "concatenating /key/ [...] with the string
/// "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value to obtain a
/// 20-byte value and base64-encoding". The key is hashed as the text that came.
pub(super) fn accept(key: &[u8; 24]) -> [u8; 28] {
    // The 60 bytes, padded to two blocks (FIPS 180-4 sections 5.1.1 and 5.3.1): a one, zeros, and their number in bits.
    let mut blocks = [[0; 64]; 2];
    let [first, second] = &mut blocks;
    first[..24].copy_from_slice(key);
    first[24..60].copy_from_slice(GUID);
    first[60] = 0x80;
    second[56..].copy_from_slice(&(8 * 60_u64).to_be_bytes());
    let mut state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    compress(&mut state, &blocks);
    let mut hash = [0; 20];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    encode(&hash)
}

/// The key, where it is "a base64-encoded [...] value that, when decoded, is 16 bytes in length" (RFC 6455
/// section 4.2.1): 22 characters that carry six bits each, and the padding.
///
/// The last character carries four bits more than the 16 bytes have. RFC 4648 section 3.5 lets a decoder
/// refuse them where they are not zero; the example of a key in RFC 6455 section 4.1 has such bits, so
/// they are let pass.
pub(super) fn read(key: &[u8]) -> Option<&[u8; 24]> {
    let key: &[u8; 24] = key.try_into().ok()?;
    let digits = key.strip_suffix(b"==")?;
    let is_digit = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/');
    // All of them, without a branch for each.
    digits.iter().fold(true, |valid, byte| valid & is_digit(byte)).then_some(key)
}

/// `bytes` in base64, where `N` is the length of that.
fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let length = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(length.ok(), Some(N));
    text
}

const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
