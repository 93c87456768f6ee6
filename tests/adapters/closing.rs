//! How connections end.

use std::io::Read;
use std::thread;
use std::time::Duration;

use sockeye::{
    Client, CloseCode, CloseFrame, Config, Due, Ending, Error, IoError, Message, Misuse, Part, Protocol, Role, Side,
    Timeouts,
};

use crate::ends::{Adapter, Link, Place, server};
use crate::peer::{BINARY, CLOSE, Ear, FIN, PING, Peer, TEXT, close_body, frame, request, response};

contract! {
    /// The answer leaves although the user sends nothing, with the code that came.
    both fn the_peer_closes(place) {
        for (body, code) in [(close_body(3000, "안녕"), CloseCode::new(3000)), (vec![], CloseCode::NO_STATUS)] {
            let (mut end, mut peer) = place.open();
            peer.mouth.tell(CLOSE, &body);
            let expected = (code != CloseCode::NO_STATUS).then(|| CloseFrame::new(code, "안녕"));
            assert_eq!(end.receive().unwrap(), Some(Message::Close(expected)));
            peer.ear.hears(CLOSE, if body.is_empty() { b"" } else { &body[..2] });
            assert!(matches!(end.try_send(&"late".into()), Err(IoError::Connection(Error::Misuse(Misuse::Closed)))));
            let ended = thread::spawn(move || (end.receive().unwrap(), end.receive().unwrap(), end.ending().unwrap()));
            bow(place, peer);
            let (first, second, ending) = ended.join().unwrap();
            assert_eq!((first, second), (None, None));
            assert_eq!(ending, Ending { by: Side::Peer, sent: Some(code), received: Some(code), clean: true });
        }
    }

    /// What the peer still sends before it answers is discarded.
    both fn this_end_closes(place) {
        for (frame, body) in
            [(Some(CloseFrame::new(CloseCode::new(4000), "끝")), close_body(4000, "끝")), (None, vec![])]
        {
            let (mut end, mut peer) = place.open();
            let sent = frame.as_ref().map_or(CloseCode::NO_STATUS, |frame| frame.code);
            let closing = thread::spawn(move || {
                let ending = end.close(frame).unwrap();
                assert_eq!(end.receive().unwrap(), None);
                assert_eq!(end.ending(), Some(ending));
                // Closing what is closed says the same again.
                assert_eq!(end.close(None).unwrap(), ending);
                ending
            });
            peer.ear.hears(CLOSE, &body);
            peer.mouth.tell(TEXT, b"unheard");
            peer.mouth.tell(CLOSE, &close_body(1000, ""));
            bow(place, peer);
            let received = Some(CloseCode::NORMAL);
            assert_eq!(
                closing.join().unwrap(),
                Ending { by: Side::Local, sent: Some(sent), received, clean: true }
            );
        }
    }

    /// The rest of a message that was taken in parts is discarded too, whether it ends or not.
    both fn this_end_closes_in_the_middle_of_a_message(place) {
        for last in [0, FIN] {
            let (mut end, mut peer) = place.open();
            peer.mouth.frame(TEXT, b"begun");
            assert_eq!(end.receive_part().unwrap(), Some(Part::Text { text: "begun".into(), last: false }));
            let closing = thread::spawn(move || (end.close(None).unwrap(), end.close(None).unwrap()));
            peer.ear.hears(CLOSE, b"");
            peer.mouth.frame(last, b"unheard");
            peer.mouth.tell(CLOSE, &close_body(1000, ""));
            bow(place, peer);
            let (sent, received) = (Some(CloseCode::NO_STATUS), Some(CloseCode::NORMAL));
            let ending = Ending { by: Side::Local, sent, received, clean: true };
            assert_eq!(closing.join().unwrap(), (ending, ending));
        }
    }

    /// Where the answer to the peer's close frame is the caller's, closing sends it, with a code of the caller's.
    both fn the_caller_answers_the_close_of_the_peer(place) {
        let config = Config::default().auto_close(false);
        let client = Client::new().config(config);
        let (mut end, mut peer) = place.open_with(&client, &server().config(config), b"");
        peer.mouth.tell(CLOSE, &close_body(1001, ""));
        assert!(matches!(end.receive().unwrap(), Some(Message::Close(_))));
        let closing = thread::spawn(move || end.close(Some(CloseFrame::new(CloseCode::new(4001), "안녕"))).unwrap());
        peer.ear.hears(CLOSE, &close_body(4001, "안녕"));
        bow(place, peer);
        let (sent, received) = (Some(CloseCode::new(4001)), Some(CloseCode::GOING_AWAY));
        assert_eq!(closing.join().unwrap(), Ending { by: Side::Peer, sent, received, clean: true });
    }

    /// A sender closes, the receiver sees the rest, messages of before included.
    both fn a_half_closes(place) {
        let (end, mut peer) = place.open();
        let (sender, mut receiver) = end.split();
        sender.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, ""))).unwrap();
        assert!(matches!(sender.close(None), Err(IoError::Connection(Error::Misuse(Misuse::Closed)))));
        peer.ear.hears(CLOSE, &close_body(1001, ""));
        peer.mouth.tell(TEXT, b"last words");
        peer.mouth.tell(CLOSE, &close_body(1001, ""));
        assert_eq!(receiver.receive().unwrap(), Some("last words".into()));
        assert!(matches!(receiver.receive().unwrap(), Some(Message::Close(_))));
        let ended = thread::spawn(move || (receiver.receive().unwrap(), receiver.ending().unwrap().clean));
        bow(place, peer);
        assert_eq!(ended.join().unwrap(), (None, true));
    }

    /// The transport ends without a close frame: no error, and 1006 where one looks.
    both fn the_transport_ends(place) {
        let (mut end, mut peer) = place.open();
        peer.mouth.tell(TEXT, b"last words");
        let cut = frame(FIN | TEXT, b"never whole", peer.mouth.masks());
        peer.mouth.say(&cut[..cut.len() - 1]);
        peer.mouth.end();
        assert_eq!(end.receive().unwrap(), Some("last words".into()));
        assert_eq!(end.receive().unwrap(), None);
        assert_eq!(end.receive().unwrap(), None);
        let ending = end.ending().unwrap();
        assert_eq!(ending, Ending { by: Side::Transport, sent: None, received: None, clean: false });
        assert_eq!(ending.code(), CloseCode::ABNORMAL);
        assert!(matches!(end.try_send(&"late".into()), Err(IoError::Connection(Error::Misuse(Misuse::Closed)))));
        assert_eq!(peer.ear.rest(), b"");
    }

    /// The peer hears 1002 and the end of the stream. The message before is received and can be answered.
    both fn the_peer_breaks_a_rule(place) {
        let (mut end, mut peer) = place.open();
        peer.mouth.tell(TEXT, b"good");
        peer.mouth.frame(FIN | 0x70 | TEXT, b"bad");
        peer.mouth.tell(TEXT, b"too late");
        let received = thread::spawn(move || {
            let good = end.receive().unwrap().unwrap();
            end.send(good).unwrap();
            let error = end.receive().unwrap_err();
            assert!(matches!(error, IoError::Connection(Error::Protocol(Protocol::ReservedBits(7)))), "{error}");
            assert_eq!(end.receive().unwrap(), None);
            end.ending().unwrap()
        });
        peer.ear.hears(TEXT, b"good");
        peer.ear.hears(CLOSE, &close_body(1002, ""));
        assert_eq!(peer.ear.orderly_rest(), b"");
        peer.mouth.end();
        let ending = received.join().unwrap();
        let sent = Some(CloseCode::PROTOCOL_ERROR);
        assert_eq!(ending, Ending { by: Side::Local, sent, received: None, clean: false });
    }

    /// A peer that sends and sends before it reads hears why it failed all the same.
    both fn a_peer_that_is_stuck_in_sending_hears_why_it_failed(place) {
        let (end, peer) = place.open();
        let (sender, mut receiver) = end.split();
        let Peer { mut ear, mut mouth } = peer;
        let sending = thread::spawn(move || sender.send(Message::binary(vec![1; 12 << 20])));
        // This end is stuck in sending as well, which begins before it receives.
        let first = ear.take(1);
        let received = thread::spawn(move || (receiver.receive(), receiver.receive()));
        mouth.frame(FIN | 0x10 | TEXT, b"bad");
        for _ in 0..100 {
            mouth.tell(BINARY, &[0; 100_000]);
        }
        let sent = Ear::of(&mut first.as_slice().chain(&mut ear.stream)).unwrap();
        assert!(sent.first == FIN | BINARY && sent.payload.len() == 12 << 20);
        ear.hears(CLOSE, &close_body(1002, ""));
        mouth.end();
        assert_eq!(ear.rest(), b"");
        sending.join().unwrap().unwrap();
        let (first, second) = received.join().unwrap();
        assert!(matches!(first, Err(IoError::Connection(Error::Protocol(_)))), "{first:?}");
        assert!(matches!(second, Ok(None)), "{second:?}");
    }

    both fn a_peer_that_never_answers_the_close_is_waited_for_in_vain(place) {
        let (mut end, _peer) = impatient(place);
        assert!(matches!(end.close(None), Err(IoError::TimedOut(Due::Close))));
        assert_eq!(end.receive().unwrap(), None);
        let ending = end.ending().unwrap();
        let sent = Some(CloseCode::NO_STATUS);
        assert_eq!(ending, Ending { by: Side::Local, sent, received: None, clean: false });
    }

    /// Sending all the time does not put off the end.
    both fn a_peer_that_never_stops_sending_is_waited_for_in_vain(place) {
        let (mut end, mut peer) = impatient(place);
        let flood = frame(FIN | BINARY, &[0; 1000], peer.mouth.masks());
        let flooding = thread::spawn(move || while peer.mouth.try_say(&flood).is_ok() {});
        assert!(matches!(end.close(None), Err(IoError::TimedOut(Due::Close))));
        drop(end);
        flooding.join().unwrap();
    }

    /// Both close frames have gone over the wire: that the peer keeps the stream is no error.
    both fn a_peer_that_keeps_the_stream_after_the_close_is_left(place) {
        let (mut end, mut peer) = leaving_after(place, Duration::from_secs(2));
        let closing = thread::spawn(move || end.close(None).unwrap());
        peer.ear.hears(CLOSE, b"");
        peer.mouth.tell(CLOSE, b"");
        assert!(closing.join().unwrap().clean);
        drop(peer);
    }

    /// A peer that has gone silent is pinged, and then given up.
    both fn silence_ends_the_connection(place) {
        let (mut end, mut peer) = watchful(place);
        let received = thread::spawn(move || (end.receive(), end.receive(), end.ending().unwrap()));
        peer.ear.hears(PING, b"");
        let (first, second, ending) = received.join().unwrap();
        assert!(matches!(first, Err(IoError::TimedOut(Due::Pong))), "{first:?}");
        assert!(matches!(second, Ok(None)), "{second:?}");
        assert!(!ending.clean);
    }

    /// The same for a caller that sends to a peer which takes nothing, in one piece and in halves.
    both fn a_peer_that_takes_nothing_ends_a_send(place) {
        let large = || Message::binary(vec![1; 12 << 20]);
        let (mut end, _peer) = watchful(place);
        let sent = end.send(large());
        assert!(matches!(sent, Err(IoError::TimedOut(Due::Pong))), "{sent:?}");
        assert!(end.send("late".into()).is_err());

        let (end, _peer) = watchful(place);
        let (sender, mut receiver) = end.split();
        let sending = thread::spawn(move || (sender.send(large()), sender.send("late".into())));
        let received = receiver.receive();
        assert!(matches!(received, Err(IoError::TimedOut(Due::Pong))), "{received:?}");
        let (sent, late) = sending.join().unwrap();
        assert!(sent.is_err() && late.is_err(), "{sent:?}");
    }

    both fn a_peer_that_does_not_shake_hands_is_left(place) {
        let timeouts = Timeouts { handshake: Some(Duration::from_millis(60)), ..Timeouts::default() };
        let (wire, _peer) = place.link();
        let (client, server) = (Client::new().timeouts(timeouts), server().timeouts(timeouts));
        let error = match place.role {
            Role::Server => place.incoming(&server, wire).map(drop),
            Role::Client => place.connect_over(&client, wire).map(drop),
        };
        assert!(matches!(error, Err(IoError::TimedOut(Due::Handshake))), "{error:?}");
    }

    /// A byte of the handshake now and then puts nothing off.
    both fn a_peer_that_drips_its_handshake_is_left(place) {
        // Longer than TLS takes, and shorter than a head of more than 100 bytes.
        let timeouts = Timeouts { handshake: Some(Duration::from_millis(400)), ..Timeouts::default() };
        let (wire, mut peer) = place.link();
        let dripping = thread::spawn(move || {
            let head = match place.role {
                Role::Server => request(""),
                Role::Client => response(&peer.ear.head(), ""),
            };
            head.bytes().all(|byte| {
                thread::sleep(Duration::from_millis(5));
                peer.mouth.try_say(&[byte]).is_ok()
            })
        });
        let (client, server) = (Client::new().timeouts(timeouts), server().timeouts(timeouts));
        let error = match place.role {
            Role::Server => place.incoming(&server, wire).map(drop),
            Role::Client => place.connect_over(&client, wire).map(drop),
        };
        assert!(matches!(error, Err(IoError::TimedOut(Due::Handshake))), "{error:?}");
        assert!(!dripping.join().unwrap(), "the stream has ended");
    }

    /// The close frame of the peer comes while this end is in the middle of sending much.
    both fn the_answer_to_a_close_leaves_behind_what_is_being_sent(place) {
        let (end, mut peer) = place.open();
        let (sender, mut receiver) = end.split();
        let data = vec![1; 3 << 20];
        let message = Message::binary(data.clone());
        let another = sender.another();
        let two = message.clone();
        let senders = [thread::spawn(move || sender.send(message)), thread::spawn(move || another.send(two))];
        // Reading a little shows that the first is under way.
        let head = peer.ear.take(10);
        assert_eq!(head[0], FIN | BINARY);
        peer.mouth.tell(CLOSE, &close_body(1000, ""));
        let received = thread::spawn(move || {
            assert!(matches!(receiver.receive().unwrap(), Some(Message::Close(_))));
            assert_eq!(receiver.receive().unwrap(), None);
            receiver.ending().unwrap()
        });
        peer.ear.take(data.len() + if place.role == Role::Client { 4 } else { 0 });
        // The second was queued before the close frame came, or refused.
        let mut next = peer.ear.frame();
        if next.first == FIN | BINARY {
            assert!(next.payload == data);
            next = peer.ear.frame();
        }
        assert_eq!((next.first, next.payload), (FIN | CLOSE, close_body(1000, "")));
        bow(place, peer);
        assert!(received.join().unwrap().clean);
        senders.into_iter().for_each(|sender| drop(sender.join().unwrap()));
    }
}

/// The peer's part of the end of the transport: a server goes first (RFC 6455 section 7.1.1).
fn bow(place: Place, mut peer: Peer) {
    if place.role == Role::Server {
        assert_eq!(peer.ear.orderly_rest(), b"");
    }
    peer.mouth.end();
    assert_eq!(peer.ear.rest(), b"");
}

/// An open connection that waits a moment for the end.
fn impatient(place: Place) -> (Box<dyn crate::ends::End>, Peer) {
    leaving_after(place, Duration::from_millis(60))
}

/// An open connection that waits so long for the peer to end it: longer than a peer takes that does its part on a machine
/// with much else to do.
fn leaving_after(place: Place, wait: Duration) -> (Box<dyn crate::ends::End>, Peer) {
    let timeouts = Timeouts { close_wait: Some(wait), ..Timeouts::default() };
    place.open_with(&Client::new().timeouts(timeouts), &server().timeouts(timeouts), b"")
}

/// An open connection that soon pings a silent peer, and soon gives it up.
fn watchful(place: Place) -> (Box<dyn crate::ends::End>, Peer) {
    let moment = Some(Duration::from_millis(60));
    let timeouts = Timeouts { ping_interval: moment, pong_wait: moment, ..Timeouts::default() };
    place.open_with(&Client::new().timeouts(timeouts), &server().timeouts(timeouts), b"")
}

/// A stream without halves: the ends of the connection do not wait for each other's end of the stream.
#[test]
fn a_plain_stream_ends_without_waiting_for_the_peer() {
    use sockeye::blocking::{Plain, accept, connect_over};
    crate::ends::run(|| {
        for server_closes in [true, false] {
            let (one, other) = crate::pipe::pipe();
            let server = thread::spawn(move || {
                let mut server = accept(Plain(one)).unwrap();
                if server_closes {
                    server.close(None).unwrap()
                } else {
                    while server.receive().unwrap().is_some() {}
                    server.ending().unwrap()
                }
            });
            let mut client = connect_over(&Client::new(), "ws://localhost/", Plain(other)).unwrap();
            if server_closes {
                while client.receive().unwrap().is_some() {}
            } else {
                client.close(None).unwrap();
            }
            assert!(client.ending().unwrap().clean);
            assert!(server.join().unwrap().clean);
        }
    });
}

/// A peer that reads slowly and says nothing is alive: the deadlines of a split connection do not end it.
#[test]
fn a_slow_peer_does_not_end_a_send_of_a_half() {
    crate::ends::run(|| {
        let (link, adapter, role) = (Link::Memory, Adapter::Blocking, Role::Server);
        let silence = Some(Duration::from_millis(300));
        let timeouts = Timeouts { ping_interval: silence, pong_wait: silence, ..Timeouts::default() };
        let server = server().timeouts(timeouts);
        let (end, mut peer) = Place { adapter, role, link }.open_with(&Client::new(), &server, b"");
        let (sender, mut receiver) = end.split();
        let receiving = thread::spawn(move || receiver.receive());
        let sending = thread::spawn(move || sender.send(Message::binary(vec![1; 1 << 20])));
        // Twice as long as a peer may be silent that takes nothing.
        for _ in 0..60 {
            thread::sleep(Duration::from_millis(20));
            peer.ear.take(16 << 10);
        }
        peer.ear.take((1 << 20) + 10 - 60 * (16 << 10));
        sending.join().unwrap().unwrap();
        peer.mouth.tell(TEXT, b"all there");
        assert_eq!(receiving.join().unwrap().unwrap(), Some("all there".into()));
    });
}

/// The deadline of the opening handshake is one for all of its writes.
#[test]
fn a_peer_that_takes_a_response_byte_by_byte_is_left() {
    use std::io::Write;

    struct Slow(crate::scripted::Script);
    impl Read for Slow {
        fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
            Read::read(&mut self.0, space)
        }
    }
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            thread::sleep(Duration::from_millis(10));
            self.0.write(&bytes[..1])
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl sockeye::blocking::Transport for Slow {
        fn set_wait(&mut self, _: Option<Duration>) -> std::io::Result<()> {
            Ok(())
        }
        fn shut_down(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let script = crate::scripted::Script::new();
    script.tell(crate::peer::request("").as_bytes());
    let timeouts = Timeouts { handshake: Some(Duration::from_millis(200)), ..Timeouts::default() };
    let accepted = sockeye::blocking::accept_with(&server().timeouts(timeouts), Slow(script));
    assert!(matches!(accepted, Err(IoError::TimedOut(Due::Handshake))), "{accepted:?}");
}
