//! What an event lends: to look at, and for keeps.

use sockeye::{Event, Piece, Role};

use crate::common::*;

#[test]
fn a_text_that_is_lent_is_what_came() {
    for expected in ["", "a", "물고기"] {
        let mut end = End::new(Role::Server);
        end.inbox.extend(&[whole(Role::Client, TEXT, expected), whole(Role::Client, BINARY, expected)].concat());
        let Ok(Some(Event::Text(text))) = end.connection.receive(&mut end.inbox, &mut end.outbox) else {
            panic!("no text")
        };
        assert_eq!((text.as_str(), &*text, text.as_ref()), (expected, expected, expected));
        assert_eq!(
            (text.as_bytes(), text.len(), text.is_empty()),
            (expected.as_bytes(), expected.len(), expected.is_empty())
        );
        assert_eq!(text.into_text(), expected);
        let Ok(Some(Event::Binary(data))) = end.connection.receive(&mut end.inbox, &mut end.outbox) else {
            panic!("no data")
        };
        assert_eq!((&*data, data.as_ref()), (expected.as_bytes(), expected.as_bytes()));
        assert_eq!(data.into_bytes(), expected);
    }
}

#[test]
fn a_large_message_for_keeps_is_not_copied() {
    for role in ROLES {
        let mut end = End::new(role);
        let text = "물".repeat(1000);
        end.inbox.extend(&[whole(role.peer(), BINARY, [7; 4000]), whole(role.peer(), TEXT, &text)].concat());
        let Ok(Some(Event::Binary(data))) = end.connection.receive(&mut end.inbox, &mut end.outbox) else {
            panic!("no data")
        };
        let place = data.as_ptr();
        let kept = data.into_bytes();
        assert_eq!((kept.as_ptr(), &*kept), (place, &[7; 4000][..]));
        let Ok(Some(Event::Text(lent))) = end.connection.receive(&mut end.inbox, &mut end.outbox) else {
            panic!("no text")
        };
        let place = lent.as_bytes().as_ptr();
        let kept = lent.into_text();
        assert_eq!((kept.as_bytes().as_ptr(), &*kept), (place, &*text));
    }
}

#[test]
fn a_piece_for_keeps_leaves_the_code_point_that_waits_behind_it() {
    for (role, characters) in [(Role::Server, 50), (Role::Client, 50), (Role::Server, 3000), (Role::Client, 3000)] {
        let mut end = End::new(role);
        let bytes = whole(role.peer(), TEXT, "물".repeat(characters));
        let (first, rest) = bytes.split_at(bytes.len() - 1);
        end.inbox.extend(first);
        let Ok(Some(Piece::Text { text, .. })) = end.connection.receive_piece(&mut end.inbox, &mut end.outbox) else {
            panic!("no text")
        };
        assert_eq!(text.into_text(), "물".repeat(characters - 1).as_str());
        end.read(Door::Pieces, rest);
        assert_eq!(end.seen, [Seen::text("물")]);
    }
}
