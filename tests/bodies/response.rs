//! A client's side of the opening handshake: any bytes as a response, in any reads.
//!
//! Input: the limits (1 byte), a seed for the reads (2), the bytes. The client has offered `chat.v1`, `chat.v2` and
//! permessage-deflate, and its key is that of RFC 6455 section 1.3.

use sockeye::deflate::Options;
use sockeye::handshake::{Agreement, ClientHandshake, HandshakeError, Limits, Offer, Url};

use super::cursor::{Cursor, Sizes};
use super::request::{ends, limits, strange_lines};
use super::{Seed, seed};

/// * The verdict is the same in any reads.
/// * `httparse` alone, past the informational responses, finds the same status and headers.
/// * What is accepted satisfies every condition of RFC 6455 section 4.1: nothing that was not offered is agreed on.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let limits = limits(cursor.byte());
    let (sizes, bytes) = (Sizes::new(cursor.number()), cursor.rest());

    let expected = read(limits, bytes, [bytes.len()]);
    for ends in [(0..=bytes.len()).collect(), ends(sizes, bytes)] {
        assert_eq!(read(limits, bytes, ends), expected);
    }
    let other = other(bytes);
    match expected {
        Ok(Some((agreement, head))) => {
            assert_eq!(other.as_ref(), Ok(&Some(head)), "httparse sees the same");
            check_agreement(&agreement, other.unwrap().unwrap());
        }
        Ok(None) => assert!(!matches!(other, Ok(Some(_))), "httparse waits too, or refuses: {other:?}"),
        Err(HandshakeError::Refused(response)) => {
            let (status, headers, _) = other.expect("httparse reads it").expect("httparse has it whole");
            assert!(status != 101 && status == response.status());
            assert_eq!(
                headers,
                response.headers().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>()
            );
        }
        Err(error) => {
            if let Ok(Some(head)) = other {
                assert!(explains(&error, limits, &head, bytes), "{error:?} in {head:?}");
            }
        }
    }
}

fn handshake(limits: Limits) -> ClientHandshake {
    let mut offer =
        Offer::new().with_limits(limits).with_subprotocol("chat.v1").unwrap().with_subprotocol("chat.v2").unwrap();
    for extension in Options::new().offers() {
        offer = offer.with_extension(extension).unwrap();
    }
    offer.begin(&Url::parse("ws://example.com/chat").unwrap(), *b"the sample nonce").1
}

/// A status, the headers without the white space around their values, and the length of all heads.
type Head = (u16, Vec<(String, Vec<u8>)>, usize);

fn read(
    limits: Limits,
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Result<Option<(Agreement, Head)>, HandshakeError> {
    let mut handshake = handshake(limits);
    for end in ends {
        match handshake.read(&bytes[..end]) {
            Ok(None) => {}
            Ok(Some(established)) => {
                let headers = established.response.headers().map(|(name, value)| (name.into(), value.into()));
                let head = (established.response.status(), headers.collect(), established.length);
                return Ok(Some((established.agreement, head)));
            }
            Err(error) => {
                assert_eq!(handshake.read(bytes).err().as_ref(), Some(&error), "a later call says the same");
                return Err(error);
            }
        }
    }
    Ok(None)
}

/// What `httparse` sees behind the informational responses.
fn other(bytes: &[u8]) -> Result<Option<Head>, httparse::Error> {
    let mut start = 0;
    loop {
        let mut headers = vec![httparse::EMPTY_HEADER; 256];
        let mut parsed = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = parsed.parse(&bytes[start..])? else { return Ok(None) };
        start += length;
        let status = parsed.code.unwrap();
        // HTTP/1.0 has no informational responses (RFC 9110 section 15.2).
        if status == 101 || !(100..200).contains(&status) || parsed.version == Some(0) {
            let headers = parsed.headers.iter();
            let headers = headers.map(|header| (header.name.into(), header.value.trim_ascii().into())).collect();
            return Ok(Some((status, headers, start)));
        }
    }
}

/// Whether the bytes show why the crate refuses a head that `httparse` takes.
fn explains(error: &HandshakeError, limits: Limits, (status, headers, length): &Head, bytes: &[u8]) -> bool {
    let values = |wanted: &'static str| headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
    match error {
        HandshakeError::Malformed("lines of text that end in CR LF") => strange_lines(&bytes[..*length]),
        HandshakeError::Malformed("a status from 100 to 599") => *status < 100,
        HandshakeError::HeadTooLong(limit) => *limit == limits.bytes && *length > limits.bytes,
        // Of any of the heads.
        HandshakeError::TooManyHeaders(limit) => *limit == limits.headers,
        HandshakeError::HttpVersion => *status < 200,
        HandshakeError::MissingHeader(name) => *status == 101 && values(name).count() == 0,
        HandshakeError::RepeatedHeader(name) => *status == 101 && values(name).count() > 1,
        HandshakeError::WrongHeader(name) => *status == 101 && values(name).count() >= 1,
        HandshakeError::UnofferedSubprotocol => values("Sec-WebSocket-Protocol").count() == 1,
        HandshakeError::UnofferedExtension | HandshakeError::MalformedExtensions => {
            values("Sec-WebSocket-Extensions").count() > 0
        }
        _ => false,
    }
}

fn check_agreement(agreement: &Agreement, (status, headers, _): Head) {
    let values = |wanted: &str| {
        let named = headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| &value[..]).collect::<Vec<_>>()
    };
    // The conditions of section 4.1 by their numbers there.
    assert_eq!(status, 101, "1");
    assert!(matches!(&values("upgrade")[..], [value] if value.eq_ignore_ascii_case(b"websocket")), "2");
    let mut elements = values("connection").into_iter().flat_map(|value| value.split(|&byte| byte == b','));
    assert!(elements.any(|element| element.trim_ascii().eq_ignore_ascii_case(b"upgrade")), "3");
    assert_eq!(values("sec-websocket-accept"), [b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "4");
    assert!(agreement.extensions.iter().all(|extension| extension.name == "permessage-deflate"), "5");
    assert_eq!(agreement.extensions.is_empty(), values("sec-websocket-extensions").is_empty(), "5");
    match (&agreement.subprotocol, &values("sec-websocket-protocol")[..]) {
        (None, []) => {}
        (Some(chosen), [value]) => {
            assert!(["chat.v1", "chat.v2"].contains(&&**chosen) && chosen.as_bytes() == *value, "6")
        }
        other => panic!("6: {other:?}"),
    }
    // Whatever the extension's parameters are, they are agreed on or refused.
    let _ = Options::new().verify(&agreement.extensions);
}

pub fn seeds() -> Vec<Seed> {
    let example = |changes: &[(&str, &str)]| {
        // RFC 6455 section 1.3.
        let mut text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat.v1\r\n\r\n"
            .to_owned();
        for (old, new) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replacen(old, new, 1);
        }
        text
    };
    let end = "\r\n\r\n";
    let extensions = |value: &str| example(&[(end, &format!("\r\nSec-WebSocket-Extensions: {value}{end}"))]);
    let cases: [(&str, String); 22] = [
        ("rfc6455-1.3", example(&[])),
        ("frames-behind", example(&[]) + "\u{1}\u{5}Hello"),
        (
            "informational-before",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n".to_owned() + &example(&[]),
        ),
        ("without-reason", example(&[(" Switching Protocols", "")])),
        ("http-1.0", example(&[("HTTP/1.1", "HTTP/1.0")])),
        ("not-found", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone".into()),
        ("redirect", "HTTP/1.1 302 Found\r\nLocation: wss://example.com/chat\r\n\r\n".into()),
        ("unauthorized", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n".into()),
        ("no-upgrade", example(&[("Upgrade: websocket\r\n", "")])),
        ("other-upgrade", example(&[("websocket", "h2c")])),
        ("two-upgrades", example(&[("Connection:", "Upgrade: websocket\r\nConnection:")])),
        ("keep-alive", example(&[(": Upgrade", ": keep-alive, uPGRADE")])),
        ("wrong-accept", example(&[("s3pP", "S3PP")])),
        ("no-accept", example(&[("Sec-WebSocket-Accept", "X")])),
        ("other-subprotocol", example(&[("chat.v1", "chat.v3")])),
        ("two-subprotocols", example(&[("chat.v1", "chat.v1, chat.v2")])),
        ("deflate", extensions("permessage-deflate; server_max_window_bits=12; client_no_context_takeover")),
        ("deflate-twice", extensions("permessage-deflate, permessage-deflate")),
        ("deflate-bad-bits", extensions("permessage-deflate; server_max_window_bits=16")),
        ("other-extension", extensions("x-webkit-deflate-frame")),
        ("bad-extension", extensions("permessage-deflate;")),
        ("bare-line-feeds", example(&[("\r\nUpgrade", "\nUpgrade")])),
    ];
    let mut seeds: Vec<Seed> =
        cases.iter().map(|(name, text)| seed(name, &[&[0, 0x12, 0x34], text.as_bytes()])).collect();
    seeds.push(seed("limit-bytes", &[&[1, 0, 1], example(&[]).as_bytes()]));
    seeds.push(seed("limit-headers", &[&[8, 0, 1], example(&[]).as_bytes()]));
    seeds
}
