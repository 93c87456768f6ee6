//! Tokens, lists of them, and the white space around them.

/// Whether `text` is a token: one or more characters that are neither controls nor separators
/// ([RFC 9110 section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2), the same set as
/// in RFC 2616, which RFC 6455 refers to).
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Whether `byte` may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[byte as usize]
}

/// How many bytes at the start of `text` may stand in a token.
pub(super) fn token_length(text: &[u8]) -> usize {
    let (blocks, tail) = text.as_chunks::<8>();
    for (index, block) in blocks.iter().enumerate() {
        // A bit for each byte, and no branch.
        let others = block.iter().rev().fold(0_u8, |bits, &byte| bits << 1 | u8::from(!is_token_byte(byte)));
        if others != 0 {
            return 8 * index + others.trailing_zeros() as usize;
        }
    }
    8 * blocks.len() + tail.iter().take_while(|&&byte| is_token_byte(byte)).count()
}

/// Whether `text` is `token`, which is in lower case and of letters and hyphens, whatever the case of `text`.
///
/// All of it is compared at once, without a branch for each byte. What makes letters lower case makes a hyphen of a CR too,
/// which no header has in it.
pub(super) fn is_in_any_case<const N: usize>(text: &[u8], token: &[u8; N]) -> bool {
    let Ok(text) = <&[u8; N]>::try_from(text) else { return false };
    text.iter().zip(token).fold(0, |difference, (a, b)| difference | ((a | 0x20) ^ b)) == 0
}

/// `value` without the spaces and tabs around it.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The elements of a comma-separated list, the empty ones left out.
///
/// RFC 9110 section 5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list
/// elements". No quoted string has a place in the lists that are read with this.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// For each byte whether it may stand in a token: handshakes are full of them, and a table is several
/// times as fast as the comparisons.
static TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        byte += 1;
    }
    table
};
