//! Rules 43 to 50: the closing handshake and the end (RFC 6455 sections 5.5.1 and 7).

use sockeye::{CloseCode, CloseFrame, Config, Duty, Ending, Error, Misuse, Role, Side};

use crate::common::*;
use crate::states::states;

#[test]
fn rule_43_the_body_is_empty_or_a_code_and_a_reason() {
    for role in ROLES {
        let peer = role.peer();
        // One byte is no code.
        for byte in [0, 3, 0xFF] {
            assert_failing(role, &whole(peer, CLOSE, [byte]), 1002);
        }
        assert_receiving(role, &Config::default(), &whole(peer, CLOSE, []), &[Seen::Close(None)], &[(CLOSE, vec![])]);
        let longest = format!("{}é", "a".repeat(121));
        for reason in ["", "a", "물고기", "\0", &longest] {
            let answer = [(CLOSE, vec![0x0F, 0xA1])];
            assert_receiving(
                role,
                &Config::default(),
                &close(peer, 4001, reason),
                &[Seen::close(4001, reason)],
                &answer,
            );
            let mut end = End::new(role);
            let frame = CloseFrame::new(CloseCode::new(4001), reason);
            end.connection.close(Some(&frame), &mut end.outbox).unwrap();
            assert_eq!(end.answers(), [Seen::close(4001, reason).wire()]);
        }
        let mut end = End::new(role);
        let frame = CloseFrame::new(CloseCode::NORMAL, "a".repeat(124));
        let result = end.connection.close(Some(&frame), &mut end.outbox);
        assert_eq!(result, Err(Misuse::LongControl(126).into()));
        assert!(end.outbox.is_empty() && end.connection.is_open());
    }
}

#[test]
fn rule_43_a_fragment_that_is_open_does_not_change_the_body() {
    for role in ROLES {
        let peer = role.peer();
        let bytes = [part(peer, TEXT, "물".as_bytes().split_last().unwrap().1), close(peer, 1001, "고기")].concat();
        for door in DOORS {
            let mut end = End::new(role);
            end.read(door, &bytes);
            assert_eq!(end.seen, [Seen::close(1001, "고기")]);
            assert_eq!(end.answers(), [(CLOSE, vec![3, 233])]);
        }
    }
}

#[test]
fn rule_44_a_close_is_answered_once() {
    for role in ROLES {
        let peer = role.peer();
        for code in [1000, 1001, 1011, 3000, 4999u16] {
            let answers = [(CLOSE, code.to_be_bytes().to_vec())];
            assert_receiving(role, &Config::default(), &close(peer, code, "x"), &[Seen::close(code, "x")], &answers);
        }
        // Two of them have one answer, and so has one that comes after ours.
        let twice = close(peer, 1000, "").repeat(2);
        assert_receiving(role, &Config::default(), &twice, &[Seen::close(1000, "")], &[(CLOSE, vec![3, 232])]);
        let mut end = End::new(role);
        end.connection.close(None, &mut end.outbox).unwrap();
        end.read(Door::Whole, &close(peer, 1000, ""));
        assert_eq!(end.answers(), [(CLOSE, vec![])]);
        assert_eq!(end.connection.close(None, &mut end.outbox), Err(Misuse::Closed.into()));
    }
}

#[test]
fn rule_44_a_caller_can_answer_for_itself() {
    for role in ROLES {
        for door in DOORS {
            let mut end = End::with(role, &Config::default().auto_close(false));
            end.read(door, &[close(role.peer(), 1001, "bye"), whole(role.peer(), PING, "late")].concat());
            assert_eq!(end.seen, [Seen::close(1001, "bye")]);
            assert_eq!(end.answers(), []);
            assert_eq!(end.connection.duty(), Duty::Carry);
            assert!(end.connection.is_closing() && !end.connection.is_open());
            assert_eq!(end.connection.ending(), None);
            let frame = CloseFrame::new(CloseCode::new(4000), "too");
            end.connection.close(Some(&frame), &mut end.outbox).unwrap();
            assert_eq!(end.answers(), [Seen::close(4000, "too").wire()]);
            let (sent, received) = (Some(CloseCode::new(4000)), Some(CloseCode::GOING_AWAY));
            assert_eq!(end.connection.ending(), Some(Ending { by: Side::Peer, sent, received, clean: true }));
            assert_eq!(end.connection.close(None, &mut end.outbox), Err(Misuse::Closed.into()));
            assert!(end.outbox.is_empty());
        }
    }
}

#[test]
fn rule_45_no_data_after_the_close_but_the_peers_is_received_until_its_own() {
    for role in ROLES {
        let peer = role.peer();
        for door in DOORS {
            let mut end = End::new(role);
            end.connection.close(None, &mut end.outbox).unwrap();
            let End { connection, outbox, .. } = &mut end;
            let closed = Err(Error::Misuse(Misuse::Closed));
            assert_eq!(connection.send_text("a", outbox), closed);
            assert_eq!(connection.send_binary(b"a", outbox), closed);
            assert_eq!(connection.send_text_fragment("a", true, outbox), closed);
            assert_eq!(connection.close(None, outbox), closed);
            assert_eq!(end.answers(), [(CLOSE, vec![])]);

            let bytes = [
                whole(peer, TEXT, "in flight"),
                part(peer, BINARY, [1]),
                whole(peer, PONG, "o"),
                whole(peer, CONTINUATION, [2]),
                close(peer, 1000, ""),
                whole(peer, TEXT, "discarded"),
                vec![0xFF; 20],
            ];
            end.read(door, &bytes.concat());
            let seen = [Seen::text("in flight"), Seen::Pong(b"o".into()), Seen::binary([1, 2]), Seen::close(1000, "")];
            assert_eq!(end.seen, seen, "{role:?}");
            assert_eq!(end.error, None, "{role:?}: what follows a close is discarded, not judged");
            assert!(end.inbox.is_empty() && end.outbox.is_empty());
        }
    }
}

#[test]
fn rule_45_a_fragmented_message_ends_with_the_close() {
    for role in ROLES {
        let mut end = End::new(role);
        let End { connection, outbox, .. } = &mut end;
        connection.send_text_fragment("a", false, outbox).unwrap();
        connection.close(None, outbox).unwrap();
        assert_eq!(connection.send_text_fragment("b", true, outbox), Err(Misuse::Closed.into()));
        let shapes: Vec<_> = end.sent().iter().map(Frame::shape).collect();
        assert_eq!(shapes, [(false, 0, TEXT, b"a".to_vec()), (true, 0, CLOSE, vec![])]);
    }
}

#[test]
fn rule_46_the_server_closes_the_transport_first_and_the_client_waits_for_it() {
    use Duty::{Carry, Drop, ShutDown};
    for role in ROLES {
        for (name, mut end) in states(role) {
            let (before, after) = match (name, role) {
                ("open" | "fragment sent" | "fragment received" | "close sent" | "close received", _) => (Carry, Drop),
                ("closed by this end" | "closed by the peer", Role::Server) => (ShutDown, Drop),
                ("closed by this end" | "closed by the peer", Role::Client) => (Carry, Drop),
                ("failed", _) => (ShutDown, Drop),
                _ => (Drop, Drop),
            };
            assert_eq!(end.connection.duty(), before, "{role:?}, {name}");
            end.connection.receive_eof();
            assert_eq!(end.connection.duty(), after, "{role:?}, {name}, and the transport has ended");
            assert!(!end.connection.is_closing(), "{role:?}, {name}");
            end.connection.receive_eof();
            assert_eq!(end.connection.duty(), after, "{role:?}, {name}, twice");
        }
    }
}

#[test]
fn rule_48_an_empty_close_is_reported_as_1005_and_none_as_1006() {
    for role in ROLES {
        let mut end = End::new(role);
        end.read(Door::Whole, &whole(role.peer(), CLOSE, []));
        let ending = end.connection.ending().unwrap();
        assert_eq!((ending.received, ending.code().number()), (Some(CloseCode::NO_STATUS), 1005));

        let mut end = End::new(role);
        end.connection.receive_eof();
        let ending = end.connection.ending().unwrap();
        assert_eq!((ending.received, ending.code().number()), (None, 1006));

        let mut end = End::new(role);
        end.read(Door::Whole, &close(role.peer(), 4321, ""));
        assert_eq!(end.connection.ending().unwrap().code().number(), 4321);
    }
}

#[test]
fn rule_48_every_ending_is_told_apart() {
    use Side::{Local, Peer, Transport};
    /// What happens, who began, what was sent, what was received, whether it was clean.
    type Row = (&'static str, Side, Option<u16>, Option<u16>, bool);
    let table: [Row; 15] = [
        ("local 4001, peer 4002, eof", Local, Some(4001), Some(4002), true),
        ("local 4001, peer 4002", Local, Some(4001), Some(4002), true),
        ("local, peer, eof", Local, Some(1005), Some(1005), true),
        ("local 4001, peer", Local, Some(4001), Some(1005), true),
        ("peer 4002", Peer, Some(4002), Some(4002), true),
        ("peer 4002, eof", Peer, Some(4002), Some(4002), true),
        ("peer", Peer, Some(1005), Some(1005), true),
        ("by hand, peer 4002, local 4001", Peer, Some(4001), Some(4002), true),
        ("by hand, peer 4002, local", Peer, Some(1005), Some(4002), true),
        ("by hand, peer 4002, eof", Peer, None, Some(4002), false),
        ("eof", Transport, None, None, false),
        ("local 4001, eof", Local, Some(4001), None, false),
        ("bad", Local, Some(1002), None, false),
        ("bad, eof", Local, Some(1002), None, false),
        ("local 4001, bad, eof", Local, Some(4001), None, false),
    ];
    for role in ROLES {
        for door in DOORS {
            for (what, by, sent, received, clean) in table {
                let mut end = End::with(role, &Config::default().auto_close(!what.starts_with("by hand")));
                for step in what.split(", ") {
                    let (step, code) =
                        step.split_once(' ').map_or((step, None), |(step, code)| (step, code.parse().ok()));
                    match step {
                        "local" => {
                            let frame = code.map(|code: u16| CloseFrame::new(code.into(), ""));
                            end.connection.close(frame.as_ref(), &mut end.outbox).unwrap();
                        }
                        "peer" => {
                            let body = code.map(u16::to_be_bytes).unwrap_or_default();
                            end.read(door, &whole(role.peer(), CLOSE, if code.is_some() { &body[..] } else { &[] }));
                        }
                        "eof" => end.connection.receive_eof(),
                        "bad" => end.read(door, &[0xFF, 0xFF]),
                        _ => assert_eq!(end.connection.ending(), None, "{what}: not before it has begun"),
                    }
                }
                let expected =
                    Ending { by, sent: sent.map(CloseCode::new), received: received.map(CloseCode::new), clean };
                assert_eq!(end.connection.ending(), Some(expected), "{role:?}, {what}");
                // What comes later does not change it.
                end.read(door, &close(role.peer(), 4444, ""));
                end.connection.receive_eof();
                assert_eq!(end.connection.ending(), Some(expected), "{role:?}, {what}, and later");
            }
        }
    }
}

#[test]
fn rule_48_there_is_no_ending_while_messages_may_come() {
    for role in ROLES {
        for (name, end) in states(role) {
            let going_on =
                matches!(name, "open" | "fragment sent" | "fragment received" | "close sent" | "close received");
            assert_eq!(end.connection.ending().is_none(), going_on, "{role:?}, {name}");
        }
    }
}

#[test]
fn rule_49_nothing_of_the_peers_is_processed_after_failing() {
    // `assert_failing` has each failure followed by a ping, a message and a close. Here it comes while closing too:
    // the peer has heard a close frame already, and hears no second one.
    for role in ROLES {
        let peer = role.peer();
        for door in DOORS {
            let mut end = End::new(role);
            end.connection.close(None, &mut end.outbox).unwrap();
            assert_eq!(end.answers(), [(CLOSE, vec![])]);
            end.read(door, &[whole(peer, TEXT, "good"), vec![0xFF, mask_bit(peer)], close(peer, 1000, "")].concat());
            end.read(door, &[whole(peer, PING, ""), close(peer, 1000, "")].concat());
            assert_eq!(end.seen, [Seen::text("good")]);
            assert!(matches!(end.error, Some(Error::Protocol(_))), "{:?}", end.error);
            assert_eq!(end.answers(), []);
            assert_eq!(end.connection.duty(), Duty::ShutDown);
        }
    }
}

#[test]
fn rule_49_what_came_before_the_failure_is_answered_before_it() {
    for role in ROLES {
        let peer = role.peer();
        let bytes = [whole(peer, TEXT, "good"), whole(peer, PING, "ping"), vec![0xFF, mask_bit(peer)]].concat();
        for door in DOORS {
            let mut end = End::new(role);
            end.inbox.extend(&bytes);
            assert!(end.step(door));
            // The connection has not looked at what follows the message.
            assert!(end.connection.is_open());
            end.connection.send_text("answer", &mut end.outbox).unwrap();
            assert!(end.step(door));
            assert!(end.connection.is_open());
            assert!(!end.step(door));
            let answers = [(TEXT, b"answer".to_vec()), (PONG, b"ping".to_vec()), (CLOSE, vec![3, 234])];
            assert_eq!(end.answers(), answers);
        }
    }
}

#[test]
fn rule_50_a_transport_that_is_lost_ends_the_connection() {
    for role in ROLES {
        for door in DOORS {
            let mut end = End::new(role);
            // Inside a frame.
            end.read(door, &whole(role.peer(), TEXT, "unfinished")[..7]);
            end.connection.receive_eof();
            let seen = end.seen.len();
            assert_eq!(end.connection.duty(), Duty::Drop);
            assert!(!end.connection.is_open());
            end.read(door, &whole(role.peer(), TEXT, "late"));
            assert_eq!((end.seen.len(), end.error), (seen, None), "the end of the transport is no error");
            let closed = Err(Error::Misuse(Misuse::Closed));
            assert_eq!(end.connection.send_text("a", &mut end.outbox), closed);
            assert_eq!(end.connection.ping(b"", &mut end.outbox), closed);
            assert_eq!(end.connection.close(None, &mut end.outbox), closed);
            assert!(end.outbox.is_empty() && end.inbox.is_empty());
        }
    }
}
