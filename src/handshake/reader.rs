//! Reads the head of an HTTP/1.1 message that arrives in pieces.

use alloc::vec;
use core::mem::MaybeUninit;

use super::error::HandshakeError;
use super::fields::{Fields, Span};
use super::request::Request;
use super::response::Response;

/// How large a handshake of the peer's may be.
///
/// A handshake takes at most three times as much memory as its bytes and a read together, and 72 bytes for each header. A
/// list of extensions takes up to 80 bytes for each of its own, for as long as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The length of the head in bytes, its last line end included. By default 8 KiB, which is what the
    /// common web servers give to all cookies and tokens of a request.
    pub bytes: usize,
    /// The number of headers, by default 64. A browser sends about 15.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 * 1024, headers: 64 }
    }
}

/// Reads a request out of bytes that arrive in pieces of any size.
///
/// The verdict depends on the bytes alone and not on how they were split, and the work is linear in
/// their number: from the second call on, what was searched is not searched again.
#[derive(Clone, Debug, Default)]
pub struct RequestReader {
    head: Head,
}

impl RequestReader {
    /// A reader that has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { head: Head::new(limits) }
    }

    /// Looks at everything that was received so far, from the first byte on, and returns the request and
    /// the length of its head; what follows it is the caller's. `None` where more is needed.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Malformed`], [`HandshakeError::HttpVersion`], [`HandshakeError::HeadTooLong`]
    /// and [`HandshakeError::TooManyHeaders`], and what [`Request::new`] says about `Host`. A later call
    /// says the same again.
    pub fn read(&mut self, received: &[u8]) -> Result<Option<(Request, usize)>, HandshakeError> {
        if let Some(read) = self.read_at_once(received) {
            return read.map(Some);
        }
        let Some(head) = self.head.find(received)? else {
            return Ok(None);
        };
        let request = with_headers(self.head.headers(), |headers| {
            let mut parsed = httparse::Request::new(&mut []);
            complete(head, parsed.parse_with_uninit_headers(head, headers))?;
            Request::of_head(head, &parsed)
        })?;
        Ok(Some((request, self.head.end())))
    }

    /// The quick way, for what has arrived in one piece and is well formed: `httparse` finds the end by itself.
    fn read_at_once(&mut self, received: &[u8]) -> Option<Result<(Request, usize), HandshakeError>> {
        let window = self.head.untouched(received)?;
        let mut headers = [const { MaybeUninit::uninit() }; 64];
        let mut parsed = httparse::Request::new(&mut []);
        let length = parsed.parse_with_uninit_headers(window, &mut headers);
        let head = self.head.at_once(window, length, parsed.headers)?;
        Some(Request::of_head(head, &parsed).map(|request| (request, head.len())))
    }

    /// How many bytes all calls together looked at for the end of the head.
    #[cfg(test)]
    pub(super) fn bytes_looked_at(&self) -> usize {
        self.head.looked_at
    }
}

/// Reads a final response out of bytes that arrive in pieces of any size, as [`RequestReader`] does.
#[derive(Clone, Debug, Default)]
pub(super) struct ResponseReader {
    head: Head,
}

impl ResponseReader {
    pub(super) fn new(limits: Limits) -> Self {
        Self { head: Head::new(limits) }
    }

    /// Like [`RequestReader::read`]. The limit in bytes holds for all heads together.
    ///
    /// RFC 9110 section 15.2: "A client MUST be able to parse one or more 1xx responses received prior to
    /// a final response, even if the client does not expect one". A 101 is final here.
    pub(super) fn read(&mut self, received: &[u8]) -> Result<Option<(Response, usize)>, HandshakeError> {
        if let Some(read) = self.read_at_once(received) {
            return Ok(Some(read));
        }
        while let Some(head) = self.head.find(received)? {
            let response = with_headers(self.head.headers(), |headers| {
                let mut parsed = httparse::Response::new(&mut []);
                let config = httparse::ParserConfig::default();
                complete(head, config.parse_response_with_uninit_headers(&mut parsed, head, headers))?;
                let status = parsed.code.unwrap_or_default();
                // HTTP/1.0 has no 1xx (RFC 9110 section 15.2).
                if status < 200 && parsed.version != Some(1) {
                    return Err(HandshakeError::HttpVersion);
                }
                if status < 100 {
                    return Err(HandshakeError::Malformed("a status from 100 to 599"));
                }
                Ok(Response::of(status, Fields::of_head(head, parsed.headers)))
            })?;
            if response.status() == 101 || response.status() >= 200 {
                return Ok(Some((response, self.head.end())));
            }
            self.head.next();
        }
        Ok(None)
    }

    /// Like [`RequestReader::read_at_once`], for the one response that a client hopes for.
    fn read_at_once(&mut self, received: &[u8]) -> Option<(Response, usize)> {
        let window = self.head.untouched(received)?;
        let mut headers = [const { MaybeUninit::uninit() }; 64];
        let mut parsed = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let length = config.parse_response_with_uninit_headers(&mut parsed, window, &mut headers);
        let head = self.head.at_once(window, length, parsed.headers)?;
        let is_switch = parsed.code == Some(101) && parsed.version == Some(1);
        is_switch.then(|| (Response::of(101, Fields::of_head(head, parsed.headers)), head.len()))
    }
}

/// The search for the end of a head, which goes on where it stopped.
///
/// Lines end in CR LF. RFC 9112 section 2.2 lets a recipient take a bare LF for the end of a line; this one
/// refuses it, as it does a bare CR, so that no proxy in between can see other lines than this end does.
/// No other control character but the tab may stand in a head either, so what is not HTTP at all, such as
/// a TLS handshake on the wrong port, fails at its first bytes.
#[derive(Clone, Debug, Default)]
struct Head {
    limits: Limits,
    /// Where the head starts: after the informational responses before it.
    start: usize,
    /// Up to where the search has come.
    searched: usize,
    /// Where the line under way starts.
    line: usize,
    /// The lines of this head that are complete and not empty.
    lines: usize,
    /// How many bytes were looked at, to prove that the work is linear.
    #[cfg(test)]
    looked_at: usize,
}

impl Head {
    fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What may have the whole head in it, where nothing was searched before: the quick way is tried once, so that the work
    /// stays linear.
    fn untouched<'a>(&mut self, received: &'a [u8]) -> Option<&'a [u8]> {
        // Empty lines before the head are for the search to skip.
        if self.searched > 0 || matches!(received, [] | [b'\r' | b'\n', ..]) {
            return None;
        }
        let window = self.window(received);
        #[cfg(test)]
        {
            self.looked_at += window.len();
        }
        Some(window)
    }

    /// The whole head, where `httparse` has found what the search would find too: within the limits, and no line that ends
    /// in a bare LF, which is the only control character that it takes beyond those that the search takes.
    fn at_once<'a>(
        &self,
        window: &'a [u8],
        length: httparse::Result<usize>,
        headers: &[httparse::Header<'_>],
    ) -> Option<&'a [u8]> {
        let Ok(httparse::Status::Complete(length)) = length else { return None };
        let head = window.get(..length)?;
        let follows_crlf = |header: &httparse::Header<'_>| {
            let start = Span::within(head, header.name.as_bytes()).start();
            start.checked_sub(2).is_some_and(|line_end| head.get(line_end) == Some(&b'\r'))
        };
        let is_strict = head.ends_with(b"\r\n\r\n") && headers.iter().all(follows_crlf);
        (is_strict && headers.len() <= self.limits.headers).then_some(head)
    }

    fn window<'a>(&self, received: &'a [u8]) -> &'a [u8] {
        received.get(..self.limits.bytes).unwrap_or(received)
    }

    /// The whole head, once it is there.
    fn find<'a>(&mut self, received: &'a [u8]) -> Result<Option<&'a [u8]>, HandshakeError> {
        let window = self.window(received);
        loop {
            let unseen = window.get(self.searched..).unwrap_or_default();
            let skipped = until_control(unseen);
            #[cfg(test)]
            {
                self.looked_at += skipped + 2;
            }
            self.searched += skipped;
            match unseen.get(skipped..).unwrap_or_default() {
                [] | [b'\r'] if window.len() == self.limits.bytes => {
                    return Err(HandshakeError::HeadTooLong(self.limits.bytes));
                }
                [] | [b'\r'] => return Ok(None),
                [b'\t', ..] => self.searched += 1,
                [b'\r', b'\n', ..] if self.searched > self.line => {
                    if self.lines > self.limits.headers {
                        return Err(HandshakeError::TooManyHeaders(self.limits.headers));
                    }
                    self.lines += 1;
                    self.searched += 2;
                    self.line = self.searched;
                }
                [b'\r', b'\n', ..] if self.lines > 0 => {
                    return Ok(window.get(self.start..self.end()));
                }
                // RFC 9112 section 2.2: "a server that is expecting to receive and parse a request-line
                // SHOULD ignore at least one empty line (CRLF) received prior to the request-line".
                [b'\r', b'\n', ..] => {
                    self.searched += 2;
                    self.line = self.searched;
                }
                _ => return Err(HandshakeError::Malformed("lines of text that end in CR LF")),
            }
        }
    }

    /// Where the head ends that [`find`](Self::find) returned: after the empty line, at whose start the
    /// search stopped.
    fn end(&self) -> usize {
        self.searched + 2
    }

    /// How many headers the head has at most.
    fn headers(&self) -> usize {
        self.lines
    }

    /// Turns to the head that follows.
    fn next(&mut self) {
        self.start = self.end();
        self.searched = self.start;
        self.line = self.start;
        self.lines = 0;
    }
}

/// How many bytes of `text` come before the first control character below 0x20.
pub(super) fn until_control(text: &[u8]) -> usize {
    let (blocks, tail) = text.as_chunks::<16>();
    for (index, block) in blocks.iter().enumerate() {
        // Two words at a time.
        let (words, _) = block.as_chunks::<8>();
        let [low, high] = [0, 1].map(|word| words.get(word).map_or(0, |word| controls(u64::from_le_bytes(*word))));
        if low | high != 0 {
            let in_block = if low == 0 { 8 + high.trailing_zeros() / 8 } else { low.trailing_zeros() / 8 };
            return 16 * index + in_block as usize;
        }
    }
    let in_tail = tail.iter().take_while(|&&byte| byte >= 0x20).count();
    16 * blocks.len() + in_tail
}

/// The top bit of a byte is set where the byte is below 0x20. A borrow can set it wrongly too, but only above a byte for
/// which it is set rightly, and the lowest one is what counts.
#[inline]
fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & (ONES * 0x80)
}

/// Calls `parse` with room for `count` headers, on the stack where it is not unusual.
fn with_headers<'b, T>(count: usize, parse: impl FnOnce(&mut [MaybeUninit<httparse::Header<'b>>]) -> T) -> T {
    let mut few = [const { MaybeUninit::uninit() }; 64];
    match few.get_mut(..count) {
        Some(few) => parse(few),
        None => parse(&mut vec![MaybeUninit::uninit(); count]),
    }
}

/// What is wrong with a head that is there in full.
fn complete(head: &[u8], parsed: httparse::Result<usize>) -> Result<(), HandshakeError> {
    use httparse::{Error, Status};

    Err(HandshakeError::Malformed(match parsed {
        Ok(Status::Complete(_)) => return Ok(()),
        Err(Error::Version) if names_version(head) => return Err(HandshakeError::HttpVersion),
        Err(Error::HeaderName) => "a header name that is a token, with a colon right after it",
        Err(Error::HeaderValue) => "a header value without control characters",
        Err(Error::Status) => "a status of three digits and a reason phrase",
        Ok(Status::Partial) | Err(_) => "a start line of three parts with one space between them",
    }))
}

/// Whether the start line names a version of HTTP where that belongs, in whichever message this is.
fn names_version(head: &[u8]) -> bool {
    let mut words = head.splitn(4, |&byte| byte == b' ').step_by(2);
    words.any(|word| word.starts_with(b"HTTP/"))
}

/// A one in each byte.
const ONES: u64 = u64::from_le_bytes([1; 8]);
