//! What this end wants.

use super::parameters::{Direction, MAX_WINDOW_BITS, within};

/// What this end wants of permessage-deflate, before it has asked the peer.
///
/// A client turns it into [`offers`](Self::offers) and checks the response with
/// [`verify`](Self::verify); a server turns offers into an [`answer`](Self::answer).
///
/// `local` is the direction in which this end sends, `remote` the one in which it receives. What is
/// said of `local` binds this end alone and can always be had. What is said of `remote` asks
/// something of the peer; whether a peer that cannot do it is still spoken to compressed is decided
/// by [`fallback`](Self::fallback).
///
/// | option | default | reason |
/// | --- | --- | --- |
/// | [`local_window_bits`](Self::local_window_bits) | 12 | messages are rarely longer than 4 KiB, and the compressor needs four times the window |
/// | [`local_context_takeover`](Self::local_context_takeover) | true | small messages that resemble each other shrink by little else |
/// | [`remote_window_bits`](Self::remote_window_bits) | 15 | every peer can serve it, some browsers nothing else |
/// | [`remote_context_takeover`](Self::remote_context_takeover) | true | as above, for what the peer sends |
/// | [`fallback`](Self::fallback) | false | a bound on memory that gives way is none |
/// | [`level`](Self::level) | 6 | zlib's own middle between speed and size |
/// | [`memory_level`](Self::memory_level) | 5 | fits the window; level 8 is for windows of 15 bits |
/// | [`threshold`](Self::threshold) | 256 | less leaves in one packet anyway, and saves little |
/// | [`release_when_idle`](Self::release_when_idle) | true | most connections are idle most of the time |
///
/// Compression and secrets do not mix: where one message holds both a secret and text that an attacker
/// chose, its length betrays the secret (RFC 7692 section 8). Send such messages uncompressed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Options {
    pub(super) local: Direction,
    pub(super) remote: Direction,
    pub(super) fallback: bool,
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) threshold: usize,
    pub(super) release_when_idle: bool,
}

impl Options {
    /// The defaults of the table above.
    pub const fn new() -> Self {
        Self {
            local: Direction::new(LOCAL_WINDOW_BITS, true),
            remote: Direction::new(MAX_WINDOW_BITS, true),
            fallback: false,
            level: LEVEL,
            memory_level: MEMORY_LEVEL,
            threshold: THRESHOLD,
            release_when_idle: true,
        }
    }

    /// What this end wants of the direction in which it sends.
    pub const fn local(&self) -> Direction {
        self.local
    }

    /// The window of our compressor, as the base-2 logarithm of its octets: 8 to 15; less counts as 8,
    /// more as 15.
    ///
    /// The peer may ask for less and gets it. RFC 7692 section 7.3 recommends 10 or more. With 8 bits,
    /// which zlib's format of raw DEFLATE cannot keep to, the compressor looks for repeated octets
    /// alone and reaches back by one, so the promise is kept and little is saved.
    pub const fn local_window_bits(mut self, bits: u8) -> Self {
        self.local = Direction::new(bits, self.local.context_takeover());
        self
    }

    /// Whether our compressor refers to earlier messages. The peer may forbid it.
    ///
    /// Without it every message starts from nothing, and a message that would not become shorter is
    /// sent as it is.
    pub const fn local_context_takeover(mut self, wanted: bool) -> Self {
        self.local = Direction::new(self.local.window_bits(), wanted);
        self
    }

    /// The largest window that the peer may use, as the base-2 logarithm of its octets: 8 to 15; less
    /// counts as 8, more as 15. It is what an idle connection keeps for the sake of the peer's context
    /// takeover.
    ///
    /// Less than 15 bits is a request that not every peer can serve: some browsers offer no
    /// `client_max_window_bits`, and a server may not know `server_max_window_bits`. See
    /// [`fallback`](Self::fallback).
    pub const fn remote_window_bits(mut self, bits: u8) -> Self {
        self.remote = Direction::new(bits, self.remote.context_takeover());
        self
    }

    /// Whether the peer may refer to earlier messages. Without it an idle connection keeps nothing.
    ///
    /// A server's word on this binds every client. A client's may be declined by a server: see
    /// [`fallback`](Self::fallback).
    pub const fn remote_context_takeover(mut self, allowed: bool) -> Self {
        self.remote = Direction::new(self.remote.window_bits(), allowed);
        self
    }

    /// Whether a peer that cannot keep to the `remote` bounds may use 15 bits and context takeover
    /// instead. Otherwise messages travel uncompressed.
    pub const fn fallback(mut self, allowed: bool) -> Self {
        self.fallback = allowed;
        self
    }

    /// How hard the compressor tries: 1 (fast) to 9 (small); what lies outside counts as the nearest.
    ///
    /// Level 1 takes a sixth to a third of the time of level 6, and leaves JSON 20 to 60 % larger.
    pub const fn level(mut self, level: u8) -> Self {
        self.level = within(level, 1, 9);
        self
    }

    /// The memory of the compressor beside its window: 1 to 9, each twice the one before; what lies
    /// outside counts as the nearest. The module's documentation has the table.
    pub const fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = within(level, 1, 9);
        self
    }

    /// The length in octets from which a message is compressed.
    ///
    /// A message that is sent in fragments, of which the whole length is not known, is compressed
    /// whatever the length of its first fragment. With `usize::MAX` nothing is compressed, and what
    /// the peer compressed is still understood.
    pub const fn threshold(mut self, octets: usize) -> Self {
        self.threshold = octets;
        self
    }

    /// Whether an idle connection gives its contexts back.
    ///
    /// The compressor then starts with an empty window, which it always may, so the first messages
    /// after a pause compress less well. The decompressor keeps the window alone, and not even that
    /// where the peer promised no context takeover.
    pub const fn release_when_idle(mut self, release: bool) -> Self {
        self.release_when_idle = release;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

const LOCAL_WINDOW_BITS: u8 = 12;
const LEVEL: u8 = 6;
const MEMORY_LEVEL: u8 = 5;
const THRESHOLD: usize = 256;
