//! What a connection may be told.

/// Limits and manners of a [`Connection`](crate::Connection).
///
/// | limit | default | why |
/// | --- | --- | --- |
/// | [`frame_limit`](Self::frame_limit) | 16 MiB | no one frame holds more memory than a message may |
/// | [`message_limit`](Self::message_limit) | 16 MiB | a whole message is in memory before its event |
/// | [`fragment_limit`](Self::fragment_limit) | 131,072 | a fragment without payload costs the peer 6 bytes and us a header's work; twice what a 4 MiB message in fragments of 64 bytes needs |
///
/// A message that is received whole takes at most three times its limit in memory: twice, and once more while it moves to a
/// larger place.
///
/// ```
/// use sockeye::Config;
///
/// let config = Config::default().message_limit(64 * 1024).auto_pong(false);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) frame_limit: u64,
    pub(super) message_limit: u64,
    pub(super) fragment_limit: u32,
    pub(super) auto_pong: bool,
    pub(super) auto_close: bool,
}

impl Config {
    /// The most bytes of payload in a frame, inclusive. A larger one closes the connection with 1009 when its
    /// header arrives, before its payload is read (RFC 6455 section 10.4).
    ///
    /// A compressed frame may have a quarter and 1 KiB more than this or than the message's limit, whichever is less:
    /// it is inflated as it arrives and never held, and DEFLATE adds to data that it cannot compress.
    #[must_use]
    pub const fn frame_limit(mut self, bytes: u64) -> Self {
        self.frame_limit = bytes;
        self
    }

    /// The most bytes in a message, inclusive, over all its fragments, after inflation. A larger one closes the
    /// connection with 1009 when the header that goes past the limit arrives (RFC 6455 section 10.4), and a compressed
    /// one at the first byte that comes out past it.
    ///
    /// It holds for messages taken in pieces too: raise it to `u64::MAX` where they need not fit into memory.
    #[must_use]
    pub const fn message_limit(mut self, bytes: u64) -> Self {
        self.message_limit = bytes;
        self
    }

    /// The most fragments in a message, inclusive. More close the connection with 1008.
    #[must_use]
    pub const fn fragment_limit(mut self, fragments: u32) -> Self {
        self.fragment_limit = fragments;
        self
    }

    /// Whether pings are answered by themselves, as RFC 6455 section 5.5.2 asks; they are by default. Without it
    /// the caller answers each with [`Connection::pong`](crate::Connection::pong).
    #[must_use]
    pub const fn auto_pong(mut self, on: bool) -> Self {
        self.auto_pong = on;
        self
    }

    /// Whether a close frame is answered by itself with the same code, as RFC 6455 section 5.5.1 asks; it is by
    /// default. Without it the caller answers with [`Connection::close`](crate::Connection::close), and may finish a
    /// message that it has begun to send in fragments before.
    #[must_use]
    pub const fn auto_close(mut self, on: bool) -> Self {
        self.auto_close = on;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            frame_limit: 16 << 20,
            message_limit: 16 << 20,
            fragment_limit: 1 << 17,
            auto_pong: true,
            auto_close: true,
        }
    }
}
