//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it.

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
    digits.iter().all(|&byte| IS_DIGIT[byte as usize]).then_some(key)
}

/// `bytes` in base64 (RFC 4648 section 4), where `N` is the length of that.
fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let (groups, rest) = bytes.as_chunks::<3>();
    let mut last = [0; 3];
    last[..rest.len()].copy_from_slice(rest);
    let mut text = [0; N];
    for (digits, &[first, second, third]) in text.as_chunks_mut::<4>().0.iter_mut().zip(groups.iter().chain([&last])) {
        let bits = u32::from_be_bytes([0, first, second, third]);
        *digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift) as usize % 64]);
    }
    // A last group of one or two bytes is two or three digits, and padding.
    text[N - (3 - rest.len()) % 3..].fill(b'=');
    text
}

const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// For each byte whether it is one of these digits.
static IS_DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut place = 0;
    while place < DIGITS.len() {
        table[DIGITS[place] as usize] = true;
        place += 1;
    }
    table
};
