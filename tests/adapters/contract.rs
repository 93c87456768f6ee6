//! Messages and control frames.

use std::thread;

use sockeye::bytes::Bytes;
use sockeye::{Broadcast, CloseCode, CloseFrame, Config, Error, IoError, Message, Misuse, Part, Role};

use crate::ends::{Place, server};
use crate::peer::{BINARY, CLOSE, FIN, PING, PONG, TEXT, close_body, frame};

contract! {
    both fn messages_go_both_ways(place) {
        let (mut end, mut peer) = place.open();
        for text in ["연어가 돌아왔다", "🐟🐠", "", "x"] {
            peer.mouth.tell(TEXT, text.as_bytes());
            let message = end.receive().unwrap().unwrap();
            assert_eq!(message, Message::text(text));
            end.send(message).unwrap();
            peer.ear.hears(TEXT, text.as_bytes());
        }
        for length in [0, 1, 125, 126, 65_535, 65_536, 200_000] {
            let data: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let mut mouth = peer.mouth;
            let told = data.clone();
            let telling = thread::spawn(move || {
                mouth.tell(BINARY, &told);
                mouth
            });
            let message = end.receive().unwrap().unwrap();
            peer.mouth = telling.join().unwrap();
            assert!(message == Message::binary(data.clone()), "{length} bytes");
            end.feed(message).unwrap();
            let mut ear = peer.ear;
            let hearing = thread::spawn(move || {
                ear.hears(BINARY, &data);
                ear
            });
            end.flush().unwrap();
            peer.ear = hearing.join().unwrap();
        }
    }

    /// What comes in the same read as the handshake is kept.
    both fn a_message_comes_right_behind_the_handshake(place) {
        let told: &'static [u8] = frame(FIN | TEXT, "바로".as_bytes(), place.role == Role::Server).leak();
        let (mut end, mut peer) = place.open_with(&sockeye::Client::new(), &server(), told);
        assert_eq!(end.receive().unwrap(), Some("바로".into()));
        end.send("그래".into()).unwrap();
        peer.ear.hears(TEXT, "그래".as_bytes());
    }

    both fn fragments_become_one_message(place) {
        let (mut end, mut peer) = place.open();
        let text = "강을 거슬러".as_bytes();
        peer.mouth.frame(TEXT, &text[..1]);
        peer.mouth.tell(PING, b"between");
        peer.mouth.frame(0, &text[1..8]);
        peer.mouth.frame(0, b"");
        peer.mouth.frame(FIN, &text[8..]);
        assert_eq!(end.receive().unwrap(), Some(Message::Ping(Bytes::from_static(b"between"))));
        assert_eq!(end.receive().unwrap(), Some("강을 거슬러".into()));
        peer.ear.hears(PONG, b"between");
    }

    /// Byte by byte, each in a read of its own as far as the link allows.
    both fn a_message_comes_byte_by_byte(place) {
        let (mut end, mut peer) = place.open();
        let told = frame(FIN | TEXT, "한 바이트씩".as_bytes(), peer.mouth.masks());
        let telling = thread::spawn(move || {
            told.iter().for_each(|byte| peer.mouth.say(&[*byte]));
            peer
        });
        assert_eq!(end.receive().unwrap(), Some("한 바이트씩".into()));
        telling.join().unwrap();
    }

    /// The pong leaves with the call that returns the ping: the user need not send, nor call again.
    both fn a_ping_is_answered_by_receiving_alone(place) {
        let (mut end, mut peer) = place.open();
        for payload in [&b""[..], b"1", &[7; 125]] {
            peer.mouth.tell(PING, payload);
            assert_eq!(end.receive().unwrap(), Some(Message::Ping(Bytes::copy_from_slice(payload))));
            peer.ear.hears(PONG, payload);
        }
        peer.mouth.tell(PONG, b"unasked");
        assert_eq!(end.receive().unwrap(), Some(Message::Pong(Bytes::from_static(b"unasked"))));
    }

    both fn what_was_fed_leaves_while_receiving(place) {
        let (mut end, mut peer) = place.open();
        end.feed("하나".into()).unwrap();
        end.try_send(&"둘".into()).unwrap();
        let receiving = thread::spawn(move || end.receive().unwrap());
        peer.ear.hears(TEXT, "하나".as_bytes());
        peer.ear.hears(TEXT, "둘".as_bytes());
        peer.mouth.tell(TEXT, b"enough");
        assert_eq!(receiving.join().unwrap(), Some("enough".into()));
    }

    both fn what_has_no_meaning_is_refused_and_changes_nothing(place) {
        let (mut end, mut peer) = place.open();
        let long = Message::Ping(Bytes::from_static(&[0; 126]));
        let code = Message::Close(Some(CloseFrame::new(CloseCode::ABNORMAL, "")));
        let refused = |error| matches!(error, Err(IoError::Connection(Error::Misuse(_))));
        assert!(refused(end.try_send(&long)));
        assert!(refused(end.send(code)));
        assert!(matches!(
            end.close(Some(CloseFrame::new(CloseCode::NO_STATUS, ""))),
            Err(IoError::Connection(Error::Misuse(Misuse::CloseCode(CloseCode::NO_STATUS))))
        ));
        end.send("still here".into()).unwrap();
        peer.ear.hears(TEXT, b"still here");
    }

    server fn a_broadcast_is_one_message_among_others(place) {
        let (mut end, mut peer) = place.open();
        let news = Broadcast::text("소식");
        end.try_send(&"before".into()).unwrap();
        end.try_broadcast(&news).unwrap();
        end.try_broadcast(&Broadcast::binary(&[5; 5000])).unwrap();
        end.send("after".into()).unwrap();
        peer.ear.hears(TEXT, b"before");
        peer.ear.hears(TEXT, "소식".as_bytes());
        peer.ear.hears(BINARY, &[5; 5000]);
        peer.ear.hears(TEXT, b"after");
    }

    client fn a_client_has_no_broadcast(place) {
        let (mut end, _peer) = place.open();
        assert!(matches!(
            end.try_broadcast(&Broadcast::text("소식")),
            Err(IoError::Connection(Error::Misuse(Misuse::UnmaskedBroadcast)))
        ));
    }

    both fn a_message_past_the_limit_is_refused_with_1009(place) {
        let config = Config::default().message_limit(1000);
        let client = sockeye::Client::new().config(config);
        let (mut end, mut peer) = place.open_with(&client, &server().config(config), b"");
        peer.mouth.tell(BINARY, &[1; 1000]);
        assert!(end.receive().unwrap().is_some());
        peer.mouth.tell(BINARY, &[1; 1001]);
        let receiving = thread::spawn(move || (end.receive(), end.receive()));
        peer.ear.hears(CLOSE, &close_body(1009, ""));
        peer.bow();
        let (first, second) = receiving.join().unwrap();
        assert!(matches!(first, Err(IoError::Connection(Error::Limit(_)))), "{first:?}");
        assert!(matches!(second, Ok(None)), "{second:?}");
    }

    /// Parts come before their message has ended, text in whole code points, and a halved connection gives them too.
    both fn a_message_comes_in_parts(place) {
        let (mut end, mut peer) = place.open();
        let text = "물고기".as_bytes();
        peer.mouth.frame(TEXT, &text[..4]);
        let part = |text: &str, last| Some(Part::Text { text: text.into(), last });
        assert_eq!(end.receive_part().unwrap(), part("물", false));
        let refused = end.receive();
        assert!(matches!(refused, Err(IoError::Connection(Error::Misuse(Misuse::MessageInPieces)))), "{refused:?}");
        let (sender, mut receiver) = end.split();
        peer.mouth.tell(PING, b"between");
        assert_eq!(receiver.receive_part().unwrap(), Some(Part::Ping(Bytes::from_static(b"between"))));
        peer.ear.hears(PONG, b"between");
        peer.mouth.frame(FIN, &text[4..]);
        let (mut so_far, mut ended) = (Vec::new(), false);
        while !ended {
            match receiver.receive_part().unwrap() {
                Some(Part::Text { text, last }) => {
                    so_far.extend_from_slice(text.as_bytes());
                    ended = last;
                }
                other => panic!("expected the rest of the text, got {other:?}"),
            }
        }
        assert_eq!(so_far, "고기".as_bytes());
        peer.mouth.tell(BINARY, &[1, 2]);
        assert_eq!(receiver.receive().unwrap(), Some(Message::binary(vec![1, 2])), "and then a whole one");
        drop(sender);
    }

    /// While a message is open, control frames may go between its parts and other messages may not.
    both fn a_message_is_sent_in_parts(place) {
        let (mut end, mut peer) = place.open();
        end.send_part(Part::Text { text: "강을 ".into(), last: false }).unwrap();
        peer.ear.hears_frame(TEXT, "강을 ".as_bytes());
        let refused = end.send("다른 말".into());
        assert!(matches!(refused, Err(IoError::Connection(Error::Misuse(Misuse::MessageOpen)))), "{refused:?}");
        end.send_part(Part::Ping(Bytes::from_static(b"between"))).unwrap();
        peer.ear.hears(PING, b"between");
        let (sender, receiver) = end.split();
        sender.send_part(Part::Text { text: "거슬러".into(), last: true }).unwrap();
        peer.ear.hears(0, "거슬러".as_bytes());
        sender.send("다른 말".into()).unwrap();
        peer.ear.hears(TEXT, "다른 말".as_bytes());
        drop(receiver);
    }
}
