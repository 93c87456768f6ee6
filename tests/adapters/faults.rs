//! A stream that fails, pauses, stops short or ends at each of its calls, one after another.

use std::io::ErrorKind;

use sockeye::bytes::Bytes;
use sockeye::{CloseCode, Ending, IoError, Message, Role, blocking, polled};

use crate::halves;
use crate::peer::{BINARY, CLOSE, FIN, Frame, PING, PONG, TEXT, close_body, frame, request};
use crate::scripted::{Fault, Polled, Script, frames, patient, patient_client};
use crate::tasks::run_task;

/// What a session came to, as its user saw it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) received: Vec<Message>,
    /// The error, of the handshake or of receiving.
    pub(crate) error: Option<IoError>,
    pub(crate) ending: Option<Ending>,
    /// Whether each message was echoed before the next one was received.
    pub(crate) in_turn: bool,
}

impl Outcome {
    pub(crate) fn new(in_turn: bool) -> Self {
        Self { received: Vec::new(), error: None, ending: None, in_turn }
    }
}

/// What the peer tells: two messages that are echoed, one of them in fragments with a ping between, and a close frame.
fn told(role: Role) -> Vec<u8> {
    let masks = role == Role::Server;
    let parts: [(u8, &[u8]); 5] = [
        (FIN | TEXT, b"first"),
        (BINARY, &[1; 200]),
        (FIN | PING, b"between"),
        (FIN, &[2; 300]),
        (FIN | CLOSE, &close_body(1000, "")),
    ];
    parts.iter().flat_map(|(first, payload)| frame(*first, payload, masks)).collect()
}

fn messages() -> [Message; 4] {
    [
        "first".into(),
        Message::Ping(Bytes::from_static(b"between")),
        Message::binary([[1; 200].as_slice(), &[2; 300]].concat()),
        Message::Close(Some(sockeye::CloseFrame::new(CloseCode::NORMAL, ""))),
    ]
}

/// What the peer hears behind the handshake.
fn answers() -> [Frame; 4] {
    let heard = |first, payload: &[u8]| Frame { first: FIN | first, payload: payload.to_vec() };
    [
        heard(TEXT, b"first"),
        heard(PONG, b"between"),
        heard(BINARY, &[[1; 200].as_slice(), &[2; 300]].concat()),
        heard(CLOSE, &close_body(1000, "")),
    ]
}

pub(crate) fn script(role: Role, chunk: usize) -> Script {
    let script = Script::new();
    script.state().chunk = chunk;
    match role {
        Role::Server => {
            script.state().incoming = [request("").as_bytes(), &told(role)].concat();
            script.state().ended = true;
        }
        Role::Client => script.state().reply = Some(told(role)),
    }
    script
}

type Session = fn(Role, &Script) -> Outcome;

fn on<A: Polled>(role: Role, script: &Script) -> Outcome {
    run_task(script, async {
        let mut outcome = Outcome::new(true);
        let mut socket = match open::<A>(role, script).await {
            Ok(socket) => socket,
            Err(error) => return Outcome { error: Some(error), ..outcome },
        };
        loop {
            match socket.receive().await {
                Ok(Some(message)) => {
                    if message.is_data() {
                        let _ = socket.send(message.clone()).await;
                    }
                    outcome.received.push(message);
                }
                Ok(None) => break,
                Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
            }
        }
        assert!(matches!(socket.receive().await, Ok(None)));
        assert!(socket.try_send(&"late".into()).is_err());
        let written = script.state().written.len();
        let _ = socket.flush().await;
        assert_eq!(script.state().written.len(), written, "something was left to write");
        outcome.ending = socket.ending();
        outcome
    })
}

pub(crate) async fn open<A: Polled>(role: Role, script: &Script) -> Result<polled::WebSocket<Script, A>, IoError> {
    match role {
        Role::Server => A::accept_with(&patient(), script.clone()).await,
        Role::Client => A::connect_over(&patient_client(), script.clone()).await,
    }
}

fn on_blocking(role: Role, script: &Script) -> Outcome {
    let mut outcome = Outcome::new(true);
    let mut socket = match open_blocking(role, script) {
        Ok(socket) => socket,
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    loop {
        match socket.receive() {
            Ok(Some(message)) => {
                if message.is_data() {
                    let _ = socket.send(message.clone());
                }
                outcome.received.push(message);
            }
            Ok(None) => break,
            Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
        }
    }
    assert!(matches!(socket.receive(), Ok(None)));
    assert!(socket.try_send(&"late".into()).is_err());
    let written = script.state().written.len();
    let _ = socket.flush();
    assert_eq!(script.state().written.len(), written, "something was left to write");
    outcome.ending = socket.ending();
    outcome
}

pub(crate) fn open_blocking(role: Role, script: &Script) -> Result<blocking::WebSocket<Script>, IoError> {
    match role {
        Role::Server => blocking::accept_with(&patient(), script.clone()),
        Role::Client => blocking::connect_over(&patient_client(), "ws://localhost/", script.clone()),
    }
}

/// On the asynchronous adapters: a connection, its halves that take turns, and its halves in two tasks.
const POLLED: [Session; 6] = [
    on::<sockeye::tokio::Clock>,
    on::<sockeye::futures::Clock>,
    halves::in_turn::<sockeye::tokio::Clock>,
    halves::in_turn::<sockeye::futures::Clock>,
    halves::in_tasks::<sockeye::tokio::Clock>,
    halves::in_tasks::<sockeye::futures::Clock>,
];

/// The same of blocking ones.
const BLOCKING: [Session; 3] = [on_blocking, halves::in_turn_blocking, halves::in_threads];

/// Runs a session with the fault at each of its calls, and hands each outcome to `judge`, with the bytes written.
fn at_each_call(session: Session, fault: Fault, judge: impl Fn(&str, &Outcome, &[u8])) {
    for role in [Role::Server, Role::Client] {
        for chunk in [usize::MAX, 13] {
            let whole = script(role, chunk);
            let outcome = session(role, &whole);
            assert_eq!(outcome.received, messages(), "without a fault: {outcome:?}");
            assert!(outcome.error.is_none() && outcome.ending.unwrap().clean);
            let calls = whole.state().calls;
            assert!(calls > 8);
            for call in 0..calls {
                let script = script(role, chunk);
                script.state().fault = Some((call, fault));
                let outcome = session(role, &script);
                let name = format!("{fault:?} at call {call} of {calls} as {role:?} in chunks of {chunk}");
                let written = script.state().written.clone();
                judge(&name, &outcome, &written);
                assert!(script.state().calls < 3 * calls + 100, "{name}: {} calls", script.state().calls);
            }
        }
    }
}

/// What arrives is the beginning of what would have arrived: nothing cut short, nothing twice, nothing made up.
fn is_a_beginning(name: &str, outcome: &Outcome, written: &[u8]) {
    assert!(messages().starts_with(&outcome.received), "{name}: {outcome:?}");
    let frames: Vec<Frame> = frames(written).into_iter().flatten().collect();
    if outcome.in_turn {
        return assert!(answers().starts_with(&frames), "{name}: {frames:?}");
    }
    // What the halves say is not in one order, but each keeps its own, and nothing comes behind the close frame.
    let is_control = |frame: &Frame| frame.first & 8 != 0;
    let (controls, data): (Vec<Frame>, Vec<Frame>) = frames.iter().cloned().partition(is_control);
    let (expected_controls, expected_data): (Vec<Frame>, Vec<Frame>) = answers().into_iter().partition(is_control);
    assert!(expected_controls.starts_with(&controls) && expected_data.starts_with(&data), "{name}: {frames:?}");
    let close = frames.iter().position(|frame| frame.first == FIN | CLOSE);
    assert!(close.is_none_or(|place| place + 1 == frames.len()), "{name}: {frames:?}");
}

/// Every adapter, whole and in halves.
fn each(fault: Fault, judge: impl Fn(&str, &Outcome, &[u8]) + Copy + Send + 'static) {
    each_of(&POLLED, fault, judge);
    each_of(&BLOCKING, fault, judge);
}

fn each_of(sessions: &'static [Session], fault: Fault, judge: impl Fn(&str, &Outcome, &[u8]) + Copy + Send + 'static) {
    sessions.iter().for_each(|session| crate::ends::run(move || at_each_call(*session, fault, judge)));
}

/// What a stream may do without being broken changes nothing.
fn changes_nothing(name: &str, outcome: &Outcome, written: &[u8]) {
    is_a_beginning(name, outcome, written);
    assert_eq!(outcome.received, messages(), "{name}");
    assert!(outcome.error.is_none() && outcome.ending.unwrap().clean, "{name}: {outcome:?}");
    let frames = frames(written);
    // The halves may be asked to echo what came before a close frame when that is answered already.
    assert!(frames.len() == answers().len() || !outcome.in_turn, "{name}: {frames:?}");
    assert!(frames.last().is_some_and(|last| last.as_ref() == answers().last()), "{name}: {frames:?}");
}

#[test]
fn a_short_call_changes_nothing() {
    each(Fault::Short, changes_nothing);
}

#[test]
fn a_call_that_is_not_ready_changes_nothing() {
    each_of(&POLLED, Fault::Pending, changes_nothing);
    each_of(&BLOCKING, Fault::Pending, |name, outcome, written| match outcome.error {
        // A wait that ends inside the handshake is the end of its time.
        Some(IoError::TimedOut(sockeye::Due::Handshake)) => assert!(outcome.ending.is_none(), "{name}"),
        _ => changes_nothing(name, outcome, written),
    });
}

/// A signal is no failure of a blocking stream. An asynchronous one does not tell of signals; if it does, it has failed.
#[test]
fn an_interrupted_call_changes_nothing() {
    each_of(&BLOCKING, Fault::Once(ErrorKind::Interrupted), changes_nothing);
    each_of(&POLLED, Fault::Once(ErrorKind::Interrupted), |name, outcome, written| {
        is_a_beginning(name, outcome, written);
        fails_or_was_over(name, outcome, ErrorKind::Interrupted);
    });
}

/// A stream that is reset at a call and for ever.
#[test]
fn a_reset_is_one_error_and_then_the_end() {
    each(Fault::Broken(ErrorKind::ConnectionReset), |name, outcome, written| {
        is_a_beginning(name, outcome, written);
        fails_or_was_over(name, outcome, ErrorKind::ConnectionReset);
    });
}

/// A stream that is reset behind each of the bytes that go over it, either way.
#[test]
fn a_reset_behind_any_byte_is_one_error_and_then_the_end() {
    let sessions = POLLED.into_iter().chain(BLOCKING);
    for (session, role) in sessions.flat_map(|session| [Role::Server, Role::Client].map(|role| (session, role))) {
        crate::ends::run(move || reset_behind_any_byte(session, role));
    }
}

fn reset_behind_any_byte(session: Session, role: Role) {
    let enough = 1 << 20;
    let whole = script(role, usize::MAX);
    whole.state().until_reset = enough;
    let outcome = session(role, &whole);
    assert_eq!(outcome.received, messages());
    let bytes = enough - whole.state().until_reset;
    // The echo of the second message may come too late where nobody waits for it.
    assert!(bytes > if outcome.in_turn { 1000 } else { 800 }, "{bytes}");
    for byte in 0..bytes {
        let script = script(role, usize::MAX);
        script.state().until_reset = byte;
        let outcome = session(role, &script);
        let name = format!("reset behind {byte} of {bytes} bytes as {role:?}");
        let written = script.state().written.clone();
        is_a_beginning(&name, &outcome, &written);
        fails_or_was_over(&name, &outcome, ErrorKind::ConnectionReset);
    }
}

/// A stream that fails once and then goes on: nothing is written behind a frame that may have left in part.
#[test]
fn a_failure_that_passes_is_one_error_and_then_the_end() {
    each(Fault::Once(ErrorKind::Other), |name, outcome, written| {
        is_a_beginning(name, outcome, written);
        fails_or_was_over(name, outcome, ErrorKind::Other);
    });
}

/// A read that gives nothing is the end of the peer's half; a write that takes nothing fails.
#[test]
fn a_call_that_moves_nothing_ends_the_connection() {
    each(Fault::Zero, |name, outcome, written| {
        is_a_beginning(name, outcome, written);
        match (&outcome.error, outcome.ending) {
            (Some(IoError::Io(error)), _) => assert_eq!(error.kind(), ErrorKind::WriteZero, "{name}"),
            (Some(IoError::HandshakeCut), None) | (None, Some(_)) => {}
            other => panic!("{name}: {other:?}"),
        }
    });
}

/// The error is there, unless both close frames had gone over the wire.
fn fails_or_was_over(name: &str, outcome: &Outcome, kind: ErrorKind) {
    match (&outcome.error, outcome.ending) {
        (Some(IoError::Io(error)), ending) => {
            assert_eq!(error.kind(), kind, "{name}");
            if let Some(ending) = ending {
                let all = outcome.received.len() == messages().len();
                assert!(all || !ending.clean, "{name}: {outcome:?}");
            }
        }
        (None, Some(ending)) => assert!(ending.clean && outcome.received == messages(), "{name}: {outcome:?}"),
        other => panic!("{name}: {other:?}"),
    }
}
