//! What a server sees of a request before it answers; rule 17, and rule 18 as far as it chooses.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use super::edited;
use super::server::{CHROME, KEY, PROTOCOL, SAMPLE, accept, parsed};
use crate::handshake::HandshakeError::*;
use crate::handshake::{Acceptance, Agreement, OriginPolicy, Request, Response, Version};

#[test]
fn rule_17_an_origin_that_is_not_admitted() {
    let list = OriginPolicy::List(vec!["https://example.com".into(), "http://localhost:8080".into()]);
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
        (&list, "a", Some("https://example.com\r\nOrigin: https://example.com"), false),
        (&list, "a", Some("https://example.com\u{ff}"), false),
        (&list, "a", None, true),
        (&same, "example.com", Some("https://example.com"), true),
        (&same, "example.com", Some("http://EXAMPLE.com"), true),
        (&same, "example.com:443", Some("https://example.com"), true),
        (&same, "example.com:80", Some("http://example.com:80"), true),
        (&same, "example.com:8080", Some("http://example.com:8080"), true),
        (&same, "[::1]:8080", Some("http://[::1]:8080"), true),
        (&same, "example.com:8080", Some("http://example.com"), false),
        (&same, "example.com", Some("http://example.com:8080"), false),
        (&same, "example.com", Some("http://evil.example"), false),
        (&same, "example.com", Some("http://example.com@evil.example"), false),
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
        let expected = if is_admitted { Ok(()) } else { Err(ForbiddenOrigin) };
        assert_eq!(policy.check(&request), expected, "{policy:?} {host} {origin:?}");
    }
    assert_eq!(ForbiddenOrigin.response().status(), 403);
}

#[test]
fn rule_17_a_resource_that_is_not_served() {
    let request = parsed(&edited(SAMPLE, "/chat", "/rooms/7?as=guest?"));
    assert_eq!((request.path(), request.query()), ("/rooms/7", Some("as=guest?")));
    let request = parsed(&edited(SAMPLE, "/chat", "HTTP://other.example:81?q"));
    assert_eq!((request.host(), request.path(), request.query()), (Some("other.example:81"), "/", Some("q")));
    let text = Response::new(404).unwrap().with_body("no such room").write();
    let expected = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 12\r\n\r\nno such room";
    assert_eq!(core::str::from_utf8(&text), Ok(expected));
}

#[test]
fn a_request_of_chrome() {
    let (response, agreement) = accept(CHROME).unwrap();
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(agreement, Agreement::default());
    let request = parsed(CHROME);
    assert_eq!(request.headers().count(), 13);
    assert_eq!((request.method(), request.version()), ("GET", Version::Http11));
    assert_eq!(request.target(), "/socket?token=a%20b");
    assert_eq!((request.host(), request.origin()), (Some("localhost:8080"), Some("http://localhost:8080")));
    assert_eq!(request.header("cookie"), Some("session=0123456789abcdef"));
    assert_eq!(OriginPolicy::SameOrigin.check(&request), Ok(()));
    assert!(
        !["0123456789abcdef", "token"].iter().any(|secret| format!("{request:?}").contains(secret)),
        "a log would hold it"
    );
}

#[test]
fn a_plain_request_is_handed_over() {
    let request = parsed("GET /index.html?v=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    assert!(!request.is_upgrade());
    assert_eq!(request.path(), "/index.html");
    assert!(!parsed("POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\n").is_upgrade());
    assert!(!parsed("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n").is_upgrade());
    assert!(parsed(SAMPLE).is_upgrade());
    // A handshake that lacks something is still one, so that it is answered by an error and no page.
    for missing in ["Upgrade: websocket\r\n", "Connection: Upgrade\r\n", KEY, "Sec-WebSocket-Version: 13\r\n"] {
        assert!(parsed(&edited(SAMPLE, missing, "")).is_upgrade(), "{missing:?}");
    }
    for alone in ["Upgrade: websocket", KEY.trim_end(), "Sec-WebSocket-Version: 13"] {
        let request = parsed(&format!("GET / HTTP/1.1\r\nHost: a\r\n{alone}\r\n\r\n"));
        assert!(request.is_upgrade(), "{alone:?}");
    }
}

#[test]
fn the_values_of_a_header_in_their_order() {
    let request = parsed(&edited(SAMPLE, PROTOCOL, "X-Tag: salmon\r\nCookie: a\r\nx-tag: sockeye\r\n"));
    assert_eq!(request.values("X-TAG").collect::<Vec<_>>(), [&b"salmon"[..], b"sockeye"]);
    assert_eq!(request.values("X-Tags").count(), 0);
}

#[test]
fn a_request_of_another_transport() {
    let headers = [("upgrade", "websocket"), ("connection", "upgrade"), ("host", "a"), ("sec-websocket-version", "13")];
    let key = [("sec-websocket-key", " dGhlIHNhbXBsZSBub25jZQ==\t")];
    let request = Request::new("GET", "/", Version::Http11, headers.into_iter().chain(key)).unwrap();
    assert!(request.accept(&Acceptance::new()).is_ok());
    assert_eq!((request.method(), request.target(), request.host()), ("GET", "/", Some("a")));

    let protocol = [("sec-websocket-protocol", "chat")];
    let request = Request::new("CONNECT", "/chat", Version::Http2, protocol).unwrap();
    assert_eq!(request.choose_subprotocol(&["chat"]), Some("chat"));
    assert_eq!(request.accept(&Acceptance::new()).err(), Some(HttpVersion));
    let request = Request::new("GET", "/", Version::Http2, headers.into_iter().chain(key)).unwrap();
    assert_eq!(request.accept(&Acceptance::new()).err(), Some(HttpVersion));

    let new = |method, target, name: &'static str, value: &'static str| {
        Request::new(method, target, Version::Http11, [("host", "a"), (name, value)]).err()
    };
    assert_eq!(new("GET", "/", "x", "y"), None);
    assert!(matches!(new("G T", "/", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "/ ", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "http:///chat", "x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "/", ":x", "y"), Some(Malformed(_))));
    assert!(matches!(new("GET", "/", "x", "y\r\nz: z"), Some(Malformed(_))));
}

#[test]
fn rule_18_the_client_prefers() {
    let request = parsed(SAMPLE);
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["chat", "superchat"]);
    assert_eq!(request.choose_subprotocol(&["x", "superchat", "chat"]), Some("chat"));
    assert_eq!(request.choose_subprotocol(&["superchat"]), Some("superchat"));
    assert_eq!(request.choose_subprotocol(&["CHAT"]), None);
    assert_eq!(parsed(&edited(SAMPLE, PROTOCOL, "")).choose_subprotocol(&["chat"]), None);
}
