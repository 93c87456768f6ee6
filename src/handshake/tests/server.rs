//! The server's side: rules 13 to 22, and 55 to 58 as far as they bind a server.

use alloc::format;
use alloc::vec::Vec;

use super::{edited, same_for_all_splits};
use crate::handshake::HandshakeError::{self, *};
use crate::handshake::{Acceptance, Agreement, Extension, Limits, Misuse, Request, RequestReader, Response};

/// The handshake of RFC 6455 section 1.3.
pub(super) const SAMPLE: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

pub(super) const CHROME: &str = "GET /socket?token=a%20b HTTP/1.1\r\n\
    Host: localhost:8080\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: http://localhost:8080\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=0123456789abcdef\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    \r\n";

pub(super) const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat, superchat\r\n";

fn reader() -> RequestReader {
    RequestReader::new(Limits::default())
}

/// The request in `text`, which is a whole one.
pub(super) fn parsed(text: &str) -> Request {
    let (request, length) = reader().read(text.as_bytes()).unwrap().unwrap();
    assert_eq!(length, text.len());
    request
}

/// Reads `text` in every split, and accepts what was read.
fn accept_with(text: &str, acceptance: &Acceptance) -> Result<(Response, Agreement), HandshakeError> {
    let read = |reader: &mut RequestReader, received: &[u8]| -> Result<_, HandshakeError> {
        let Some((request, length)) = reader.read(received)? else {
            return Ok(None);
        };
        assert_eq!(length, text.len());
        Ok(Some(request.accept(acceptance)?))
    };
    Ok(same_for_all_splits(text.as_bytes(), reader, read)?.expect("the text is a whole request"))
}

pub(super) fn accept(text: &str) -> Result<(Response, Agreement), HandshakeError> {
    accept_with(text, &Acceptance::new())
}

/// Each row: what is edited in the sample, and what the server makes of the result.
fn check(rows: &[(&str, &str, Option<HandshakeError>)]) {
    for (from, to, expected) in rows {
        let text = edited(SAMPLE, from, to);
        assert_eq!(accept(&text).err(), *expected, "{from:?} replaced by {to:?}");
    }
}

#[test]
fn rule_13_what_a_request_must_have() {
    check(&[
        ("GET", "POST", Some(Method)),
        ("GET", "get", Some(Method)),
        ("HTTP/1.1", "HTTP/1.0", Some(HttpVersion)),
        ("HTTP/1.1", "HTTP/2.0", Some(HttpVersion)),
        ("Host: server.example.com\r\n", "", Some(MissingHeader("Host"))),
        ("Host: server.example.com", "Host:", Some(WrongHeader("Host"))),
        ("Host: server.example.com", "Host: a b", Some(WrongHeader("Host"))),
        ("Host: server.example.com", "Host: a,b", None),
        ("Host: server.example.com", "Host: a/b", Some(WrongHeader("Host"))),
        ("Host: server.example.com", "Host: a:0", Some(WrongHeader("Host"))),
        ("Host: server.example.com", "Host: \u{e9}.example", Some(WrongHeader("Host"))),
        ("Host: server.example.com", "Host: a\r\nHost: a", Some(RepeatedHeader("Host"))),
        ("Host: server.example.com", "hOST: [::1]:8080", None),
        ("/chat", "http://other.example/chat", None),
        ("/chat", "*", Some(Malformed("a request-target that is a path or an http URL"))),
        ("/chat", "ftp://example.com/", Some(Malformed("a request-target that is a path or an http URL"))),
        ("/chat", "/chat#top", Some(Malformed("a request-target of visible ASCII characters"))),
        ("/chat", "/ch\u{e4}t", Some(Malformed("a request-target of visible ASCII characters"))),
        ("Upgrade: websocket\r\n", "", Some(NotUpgrade)),
        ("Upgrade: websocket", "Upgrade: h2c", Some(NotUpgrade)),
        ("Upgrade: websocket", "Upgrade: websocket/13", Some(NotUpgrade)),
        ("Upgrade: websocket", "uPGRADE:WebSocket", None),
        ("Upgrade: websocket", "Upgrade: h2c, websocket", None),
        ("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket", None),
        ("Connection: Upgrade\r\n", "", Some(MissingHeader("Connection"))),
        ("Connection: Upgrade", "Connection: keep-alive", Some(WrongHeader("Connection"))),
        ("Connection: Upgrade", "Connection: not-upgrade", Some(WrongHeader("Connection"))),
        ("Connection: Upgrade", "Connection: keep-alive,\tUPGRADE ,", None),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade", None),
        (KEY, "", Some(MissingHeader("Sec-WebSocket-Key"))),
        ("Sec-WebSocket-Version: 13\r\n", "", Some(MissingHeader("Sec-WebSocket-Version"))),
    ]);
}

#[test]
fn rule_14_the_key_decodes_to_16_bytes_and_is_hashed_as_it_came() {
    let key = |value: &str| accept(&edited(SAMPLE, "dGhlIHNhbXBsZSBub25jZQ==", value));
    let (response, _) = key("dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    assert_eq!(response.header("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    // The example of RFC 6455 section 4.1, whose last character carries bits that no byte has. In
    // canonical form it ends in "EA==", which has another hash.
    let (response, _) = key("AQIDBAUGBwgJCgsMDQ4PEC==").unwrap();
    let (canonical, _) = key("AQIDBAUGBwgJCgsMDQ4PEA==").unwrap();
    assert_ne!(response, canonical);
    for wrong in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZ==",
        "dGhlIHNhbXBsZSBub25jZQA==",
        "dGhlIHNhbXBsZQ==",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "dGhlIHNhbXBsZSBub25jZ_==",
        "_GhlIHNhbXBsZSBub25jZ_==",
        "dGhlIHNhbXBs ZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZQAAAAAA",
    ] {
        assert_eq!(key(wrong).err(), Some(WrongHeader("Sec-WebSocket-Key")), "{wrong:?}");
    }
}

#[test]
fn rule_15_another_version_is_told_the_supported_one() {
    for version in ["0", "8", "14", "25", "013", "13, 8", "1 3", "x", ""] {
        let error = accept(&edited(SAMPLE, "Version: 13", &format!("Version: {version}"))).unwrap_err();
        assert_eq!(error, UnsupportedVersion, "{version:?}");
        let response = error.response();
        assert_eq!((response.status(), response.header("Sec-WebSocket-Version")), (426, Some("13")));
    }
    assert!(accept(&edited(SAMPLE, "Version: 13", "Version: \t13 \t")).is_ok());
}

#[test]
fn rule_16_unknown_headers_are_ignored() {
    let text = edited(SAMPLE, "\r\n\r\n", "\r\nSec-WebSocket-Color: red\r\nX: \u{ff}\r\nY:\r\n\r\n");
    assert!(accept(&text).is_ok());
}

#[test]
fn rule_18_the_subprotocol_comes_from_the_clients_list() {
    let with = |text: &str, chosen: &str| accept_with(text, &Acceptance::new().with_subprotocol(chosen).unwrap());
    let (response, agreement) = with(SAMPLE, "superchat").unwrap();
    assert_eq!(response.header("Sec-WebSocket-Protocol"), Some("superchat"));
    assert_eq!(agreement.subprotocol.as_deref(), Some("superchat"));
    for unrequested in ["Chat", "cha", "chat2"] {
        assert_eq!(with(SAMPLE, unrequested).err(), Some(HandshakeError::Misuse(Misuse::UnrequestedSubprotocol)));
    }
    // None is chosen, so the header is absent and not empty.
    let (response, agreement) = accept(SAMPLE).unwrap();
    assert_eq!((response.header("Sec-WebSocket-Protocol"), agreement.subprotocol), (None, None));
    assert_eq!(Acceptance::new().with_subprotocol("").err(), Some(Misuse::Subprotocol));

    let wrong = Some(WrongHeader("Sec-WebSocket-Protocol"));
    check(&[
        (PROTOCOL, "", None),
        ("chat, superchat", "", wrong.clone()),
        ("chat, superchat", ",", wrong.clone()),
        ("chat, superchat", "chat, super chat", wrong.clone()),
        ("chat, superchat", "chat, \"superchat\"", wrong.clone()),
        ("chat, superchat", "ch\u{e4}t", wrong),
        ("chat, superchat", ", chat ,,superchat,", None),
        (PROTOCOL, "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n", None),
    ]);
}

#[test]
fn rule_19_only_requested_extensions_are_answered() {
    let answer = Extension::new("permessage-deflate").with("server_no_context_takeover", None);
    let acceptance = Acceptance::new().with_extension(answer.clone()).unwrap();
    let (response, agreement) = accept_with(CHROME, &acceptance).unwrap();
    let value = "permessage-deflate; server_no_context_takeover";
    assert_eq!(response.header("Sec-WebSocket-Extensions"), Some(value));
    assert_eq!(agreement.extensions, [answer]);
    let unrequested = Some(HandshakeError::Misuse(Misuse::UnrequestedExtension));
    assert_eq!(accept_with(SAMPLE, &acceptance).err(), unrequested);
    let cased = edited(CHROME, "permessage-deflate", "Permessage-Deflate");
    assert_eq!(accept_with(&cased, &acceptance).err(), unrequested);
}

#[test]
fn rule_20_the_response() {
    let acceptance = Acceptance::new().with_subprotocol("chat").unwrap().with_header("Set-Cookie", "a=b").unwrap();
    let (response, _) = accept_with(SAMPLE, &acceptance).unwrap();
    let expected = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\
        Set-Cookie: a=b\r\n\
        \r\n";
    assert_eq!(core::str::from_utf8(&response.write()), Ok(expected));
    assert_eq!(response.clone().with_body("nothing").write(), expected.as_bytes());
}

#[test]
fn rule_21_key_and_version_come_once() {
    let doubled = format!("{KEY}{KEY}");
    let protocols = format!("{PROTOCOL}{PROTOCOL}");
    check(&[
        (KEY, &doubled, Some(RepeatedHeader("Sec-WebSocket-Key"))),
        (
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Version: 13\r\nsec-websocket-version: 13",
            Some(RepeatedHeader("Sec-WebSocket-Version")),
        ),
        (PROTOCOL, &protocols, None),
    ]);
}

#[test]
fn rules_22_and_57_the_extensions_may_be_split_over_headers() {
    let text = edited(
        CHROME,
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Extensions: a;x=1, b\r\nHost2: x\r\nsec-websocket-extensions: c",
    );
    let offered = parsed(&text).extensions().unwrap();
    assert_eq!(offered.iter().map(|extension| &*extension.name).collect::<Vec<_>>(), ["a", "b", "c"]);
    let acceptance = Acceptance::new()
        .with_extension(Extension::new("c"))
        .and_then(|acceptance| acceptance.with_extension(Extension::new("a")))
        .unwrap();
    let (_, agreement) = accept_with(&text, &acceptance).unwrap();
    assert_eq!(agreement.extensions, [Extension::new("c"), Extension::new("a")]);
}

#[test]
fn rule_55_malformed_extensions_fail_at_once() {
    for malformed in ["", ",", "a;", "a b", "a;b=", "a;b=\"c", "a;b=\"\"", "a\u{ff}"] {
        let text = edited(CHROME, "permessage-deflate; client_max_window_bits", malformed);
        assert_eq!(accept(&text).err(), Some(MalformedExtensions), "{malformed:?}");
        assert_eq!(parsed(&text).extensions(), Err(MalformedExtensions), "{malformed:?}");
    }
    assert_eq!(MalformedExtensions.status(), 400);
}

#[test]
fn a_handshake_has_no_body() {
    check(&[
        ("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nContent-Length: 0, 5\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nContent-Length: +0\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nContent-Length:\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nTransfer-Encoding:\r\n\r\n", Some(UnexpectedBody)),
        ("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", None),
    ]);
}

#[test]
fn a_request_is_printed_without_the_values_of_its_headers() {
    let text = format!("{:?}", parsed(CHROME));
    for expected in ["\"GET\"", "\"/socket\"", "Http11", "\"Cookie\"", "\"User-Agent\""] {
        assert!(text.contains(expected), "{text}");
    }
    for secret in ["0123456789abcdef", "dGhlIHNhbXBsZSBub25jZQ==", "a%20b"] {
        assert!(!text.contains(secret), "{text}");
    }
}
