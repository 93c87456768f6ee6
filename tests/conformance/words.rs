//! What errors say, each something of its own, and the short ways to what is there by a longer one.

use sockeye::bytes::{Buf, Bytes};
use sockeye::handshake::{HandshakeError, Misuse, Response, Url, UrlError};
use sockeye::utf8::{InvalidUtf8, Validator};
use sockeye::{Error, Event, Message, Outbox, OutboxFull, Part, Piece, Role, Text};

use crate::common::*;

/// No two say the same, and none ends a sentence that the program's own words may go on with.
fn each_says_its_own(said: &[String]) {
    for (index, one) in said.iter().enumerate() {
        assert!(one.len() > 10 && !one.ends_with('.'), "{one}");
        assert!(!said[..index].contains(one), "{one}");
    }
}

#[test]
fn an_error_of_the_handshake_says_what_is_wrong() {
    let refused = HandshakeError::Refused(Box::new(Response::new(403).unwrap()));
    assert!(refused.to_string().contains("403"), "{refused}");
    let errors = [
        HandshakeError::Malformed("a status from 100 to 599"),
        HandshakeError::HeadTooLong(8192),
        HandshakeError::TooManyHeaders(64),
        HandshakeError::HttpVersion,
        HandshakeError::Method,
        HandshakeError::NotUpgrade,
        HandshakeError::MissingHeader("Host"),
        HandshakeError::RepeatedHeader("Host"),
        HandshakeError::WrongHeader("Host"),
        HandshakeError::UnsupportedVersion,
        HandshakeError::UnexpectedBody,
        HandshakeError::MalformedExtensions,
        HandshakeError::ForbiddenOrigin,
        refused,
        HandshakeError::UnofferedSubprotocol,
        HandshakeError::UnofferedExtension,
        HandshakeError::Misuse(Misuse::Status),
        HandshakeError::Url(UrlError::Scheme),
    ];
    each_says_its_own(&errors.map(|error| error.to_string()));
}

#[test]
fn an_error_of_a_url_says_what_is_wrong_and_where_that_is_said() {
    let urls = ["http://a/", "ws://me@a/", "ws://[a/", "ws://a:0/", "ws://a/ ", "ws://a/?\"", "ws://a/#b"];
    let said = urls.map(|url| url.parse::<Url>().expect_err(url).to_string());
    said.iter().for_each(|one| assert!(one.contains(" section "), "{one}"));
    each_says_its_own(&said);
}

#[test]
fn errors_of_bytes_say_where_they_are() {
    let error: InvalidUtf8 = Validator::default().validate(b"fish\xff").unwrap_err();
    assert!(error.to_string().contains("offset 4"), "{error}");
    let full: Error = OutboxFull { limit: 1000, waiting: 998 }.into();
    assert!(full.to_string().contains("1000") && full.to_string().contains("998"), "{full}");
    assert_eq!(Outbox::default().limit(), Outbox::new().limit());
}

/// A status that HTTP names goes over the wire with its name (RFC 9110 section 15).
#[test]
fn a_response_has_the_name_of_its_status() {
    for (status, name) in [
        (200, "OK"),
        (201, "Created"),
        (202, "Accepted"),
        (204, "No Content"),
        (206, "Partial Content"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (304, "Not Modified"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (406, "Not Acceptable"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (410, "Gone"),
        (413, "Content Too Large"),
        (421, "Misdirected Request"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (505, "HTTP Version Not Supported"),
        (599, ""),
    ] {
        let written = Response::new(status).unwrap().write();
        let line = format!("HTTP/1.1 {status} {name}\r\n");
        assert!(written.starts_with(line.as_bytes()), "{line}{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn a_message_is_made_of_what_it_may_hold() {
    assert_eq!(Message::from("물"), Message::text("물"));
    assert_eq!(Message::from(String::from("물")), Message::text("물"));
    assert_eq!(Message::from(Text::from_static("물")), Message::text("물"));
    assert_eq!(Message::from(Bytes::from_static(b"1")), Message::binary(Bytes::from_static(b"1")));
    assert_eq!((Message::text("물").as_text(), Message::binary(vec![1]).as_text()), (Some("물"), None));
    assert!(Message::text("물").is_data() && !Message::Ping(Bytes::new()).is_data());
}

#[test]
fn a_lent_text_is_looked_at_in_every_way() {
    let mut end = End::new(Role::Client);
    end.inbox.extend(&[whole(Role::Server, TEXT, "물"), whole(Role::Server, TEXT, "")].concat());
    for expected in ["물", ""] {
        let received = end.connection.receive(&mut end.inbox, &mut end.outbox).unwrap();
        let Some(Event::Text(text)) = received else { panic!("expected a text, got {received:?}") };
        assert_eq!(
            (text.as_bytes(), text.len(), text.is_empty()),
            (expected.as_bytes(), expected.len(), expected.is_empty())
        );
        assert_eq!(AsRef::<str>::as_ref(&text), expected);
    }
}

/// What is sent in parts is received in parts, control frames between them.
#[test]
fn parts_go_out_and_come_in() {
    let (mut client, mut server) = (End::new(Role::Client), End::new(Role::Server));
    let parts = [
        Part::Text { text: "물".into(), last: false },
        Part::Ping(Bytes::from_static(b"1")),
        Part::Text { text: "고기".into(), last: true },
        Part::Pong(Bytes::from_static(b"2")),
        Part::Binary { data: Bytes::from_static(b"3"), last: true },
        Part::Close(None),
    ];
    for part in parts {
        client.connection.send_part(&part, &mut client.outbox).unwrap();
        let wire = client.outbox.copy_to_bytes(client.outbox.remaining());
        server.inbox.extend(&wire);
        let received = server.connection.receive_piece(&mut server.inbox, &mut server.outbox).unwrap();
        assert_eq!(received.map(Piece::into_part), Some(part));
    }
}
