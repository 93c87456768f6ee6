//! Bytes that are no handshake, in pieces of any size.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::prelude::*;

use super::server::SAMPLE;
use super::{edited, same_for_all_splits, verdict};
use crate::handshake::HandshakeError::{self, *};
use crate::handshake::reader::until_control;
use crate::handshake::{Acceptance, Limits, Offer, RequestReader, Url};

/// What a reader with these limits says about `bytes` in every split: the length of the head.
fn read(bytes: &[u8], limits: Limits) -> Result<Option<usize>, HandshakeError> {
    let read = |reader: &mut RequestReader, received: &[u8]| Ok(reader.read(received)?.map(|(_, length)| length));
    same_for_all_splits(bytes, || RequestReader::new(limits), read)
}

#[test]
fn what_is_not_http_fails_at_its_first_wrong_byte() {
    // Each row: how many bytes are not wrong yet, and the text.
    let rows: [(usize, &[u8]); 12] = [
        (0, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (0, b"\n"),
        (14, b"GET / HTTP/1.1\nHost: a\n\n"),
        (14, b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
        (23, b"GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n"),
        (24, b"GET / HTTP/1.1\r\nHost: a \nb:\r\n\r\n"),
        (15, b"GET / HTTP/1.1\rHost: a\r\r"),
        (15, b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        (17, b"GET / HTTP/1.1\r\na\0"),
        (24, b"GET / HTTP/1.1\r\nHost: a\r\r\n"),
        (26, b"GET / HTTP/1.1\r\nHost: a\r\nb\x1b: c\r\n\r\n"),
        (25, b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
    ];
    for (length, bytes) in rows {
        assert_eq!(read(&bytes[..length], Limits::default()), Ok(None), "{length} of {bytes:?}");
        let error = read(&bytes[..=length], Limits::default());
        assert!(matches!(error, Err(Malformed(_))), "{length} of {bytes:?}: {error:?}");
        assert_eq!(read(bytes, Limits::default()), error, "{bytes:?}");
    }
}

#[test]
fn heads_that_are_malformed() {
    let host = "Host: server.example.com\r\n";
    let rows = [
        (host, "Host : server.example.com\r\n", false),
        (host, " Host: server.example.com\r\n", false),
        (host, "Host: server.example.com\r\n folded\r\n", false),
        (host, "Host: server.example.com\r\n\tfolded\r\n", false),
        (host, "Host: server.example.com\r\nno colon\r\n", false),
        (host, "Host: server.example.com\r\n: no name\r\n", false),
        (host, "Host: server.example.com\r\nn\u{e4}me: x\r\n", false),
        (host, "Host: server.example.com\r\na: \x7f\r\n", false),
        (host, "Host: server.example.com\r\na: b\tc\r\n", true),
        (host, "Host:server.example.com\t \r\n", true),
        ("GET /chat HTTP/1.1", "GET  /chat HTTP/1.1", false),
        ("GET /chat HTTP/1.1", "GET /chat  HTTP/1.1", false),
        ("GET /chat HTTP/1.1", "GET /chat HTTP/1.1 ", false),
        ("GET /chat HTTP/1.1", "GET\t/chat HTTP/1.1", false),
        ("GET /chat HTTP/1.1", "GET /chat", false),
        ("GET /chat HTTP/1.1", "GET", false),
        ("GET /chat HTTP/1.1", "/chat HTTP/1.1", false),
        ("GET /chat HTTP/1.1", " GET /chat HTTP/1.1", false),
        ("GET /chat HTTP/1.1", "G\"T /chat HTTP/1.1", false),
        ("GET /chat HTTP/1.1", "\r\n\r\nGET /chat HTTP/1.1", true),
    ];
    for (from, to, is_legal) in rows {
        let text = edited(SAMPLE, from, to);
        match read(text.as_bytes(), Limits::default()) {
            Ok(length) => assert!(is_legal && length == Some(text.len()), "{to:?}"),
            Err(error) => assert!(!is_legal && error.status() == 400, "{to:?}: {error}"),
        }
    }
    let text = edited(SAMPLE, "HTTP/1.1", "HTTP/1.2");
    assert_eq!(read(text.as_bytes(), Limits::default()), Err(HttpVersion));
}

#[test]
fn limits_are_inclusive() {
    let whole = SAMPLE.len();
    let limits = |bytes, headers| Limits { bytes, headers };
    assert_eq!(read(SAMPLE.as_bytes(), limits(whole, 7)), Ok(Some(whole)));
    assert_eq!(read(SAMPLE.as_bytes(), limits(whole - 1, 7)), Err(HeadTooLong(whole - 1)));
    assert_eq!(read(SAMPLE.as_bytes(), limits(whole, 6)), Err(TooManyHeaders(6)));
    assert_eq!(read(SAMPLE.as_bytes(), limits(0, 7)), Err(HeadTooLong(0)));
    assert_eq!(read(b"GET / HTTP/1.0\r\n\r\n", limits(18, 0)), Ok(Some(18)));
    // What does not end fails at the limit, and does not wait for more.
    assert_eq!(read(&[b'a'; 99], limits(100, 7)), Ok(None));
    assert_eq!(read(&[b'a'; 100], limits(100, 7)), Err(HeadTooLong(100)));
    assert_eq!(HeadTooLong(100).status(), 431);

    let many = |count: usize| {
        let headers: String = (0..count).map(|index| format!("h{index}: x\r\n")).collect();
        format!("GET / HTTP/1.0\r\n{headers}\r\n")
    };
    for (count, limit) in [(64, 64), (65, 65), (200, 300)] {
        let text = many(count);
        let limits = limits(8192, limit);
        let (request, _) = RequestReader::new(limits).read(text.as_bytes()).unwrap().unwrap();
        assert_eq!(request.headers().count(), count);
    }
    assert_eq!(RequestReader::new(Limits::default()).read(many(65).as_bytes()).err(), Some(TooManyHeaders(64)));
}

#[test]
fn the_work_is_linear() {
    let units = ["a", "\t", "a: b\r\n", "\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b\r\n"];
    let limits = Limits { bytes: 1 << 20, headers: 1 << 20 };
    for unit in units {
        let bytes = unit.repeat(20_000 / unit.len());
        for step in [1, 2, 3, 1000] {
            let mut reader = RequestReader::new(limits);
            let read = verdict(bytes.as_bytes(), (0..bytes.len()).step_by(step), |received| reader.read(received));
            assert!(matches!(read, Ok(None)));
            let looked_at = reader.bytes_looked_at();
            let linear = bytes.len()..=5 * bytes.len();
            assert!(linear.contains(&looked_at), "{unit:?} in steps of {step}: {looked_at}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_split_have_one_verdict(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_usize, piece()), 0..4),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in prop_oneof![Just(8192_usize), 0..400_usize],
        is_response: bool,
    ) {
        let start = if is_response { RESPONSE } else { SAMPLE };
        let mut bytes: Vec<u8> = start.into();
        for (place, removed, piece) in edits {
            let place = place.index(bytes.len() + 1);
            let end = bytes.len().min(place + removed);
            bytes.splice(place..end, piece);
        }
        let mut lengths: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        lengths.sort_unstable();

        let limits = Limits { bytes: limit, headers: 6 };
        let judge = |lengths: &[usize]| {
            let lengths = lengths.iter().copied();
            if is_response {
                let url = Url::parse("ws://a").unwrap();
                let (_, mut handshake) = Offer::new().with_limits(limits).begin(&url, *b"the sample nonce");
                verdict(&bytes, lengths, |received| {
                    Ok(handshake.read(received)?.map(|established| (established.agreement, established.length)))
                })
            } else {
                let mut reader = RequestReader::new(limits);
                verdict(&bytes, lengths, |received| {
                    let read = reader.read(received)?;
                    read.map(|(request, length)| Ok((request.accept(&Acceptance::new())?.1, length))).transpose()
                })
            }
        };
        let whole: Result<_, HandshakeError> = judge(&[]);
        prop_assert_eq!(judge(&lengths), whole.clone());
        let each: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(judge(&each), whole);
    }

    #[test]
    fn control_characters_are_found_by_words_as_by_bytes(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x1e..0x22_u8, 0x7e..0x82_u8, Just(b'a')], 0..40),
    ) {
        let by_bytes = bytes.iter().take_while(|&&byte| byte >= 0x20).count();
        prop_assert_eq!(until_control(&bytes), by_bytes);
    }

    #[test]
    fn any_bytes_at_all_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&bytes, Limits::default());
    }
}

const RESPONSE: &str = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3),
        prop::sample::select(vec!["\r\n", "\n", "\r", " ", "\t", ":", ",", "\r\n\r\n", "a: b\r\n", "Host: b\r\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}
