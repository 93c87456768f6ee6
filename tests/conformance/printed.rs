//! What `{:?}` prints: enough to tell two apart by, and no secret.

use sockeye::deflate::{Deflate, Direction, Options, Parameters};
use sockeye::utf8::Validator;
use sockeye::{
    CloseCode, CloseFrame, Config, Connection, Due, Event, Inbox, Outbox, OutboxFull, Role, SystemEntropy, Text,
};

use crate::common::*;

#[test]
fn a_connection_prints_its_role_its_state_and_its_failure() {
    let mut end = End::new(Role::Server);
    let open = format!("{:?}", end.connection);
    assert!(open.starts_with("Connection { role: Server, state: "), "{open}");
    assert_ne!(open, format!("{:?}", Connection::client(&Config::default())));
    end.read(Door::Whole, &[0xFF, 0x80]);
    let failed = format!("{:?}", end.connection);
    assert!(failed.contains("Protocol("), "{failed}");
}

#[test]
fn buffers_print_how_much_they_hold_and_not_what() {
    let mut inbox = Inbox::new();
    inbox.extend(b"a secret");
    inbox.consume(2);
    let text = format!("{inbox:?}");
    assert!(text.starts_with("Inbox { ") && text.contains("unread: 6"), "{text}");
    let mut outbox = Outbox::with_limit(1000);
    outbox.extend(b"secret");
    assert_eq!(format!("{outbox:?}"), "Outbox { waiting: 6, limit: 1000 }");
    let full = OutboxFull { limit: 1000, waiting: 994 }.to_string();
    assert!(full.contains("1000") && full.contains("994"), "{full}");
}

#[test]
fn a_payload_prints_as_what_it_holds() {
    assert_eq!(format!("{:?}", Text::from_static("물")), "\"물\"");
    let mut end = End::new(Role::Client);
    end.inbox.extend(&[whole(Role::Server, TEXT, "a\nb"), whole(Role::Server, BINARY, [1, 2])].concat());
    for expected in ["Text(\"a\\nb\")", "Binary([1, 2])"] {
        let event: Event<'_> = end.connection.receive(&mut end.inbox, &mut end.outbox).unwrap().unwrap();
        assert_eq!(format!("{event:?}"), expected);
    }
}

#[test]
fn a_close_prints_its_code_and_its_reason() {
    let frame = CloseFrame::new(CloseCode::GOING_AWAY, "closing time");
    assert_eq!(frame.to_string(), "1001 (closing time)");
    assert_eq!(format!("{:?}", CloseCode::GOING_AWAY), "CloseCode(1001)");
}

#[test]
fn a_compressor_prints_its_parameters() {
    let parameters = Parameters { local: Direction::new(9, false), remote: Direction::new(15, true) };
    let text = format!("{:?}", Deflate::new(parameters, &Options::default()));
    assert!(text.contains(&format!("{parameters:?}")), "{text}");
}

#[test]
fn entropy_does_not_print_its_state() {
    assert_eq!(format!("{:?}", SystemEntropy::default()), "SystemEntropy");
}

#[test]
fn a_deadline_prints_what_was_waited_for() {
    let waits = [
        (Due::Handshake, "handshake"),
        (Due::Ping, "before a ping"),
        (Due::Pong, "after a ping"),
        (Due::Close, "end the connection"),
        (Due::Message, "the rest of a message"),
        (Due::Idle, "a message"),
    ];
    for (due, expected) in waits {
        assert!(due.to_string().contains(expected), "{due}");
    }
}

#[test]
fn text_that_is_wrong_prints_where() {
    let wrong = Validator::new().validate(b"abc\xFF").unwrap_err();
    assert!(wrong.to_string().contains("at offset 3 "), "{wrong}");
}
