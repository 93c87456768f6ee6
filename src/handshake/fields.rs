//! The headers of one message, in one piece of memory.

use alloc::vec::Vec;
use core::fmt;

use super::misuse::Misuse;
use super::name::Name;
use super::token::{is_token, trim};

/// Headers, as text and as ranges of it, so that a message costs two allocations and not two per header.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// What the ranges point into: a whole head as it was received, or lines that were pushed.
    text: Vec<u8>,
    list: Vec<Field>,
    /// The lines of all headers as they are written, where they lie together; else empty.
    lines: Span,
    /// A bit for each [`Name`] that is in the list, so that one that is not need not be looked for.
    present: u16,
    /// A bit for each that is there more than once.
    repeated: u16,
}

/// A range of [`Fields::text`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Field {
    kind: Name,
    name: Span,
    value: Span,
}

impl Fields {
    /// Room for headers of `bytes` in all.
    pub(super) fn with_capacity(bytes: usize, headers: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), list: Vec::with_capacity(headers), ..Self::default() }
    }

    /// The headers that were parsed out of `head`.
    pub(super) fn of_head(head: &[u8], headers: &[httparse::Header<'_>]) -> Self {
        let (mut present, mut repeated) = (0, 0);
        let field = |header: &httparse::Header<'_>| {
            let kind = Name::of(header.name.as_bytes());
            repeated |= present & kind.bit();
            present |= kind.bit();
            Field { kind, name: Span::within(head, header.name.as_bytes()), value: Span::within(head, header.value) }
        };
        let list = headers.iter().map(field).collect();
        Self { text: head.to_vec(), list, lines: Span::default(), present, repeated }
    }

    #[inline]
    fn add(&mut self, field: Field) {
        self.repeated |= self.present & field.kind.bit();
        self.present |= field.kind.bit();
        self.list.push(field);
    }

    /// Adds text that is no header, such as a request's method.
    pub(super) fn push_text(&mut self, text: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        Span { start, end: self.text.len() }
    }

    /// Adds a header whose name and value are known to be well formed.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) {
        self.push_line(Name::of(name.as_bytes()), name, value);
    }

    /// Adds a header that means something here, with a value that is known to be well formed.
    pub(super) fn push_known(&mut self, name: Name, value: &[u8]) {
        self.push_line(name, name.text(), value);
    }

    fn push_line(&mut self, kind: Name, name: &str, value: &[u8]) {
        let start = self.text.len();
        let name = self.push_text(name.as_bytes());
        self.push_text(b": ");
        let value = self.push_text(value);
        self.push_text(b"\r\n");
        let lines = if self.list.is_empty() { Span { start, end: start } } else { self.lines };
        self.lines = if lines.end == start { Span { end: self.text.len(), ..lines } } else { Span::default() };
        self.add(Field { kind, name, value });
    }

    /// Adds a header of the caller's.
    ///
    /// RFC 9110 section 5.5: "Field values containing CR, LF, or NUL characters are invalid and
    /// dangerous, due to the varying ways that implementations might parse and interpret those
    /// characters". The other control characters have no place in a value either.
    pub(super) fn push_checked(&mut self, name: &str, value: &[u8]) -> Result<(), Misuse> {
        if !is_token(name.as_bytes()) {
            return Err(Misuse::HeaderName);
        }
        if !is_value(value) {
            return Err(Misuse::HeaderValue);
        }
        self.push(name, trim(value));
        Ok(())
    }

    /// Adds all headers of `other`.
    pub(super) fn append(&mut self, other: &Self) {
        for (name, value) in other.iter() {
            self.push(name, value);
        }
    }

    pub(super) fn text(&self, span: Span) -> &str {
        core::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.list.iter().map(|field| (self.text(field.name), self.bytes(field.value)))
    }

    /// The values of all headers called `name`, whatever its case, in their order.
    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.list
            .iter()
            .filter(move |field| self.bytes(field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| self.bytes(field.value))
    }

    /// Like [`values`](Self::values), for a header that means something here.
    pub(super) fn known(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        let list = if self.has(name) { &self.list[..] } else { &[] };
        list.iter().filter(move |field| field.kind == name).map(|field| self.bytes(field.value))
    }

    /// Whether there is a header that means this here.
    pub(super) fn has(&self, name: Name) -> bool {
        self.present & name.bit() != 0
    }

    /// Whether there is more than one.
    pub(super) fn has_more_than_one(&self, name: Name) -> bool {
        self.repeated & name.bit() != 0
    }

    /// The value of the first header called `name`, where it is UTF-8.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next().and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Writes every header as a line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.lines != Span::default() {
            return out.extend_from_slice(self.bytes(self.lines));
        }
        for field in &self.list {
            out.extend_from_slice(self.bytes(field.name));
            out.extend_from_slice(b": ");
            out.extend_from_slice(self.bytes(field.value));
            out.extend_from_slice(b"\r\n");
        }
    }

    /// About how many bytes [`write`](Self::write) adds.
    pub(super) fn size_hint(&self) -> usize {
        self.text.len() + 4 * self.list.len()
    }

    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// The names alone: values hold cookies and credentials, which have no place in a log.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Span {
    /// Where `part`, which was cut from `whole`, lies in it.
    pub(super) fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        Self { start, end: start.wrapping_add(part.len()) }
    }

    pub(super) fn start(self) -> usize {
        self.start
    }
}

/// Whether `value` may stand in a header (RFC 9110 section 5.5).
pub(super) fn is_value(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}
