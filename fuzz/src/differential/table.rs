//! The differences that are known: tungstenite is at 0.30, fastwebsockets at 0.10.

use sockeye::close::CloseError;
use sockeye::frame::HeaderError::{LengthNotMinimal, LongControl};
use sockeye::{Error, InvalidText, Limit, Protocol, Role};

use super::wire::Frame;
use super::{Failure, Outcome};
use crate::common::{CLOSE, CONTINUATION, PING, Seen};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Peer {
    Tungstenite,
    FastWebSockets,
}

/// The same bytes, and what two made of them.
pub struct Case<'a> {
    pub peer: Peer,
    pub role: Role,
    pub frames: &'a [Frame],
    pub ours: &'a Outcome,
    /// This engine's error, and the frame that it fails at.
    pub fault: Option<(Error, &'a Frame)>,
    pub theirs: &'a Outcome,
    /// Whether what this engine sends waits, so that a pong may give way to a later one.
    pub waits: bool,
}

/// A difference that is known.
struct Difference {
    peer: Peer,
    /// Whether this is all that the two differ in.
    holds: fn(&Case<'_>) -> bool,
    /// What decides, and for whom.
    decided_by: &'static str,
}

impl Case<'_> {
    pub fn is_same(&self) -> bool {
        self.is_same_until_failure() && self.ours.failure == self.theirs.failure && self.ours.close == self.theirs.close
    }

    /// The row that has the difference.
    pub fn row(&self) -> Option<usize> {
        DIFFERENCES.iter().position(|difference| difference.peer == self.peer && (difference.holds)(self))
    }

    fn is_same_until_failure(&self) -> bool {
        self.ours.seen == self.theirs.seen && self.answers_alike(&self.theirs.pongs)
    }

    /// Whether both have answered the same pings, and of those that waited the latest at least.
    ///
    /// > If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping frame(s),
    /// > the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame. (RFC 6455
    /// > section 5.5.3)
    fn answers_alike(&self, theirs: &[Vec<u8>]) -> bool {
        let ours = &self.ours.pongs;
        let mut rest = theirs.iter();
        let is_part = ours.iter().all(|pong| rest.any(|other| other == pong));
        is_part && if self.waits { ours.last() == theirs.last() } else { ours.len() == theirs.len() }
    }

    /// This engine fails like this. The other has come as far with the same, and does not fail then, or at something
    /// else.
    fn goes_on(&self, fails: fn(Error, &Frame) -> bool) -> bool {
        let pings = self.ours.seen.iter().filter(|seen| matches!(seen, Seen::Ping(_))).count();
        self.fault.is_some_and(|(error, frame)| fails(error, frame))
            && self.theirs.seen.starts_with(&self.ours.seen)
            && self.theirs.pongs.get(..pings).is_some_and(|pongs| self.answers_alike(pongs))
    }

    /// Both fail at a frame with two faults, and the other names this one. It leaves the close frame to its caller.
    fn names(&self, failure: Failure, has: fn(&Frame) -> bool) -> bool {
        self.is_same_until_failure()
            && self.theirs.failure == Some(failure)
            && self.theirs.close.is_none()
            && self.fault.is_some_and(|(_, frame)| has(frame))
    }

    /// Both fail for the same reason, and the other says nothing of it to the peer.
    fn fails_silently(&self) -> bool {
        self.is_same_until_failure()
            && self.ours.failure.is_some()
            && self.ours.failure == self.theirs.failure
            && self.theirs.close.is_none()
    }

    /// The other has seen a close frame and fails at a frame behind it, as a client.
    fn fails_after_close(&self) -> bool {
        let behind = self.frames.iter().skip_while(|frame| frame.opcode != CLOSE).count() > 1;
        let closed = matches!(self.theirs.seen.last(), Some(Seen::Close(_)));
        self.role == Role::Client && behind && closed && self.theirs.failure.is_some()
    }

    /// Both have seen the same up to a close frame, which the other refuses: it says so in its answer.
    fn refuses_close(&self, seen: &[Seen]) -> bool {
        let (before, is_close) = match self.ours.seen.split_last() {
            Some((Seen::Close(_), before)) => (before, true),
            _ => (&self.ours.seen[..], self.fault.is_some_and(|(_, frame)| frame.opcode == CLOSE)),
        };
        is_close
            && self.theirs.seen == [before, seen].concat()
            && self.answers_alike(&self.theirs.pongs)
            && self.theirs.close == Some(Some(1002))
    }

    /// tungstenite hands out a close frame of its own making for one that it refuses.
    fn hands_out_its_own(&self) -> bool {
        self.refuses_close(&[Seen::close(1002, "Protocol violation")])
            && (self.theirs.failure.is_none() || self.fails_after_close())
    }

    /// Whether this engine has taken a close frame with this code, and answered with it.
    fn takes_code(&self, code: u16) -> bool {
        matches!(self.ours.seen.last(), Some(Seen::Close(Some((came, _)))) if *came == code)
            && self.ours.failure.is_none()
            && self.ours.close == Some(Some(code))
    }
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| {
            case.goes_on(|error, frame| {
                matches!(error, Error::Protocol(Protocol::Header(LengthNotMinimal(_) | LongControl(_))))
                    && !frame.is_minimal()
            })
        },
        decided_by: "RFC 6455 section 5.2, for this engine: \"in all cases, the minimal number of bytes MUST be used \
            to encode the length\"; in a control frame (section 5.5) the longer forms are never minimal",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| {
            case.hands_out_its_own()
                && matches!(case.fault, Some((Error::Protocol(Protocol::Close(CloseError::Code(_))), _)))
        },
        decided_by: "RFC 6455 section 7.4, for both: a code that must not be sent breaks the protocol, and both answer \
            with 1002. tungstenite hands out a close frame of its own making, this engine an error",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| {
            case.fails_after_close()
                && case.is_same_until_failure()
                && case.ours.failure.is_none()
                && case.ours.close == case.theirs.close
        },
        decided_by: "RFC 6455 section 1.4, for this engine: \"After receiving a control frame indicating the \
            connection should be closed, a peer discards any further data received.\"",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| case.takes_code(1014) && case.hands_out_its_own(),
        decided_by: "RFC 6455 section 7.4.2, for this engine: the range of 1000 to 2999 is for what is registered, and \
            IANA's registry has 1014 (Bad Gateway) since",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| case.fails_silently(),
        decided_by: "RFC 6455 section 7.1.7, for both: \"the endpoint SHOULD send a Close frame with an appropriate \
            status code [...] before proceeding to _Close the WebSocket Connection_\"; tungstenite leaves it to its \
            caller",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| case.names(Failure::TooLarge, Frame::is_too_large),
        decided_by: "RFC 6455 section 7.4.1, for both: 1002 and 1009 are both true of a frame that breaks a rule and \
            is too long, and no section says which of two faults is told",
    },
    Difference {
        peer: Peer::Tungstenite,
        holds: |case| case.names(Failure::Text, |frame| frame.opcode == CLOSE && frame.has_bad_text()),
        decided_by: "RFC 6455 section 7.4.1, for both: 1002 and 1007 are both true of a close frame whose code must \
            not be sent and whose reason is not UTF-8",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| case.goes_on(|error, _| matches!(error, Error::Protocol(Protocol::Header(LengthNotMinimal(_))))),
        decided_by: "RFC 6455 section 5.2, for this engine: as for tungstenite",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| {
            case.goes_on(|error, _| matches!(error, Error::Protocol(Protocol::Unmasked(_) | Protocol::Masked(_))))
        },
        decided_by: "RFC 6455 section 5.1, for this engine: \"The server MUST close the connection upon receiving a \
            frame that is not masked. [...] A client MUST close a connection if it detects a masked frame.\"",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| {
            case.goes_on(|error, frame| matches!(error, Error::Protocol(Protocol::MessageOpen(_))) && !frame.fin)
        },
        decided_by: "RFC 6455 section 5.4, for this engine: \"The fragments of one message MUST NOT be interleaved \
            between the fragments of another message\"; fastwebsockets forgets the message that is open where another \
            begins in fragments",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| {
            case.goes_on(|error, frame| {
                matches!(error, Error::Protocol(Protocol::InvalidText(InvalidText::Unfinished(_))))
                    && frame.opcode == CONTINUATION
            })
        },
        decided_by: "RFC 6455 section 8.1, for this engine: fastwebsockets leaves the start of a code point at the end \
            of a fragmented message away",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| {
            case.goes_on(|error, frame| {
                matches!(error, Error::Protocol(Protocol::Header(LongControl(_))))
                    && (frame.opcode != PING || !frame.is_minimal())
            })
        },
        decided_by: "RFC 6455 section 5.5, for this engine: \"All control frames MUST have a payload length of 125 \
            bytes or less\"; fastwebsockets checks pings alone",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| case.goes_on(|error, _| matches!(error, Error::Limit(Limit::Message { .. }))),
        decided_by: "RFC 6455 section 10.4, for this engine: fastwebsockets limits frames, and not what they come to",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| {
            case.takes_code(1014) && case.refuses_close(&[]) && case.theirs.failure == Some(Failure::Protocol)
        },
        decided_by: "RFC 6455 section 7.4.2, for this engine: as for tungstenite",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| case.fails_silently(),
        decided_by: "RFC 6455 section 7.1.7, for both: as for tungstenite; fastwebsockets answers a wrong close code \
            alone",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| case.names(Failure::TooLarge, Frame::is_too_large),
        decided_by: "RFC 6455 section 7.4.1, for both: as for tungstenite",
    },
    Difference {
        peer: Peer::FastWebSockets,
        holds: |case| case.names(Failure::Text, Frame::has_bad_text),
        decided_by: "RFC 6455 section 7.4.1, for both: as for tungstenite, and of a text that is not UTF-8 where \
            another message is open",
    },
];

/// What decides, row by row.
pub fn decided_by() -> impl Iterator<Item = &'static str> {
    DIFFERENCES.iter().map(|difference| difference.decided_by)
}
