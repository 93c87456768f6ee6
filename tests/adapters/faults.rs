//! A stream that fails, pauses, stops short or ends at each of its calls, one after another.

use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;

use sockeye::bytes::Bytes;
use sockeye::{CloseCode, Ending, IoError, Message, Role, blocking};

use crate::peer::{BINARY, CLOSE, FIN, Frame, PING, PONG, TEXT, close_body, frame, request};
use crate::scripted::{Fault, Polled, Script, frames, patient, patient_client, poll_once};

/// What a session came to, as its user saw it.
#[derive(Debug)]
struct Outcome {
    received: Vec<Message>,
    /// The error, of the handshake or of receiving.
    error: Option<IoError>,
    ending: Option<Ending>,
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

fn script(role: Role, chunk: usize) -> Script {
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

/// Polls until it is ready, which comes after a bounded number of polls: the script is never stuck.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    (0..100_000)
        .find_map(|_| match poll_once(&mut future) {
            Poll::Ready(ready) => Some(ready),
            Poll::Pending => None,
        })
        .expect("it hangs")
}

fn on<A: Polled>(role: Role, script: &Script) -> Outcome {
    let opened = match role {
        Role::Server => finish(A::accept_with(&patient(), script.clone())),
        Role::Client => finish(A::connect_over(&patient_client(), script.clone())),
    };
    let mut outcome = Outcome { received: Vec::new(), error: None, ending: None };
    match opened {
        Err(error) => outcome.error = Some(error),
        Ok(mut socket) => {
            loop {
                match finish(socket.receive()) {
                    Ok(Some(message)) => {
                        if message.is_data() {
                            let _ = finish(socket.send(message.clone()));
                        }
                        outcome.received.push(message);
                    }
                    Ok(None) => break,
                    Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
                }
            }
            assert!(matches!(finish(socket.receive()), Ok(None)));
            assert!(socket.try_send(&"late".into()).is_err());
            outcome.ending = socket.ending();
        }
    }
    outcome
}

fn on_blocking(role: Role, script: &Script) -> Outcome {
    let opened = match role {
        Role::Server => blocking::accept_with(&patient(), script.clone()),
        Role::Client => blocking::connect_over(&patient_client(), "ws://localhost/", script.clone()),
    };
    let mut outcome = Outcome { received: Vec::new(), error: None, ending: None };
    match opened {
        Err(error) => outcome.error = Some(error),
        Ok(mut socket) => {
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
            outcome.ending = socket.ending();
        }
    }
    outcome
}

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
    assert!(answers().starts_with(&frames), "{name}: {frames:?}");
}

/// Every adapter.
fn each(fault: Fault, judge: impl Fn(&str, &Outcome, &[u8]) + Copy + Send + 'static) {
    crate::ends::run(move || {
        at_each_call(on::<sockeye::tokio::Clock>, fault, judge);
        at_each_call(on::<sockeye::futures::Clock>, fault, judge);
        at_each_call(on_blocking, fault, judge);
    });
}

/// What a stream may do without being broken changes nothing.
fn changes_nothing(name: &str, outcome: &Outcome, written: &[u8]) {
    is_a_beginning(name, outcome, written);
    assert_eq!(outcome.received, messages(), "{name}");
    assert!(outcome.error.is_none() && outcome.ending.unwrap().clean, "{name}: {outcome:?}");
    assert_eq!(frames(written).len(), answers().len(), "{name}");
}

#[test]
fn a_short_call_changes_nothing() {
    each(Fault::Short, changes_nothing);
}

#[test]
fn a_call_that_is_not_ready_changes_nothing() {
    crate::ends::run(|| {
        at_each_call(on::<sockeye::tokio::Clock>, Fault::Pending, changes_nothing);
        at_each_call(on::<sockeye::futures::Clock>, Fault::Pending, changes_nothing);
        at_each_call(on_blocking, Fault::Pending, |name, outcome, written| match outcome.error {
            // A wait that ends inside the handshake is the end of its time.
            Some(IoError::TimedOut(sockeye::Due::Handshake)) => assert!(outcome.ending.is_none(), "{name}"),
            _ => changes_nothing(name, outcome, written),
        });
    });
}

#[test]
fn an_interrupted_call_changes_nothing() {
    crate::ends::run(|| {
        at_each_call(on_blocking, Fault::Once(ErrorKind::Interrupted), |name, outcome, written| {
            changes_nothing(name, outcome, written);
        });
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
    crate::ends::run(|| {
        let sessions: [Session; 3] = [on::<sockeye::tokio::Clock>, on::<sockeye::futures::Clock>, on_blocking];
        for (session, role) in
            sessions.into_iter().flat_map(|session| [Role::Server, Role::Client].map(|role| (session, role)))
        {
            let enough = 1 << 20;
            let whole = script(role, usize::MAX);
            whole.state().until_reset = enough;
            assert_eq!(session(role, &whole).received, messages());
            let bytes = enough - whole.state().until_reset;
            assert!(bytes > 1000, "{bytes}");
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
    });
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
