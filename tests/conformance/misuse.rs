//! What a caller does that has no meaning: deterministic, never the peer's doing, and as if it had not been done.

use sockeye::close::CloseError;
use sockeye::{Broadcast, CloseCode, CloseFrame, Config, Error, Message, Misuse, Opcode, Outbox, Protocol, Role};

use crate::common::*;
use crate::states::states;

/// Does all that can go on from any state, and returns what came of it.
fn go_on(mut end: End) -> (Vec<u8>, Vec<Seen>, Option<Error>, String) {
    let peer = end.role.peer();
    let End { connection, outbox, .. } = &mut end;
    let results = [
        connection.send_text_fragment("b", true, outbox),
        connection.send_text("after", outbox),
        connection.ping(b"after", outbox),
    ];
    end.read(Door::Whole, &[whole(peer, PING, "p"), whole(peer, CONTINUATION, "b")].concat());
    end.read(Door::Whole, &close(peer, 1000, ""));
    let End { connection, outbox, .. } = &mut end;
    let closed = connection.close(None, outbox);
    let questions = (connection.is_open(), connection.is_closing(), connection.duty(), connection.ending());
    (drain(&mut end.outbox), end.seen, end.error, format!("{results:?} {closed:?} {questions:?}"))
}

type Call = (&'static str, fn(&mut End) -> Result<(), Error>);

/// Every misuse, in every state: where a call is refused, nothing has changed.
const CALLS: [Call; 12] = [
    ("text", |end| end.connection.send_text("x", &mut end.outbox)),
    ("binary", |end| end.connection.send_binary(b"x", &mut end.outbox)),
    ("shared", |end| end.connection.send(&Message::binary(vec![0; 5000]), &mut end.outbox)),
    ("other kind", |end| end.connection.send_binary_fragment(b"x", true, &mut end.outbox)),
    ("broadcast", |end| end.connection.broadcast(&Broadcast::text("x"), &mut end.outbox)),
    ("long ping", |end| end.connection.ping(&[0; 126], &mut end.outbox)),
    ("long pong", |end| end.connection.pong(&[0; 126], &mut end.outbox)),
    ("ping", |end| end.connection.ping(b"x", &mut end.outbox)),
    ("close with 1005", |end| end.connection.close(Some(&CloseFrame::new(CloseCode::NO_STATUS, "")), &mut end.outbox)),
    ("close with a long reason", |end| {
        end.connection.close(Some(&CloseFrame::new(CloseCode::NORMAL, "x".repeat(124))), &mut end.outbox)
    }),
    ("close", |end| end.connection.send(&Message::Close(None), &mut end.outbox)),
    ("outbox full", |end| {
        let mut full = Outbox::with_limit(1);
        let (text, ping) = (end.connection.send_text("", &mut full), end.connection.ping(b"", &mut full));
        let fragment = end.connection.send_text_fragment("", false, &mut full);
        assert!(text.is_err() && ping.is_err() && fragment.is_err() && full.is_empty());
        text
    }),
];

#[test]
fn what_is_refused_leaves_the_connection_as_it_was() {
    let mut refused = 0;
    for role in ROLES {
        for (i, (state, twin)) in states(role).into_iter().enumerate() {
            let expected = go_on(twin);
            for (name, call) in CALLS {
                let mut end = states(role).swap_remove(i).1;
                let before = format!("{:?} {:?}", end.connection, end.inbox);
                let Err(error) = call(&mut end) else { continue };
                refused += 1;
                let again = call(&mut end);
                assert_eq!(again, Err(error), "{role:?}, {state}, {name}: deterministic");
                assert!(end.outbox.is_empty(), "{role:?}, {state}, {name}");
                assert_eq!(format!("{:?} {:?}", end.connection, end.inbox), before, "{role:?}, {state}, {name}");
                assert_eq!(go_on(end), expected, "{role:?}, {state}, {name}");
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn a_broadcast_is_a_servers() {
    let mut end = End::new(Role::Client);
    let result = end.connection.broadcast(&Broadcast::text("news"), &mut end.outbox);
    assert_eq!(result, Err(Misuse::UnmaskedBroadcast.into()));
    assert!(end.outbox.is_empty());

    let mut end = End::new(Role::Server);
    end.connection.send_text_fragment("a", false, &mut end.outbox).unwrap();
    let result = end.connection.broadcast(&Broadcast::text("news"), &mut end.outbox);
    assert_eq!(result, Err(Misuse::MessageOpen.into()));
}

#[test]
fn a_message_that_began_in_pieces_ends_in_pieces() {
    for role in ROLES {
        let peer = role.peer();
        let mut end = End::new(role);
        end.read(Door::Pieces, &part(peer, BINARY, "abc"));
        assert_eq!(end.open, Some((BINARY, b"abc".to_vec())));
        end.inbox.extend(&[whole(peer, PING, "p"), whole(peer, CONTINUATION, "def"), whole(peer, TEXT, "g")].concat());
        for _ in 0..3 {
            let result = end.connection.receive(&mut end.inbox, &mut end.outbox).map(|_| ());
            assert_eq!(result, Err(Misuse::MessageInPieces.into()));
        }
        assert!(end.connection.is_open() && end.outbox.is_empty());
        assert_eq!(end.receive_piece(), Ok(true));
        assert_eq!(end.receive_piece(), Ok(true));
        // Its end has come: the next may be taken whole again.
        assert_eq!(end.receive(), Ok(true));
        assert_eq!(end.seen, [Seen::Ping(b"p".into()), Seen::binary("abcdef"), Seen::text("g")]);
        assert_eq!(end.error, None);
    }
}

#[test]
fn a_message_that_began_whole_may_end_in_pieces() {
    for role in ROLES {
        let mut end = End::new(role);
        let bytes = whole(role.peer(), TEXT, "물고기");
        let (first, rest) = bytes.split_at(bytes.len() - 4);
        end.read(Door::Whole, first);
        assert_eq!(end.open, None);
        end.read(Door::Pieces, &[]);
        // Whole code points only.
        assert_eq!(end.open, Some((TEXT, "물".into())));
        end.read(Door::Pieces, rest);
        assert_eq!(end.seen, [Seen::text("물고기")]);
    }
}

#[test]
fn every_error_says_what_was_expected_and_what_to_do() {
    let misuses = [
        Misuse::Closed,
        Misuse::MessageOpen,
        Misuse::OtherKind(Opcode::Text),
        Misuse::LongControl(126),
        Misuse::CloseCode(CloseCode::NO_STATUS),
        Misuse::UnmaskedBroadcast,
        Misuse::MessageInPieces,
    ];
    for misuse in misuses {
        let error = Error::from(misuse);
        assert!(error.to_string().starts_with("expected ") && error.to_string().contains(": "), "{error}");
        assert_eq!(error.close_code(), None, "the peer hears nothing of it");
    }
    let config = Config::default().auto_pong(true);
    assert_eq!(config, Config::default());
}

#[test]
fn an_error_names_the_frame_and_the_code_that_came() {
    let names = [
        (Opcode::Continuation, "a continuation frame"),
        (Opcode::Text, "a text frame"),
        (Opcode::Binary, "a binary frame"),
        (Opcode::Close, "a close frame"),
        (Opcode::Ping, "a ping frame"),
        (Opcode::Pong, "a pong frame"),
    ];
    for (opcode, expected) in names {
        let text = Protocol::MessageOpen(opcode).to_string();
        assert!(text.contains(&format!("got {expected} ")), "{text}");
    }
    let text = Protocol::Close(CloseError::Code(CloseCode::new(999))).to_string();
    assert!(text.contains("got 999 "), "{text}");
}
