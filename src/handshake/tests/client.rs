//! The client's side: rules 1 to 12, and 21, 22 and 55 to 58 as far as they bind a client.

use alloc::format;
use alloc::string::String;

use super::server::parsed;
use super::{edited, same_for_all_splits};
use crate::handshake::HandshakeError::{self, *};
use crate::handshake::{Agreement, ClientHandshake, Extension, Limits, Misuse, Offer, Request, Response, Url};

/// The answer of RFC 6455 section 1.3.
const SAMPLE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    \r\n";

const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat\r\n";
const END: &str = "\r\n\r\n";

fn offer() -> Offer {
    let offer = Offer::new().with_subprotocol("chat").unwrap().with_subprotocol("superchat").unwrap();
    let deflate = Extension::new("permessage-deflate").with("client_max_window_bits", None);
    offer.with_extension(deflate).unwrap().with_extension(Extension::new("x")).unwrap()
}

fn begin(offer: &Offer) -> (Request, ClientHandshake) {
    offer.begin(&Url::parse("ws://server.example.com/chat").unwrap(), *b"the sample nonce")
}

fn text(offer: &Offer, url: &str) -> String {
    let (request, _) = offer.begin(&Url::parse(url).unwrap(), *b"the sample nonce");
    String::from_utf8(request.write()).unwrap()
}

/// What the client makes of the response `text` in every split.
fn answer(text: &str) -> Result<Agreement, HandshakeError> {
    let offer = offer();
    let read = |handshake: &mut ClientHandshake, received: &[u8]| {
        let established = handshake.read(received)?;
        Ok(established.map(|established| {
            assert_eq!(established.length, text.len());
            assert_eq!(established.response.status(), 101);
            established.agreement
        }))
    };
    Ok(same_for_all_splits(text.as_bytes(), || begin(&offer).1, read)?.expect("the text is a whole response"))
}

/// Each row: what is edited in the sample, and what the client makes of the result.
fn check(rows: &[(&str, &str, Option<HandshakeError>)]) {
    for (from, to, expected) in rows {
        let text = edited(SAMPLE, from, to);
        assert_eq!(answer(&text).err(), *expected, "{from:?} replaced by {to:?}");
    }
}

#[test]
fn rules_02_to_05_the_request() {
    let expected = "GET /chat?a=b HTTP/1.1\r\n\
        Host: server.example.com:8080\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        \r\n";
    assert_eq!(text(&Offer::new(), "ws://server.example.com:8080/chat?a=b"), expected);

    let offer = offer().with_origin("http://example.com").unwrap().with_header("Cookie", "a=b").unwrap();
    let expected = "GET / HTTP/1.1\r\n\
        Host: [::1]\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x\r\n\
        Origin: http://example.com\r\n\
        Cookie: a=b\r\n\
        \r\n";
    let written = text(&offer, "wss://[::1]:443");
    assert_eq!(written, expected);
    assert_eq!(parsed(&written).extensions().unwrap().len(), 2);
}

#[test]
fn rule_05_the_key_is_the_nonce() {
    let (request, _) = Offer::new().begin(&Url::parse("ws://a").unwrap(), core::array::from_fn(|i| i as u8 + 1));
    assert_eq!(request.header("Sec-WebSocket-Key"), Some("AQIDBAUGBwgJCgsMDQ4PEA=="));
}

#[test]
fn rule_06_subprotocols_are_unique_tokens() {
    for wrong in ["", " ", "a b", "a,b", "a/b", "\u{e4}", "a\r\nb"] {
        assert_eq!(Offer::new().with_subprotocol(wrong).err(), Some(Misuse::Subprotocol), "{wrong:?}");
    }
    assert_eq!(offer().with_subprotocol("chat").err(), Some(Misuse::RepeatedSubprotocol));
    assert!(offer().with_subprotocol("Chat").is_ok());
}

#[test]
fn rules_07_and_12_a_client_is_not_established_before_the_whole_response() {
    let (_, mut handshake) = begin(&offer());
    for length in 0..SAMPLE.len() {
        assert!(handshake.read(&SAMPLE.as_bytes()[..length]).unwrap().is_none());
    }
    assert!(handshake.read(SAMPLE.as_bytes()).unwrap().is_some());
}

#[test]
fn rule_08_another_status_is_never_a_websocket() {
    for status in ["200 OK", "200", "301 Moved", "302 Found", "401 Unauthorized", "426 ", "503 No", "999 ?"] {
        let text = edited(SAMPLE, "101 Switching Protocols", status);
        let Err(Refused(response)) = answer(&edited(&text, END, "\r\nLocation: /there\r\n\r\n")) else {
            panic!("{status} was not refused");
        };
        assert_eq!(Ok(response.status()), status[..3].parse());
        assert_eq!(response.header("location"), Some("/there"));
    }
    // What is only informational is skipped, however much of it there is.
    for informational in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] {
        let text = format!("{informational}{informational}{SAMPLE}");
        assert!(answer(&text).is_ok(), "{informational:?}");
    }
    let text = edited(SAMPLE, "HTTP/1.1 101 Switching Protocols", "HTTP/1.0 101 Switching Protocols");
    assert_eq!(answer(&text), Err(HttpVersion));
    // What is final may be an older server's.
    let text = edited(SAMPLE, "HTTP/1.1 101 Switching Protocols", "HTTP/1.0 200 OK");
    assert!(matches!(answer(&text), Err(Refused(response)) if response.status() == 200));
    let endless = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(400);
    let error = begin(&offer()).1.read(endless.as_bytes()).err();
    assert_eq!(error, Some(HeadTooLong(Limits::default().bytes)));
}

#[test]
fn a_line_of_a_response_ends_in_cr_lf() {
    for (place, _) in SAMPLE.match_indices('\r') {
        let text = [&SAMPLE[..place], &SAMPLE[place + 1..]].concat();
        assert_eq!(answer(&text), Err(Malformed("lines of text that end in CR LF")), "without the CR at {place}");
    }
}

#[test]
fn rule_09_upgrade_and_connection() {
    check(&[
        ("Upgrade: websocket\r\n", "", Some(MissingHeader("Upgrade"))),
        ("Upgrade: websocket", "Upgrade:", Some(WrongHeader("Upgrade"))),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", Some(WrongHeader("Upgrade"))),
        ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket", Some(RepeatedHeader("Upgrade"))),
        ("Upgrade: websocket", "upgrade: WEBSOCKET", None),
        ("Connection: Upgrade\r\n", "", Some(MissingHeader("Connection"))),
        ("Connection: Upgrade", "Connection: close", Some(WrongHeader("Connection"))),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade", None),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade", None),
        // RFC 9112 section 6.3: a 1xx ends with its head "regardless of the header fields present".
        (END, "\r\nContent-Length: 7\r\n\r\n", None),
    ]);
}

#[test]
fn rule_10_the_accept_key() {
    check(&[
        (ACCEPT, "", Some(MissingHeader("Sec-WebSocket-Accept"))),
        ("s3pPLMBi", "S3pPLMBi", Some(WrongHeader("Sec-WebSocket-Accept"))),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", Some(WrongHeader("Sec-WebSocket-Accept"))),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", Some(WrongHeader("Sec-WebSocket-Accept"))),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", " \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t ", None),
    ]);
    // The accept key of another nonce is no proof.
    let (_, mut handshake) = offer().begin(&Url::parse("ws://a").unwrap(), [7; 16]);
    assert_eq!(handshake.read(SAMPLE.as_bytes()).err(), Some(WrongHeader("Sec-WebSocket-Accept")));
}

#[test]
fn rule_11_what_was_not_offered_fails() {
    check(&[
        (PROTOCOL, "", None),
        (PROTOCOL, "Sec-WebSocket-Protocol: superchat\r\n", None),
        (PROTOCOL, "Sec-WebSocket-Protocol: Chat\r\n", Some(UnofferedSubprotocol)),
        (PROTOCOL, "Sec-WebSocket-Protocol:\r\n", Some(UnofferedSubprotocol)),
        (PROTOCOL, "Sec-WebSocket-Protocol: chat, superchat\r\n", Some(UnofferedSubprotocol)),
        (END, "\r\nSec-WebSocket-Extensions: x;p=1\r\n\r\n", None),
        (END, "\r\nSec-WebSocket-Extensions: y\r\n\r\n", Some(UnofferedExtension)),
        (END, "\r\nSec-WebSocket-Extensions: x, y\r\n\r\n", Some(UnofferedExtension)),
        (END, "\r\nSec-WebSocket-Extensions: X\r\n\r\n", Some(UnofferedExtension)),
    ]);
    let (_, mut handshake) = begin(&Offer::new());
    assert_eq!(handshake.read(SAMPLE.as_bytes()).err(), Some(UnofferedSubprotocol));
}

#[test]
fn rule_21_accept_and_protocol_come_once() {
    check(&[
        (ACCEPT, &format!("{ACCEPT}{ACCEPT}"), Some(RepeatedHeader("Sec-WebSocket-Accept"))),
        (PROTOCOL, &format!("{PROTOCOL}{PROTOCOL}"), Some(RepeatedHeader("Sec-WebSocket-Protocol"))),
    ]);
}

#[test]
fn rules_22_57_and_58_extensions_in_the_order_of_the_response() {
    let headers = "\r\nSec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let agreement = answer(&edited(SAMPLE, END, headers)).unwrap();
    assert_eq!(agreement.subprotocol.as_deref(), Some("chat"));
    assert_eq!(agreement.extensions, [Extension::new("x"), Extension::new("permessage-deflate")]);
    // Both were offered; without the header neither is in use.
    assert_eq!(answer(SAMPLE).unwrap().extensions, []);
}

#[test]
fn rules_55_and_56_malformed_extensions_fail_at_once() {
    for malformed in ["", "x;", "x;p=\"\"", "x;p=\"a b\"", "x y"] {
        let text = edited(SAMPLE, END, &format!("\r\nSec-WebSocket-Extensions: {malformed}\r\n\r\n"));
        assert_eq!(answer(&text), Err(MalformedExtensions), "{malformed:?}");
    }
    let text = edited(SAMPLE, END, "\r\nSec-WebSocket-Extensions: x;p=\"\\a\"\r\n\r\n");
    assert_eq!(answer(&text).unwrap().extensions, [Extension::new("x").with("p", Some("a"))]);
}

#[test]
fn a_response_of_another_transport() {
    let (_, handshake) = begin(&offer());
    let accept = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let headers = [("upgrade", "websocket"), ("connection", "upgrade"), accept];
    let response = Response::received(101, headers).unwrap();
    assert_eq!(handshake.check(&response), Ok(Agreement::default()));
    let response = Response::received(407, headers).unwrap();
    assert!(matches!(handshake.check(&response), Err(Refused(refused)) if *refused == response));
    assert_eq!(Response::received(101, [("a b", "c")]).err(), Some(Misuse::HeaderName));
}

#[test]
fn the_limits_of_an_offer_are_those_of_its_response() {
    let bytes = SAMPLE.len();
    let rows = [
        (Limits { bytes, headers: 4 }, None),
        (Limits { bytes: bytes - 1, headers: 4 }, Some(HeadTooLong(bytes - 1))),
        (Limits { bytes, headers: 3 }, Some(TooManyHeaders(3))),
    ];
    for (limits, expected) in rows {
        let (_, mut handshake) = begin(&offer().with_limits(limits));
        assert_eq!(handshake.read(SAMPLE.as_bytes()).err(), expected);
    }
}
