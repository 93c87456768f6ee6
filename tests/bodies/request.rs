//! A server's side of the opening handshake: any bytes as a request, in any reads.
//!
//! Input: the limits (1 byte), a seed for the reads (2), the bytes.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
use sha1::{Digest as _, Sha1};
use sockeye::handshake::{Acceptance, HandshakeError, Limits, OriginPolicy, Request, RequestReader, Version};

use super::cursor::{Cursor, Sizes};
use super::{Seed, seed};

/// * The verdict is the same in any reads.
/// * `httparse` alone finds the same method, target and headers; where this crate refuses what that takes, the bytes
///   show why.
/// * What is accepted satisfies every condition of RFC 6455 section 4.2.1, and the response has the key's answer.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let limits = limits(cursor.byte());
    let (sizes, bytes) = (Sizes::new(cursor.number()), cursor.rest());

    let expected = read(limits, bytes, [bytes.len()]);
    for ends in [(0..=bytes.len()).collect(), ends(sizes, bytes)] {
        assert_eq!(read(limits, bytes, ends), expected);
    }
    let other = other(bytes);
    match &expected {
        Ok(Some((head, length))) => {
            assert_eq!(other, Ok(Some((head.clone(), *length))), "httparse sees the same");
            let (request, _) = RequestReader::new(limits).read(bytes).unwrap().unwrap();
            check_answer(&request, head);
        }
        Ok(None) => assert!(!matches!(other, Ok(Some(_))), "httparse waits too, or refuses: {other:?}"),
        Err(error) => {
            assert!(matches!(error.status(), 400 | 431 | 505), "{error:?}");
            if let Ok(Some((head, length))) = other {
                assert!(explains(error, limits, &head, &bytes[..length]), "{error:?} in {head:?}");
            }
        }
    }
}

pub fn limits(choice: u8) -> Limits {
    let bytes = [8192, 64, 200, 1000][usize::from(choice & 3)];
    let headers = [64, 0, 3, 100][usize::from(choice >> 2 & 3)];
    Limits { bytes, headers }
}

/// How much has arrived after each read.
pub fn ends(mut sizes: Sizes, bytes: &[u8]) -> Vec<usize> {
    let mut end = 0;
    let pieces = sizes.split(bytes).into_iter().map(|piece| {
        end += piece.len();
        end
    });
    [0].into_iter().chain(pieces).collect()
}

/// A start line and the headers, without the white space around their values.
type Head = (String, String, Version, Vec<(String, Vec<u8>)>);

fn read(
    limits: Limits,
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Result<Option<(Head, usize)>, HandshakeError> {
    let mut reader = RequestReader::new(limits);
    for end in ends {
        match reader.read(&bytes[..end]) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                let headers = request.headers().map(|(name, value)| (name.into(), value.into())).collect();
                let head = (request.method().into(), request.target().into(), request.version(), headers);
                return Ok(Some((head, length)));
            }
            Err(error) => {
                assert_eq!(reader.read(bytes).err().as_ref(), Some(&error), "a later call says the same");
                return Err(error);
            }
        }
    }
    Ok(None)
}

/// What `httparse` sees.
fn other(bytes: &[u8]) -> Result<Option<(Head, usize)>, httparse::Error> {
    let mut headers = vec![httparse::EMPTY_HEADER; 256];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(bytes)? else { return Ok(None) };
    let headers = parsed.headers.iter().map(|header| (header.name.into(), header.value.trim_ascii().into())).collect();
    let version = if parsed.version == Some(1) { Version::Http11 } else { Version::Http10 };
    let head = (parsed.method.unwrap().into(), parsed.path.unwrap().into(), version, headers);
    Ok(Some((head, length)))
}

/// Whether the bytes show why the crate refuses a head that `httparse` takes.
fn explains(error: &HandshakeError, limits: Limits, (_, target, version, headers): &Head, bytes: &[u8]) -> bool {
    let hosts: Vec<_> = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).collect();
    match error {
        // RFC 9112 section 2.2: a recipient "MAY recognize a single LF as a line terminator", and need not.
        HandshakeError::Malformed("lines of text that end in CR LF") => strange_lines(bytes),
        HandshakeError::HeadTooLong(limit) => *limit == limits.bytes && bytes.len() > limits.bytes,
        HandshakeError::TooManyHeaders(limit) => *limit == limits.headers && headers.len() > limits.headers,
        // RFC 9112 section 3.2.
        HandshakeError::Malformed("a request-target of visible ASCII characters") => {
            !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        }
        HandshakeError::Malformed("a request-target with a valid host") => target.contains("://"),
        HandshakeError::MissingHeader("Host") => hosts.is_empty() && *version == Version::Http11,
        HandshakeError::RepeatedHeader("Host") => hosts.len() > 1,
        HandshakeError::WrongHeader("Host") => hosts.len() == 1 && !hosts[0].1.is_empty(),
        _ => false,
    }
}

/// Whether there is a line that does not end in CR LF, or a control character that is none of the tab.
pub fn strange_lines(bytes: &[u8]) -> bool {
    let is_control = |(at, &byte): (usize, &u8)| match byte {
        b'\t' => false,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        byte => byte < b' ',
    };
    bytes.iter().enumerate().any(is_control)
}

fn check_answer(request: &Request, (method, target, version, headers): &Head) {
    for policy in [OriginPolicy::Any, OriginPolicy::SameOrigin] {
        if let Err(error) = policy.check(request) {
            assert_eq!(error.response().status(), 403);
        }
    }
    let values = |wanted: &str| {
        let named = headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| &value[..]).collect::<Vec<_>>()
    };
    let mut acceptance = Acceptance::new();
    let subprotocol = request.subprotocols().last();
    if let Some(subprotocol) = subprotocol {
        acceptance = acceptance.with_subprotocol(subprotocol).expect("what is offered is a token");
    }
    match request.accept(&acceptance) {
        Ok((response, agreement)) => {
            // The conditions of section 4.2.1 by their numbers there.
            let lists = |name, element: &str| {
                let mut elements = values(name).into_iter().flat_map(|value| value.split(|&byte| byte == b','));
                elements.any(|listed| listed.trim_ascii().eq_ignore_ascii_case(element.as_bytes()))
            };
            assert!(method == "GET" && *version == Version::Http11, "1");
            assert!(target.starts_with('/') || target.to_ascii_lowercase().starts_with("http"), "1");
            assert!(!target.starts_with('/') || values("host").iter().any(|host| !host.is_empty()), "2");
            assert!(lists("upgrade", "websocket"), "3");
            assert!(lists("connection", "upgrade"), "4");
            let [key] = values("sec-websocket-key")[..] else { panic!("5") };
            // The last character may carry bits that the nonce does not have: the example in section 4.1 does.
            let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
            let decoded = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(key).expect("5: base64");
            assert_eq!(decoded.len(), 16, "5");
            assert_eq!(values("sec-websocket-version"), [b"13"], "6");
            assert!(values("transfer-encoding").is_empty(), "no body");

            assert_eq!(agreement.subprotocol.as_deref(), subprotocol);
            assert!(agreement.extensions.is_empty());
            let accept = request_key_answer(key);
            assert_eq!(response.header("Sec-WebSocket-Accept"), Some(&*accept), "section 4.2.2");
            check_response(&response.write(), 101);
            assert!(request.is_upgrade());
            // What was read can be sent on, and means the same.
            let text = request.write();
            let limits = Limits { bytes: 1 << 20, headers: 200 };
            let (again, length) = read(limits, &text, [text.len()]).unwrap().unwrap();
            assert_eq!((&again.0, &again.1, &again.3, length), (method, target, headers, text.len()));
        }
        Err(error) => check_response(&error.response().write(), error.status()),
    }
}

fn request_key_answer(key: &[u8]) -> String {
    let digest = Sha1::digest([key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat());
    STANDARD.encode(digest)
}

/// A response is one head with this status, and a body of the length that it says.
fn check_response(text: &[u8], status: u16) {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = parsed.parse(text) else { panic!("no response: {text:?}") };
    assert_eq!(parsed.code, Some(status));
    assert!(!strange_lines(&text[..length]));
    let body = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = body.map_or(0, |header| std::str::from_utf8(header.value).unwrap().parse().unwrap());
    assert_eq!(text.len() - length, body);
}

/// The example of RFC 6455 section 1.3, with these lines in the place of what they name.
fn example(changes: &[&str]) -> Vec<u8> {
    let mut lines = vec![
        "GET /chat HTTP/1.1".to_owned(),
        "Host: server.example.com".into(),
        "Upgrade: websocket".into(),
        "Connection: Upgrade".into(),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".into(),
        "Origin: http://example.com".into(),
        "Sec-WebSocket-Protocol: chat, superchat".into(),
        "Sec-WebSocket-Version: 13".into(),
    ];
    for change in changes {
        let name = change.split_once([':', ' ']).map_or(*change, |(name, _)| name);
        match lines.iter_mut().find(|line| line.split([':', ' ']).next() == Some(name)) {
            Some(line) => *line = (*change).into(),
            None => lines.push((*change).into()),
        }
    }
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}

pub fn seeds() -> Vec<Seed> {
    let chrome = "GET /echo?x=1 HTTP/1.1\r\nHost: localhost:9001\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
        Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/120.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://localhost:9001\r\n\
        Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n\
        Cookie: a=b; c=é\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let firefox = "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) \
        Gecko/20100101 Firefox/120.0\r\nAccept: */*\r\nSec-WebSocket-Version: 13\r\nOrigin: null\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Connection: keep-alive, Upgrade\r\nSec-Fetch-Mode: websocket\r\nUpgrade: websocket\r\n\r\n";
    let cases: [(&str, Vec<u8>); 26] = [
        ("rfc6455-1.3", example(&[])),
        ("chrome", chrome.into()),
        ("firefox", firefox.into()),
        ("frames-behind", [example(&[]), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".into()].concat()),
        ("empty-line-before", [b"\r\n".into(), example(&[])].concat()),
        ("page", b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n".into()),
        ("http-1.0", example(&["GET /chat HTTP/1.0"])),
        ("http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
        ("post", b"POST /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n".into()),
        ("whole-url", example(&["GET http://other.example.com:81/chat?a=b HTTP/1.1"])),
        ("asterisk", example(&["GET * HTTP/1.1"])),
        ("fragment", example(&["GET /chat#top HTTP/1.1"])),
        ("bare-line-feeds", String::from_utf8(example(&[])).unwrap().replace("\r\n", "\n").into()),
        ("folded-header", example(&["Origin: a\r\n b"])),
        ("space-before-colon", example(&["Origin : a"])),
        ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".into()),
        ("no-host", example(&["Host;"])),
        ("two-hosts", example(&["host: b"])),
        ("bad-host", example(&["Host: a b"])),
        ("short-key", example(&["Sec-WebSocket-Key: c2hvcnQ="])),
        ("two-keys", example(&["sec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA=="])),
        ("version-8", example(&["Sec-WebSocket-Version: 8"])),
        ("body", example(&["Content-Length: 5"])),
        ("chunked", example(&["Transfer-Encoding: chunked"])),
        ("bad-subprotocol", example(&["Sec-WebSocket-Protocol: a b, , c"])),
        (
            "quoted-extension",
            example(&["Sec-WebSocket-Extensions: a; b=\"\\c\", permessage-deflate; server_max_window_bits=10"]),
        ),
    ];
    let mut seeds: Vec<Seed> = cases.iter().map(|(name, text)| seed(name, &[&[0, 0x12, 0x34], text])).collect();
    let spare_bits = example(&["Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="]);
    seeds.push(seed("rfc6455-4.1-key-with-spare-bits", &[&[0, 0, 1], &spare_bits]));
    seeds.push(seed("limit-bytes", &[&[1, 0, 1], &example(&[])]));
    seeds.push(seed("limit-headers", &[&[8, 0, 1], &example(&[])]));
    seeds
}
