//! The grammar of extensions, the writing of responses, errors.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;

use crate::handshake::fields::Fields;
use crate::handshake::name::Name;
use crate::handshake::token::{is_token, is_token_byte, token_length};
use crate::handshake::{Acceptance, Extension, HandshakeError, Misuse, Offer, Parameter, Response, UrlError};

fn parse(value: &str) -> Result<Vec<Extension>, HandshakeError> {
    Extension::parse_list([value.as_bytes()])
}

fn print(extensions: &[Extension]) -> String {
    let printed: Vec<String> = extensions.iter().map(Extension::to_string).collect();
    printed.join(", ")
}

#[test]
fn headers_are_written_without_the_text_around_them() {
    let mut fields = Fields::default();
    fields.push_text(b"GET");
    let mut lines = Vec::new();
    for (text, line) in [("/", "a: 1\r\n"), ("", "b: 2\r\n"), ("", "c: 3\r\n"), ("/there", "d: 4\r\n")] {
        fields.push_text(text.as_bytes());
        fields.push(&line[..1], &line.as_bytes()[3..4]);
        lines.extend_from_slice(line.as_bytes());
        let mut written = Vec::new();
        fields.write(&mut written);
        assert_eq!(written, lines);
    }
}

#[test]
fn rule_55_the_grammar_of_extensions() {
    // Each row: a value, and how it is printed, or nothing where it is malformed.
    let rows = [
        ("a", Some("a")),
        ("a,b", Some("a, b")),
        (" a\t, b ", Some("a, b")),
        (",a,, b,", Some("a, b")),
        ("a;b", Some("a; b")),
        ("a ; b = c\t;d", Some("a; b=c; d")),
        ("a;b=c;b=d", Some("a; b=c; b=d")),
        ("a, a", Some("a, a")),
        ("!#$%&'*+-.^_`|~09AZaz", Some("!#$%&'*+-.^_`|~09AZaz")),
        ("", None),
        (" ", None),
        (",", None),
        (";", None),
        ("a;", None),
        ("a;;b", None),
        ("a;,b", None),
        (";a", None),
        ("a=b", None),
        ("a b", None),
        ("a;b c", None),
        ("a;b=", None),
        ("a;b=,c", None),
        ("a;=c", None),
        ("a;b==c", None),
        ("a;b=c=d", None),
        ("\"a\"", None),
        ("a;\"b\"", None),
        ("a(b)", None),
        ("a/b", None),
        ("a\0", None),
        ("\u{e4}", None),
    ];
    for (value, expected) in rows {
        let printed = parse(value).ok().map(|extensions| print(&extensions));
        assert_eq!(printed.as_deref(), expected, "{value:?}");
    }
}

#[test]
fn rule_56_a_quoted_value_is_a_token_once_unescaped() {
    let rows = [
        ("a;b=\"c\"", Some("c")),
        ("a;b= \"c\" ", Some("c")),
        ("a;b=\"\\c\\1\"", Some("c1")),
        ("a;b=\"15\"; c", Some("15")),
        ("a;b=\"\"", None),
        ("a;b=\"c d\"", None),
        ("a;b=\" c\"", None),
        ("a;b=\"c,d\"", None),
        ("a;b=\"c\\\"\"", None),
        ("a;b=\"\\\\\"", None),
        ("a;b=\"c", None),
        ("a;b=\"c\\", None),
        ("a;b=\"c\\\"", None),
        ("a;b=\"c\"d", None),
        ("a;b=c\"d\"", None),
    ];
    for (value, expected) in rows {
        let parsed = parse(value).ok();
        let found = parsed.as_ref().and_then(|extensions| extensions[0].parameters[0].value.as_deref());
        assert_eq!(found, expected, "{value:?}");
        assert_eq!(parsed.is_none(), expected.is_none(), "{value:?}");
    }
}

#[test]
fn rule_57_several_headers_are_one_list() {
    let list = |values: &[&str]| Extension::parse_list(values.iter().map(|value| value.as_bytes()));
    assert_eq!(print(&list(&["a;x", "b, c"]).unwrap()), "a; x, b, c");
    assert_eq!(print(&list(&["", "a"]).unwrap()), "a");
    assert_eq!(list(&[]), Ok(Vec::new()));
    assert!(list(&["", ","]).is_err());
    assert!(list(&["a;b=\"c", "d\""]).is_err());
    assert!(list(&["a", "b;"]).is_err());
}

#[test]
fn thousands_of_offers_are_harmless() {
    assert_eq!(parse(&"a,".repeat(4096)).unwrap().len(), 4096);
    assert_eq!(parse(&format!("a{}", ";b".repeat(4095))).unwrap()[0].parameters.len(), 4095);
    assert_eq!(parse(&",".repeat(8192)), Err(HandshakeError::MalformedExtensions));
    assert!(parse(&format!("a;b=\"{}", "\\a".repeat(4096))).is_err());
}

#[test]
fn names_are_compared_by_every_byte_and_without_their_case() {
    use Name::*;
    let names = [
        Host,
        Origin,
        Upgrade,
        Connection,
        ContentLength,
        TransferEncoding,
        Key,
        Accept,
        Version,
        Protocol,
        Extensions,
    ];
    for name in names {
        let length = name.text().len();
        for (place, byte) in (0..length).flat_map(|place| (0..=u8::MAX).map(move |byte| (place, byte))) {
            let mut text: Vec<u8> = name.text().into();
            text[place] = byte;
            let is_name = text.eq_ignore_ascii_case(name.text().as_bytes());
            if is_token(&text) {
                assert_eq!(Name::of(&text), if is_name { name } else { Other }, "{byte:#x} in {name:?} at {place}");
            }
        }
        assert_eq!(Name::of(&name.text().as_bytes()[..length - 1]), Other);
        assert_eq!(Name::of(name.text().to_uppercase().as_bytes()), name);
    }
}

proptest! {
    #[test]
    fn a_token_ends_by_blocks_where_it_does_by_bytes(
        text in proptest::collection::vec(prop_oneof![9 => Just(b'a'), 1 => any::<u8>()], 0..40),
    ) {
        let by_bytes = text.iter().take_while(|&&byte| is_token_byte(byte)).count();
        prop_assert_eq!(token_length(&text), by_bytes);
    }

    #[test]
    fn what_is_printed_is_read_back(extensions in proptest::collection::vec(extension(), 1..6)) {
        prop_assert_eq!(parse(&print(&extensions)), Ok(extensions));
    }

    #[test]
    fn what_is_read_is_printed_the_same(value in "[ ab;,=\"\\\\\t\u{e4}]{0,24}") {
        if let Ok(extensions) = parse(&value) {
            prop_assert_eq!(parse(&print(&extensions)), Ok(extensions));
        }
    }
}

fn extension() -> impl Strategy<Value = Extension> {
    let token = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}";
    let parameter = (token, proptest::option::of(token)).prop_map(|(name, value)| Parameter { name, value });
    (token, proptest::collection::vec(parameter, 0..4)).prop_map(|(name, parameters)| Extension { name, parameters })
}

#[test]
fn a_caller_cannot_inject_a_line() {
    let response = || Response::new(200).unwrap();
    for value in ["a\r\nb: c", "a\rb", "a\nb", "a\0b", "\r", "a\n", "a\x1b", "a\x7f"] {
        let error = Some(Misuse::HeaderValue);
        assert_eq!(response().with_header("a", value).err(), error, "{value:?}");
        assert_eq!(Acceptance::new().with_header("a", value).err(), error, "{value:?}");
        assert_eq!(Offer::new().with_header("a", value).err(), error, "{value:?}");
        assert_eq!(Offer::new().with_origin(value).err(), error, "{value:?}");
        assert_eq!(Offer::new().with_subprotocol(value).err(), Some(Misuse::Subprotocol), "{value:?}");
        assert_eq!(Acceptance::new().with_subprotocol(value).err(), Some(Misuse::Subprotocol), "{value:?}");
        for extension in
            [Extension::new(value), Extension::new("a").with(value, None), Extension::new("a").with("b", Some(value))]
        {
            let error = Some(Misuse::Extension);
            assert_eq!(Offer::new().with_extension(extension.clone()).err(), error, "{value:?}");
            assert_eq!(Acceptance::new().with_extension(extension).err(), error, "{value:?}");
        }
    }
    for name in ["", "a b", "a:", "a\r\nb", "a\0", "\u{e4}", "a\n", " a"] {
        let error = Some(Misuse::HeaderName);
        assert_eq!(response().with_header(name, "b").err(), error, "{name:?}");
        assert_eq!(Acceptance::new().with_header(name, "b").err(), error, "{name:?}");
        assert_eq!(Offer::new().with_header(name, "b").err(), error, "{name:?}");
    }
    assert!(response().with_header("a", "").is_ok());
    assert!(response().with_header("a", "\u{e4}\tb").is_ok());
}

#[test]
fn the_headers_of_the_handshake_are_not_the_callers() {
    for name in ["connection", "Content-Length", "TRANSFER-ENCODING"] {
        assert_eq!(Response::new(200).unwrap().with_header(name, "1").err(), Some(Misuse::ReservedHeader));
        assert_eq!(Acceptance::new().with_header(name, "1").err(), Some(Misuse::ReservedHeader));
        assert_eq!(Offer::new().with_header(name, "1").err(), Some(Misuse::ReservedHeader));
    }
    for name in ["upgrade", "Host", "Origin", "Sec-WebSocket-Accept", "sec-websocket-key", "Sec-WebSocket-Protocol"] {
        assert_eq!(Acceptance::new().with_header(name, "1").err(), Some(Misuse::ReservedHeader), "{name}");
        assert_eq!(Offer::new().with_header(name, "1").err(), Some(Misuse::ReservedHeader), "{name}");
    }
    assert!(Offer::new().with_header("Sec-WebSocke", "1").is_ok());
    assert!(Response::new(426).unwrap().with_header("Upgrade", "websocket").is_ok());
}

#[test]
fn responses_as_text() {
    let written = |response: Response| String::from_utf8(response.write()).unwrap();
    for status in [0, 100, 101, 199, 600, u16::MAX] {
        assert_eq!(Response::new(status).err(), Some(Misuse::Status));
    }
    assert_eq!(written(Response::new(599).unwrap()), "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let response = Response::new(301).unwrap().with_header("Location", " /a ").unwrap().with_body("gone");
    assert_eq!(
        written(response),
        "HTTP/1.1 301 Moved Permanently\r\nConnection: close\r\nContent-Length: 4\r\nLocation: /a\r\n\r\ngone"
    );
    assert_eq!(
        written(Response::new(204).unwrap().with_body("x")),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn errors_are_small_and_know_their_answer() {
    assert!(size_of::<HandshakeError>() <= 32);
    let rows = [
        (HandshakeError::Malformed("lines"), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"),
        (HandshakeError::ForbiddenOrigin, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"),
        (HandshakeError::Method, "Allow: GET\r\n"),
        (HandshakeError::NotUpgrade, "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\n"),
        (HandshakeError::NotUpgrade, "Upgrade: websocket\r\n"),
        (HandshakeError::UnsupportedVersion, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        (HandshakeError::HeadTooLong(9), "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        (HandshakeError::TooManyHeaders(9), "HTTP/1.1 431 "),
        (HandshakeError::HttpVersion, "HTTP/1.1 505 "),
        (HandshakeError::MalformedExtensions, "\r\n\r\nSec-WebSocket-Extensions departs from its grammar"),
        // The peer is not told of a mistake that is not its own.
        (
            Misuse::UnrequestedExtension.into(),
            "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ),
        (UrlError::Host.into(), "HTTP/1.1 500 "),
        (HandshakeError::UnofferedExtension, "HTTP/1.1 502 "),
    ];
    for (error, part) in rows {
        let text = String::from_utf8(error.response().write()).unwrap();
        assert!(text.contains(part), "{error:?}: {text}");
        assert_eq!(error.is_misuse(), error.status() == 500, "{error:?}");
    }
}

#[test]
fn a_misuse_says_what_was_misused_and_where_that_is_said() {
    let rows = [
        (Misuse::HeaderName, "name of a header", "RFC 9110 section 5.1"),
        (Misuse::HeaderValue, "value of a header", "RFC 9110 section 5.5"),
        (Misuse::ReservedHeader, "header of the handshake's own", "leave it out"),
        (Misuse::Status, "status from 200 to 599", "RFC 9110 section 15"),
        (Misuse::Subprotocol, "subprotocol", "RFC 6455 section 4.1"),
        (Misuse::RepeatedSubprotocol, "offered once", "RFC 6455 section 4.1"),
        (Misuse::UnrequestedSubprotocol, "accepted subprotocol", "RFC 6455 section 4.2.2"),
        (Misuse::Extension, "names and values of an extension", "RFC 6455 section 9.1"),
        (Misuse::UnrequestedExtension, "accepted extension", "RFC 6455 section 4.2.2"),
    ];
    for (misuse, subject, reference) in rows {
        let text = HandshakeError::from(misuse).to_string();
        assert!(text.contains(subject) && text.contains(reference), "{text}");
    }
}
