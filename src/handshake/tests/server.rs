//! The server's side: rules 13 to 22, and 55 to 58 as far as they bind a server.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use super::{edited, same_for_all_splits};
use crate::handshake::HandshakeError::{self, *};
use crate::handshake::{
    Acceptance, Agreement, Extension, Limits, Misuse, OriginPolicy, Request, RequestReader,
    Response, Version,
};

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

const CHROME: &str = "GET /socket?token=a%20b HTTP/1.1\r\n\
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

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat, superchat\r\n";

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
fn accept_with(
    text: &str,
    acceptance: &Acceptance,
) -> Result<(Response, Agreement), HandshakeError> {
    let read = |reader: &mut RequestReader, received: &[u8]| -> Result<_, HandshakeError> {
        let Some((request, length)) = reader.read(received)? else {
            return Ok(None);
        };
        assert_eq!(length, text.len());
        Ok(Some(request.accept(acceptance)?))
    };
    Ok(same_for_all_splits(text.as_bytes(), reader, read)?.expect("the text is a whole request"))
}

fn accept(text: &str) -> Result<(Response, Agreement), HandshakeError> {
    accept_with(text, &Acceptance::new())
}

/// Each row: what is edited in the sample, and what the server makes of the result.
fn check(rows: &[(&str, &str, Option<HandshakeError>)]) {
    for (from, to, expected) in rows {
        let text = edited(SAMPLE, from, to);
        assert_eq!(
            accept(&text).err(),
            *expected,
            "{from:?} replaced by {to:?}"
        );
    }
}

#[test]
fn rule_13_what_a_request_must_have() {
    check(&[
        ("GET", "POST", Some(Method)),
        ("GET", "get", Some(Method)),
        ("HTTP/1.1", "HTTP/1.0", Some(HttpVersion)),
        ("HTTP/1.1", "HTTP/2.0", Some(HttpVersion)),
        (
            "Host: server.example.com\r\n",
            "",
            Some(MissingHeader("Host")),
        ),
        (
            "Host: server.example.com",
            "Host:",
            Some(WrongHeader("Host")),
        ),
        (
            "Host: server.example.com",
            "Host: a b",
            Some(WrongHeader("Host")),
        ),
        ("Host: server.example.com", "Host: a,b", None),
        (
            "Host: server.example.com",
            "Host: a/b",
            Some(WrongHeader("Host")),
        ),
        (
            "Host: server.example.com",
            "Host: a:0",
            Some(WrongHeader("Host")),
        ),
        (
            "Host: server.example.com",
            "Host: \u{e9}.example",
            Some(WrongHeader("Host")),
        ),
        (
            "Host: server.example.com",
            "Host: a\r\nHost: a",
            Some(RepeatedHeader("Host")),
        ),
        ("Host: server.example.com", "hOST: [::1]:8080", None),
        ("/chat", "http://other.example/chat", None),
        (
            "/chat",
            "*",
            Some(Malformed("a request-target that is a path or an http URL")),
        ),
        (
            "/chat",
            "ftp://example.com/",
            Some(Malformed("a request-target that is a path or an http URL")),
        ),
        (
            "/chat",
            "/chat#top",
            Some(Malformed("a request-target of visible ASCII characters")),
        ),
        (
            "/chat",
            "/ch\u{e4}t",
            Some(Malformed("a request-target of visible ASCII characters")),
        ),
        ("Upgrade: websocket\r\n", "", Some(NotUpgrade)),
        ("Upgrade: websocket", "Upgrade: h2c", Some(NotUpgrade)),
        (
            "Upgrade: websocket",
            "Upgrade: websocket/13",
            Some(NotUpgrade),
        ),
        ("Upgrade: websocket", "uPGRADE:WebSocket", None),
        ("Upgrade: websocket", "Upgrade: h2c, websocket", None),
        (
            "Upgrade: websocket",
            "Upgrade: h2c\r\nUpgrade: websocket",
            None,
        ),
        (
            "Connection: Upgrade\r\n",
            "",
            Some(MissingHeader("Connection")),
        ),
        (
            "Connection: Upgrade",
            "Connection: keep-alive",
            Some(WrongHeader("Connection")),
        ),
        (
            "Connection: Upgrade",
            "Connection: not-upgrade",
            Some(WrongHeader("Connection")),
        ),
        (
            "Connection: Upgrade",
            "Connection: keep-alive,\tUPGRADE ,",
            None,
        ),
        (
            "Connection: Upgrade",
            "Connection: keep-alive\r\nConnection: Upgrade",
            None,
        ),
        (KEY, "", Some(MissingHeader("Sec-WebSocket-Key"))),
        (
            "Sec-WebSocket-Version: 13\r\n",
            "",
            Some(MissingHeader("Sec-WebSocket-Version")),
        ),
    ]);
}

#[test]
fn rule_14_the_key_decodes_to_16_bytes_and_is_hashed_as_it_came() {
    let key = |value: &str| accept(&edited(SAMPLE, "dGhlIHNhbXBsZSBub25jZQ==", value));
    let (response, _) = key("dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    assert_eq!(
        response.header("Sec-WebSocket-Accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
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
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "dGhlIHNhbXBsZSBub25jZ_==",
        "dGhlIHNhbXBs ZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZQAAAAAA",
    ] {
        assert_eq!(
            key(wrong).err(),
            Some(WrongHeader("Sec-WebSocket-Key")),
            "{wrong:?}"
        );
    }
}

#[test]
fn rule_15_another_version_is_told_the_supported_one() {
    for version in ["0", "8", "14", "25", "013", "13, 8", "1 3", "x", ""] {
        let error = accept(&edited(
            SAMPLE,
            "Version: 13",
            &format!("Version: {version}"),
        ))
        .unwrap_err();
        assert_eq!(error, UnsupportedVersion, "{version:?}");
        let response = error.response();
        assert_eq!(
            (response.status(), response.header("Sec-WebSocket-Version")),
            (426, Some("13"))
        );
    }
    assert!(accept(&edited(SAMPLE, "Version: 13", "Version: \t13 \t")).is_ok());
}

#[test]
fn rule_16_unknown_headers_are_ignored() {
    let text = edited(
        SAMPLE,
        "\r\n\r\n",
        "\r\nSec-WebSocket-Color: red\r\nX: \u{ff}\r\nY:\r\n\r\n",
    );
    assert!(accept(&text).is_ok());
}

#[test]
fn rule_17_an_origin_that_is_not_admitted() {
    let list = OriginPolicy::List(vec![
        "https://example.com".into(),
        "http://localhost:8080".into(),
    ]);
    let same = OriginPolicy::SameOrigin;
    let rows = [
        (&list, "a", Some("https://example.com"), true),
        (&list, "a", Some("HTTPS://Example.com"), true),
        (&list, "a", Some("http://localhost:8080"), true),
        (&list, "a", Some("http://localhost"), false),
        (&list, "a", Some("http://example.com"), false),
        (&list, "a", Some("https://example.com.evil.example"), false),
        (&list, "a", Some("null"), false),
        (&list, "a", Some(""), false),
        (
            &list,
            "a",
            Some("https://example.com\r\nOrigin: https://example.com"),
            false,
        ),
        (&list, "a", Some("https://example.com\u{ff}"), false),
        (&list, "a", None, true),
        (&same, "example.com", Some("https://example.com"), true),
        (&same, "example.com", Some("http://EXAMPLE.com"), true),
        (&same, "example.com:443", Some("https://example.com"), true),
        (&same, "example.com:80", Some("http://example.com:80"), true),
        (
            &same,
            "example.com:8080",
            Some("http://example.com:8080"),
            true,
        ),
        (&same, "[::1]:8080", Some("http://[::1]:8080"), true),
        (&same, "example.com:8080", Some("http://example.com"), false),
        (&same, "example.com", Some("http://example.com:8080"), false),
        (&same, "example.com", Some("http://evil.example"), false),
        (
            &same,
            "example.com",
            Some("http://example.com@evil.example"),
            false,
        ),
        (&same, "example.com", Some("file://example.com"), false),
        (&same, "example.com", Some("null"), false),
        (&same, "example.com", Some("\u{ff}"), false),
        (&same, "example.com", None, true),
        (&OriginPolicy::Any, "a", Some("null"), true),
        (&OriginPolicy::Any, "a", None, true),
    ];
    for (policy, host, origin, is_admitted) in rows {
        let origin_line = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let text = edited(SAMPLE, "Origin: http://example.com\r\n", &origin_line);
        let request = parsed(&edited(&text, "server.example.com", host));
        let expected = if is_admitted {
            Ok(())
        } else {
            Err(ForbiddenOrigin)
        };
        assert_eq!(
            policy.check(&request),
            expected,
            "{policy:?} {host} {origin:?}"
        );
    }
    assert_eq!(ForbiddenOrigin.response().status(), 403);
}

#[test]
fn rule_17_a_resource_that_is_not_served() {
    let request = parsed(&edited(SAMPLE, "/chat", "/rooms/7?as=guest?"));
    assert_eq!(
        (request.path(), request.query()),
        ("/rooms/7", Some("as=guest?"))
    );
    let request = parsed(&edited(SAMPLE, "/chat", "HTTP://other.example:81?q"));
    assert_eq!(
        (request.host(), request.path(), request.query()),
        (Some("other.example:81"), "/", Some("q"))
    );
    let text = Response::new(404)
        .unwrap()
        .with_body("no such room")
        .write();
    let expected =
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 12\r\n\r\nno such room";
    assert_eq!(core::str::from_utf8(&text), Ok(expected));
}

#[test]
fn rule_18_the_subprotocol_comes_from_the_clients_list() {
    let with = |text: &str, chosen: &str| {
        accept_with(text, &Acceptance::new().with_subprotocol(chosen).unwrap())
    };
    let (response, agreement) = with(SAMPLE, "superchat").unwrap();
    assert_eq!(response.header("Sec-WebSocket-Protocol"), Some("superchat"));
    assert_eq!(agreement.subprotocol.as_deref(), Some("superchat"));
    for unrequested in ["Chat", "cha", "chat2"] {
        assert_eq!(
            with(SAMPLE, unrequested).err(),
            Some(HandshakeError::Misuse(Misuse::UnrequestedSubprotocol))
        );
    }
    // None is chosen, so the header is absent and not empty.
    let (response, agreement) = accept(SAMPLE).unwrap();
    assert_eq!(
        (
            response.header("Sec-WebSocket-Protocol"),
            agreement.subprotocol
        ),
        (None, None)
    );
    assert_eq!(
        Acceptance::new().with_subprotocol("").err(),
        Some(Misuse::Subprotocol)
    );

    let wrong = Some(WrongHeader("Sec-WebSocket-Protocol"));
    check(&[
        (PROTOCOL, "", None),
        ("chat, superchat", "", wrong.clone()),
        ("chat, superchat", ",", wrong.clone()),
        ("chat, superchat", "chat, super chat", wrong.clone()),
        ("chat, superchat", "chat, \"superchat\"", wrong.clone()),
        ("chat, superchat", "ch\u{e4}t", wrong),
        ("chat, superchat", ", chat ,,superchat,", None),
        (
            PROTOCOL,
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n",
            None,
        ),
    ]);
}

#[test]
fn rule_18_the_client_prefers() {
    let request = parsed(SAMPLE);
    assert_eq!(
        request.subprotocols().collect::<Vec<_>>(),
        ["chat", "superchat"]
    );
    assert_eq!(
        request.choose_subprotocol(&["x", "superchat", "chat"]),
        Some("chat")
    );
    assert_eq!(
        request.choose_subprotocol(&["superchat"]),
        Some("superchat")
    );
    assert_eq!(request.choose_subprotocol(&["CHAT"]), None);
    assert_eq!(
        parsed(&edited(SAMPLE, PROTOCOL, "")).choose_subprotocol(&["chat"]),
        None
    );
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
    let acceptance = Acceptance::new()
        .with_subprotocol("chat")
        .unwrap()
        .with_header("Set-Cookie", "a=b")
        .unwrap();
    let (response, _) = accept_with(SAMPLE, &acceptance).unwrap();
    let expected = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\
        Set-Cookie: a=b\r\n\
        \r\n";
    assert_eq!(core::str::from_utf8(&response.write()), Ok(expected));
    assert_eq!(
        response.clone().with_body("nothing").write(),
        expected.as_bytes()
    );
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
    assert_eq!(
        offered
            .iter()
            .map(|extension| &*extension.name)
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    let acceptance = Acceptance::new()
        .with_extension(Extension::new("c"))
        .and_then(|acceptance| acceptance.with_extension(Extension::new("a")))
        .unwrap();
    let (_, agreement) = accept_with(&text, &acceptance).unwrap();
    assert_eq!(
        agreement.extensions,
        [Extension::new("c"), Extension::new("a")]
    );
}

#[test]
fn rule_55_malformed_extensions_fail_at_once() {
    for malformed in [
        "", ",", "a;", "a b", "a;b=", "a;b=\"c", "a;b=\"\"", "a\u{ff}",
    ] {
        let text = edited(
            CHROME,
            "permessage-deflate; client_max_window_bits",
            malformed,
        );
        assert_eq!(
            accept(&text).err(),
            Some(MalformedExtensions),
            "{malformed:?}"
        );
        assert_eq!(
            parsed(&text).extensions(),
            Err(MalformedExtensions),
            "{malformed:?}"
        );
    }
    assert_eq!(MalformedExtensions.status(), 400);
}

#[test]
fn a_request_of_chrome() {
    let (response, agreement) = accept(CHROME).unwrap();
    assert_eq!(
        response.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(agreement, Agreement::default());
    let request = parsed(CHROME);
    assert_eq!(request.headers().count(), 13);
    assert_eq!(
        (request.method(), request.version()),
        ("GET", Version::Http11)
    );
    assert_eq!(request.target(), "/socket?token=a%20b");
    assert_eq!(
        (request.host(), request.origin()),
        (Some("localhost:8080"), Some("http://localhost:8080"))
    );
    assert_eq!(request.header("cookie"), Some("session=0123456789abcdef"));
    assert_eq!(OriginPolicy::SameOrigin.check(&request), Ok(()));
    assert!(
        !format!("{request:?}").contains("0123456789abcdef"),
        "a log would hold the session"
    );
}

#[test]
fn a_plain_request_is_handed_over() {
    let request =
        parsed("GET /index.html?v=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    assert!(!request.is_upgrade());
    assert_eq!(request.path(), "/index.html");
    assert!(!parsed("POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\n").is_upgrade());
    assert!(!parsed("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n").is_upgrade());
    assert!(parsed(SAMPLE).is_upgrade());
    // A handshake that lacks something is still one, so that it is answered by an error and no page.
    for missing in [
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
        KEY,
        "Sec-WebSocket-Version: 13\r\n",
    ] {
        assert!(
            parsed(&edited(SAMPLE, missing, "")).is_upgrade(),
            "{missing:?}"
        );
    }
}

#[test]
fn a_handshake_has_no_body() {
    check(&[
        (
            "\r\n\r\n",
            "\r\nContent-Length: 1\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nContent-Length: 0, 5\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nContent-Length: +0\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nContent-Length:\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nTransfer-Encoding: chunked\r\n\r\n",
            Some(UnexpectedBody),
        ),
        (
            "\r\n\r\n",
            "\r\nTransfer-Encoding:\r\n\r\n",
            Some(UnexpectedBody),
        ),
        ("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", None),
    ]);
}

#[test]
fn a_request_of_another_transport() {
    let headers = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("host", "a"),
        ("sec-websocket-version", "13"),
    ];
    let key = [("sec-websocket-key", " dGhlIHNhbXBsZSBub25jZQ==\t")];
    let request =
        Request::new("GET", "/", Version::Http11, headers.into_iter().chain(key)).unwrap();
    assert!(request.accept(&Acceptance::new()).is_ok());
    assert_eq!(
        (request.method(), request.target(), request.host()),
        ("GET", "/", Some("a"))
    );

    let protocol = [("sec-websocket-protocol", "chat")];
    let request = Request::new("CONNECT", "/chat", Version::Http2, protocol).unwrap();
    assert_eq!(request.choose_subprotocol(&["chat"]), Some("chat"));
    assert_eq!(request.accept(&Acceptance::new()).err(), Some(Method));
    let request = Request::new("GET", "/", Version::Http2, headers.into_iter().chain(key)).unwrap();
    assert_eq!(request.accept(&Acceptance::new()).err(), Some(HttpVersion));

    let new = |method, target, name: &'static str, value: &'static str| {
        Request::new(
            method,
            target,
            Version::Http11,
            [("host", "a"), (name, value)],
        )
        .err()
    };
    assert_eq!(new("GET", "/", "x", "y"), None);
    assert!(matches!(new("G T", "/", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "/ ", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "/", ":x", "y"), Some(Malformed(_))));
    assert!(matches!(
        new("GET", "/", "x", "y\r\nz: z"),
        Some(Malformed(_))
    ));
}
