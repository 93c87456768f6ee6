//! The opening handshake.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use sockeye::handshake::{HandshakeError, Offer, OriginPolicy, Response};
use sockeye::{Client, IoError, Server, Timeouts};

use crate::ends::{Link, Place, server};
use crate::peer::{Peer, TEXT, request, response};

contract! {
    server fn a_server_sees_the_request_and_chooses_a_subprotocol(place) {
        let server = server().subprotocols(["chat.v2", "chat.v1"]);
        let (wire, mut peer) = place.link();
        let more = "Sec-WebSocket-Protocol: other, chat.v1\r\nX-Token: 열쇠\r\n";
        peer.mouth.say(request(more).as_bytes());
        let asking = place.incoming(&server, wire).unwrap();
        assert!(asking.request().is_upgrade());
        assert_eq!((asking.request().path(), asking.request().query()), ("/here", Some("x=1")));
        assert_eq!(asking.request().header("x-token"), Some("열쇠"));
        let end = asking.accept().unwrap();
        assert_eq!(end.subprotocol().as_deref(), Some("chat.v1"));
        let head = peer.ear.head();
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        assert!(head.contains("\r\nSec-WebSocket-Protocol: chat.v1\r\n"), "{head}");
    }

    server fn a_foreign_origin_gets_403(place) {
        let (error, answer) = refused(place, &server(), &request("Origin: https://evil.example\r\n"));
        assert!(matches!(error, IoError::Handshake(HandshakeError::ForbiddenOrigin)), "{error}");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        let list = Server::new(OriginPolicy::List(vec!["https://good.example".into()]));
        let (_, answer) = refused(place, &list, &request("Origin: https://evil.example\r\n"));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        let (wire, mut peer) = place.link();
        peer.mouth.say(request("Origin: https://good.example\r\n").as_bytes());
        place.incoming(&list, wire).unwrap().accept().unwrap();
        assert!(peer.ear.head().starts_with("HTTP/1.1 101 "));
    }

    server fn garbage_gets_400(place) {
        let (error, answer) = refused(place, &server(), "연어\r\n\r\n");
        assert!(matches!(error, IoError::Handshake(HandshakeError::Malformed(_))), "{error}");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }

    /// It is not read to its end before it is refused.
    server fn a_giant_gets_431(place) {
        let giant = request(&format!("X-Giant: {}\r\n", "x".repeat(30_000)));
        let (error, answer) = refused(place, &server(), &giant);
        assert!(matches!(error, IoError::Handshake(HandshakeError::HeadTooLong(_))), "{error}");
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        let many = request(&"X-Many: 1\r\n".repeat(100));
        let (error, answer) = refused(place, &server(), &many);
        assert!(matches!(error, IoError::Handshake(HandshakeError::TooManyHeaders(_))), "{error}");
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    /// A peer that is gone before it hears why changes nothing of why.
    server fn the_error_is_the_requests_also_where_the_peer_is_gone(place) {
        let (wire, mut peer) = place.link();
        peer.mouth.say(b"garbage\r\n\r\n");
        drop(peer);
        let server = server();
        let error = place.incoming(&server, wire).map(drop).unwrap_err();
        assert!(matches!(error, IoError::Handshake(HandshakeError::Malformed(_))), "{error}");
    }

    /// Nor does it keep the server busy by going on.
    server fn a_peer_that_is_refused_and_never_stops_is_left(place) {
        let (wire, Peer { ear, mut mouth }) = place.link();
        let talking = thread::spawn(move || while mouth.try_say(&[b'x'; 10_000]).is_ok() {});
        let timeouts = Timeouts { close_wait: Some(Duration::from_millis(60)), ..Timeouts::default() };
        let server = server().timeouts(timeouts);
        let error = place.incoming(&server, wire).map(drop).unwrap_err();
        assert!(matches!(error, IoError::Handshake(HandshakeError::HeadTooLong(_))), "{error}");
        drop(ear);
        talking.join().unwrap();
    }

    server fn a_page_is_served_on_the_same_port(place) {
        let (wire, mut peer) = place.link();
        peer.mouth.say(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer.mouth.end();
        let server = server();
        let asking = place.incoming(&server, wire).unwrap();
        assert!(!asking.request().is_upgrade());
        asking.respond(&Response::new(200).unwrap().with_body("쪽")).unwrap();
        let head = peer.ear.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(peer.ear.orderly_rest(), "쪽".as_bytes());
    }

    server fn what_follows_a_request_is_handed_over_with_it(place) {
        let (wire, mut peer) = place.link();
        peer.mouth.say(b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody");
        let server = server();
        let asking = place.incoming(&server, wire).unwrap();
        assert_eq!(asking.request().method(), "POST");
        assert_eq!(&asking.into_rest()[..], b"body");
    }

    server fn a_request_that_is_cut_is_an_error(place) {
        let (wire, mut peer) = place.link();
        peer.mouth.say(b"GET / HTTP/1.1\r\nHost: loc");
        peer.mouth.end();
        let server = server();
        let error = place.incoming(&server, wire).map(drop).unwrap_err();
        assert!(matches!(error, IoError::HandshakeCut), "{error}");
    }

    client fn a_client_offers_and_learns_what_was_chosen(place) {
        let offer = Offer::new().with_subprotocol("chat.v1").unwrap().with_header("X-Token", "열쇠").unwrap();
        let (head, connected) = answered(place, &Client::new().offer(offer), |request| {
            response(request, "Sec-WebSocket-Protocol: chat.v1\r\n")
        });
        // With TLS there is a server for each test, on a port of its own.
        let host = if place.link == Link::Tls { "localhost:" } else { "localhost\r\n" };
        assert!(head.starts_with(&format!("GET /here?x=1 HTTP/1.1\r\nHost: {host}")), "{head}");
        assert!(head.contains("\r\nX-Token: 열쇠\r\n") && head.contains("\r\nSec-WebSocket-Protocol: chat.v1\r\n"));
        assert_eq!(connected.unwrap().subprotocol().as_deref(), Some("chat.v1"));
    }

    client fn a_refusal_is_handed_over(place) {
        for (status, more) in [(404, ""), (401, "WWW-Authenticate: Basic\r\n"), (302, "Location: /elsewhere\r\n")] {
            let (_, connected) = answered(place, &Client::new(), |_| {
                format!("HTTP/1.1 {status} Whatever\r\n{more}Content-Length: 0\r\n\r\n")
            });
            match connected.map(drop) {
                Err(IoError::Handshake(HandshakeError::Refused(response))) => {
                    assert_eq!(response.status(), status);
                    assert_eq!(response.header("Location"), (status == 302).then_some("/elsewhere"));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }

    client fn a_wrong_response_is_an_error(place) {
        let cases: [(&str, IsRight); 4] = [
            ("HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n", |error| {
                matches!(error, IoError::Handshake(HandshakeError::WrongHeader("Sec-WebSocket-Accept")))
            }),
            ("연어\r\n\r\n", |error| matches!(error, IoError::Handshake(HandshakeError::Malformed(_)))),
            ("HTTP/1.1 101 Sure\r\nUpgra", |error| matches!(error, IoError::HandshakeCut)),
            ("", |error| matches!(error, IoError::HandshakeCut)),
        ];
        for (text, is_right) in cases {
            let (_, connected) = answered(place, &Client::new(), |_| text.into());
            let error = connected.map(drop).unwrap_err();
            assert!(is_right(&error), "{text:?}: {error}");
        }
    }

    client fn a_giant_response_is_an_error(place) {
        let (_, connected) = answered(place, &Client::new(), |request| {
            response(request, &format!("X-Giant: {}\r\n", "x".repeat(30_000)))
        });
        let error = connected.map(drop).unwrap_err();
        assert!(matches!(error, IoError::Handshake(HandshakeError::HeadTooLong(_))), "{error}");
    }

    /// Over a socket of the adapter's own making.
    client fn a_client_connects_by_url(place) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            let mut peer = Peer::new(sockeye::Role::Client, stream.try_clone().unwrap(), stream);
            let head = peer.shake(sockeye::Role::Client, b"");
            peer.mouth.tell(TEXT, b"hello");
            (head, peer)
        });
        let mut end = place.connect(&format!("ws://{address}/chat")).unwrap();
        assert_eq!(end.receive().unwrap(), Some("hello".into()));
        let (head, _peer) = accepting.join().unwrap();
        assert!(head.starts_with(&format!("GET /chat HTTP/1.1\r\nHost: {address}\r\n")), "{head}");
    }

    client fn a_client_cannot_connect(place) {
        let error = |url: &str| place.connect(url).map(drop).unwrap_err();
        // Nobody listens where a listener was a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        match error(&format!("ws://{address}/")) {
            IoError::Io(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
            other => panic!("{other}"),
        }
        assert!(matches!(error("http://localhost/"), IoError::Handshake(HandshakeError::Url(_))));
    }
}

type IsRight = fn(&IoError) -> bool;

/// What a server that refuses a request says, to its caller and to the peer, which reads it in peace.
fn refused(place: Place, server: &Server, request: &str) -> (IoError, String) {
    let (wire, peer) = place.link();
    let Peer { mut ear, mut mouth } = peer;
    let request = String::from(request);
    let asking = thread::spawn(move || {
        // A server that refuses early may not take all of it.
        let _ = mouth.try_say(request.as_bytes());
        mouth.end();
        mouth
    });
    let hearing = thread::spawn(move || String::from_utf8(ear.orderly_rest()).unwrap());
    let error = place.incoming(server, wire).and_then(|asking| asking.accept().map(drop)).unwrap_err();
    let _mouth = asking.join().unwrap();
    (error, hearing.join().unwrap())
}

/// What a client says to a server and makes of its answer.
fn answered(
    place: Place,
    client: &Client,
    answer: impl FnOnce(&str) -> String + Send,
) -> (String, Result<Box<dyn crate::ends::End>, IoError>) {
    let (wire, mut peer) = place.link();
    thread::scope(|scope| {
        let answering = scope.spawn(move || {
            let head = peer.ear.head();
            let _ = peer.mouth.try_say(answer(&head).as_bytes());
            peer.mouth.end();
            head
        });
        let connected = place.connect_over(client, wire);
        (answering.join().unwrap(), connected)
    })
}
