//! What two endpoints agreed on.

/// What the two ends agreed on, seen from one of them
/// ([RFC 7692 section 7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).
///
/// The four parameters of the extension are two for each direction of traffic. A client's `local` is
/// what the parameters that begin with `client_` govern, a server's is what those that begin with
/// `server_` govern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// What this end keeps to when it compresses.
    pub local: Direction,
    /// What the peer keeps to when it compresses.
    pub remote: Direction,
}

/// How the messages of one direction are compressed (RFC 7692 sections 7.1.1 and 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    window_bits: u8,
    context_takeover: bool,
}

impl Direction {
    /// A window of 2 to the power of `window_bits` octets, and whether a message may refer to what
    /// the messages before it held.
    ///
    /// RFC 7692 section 7.1.2 knows 8 to 15 bits: less counts as 8, more as 15.
    pub const fn new(window_bits: u8, context_takeover: bool) -> Self {
        Self { window_bits: within(window_bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS), context_takeover }
    }

    /// The base-2 logarithm of the window in octets: 8 to 15.
    pub const fn window_bits(self) -> u8 {
        self.window_bits
    }

    /// The window in octets: 256 to 32,768. No match reaches back further.
    pub const fn window(self) -> usize {
        1 << self.window_bits
    }

    /// Whether the window survives the end of a message.
    pub const fn context_takeover(self) -> bool {
        self.context_takeover
    }
}

/// The number of the range that is nearest to `value`.
pub(super) const fn within(value: u8, min: u8, max: u8) -> u8 {
    if value < min {
        min
    } else if value > max {
        max
    } else {
        value
    }
}

/// "a decimal integer value without leading zeroes between 8 to 15, inclusive" (section 7.1.2.1).
const MIN_WINDOW_BITS: u8 = 8;
pub(super) const MAX_WINDOW_BITS: u8 = 15;
