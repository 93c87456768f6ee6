//! The types of the crate `http`, there and back, with what a hostile peer or a careless caller puts into them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ::http::header::HeaderValue;
use ::http::{Method, Version as HttpVersion};
use bytes::Bytes;

use crate::handshake::{Acceptance, HandshakeError, Misuse, Offer, OriginPolicy, Request, Response, Url, Version};

/// A good request, as hyper hands it over, with these headers more.
fn upgrade(more: &[(&str, &[u8])]) -> ::http::Request<()> {
    let mut builder = ::http::Request::get("/chat?room=1");
    let usual = [
        ("host", "example.com"),
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    ];
    for (name, value) in usual.iter().map(|(name, value)| (*name, value.as_bytes())).chain(more.iter().copied()) {
        builder = builder.header(name, HeaderValue::from_bytes(value).unwrap());
    }
    builder.body(()).unwrap()
}

fn accepted(request: &::http::Request<()>) -> Result<Response, HandshakeError> {
    Ok(Request::try_from(request)?.accept(&Acceptance::new())?.0)
}

fn with(change: impl FnOnce(&mut ::http::Request<()>)) -> ::http::Request<()> {
    let mut request = upgrade(&[]);
    change(&mut request);
    request
}

#[test]
fn a_request_of_a_library_is_answered() {
    let request = upgrade(&[
        ("origin", b"https://example.com"),
        ("sec-websocket-protocol", b"chat.v2, chat.v1"),
        ("cookie", b"a=1"),
        ("sec-websocket-protocol", b"chat.v0"),
        ("x-token", "열쇠".as_bytes()),
        ("x-spaced", b"\t padded \t"),
    ]);
    let (parts, ()) = request.clone().into_parts();
    for converted in [Request::try_from(&request).unwrap(), Request::try_from(&parts).unwrap()] {
        assert_eq!((converted.method(), converted.target()), ("GET", "/chat?room=1"));
        assert_eq!((converted.path(), converted.query()), ("/chat", Some("room=1")));
        assert_eq!((converted.version(), converted.host()), (Version::Http11, Some("example.com")));
        assert_eq!(converted.subprotocols().collect::<Vec<_>>(), ["chat.v2", "chat.v1", "chat.v0"]);
        assert_eq!((converted.header("X-Token"), converted.header("X-Spaced")), (Some("열쇠"), Some("padded")));
        OriginPolicy::SameOrigin.check(&converted).unwrap();
        let (response, _) = converted.accept(&Acceptance::new()).unwrap();
        assert_eq!(response.header("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }
}

#[test]
fn a_plain_request_is_one_too_whatever_its_target() {
    let converted = |method: &str, uri: &str| {
        let request = ::http::Request::builder().method(method).uri(uri).header("host", "a.example");
        Request::try_from(&request.body("a body").unwrap()).map(|request| {
            assert!(!request.is_upgrade());
            (String::from(request.target()), request.host().map(String::from))
        })
    };
    let (here, there) = (Some(String::from("a.example")), Some(String::from("b.example:81")));
    assert_eq!(converted("GET", "/"), Ok(("/".into(), here.clone())));
    assert_eq!(converted("OPTIONS", "*"), Ok(("*".into(), here.clone())));
    assert_eq!(converted("CONNECT", "b.example:81"), Ok(("b.example:81".into(), here)));
    assert_eq!(converted("PURGE", "http://b.example:81/x?"), Ok(("http://b.example:81/x?".into(), there)));
}

#[test]
fn a_request_that_is_wrong_is_refused_as_the_text_of_it_would_be() {
    use HandshakeError::{
        Malformed, Method as WrongMethod, MissingHeader, RepeatedHeader, UnexpectedBody, WrongHeader,
    };
    let error = |request: &::http::Request<()>| accepted(request).unwrap_err();
    let set = |name: &'static str, value: &'static str| {
        with(|request| drop(request.headers_mut().insert(name, HeaderValue::from_static(value))))
    };
    assert_eq!(error(&with(|request| drop(request.headers_mut().remove("host")))), MissingHeader("Host"));
    assert_eq!(error(&upgrade(&[("host", b"other.example")])), RepeatedHeader("Host"));
    assert_eq!(error(&set("host", "two hosts")), WrongHeader("Host"));
    assert_eq!(error(&set("upgrade", "h2c")), HandshakeError::NotUpgrade);
    assert_eq!(error(&set("sec-websocket-version", "8")), HandshakeError::UnsupportedVersion);
    assert_eq!(error(&set("sec-websocket-key", "too short")), WrongHeader("Sec-WebSocket-Key"));
    assert_eq!(
        error(&upgrade(&[("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")])),
        RepeatedHeader("Sec-WebSocket-Key")
    );
    assert_eq!(error(&upgrade(&[("sec-websocket-protocol", b"no token")])), WrongHeader("Sec-WebSocket-Protocol"));
    assert_eq!(error(&upgrade(&[("sec-websocket-extensions", b"\xff")])), HandshakeError::MalformedExtensions);
    assert_eq!(error(&upgrade(&[("content-length", b"5")])), UnexpectedBody);
    assert_eq!(error(&upgrade(&[("transfer-encoding", b"chunked")])), UnexpectedBody);
    assert_eq!(error(&with(|request| *request.method_mut() = Method::POST)), WrongMethod);
    for uri in ["/연어", "http://user:password@example.com/"] {
        let request = with(|request| *request.uri_mut() = uri.parse().unwrap());
        assert!(matches!(error(&request), Malformed(_)), "{uri}");
    }
    // Which origin an unreadable header names is unknown, and not the same.
    let unreadable = Request::try_from(&upgrade(&[("origin", b"\xff\xfe")])).unwrap();
    assert_eq!(OriginPolicy::SameOrigin.check(&unreadable), Err(HandshakeError::ForbiddenOrigin));
}

/// HTTP/2 has `:authority` in place of `Host`, and no `Upgrade` (RFC 9113 section 8.2.2). An extended CONNECT is a clean
/// request, which is not served.
#[test]
fn other_versions_of_http_are_told_which_one_is_served() {
    for version in [HttpVersion::HTTP_2, HttpVersion::HTTP_3] {
        let connect = ::http::Request::connect("https://example.com/chat?room=1")
            .version(version)
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "chat.v1")
            .header("origin", "https://example.com");
        let request = Request::try_from(&connect.body(()).unwrap()).unwrap();
        assert!(request.is_upgrade() && request.version() > Version::Http11);
        assert_eq!((request.method(), request.path(), request.query()), ("CONNECT", "/chat", Some("room=1")));
        assert_eq!(request.host(), Some("example.com"));
        assert_eq!(request.choose_subprotocol(&["chat.v1"]), Some("chat.v1"));
        OriginPolicy::SameOrigin.check(&request).unwrap();
        let error = request.accept(&Acceptance::new()).unwrap_err();
        assert_eq!(error, HandshakeError::HttpVersion);
        let response = ::http::Response::try_from(error.response()).unwrap();
        assert_eq!(response.status(), 505);
        assert!(response.body().starts_with(b"a WebSocket handshake takes HTTP/1.1"), "{response:?}");
        // RFC 9113 section 8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header
        // fields".
        assert!(!response.headers().contains_key("connection") && !response.headers().contains_key("upgrade"));
        let page = ::http::Request::get("https://example.com/").version(version).body(()).unwrap();
        assert!(!Request::try_from(&page).unwrap().is_upgrade());
    }
    assert_eq!(
        accepted(&with(|request| *request.version_mut() = HttpVersion::HTTP_10)),
        Err(HandshakeError::HttpVersion)
    );
    assert_eq!(
        accepted(&with(|request| *request.version_mut() = HttpVersion::HTTP_09)),
        Err(HandshakeError::HttpVersion)
    );
}

#[test]
fn an_acceptance_goes_there_and_back() {
    let offer = Offer::new().with_subprotocol("chat.v1").unwrap().with_header("Cookie", "a=1; b=열쇠").unwrap();
    let (request, handshake) = offer.begin(&Url::parse("ws://localhost:9001/chat?room=1").unwrap(), [7; 16]);
    let sent = ::http::Request::try_from(&request).unwrap();
    assert_eq!((sent.method(), sent.version()), (&Method::GET, HttpVersion::HTTP_11));
    assert_eq!((sent.uri().to_string().as_str(), sent.uri().host()), ("/chat?room=1", None));
    assert_eq!(sent.headers()["host"], "localhost:9001");
    assert_eq!(sent.headers().len(), request.headers().count());
    let read = Request::try_from(&sent).unwrap();
    assert_eq!(read.header("Cookie"), Some("a=1; b=열쇠"));

    let acceptance = Acceptance::new().with_subprotocol("chat.v1").unwrap();
    let acceptance = acceptance.with_header("Set-Cookie", "a=1").unwrap().with_header("Set-Cookie", "b=2").unwrap();
    let (response, agreement) = read.accept(&acceptance).unwrap();
    let sent = ::http::Response::try_from(response).unwrap();
    assert_eq!((sent.status().as_u16(), sent.body().len()), (101, 0));
    assert_eq!(sent.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(sent.headers().get_all("connection").iter().count(), 1);
    let read = Response::try_from(&sent).unwrap();
    assert_eq!(handshake.check(&read), Ok(agreement));
}

#[test]
fn a_refusal_keeps_its_status_its_headers_and_its_body() {
    let response = Response::new(401)
        .unwrap()
        .with_header("WWW-Authenticate", "Basic realm=\"강\"")
        .unwrap()
        .with_header("Set-Cookie", "a=; Max-Age=0")
        .unwrap()
        .with_body("who are you?\n");
    let sent = ::http::Response::try_from(response.clone()).unwrap();
    assert_eq!((sent.status().as_u16(), &sent.body()[..]), (401, &b"who are you?\n"[..]));
    assert_eq!(sent.headers().len(), 2);
    let read = Response::try_from(&sent).unwrap();
    assert_eq!(read.header("WWW-Authenticate"), Some("Basic realm=\"강\""));
    assert_eq!((read.status(), read.body()), (401, &Bytes::new()));
    let (_, handshake) = Offer::new().begin(&Url::parse("ws://localhost/").unwrap(), [7; 16]);
    match handshake.check(&read.clone().with_body(sent.into_body())) {
        Err(HandshakeError::Refused(refused)) => {
            assert_eq!((refused.status(), &refused.body()[..]), (401, &b"who are you?\n"[..]));
        }
        other => panic!("{other:?}"),
    }
}

/// RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
#[test]
fn what_names_an_upgrade_has_the_connection_option_too() {
    let sent = ::http::Response::try_from(HandshakeError::UnsupportedVersion.response()).unwrap();
    assert_eq!((sent.status().as_u16(), &sent.headers()["upgrade"]), (426, &HeaderValue::from_static("websocket")));
    assert_eq!(sent.headers()["sec-websocket-version"], "13");
    assert_eq!(sent.headers().get_all("connection").iter().collect::<Vec<_>>(), ["Upgrade"]);
    assert!(sent.body().starts_with(b"expected \"Sec-WebSocket-Version: 13\""), "{sent:?}");
}

#[test]
fn what_the_types_have_no_room_for_is_an_error() {
    let converts = |response: Response| ::http::Response::try_from(response).is_ok();
    for (status, fits) in
        [(0, false), (99, false), (100, true), (101, true), (599, true), (999, true), (1000, false), (u16::MAX, false)]
    {
        assert_eq!(converts(Response::received::<&str, &str>(status, []).unwrap()), fits, "{status}");
    }
    let named = |length: usize| Response::received(200, [("x".repeat(length), "")]).unwrap();
    assert!(converts(named(1000)) && !converts(named(70_000)));
    let many = |count| Response::received(200, (0..count).map(|number| (format!("x-{number}"), ""))).unwrap();
    assert!(converts(many(1000)) && !converts(many(40_000)));

    let (sent, _) =
        Offer::new().begin(&Url::parse(&format!("ws://localhost/{}", "x".repeat(70_000))).unwrap(), [7; 16]);
    assert!(::http::Request::try_from(&sent).is_err());
    let (sent, _) = Offer::new().begin(&Url::parse("ws://localhost//other.example/?a=%20'").unwrap(), [7; 16]);
    let sent = ::http::Request::try_from(&sent).unwrap();
    assert_eq!((sent.uri().host(), sent.uri().to_string().as_str()), (None, "//other.example/?a=%20'"));
}

/// Lines cannot be smuggled in: neither crate takes them, whichever made the value.
#[test]
fn no_value_holds_a_line() {
    for value in ["a\r\nx: y", "a\nb", "a\0b", "a\x7fb"] {
        assert!(HeaderValue::from_bytes(value.as_bytes()).is_err(), "{value:?}");
        assert_eq!(Response::received(101, [("x", value)]).err(), Some(Misuse::HeaderValue), "{value:?}");
    }
}

#[test]
fn a_request_keeps_its_version_there_and_back() {
    let versions = [
        (HttpVersion::HTTP_10, Version::Http10),
        (HttpVersion::HTTP_11, Version::Http11),
        (HttpVersion::HTTP_2, Version::Http2),
        (HttpVersion::HTTP_3, Version::Http3),
    ];
    for (version, expected) in versions {
        let request = Request::try_from(&with(|request| *request.version_mut() = version)).unwrap();
        assert_eq!(request.version(), expected);
        assert_eq!(::http::Request::try_from(&request).unwrap().version(), version);
    }
}
