//! Rules 47 and 51: all 65,536 close codes (RFC 6455 section 7.4 and the IANA registry).

use sockeye::{CloseCode, CloseFrame, Misuse};

use crate::common::*;

/// Whether a code may stand in a close frame, written from the registry.
fn may_be_sent(code: u16) -> bool {
    match code {
        0..=999 => false,            // "not used"
        1004 => false,               // "Reserved"
        1005 | 1006 | 1015 => false, // "MUST NOT be set as a status code in a Close control frame by an endpoint"
        1016..=2999 => false,        // "reserved for definition by this protocol"
        1000..=1003 | 1007..=1014 => true,
        3000..=3999 => true, // "for use by libraries, frameworks, and applications"
        4000..=4999 => true, // "for private use"
        5000.. => false,
    }
}

#[test]
fn rules_47_and_51_all_codes_received() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut end = End::new(role);
            end.read(DOORS[usize::from(code % 2)], &close(role.peer(), code, "r"));
            if may_be_sent(code) {
                assert_eq!((end.error, &end.seen[..]), (None, &[Seen::close(code, "r")][..]), "{code}");
                assert_eq!(end.answers(), [(CLOSE, code.to_be_bytes().to_vec())], "{code}");
            } else {
                assert_eq!(end.seen, [], "{code}");
                assert_failed(&mut end, &code, 1002);
            }
        }
    }
}

#[test]
fn rules_47_and_51_all_codes_sent() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut end = End::new(role);
            let result = end.connection.close(Some(&CloseFrame::new(code.into(), "")), &mut end.outbox);
            if may_be_sent(code) {
                assert_eq!(result, Ok(()), "{code}");
                assert_eq!(end.answers(), [(CLOSE, code.to_be_bytes().to_vec())], "{code}");
            } else {
                assert_eq!(result, Err(Misuse::CloseCode(CloseCode::new(code)).into()), "{code}");
                assert!(end.outbox.is_empty() && end.connection.is_open(), "{code}");
            }
        }
    }
}

#[test]
fn rule_47_what_this_end_reports_is_not_what_it_sends() {
    for role in ROLES {
        // An empty close is 1005 to the caller, and empty to the peer.
        let mut end = End::new(role);
        end.read(Door::Whole, &whole(role.peer(), CLOSE, []));
        assert_eq!(end.answers(), [(CLOSE, vec![])]);
        assert_eq!(end.connection.ending().unwrap().sent, Some(CloseCode::NO_STATUS));
        // A lost transport is 1006 to the caller, and nothing to the peer.
        let mut end = End::new(role);
        end.connection.receive_eof();
        assert_eq!(end.answers(), []);
    }
}

#[test]
fn rule_51_the_named_codes_have_their_numbers() {
    let table = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::NO_STATUS, 1005),
        (CloseCode::ABNORMAL, 1006),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::MANDATORY_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
        (CloseCode::TLS_HANDSHAKE, 1015),
    ];
    for (code, number) in table {
        assert_eq!(code.number(), number);
    }
}
