//! Handshakes that somebody else carries, such as an HTTP library.

use sockeye::deflate::Options;
use sockeye::handshake::{HandshakeError, Misuse, Offer, Request, Response, Url, Version};
use sockeye::{Client, IoError, Role, Upgrade, Upgrading};

use crate::ends::{Link, Place, server};
use crate::peer::{CLOSE, FIN, PING, PONG, TEXT, close_body, frame};

contract! {
    /// What the library has read too much is not lost: a whole frame and the half of another.
    both fn a_connection_goes_on_where_the_library_ends(place) {
        // A client's TLS comes with a handshake of the adapter's own; an HTTP library brings its own.
        if (place.link, place.role) == (Link::Tls, Role::Client) {
            return;
        }
        let (wire, mut peer) = place.link();
        let (first, second) = ("바로".as_bytes(), "뒤에".as_bytes());
        let told = [frame(FIN | TEXT, first, peer.mouth.masks()), frame(FIN | TEXT, second, peer.mouth.masks())].concat();
        let (unread, rest) = told.split_at(told.len() - 3);
        let mut end = place.upgraded(upgrade(place.role), wire, unread);
        assert_eq!(end.subprotocol().as_deref(), Some("chat.v1"));
        assert_eq!(end.receive().unwrap(), Some("바로".into()));
        peer.mouth.say(rest);
        assert_eq!(end.receive().unwrap(), Some("뒤에".into()));
        end.send("그래".into()).unwrap();
        peer.ear.hears(TEXT, "그래".as_bytes());
        peer.mouth.tell(PING, b"?");
        peer.mouth.tell(CLOSE, &close_body(1000, ""));
        peer.mouth.end();
        while end.receive().unwrap().is_some() {}
        peer.ear.hears(PONG, b"?");
        peer.ear.hears(CLOSE, &close_body(1000, ""));
        assert!(end.ending().unwrap().clean);
    }
}

/// Both ends of one handshake, carried as values.
fn agree() -> (Upgrade, Upgrade) {
    let client = Client::new().offer(Offer::new().with_subprotocol("chat.v1").unwrap());
    let (request, upgrading) = begin(&client);
    let (response, served) = server().subprotocols(["chat.v2", "chat.v1"]).answer(&request).unwrap();
    (served, upgrading.finish(&response).unwrap())
}

fn upgrade(role: Role) -> Upgrade {
    let (served, connected) = agree();
    match role {
        Role::Server => served,
        Role::Client => connected,
    }
}

fn begin(client: &Client) -> (Request, Upgrading) {
    client.begin(&Url::parse("ws://localhost/here?x=1").unwrap()).unwrap()
}

fn headers(response: &Response) -> Vec<(&str, &str)> {
    response.headers().map(|(name, value)| (name, std::str::from_utf8(value).unwrap())).collect()
}

/// The request, with these headers more.
fn with(request: &Request, more: &[(&str, &str)]) -> Request {
    let headers = request.headers().chain(more.iter().map(|(name, value)| (*name, value.as_bytes())));
    Request::new("GET", request.target(), Version::Http11, headers).unwrap()
}

#[test]
fn compression_is_answered_where_both_want_it() {
    let (plain, deflating) = (Client::new(), Client::new().deflate(Options::new()));
    let extensions = |response: &Response| response.header("Sec-WebSocket-Extensions").map(String::from);
    let (request, upgrading) = begin(&deflating);
    let (response, _) = server().deflate(Options::new()).answer(&request).unwrap();
    assert!(extensions(&response).unwrap().starts_with("permessage-deflate"), "{response:?}");
    upgrading.finish(&response).unwrap();
    for (client, server) in [(&plain, server().deflate(Options::new())), (&deflating, server())] {
        let (request, upgrading) = begin(client);
        let (response, _) = server.answer(&request).unwrap();
        assert_eq!(extensions(&response), None);
        upgrading.finish(&response).unwrap();
    }
}

#[test]
fn an_acceptance_of_the_callers_has_its_cookie_and_its_judgement_of_the_origin() {
    let (request, upgrading) = begin(&Client::new().offer(Offer::new().with_subprotocol("chat.v1").unwrap()));
    let server = server().subprotocols(["chat.v1"]).deflate(Options::new());
    let acceptance = server.acceptance(&request).unwrap().with_header("Set-Cookie", "visits=2; HttpOnly").unwrap();
    let (response, upgrade) = server.answer_as(&request, &acceptance).unwrap();
    assert_eq!(headers(&response).last(), Some(&("Set-Cookie", "visits=2; HttpOnly")));
    assert_eq!(upgrade.subprotocol(), Some("chat.v1"));
    assert_eq!(upgrading.finish(&response).unwrap().subprotocol(), Some("chat.v1"));

    let foreign = with(&request, &[("Origin", "https://evil.example")]);
    assert!(matches!(server.answer(&foreign), Err(HandshakeError::ForbiddenOrigin)));
    assert!(matches!(server.acceptance(&foreign), Err(HandshakeError::ForbiddenOrigin)));
    assert_eq!(server.answer_as(&foreign, &acceptance).unwrap().0.status(), 101);
    let unasked = acceptance.with_subprotocol("other").unwrap();
    let error = server.answer_as(&request, &unasked).unwrap_err();
    assert_eq!(error, HandshakeError::Misuse(Misuse::UnrequestedSubprotocol));
}

#[test]
fn a_client_takes_no_response_but_the_right_one() {
    let offer = Offer::new().with_subprotocol("chat.v1").unwrap();
    let client = Client::new().offer(offer).deflate(Options::new());
    // With another status, or another value of one header; the names in small letters, as HTTP libraries have them.
    let finish = |status: u16, changed: &str, by: &str| {
        let (request, upgrading) = begin(&client);
        let (response, _) = server().subprotocols(["chat.v1"]).deflate(Options::new()).answer(&request).unwrap();
        let change =
            |(name, value): (&str, _)| (name.to_lowercase(), String::from(if name == changed { by } else { value }));
        let received = Response::received(status, headers(&response).into_iter().map(change)).unwrap();
        upgrading.finish(&received).map(|upgrade| upgrade.subprotocol().map(String::from))
    };
    assert_eq!(finish(101, "", "").unwrap().as_deref(), Some("chat.v1"));
    match finish(403, "", "") {
        Err(IoError::Handshake(HandshakeError::Refused(response))) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
    let wrong = finish(101, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(matches!(wrong, Err(IoError::Handshake(HandshakeError::WrongHeader("Sec-WebSocket-Accept")))));
    let wrong = finish(101, "Sec-WebSocket-Protocol", "chat.v2");
    assert!(matches!(wrong, Err(IoError::Handshake(HandshakeError::UnofferedSubprotocol))));
    let wrong = finish(101, "Sec-WebSocket-Extensions", "permessage-bzip2");
    assert!(matches!(wrong, Err(IoError::Handshake(HandshakeError::UnofferedExtension))));
    let wrong = finish(101, "Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=16");
    assert!(matches!(wrong, Err(IoError::Deflate(_))));
}

#[test]
fn two_handshakes_of_one_client_have_two_keys() {
    let client = Client::new();
    let ((one, _), (other, upgrading)) = (begin(&client), begin(&client));
    assert_ne!(one.header("Sec-WebSocket-Key"), other.header("Sec-WebSocket-Key"));
    let (response, _) = server().answer(&one).unwrap();
    assert!(upgrading.finish(&response).is_err(), "an answer to another request");
}
