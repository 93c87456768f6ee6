//! A stream that fails, pauses or stops short at each of its calls while this end closes.

use std::io::ErrorKind;

use sockeye::{Ending, IoError, Message, Role, polled};

use crate::ends::run;
use crate::faults::{open, open_blocking, script};
use crate::peer::{CLOSE, FIN, Frame, PONG, TEXT};
use crate::scripted::{Fault, Polled, Script, frames};
use crate::tasks::run_task;

/// What closing came to; `None` where there was no connection to close.
type Closed = Option<Result<Ending, IoError>>;

/// Answers the first message and closes. What the peer says after that is discarded.
fn whole<A: Polled>(role: Role, script: &Script) -> Closed {
    run_task(script, async {
        let mut socket: polled::WebSocket<Script, A> = open(role, script).await.ok()?;
        let first = socket.receive().await.ok()??;
        let _ = socket.send(first).await;
        let closed = socket.close(None).await;
        // What failed is told once, by whichever call came upon it.
        let after = socket.receive().await;
        assert!(matches!(after, Ok(None)), "{after:?} after {closed:?}");
        Some(closed)
    })
}

/// The same with halves: one closes, and the other sees the rest.
fn halves<A: Polled>(role: Role, script: &Script) -> Closed {
    run_task(script, async {
        let socket: polled::WebSocket<Script, A> = open(role, script).await.ok()?;
        let (sender, mut receiver) = socket.split();
        let first = receiver.receive().await.ok()??;
        let _ = sender.send(first).await;
        let closed = sender.close(None).await;
        let mut failure = None;
        loop {
            match receiver.receive().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => assert!(failure.replace(error).is_none(), "two errors"),
            }
        }
        let ending = receiver.ending().expect("it has ended");
        Some(failure.map_or(closed.map(|()| ending), Err))
    })
}

fn whole_blocking(role: Role, script: &Script) -> Closed {
    let mut socket = open_blocking(role, script).ok()?;
    let first = socket.receive().ok()??;
    let _ = socket.send(first);
    let closed = socket.close(None);
    let after = socket.receive();
    assert!(matches!(after, Ok(None)), "{after:?} after {closed:?}");
    Some(closed)
}

fn halves_blocking(role: Role, script: &Script) -> Closed {
    let (sender, mut receiver) = open_blocking(role, script).ok()?.split().ok()?;
    let first: Message = receiver.receive().ok()??;
    let _ = sender.send(first);
    let closed = sender.close(None);
    let mut failure = None;
    loop {
        match receiver.receive() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => assert!(failure.replace(error).is_none(), "two errors"),
        }
    }
    let ending = receiver.ending().expect("it has ended");
    Some(failure.map_or(closed.map(|()| ending), Err))
}

type Session = fn(Role, &Script) -> Closed;

const SESSIONS: [Session; 6] = [
    whole::<sockeye::tokio::Clock>,
    whole::<sockeye::futures::Clock>,
    halves::<sockeye::tokio::Clock>,
    halves::<sockeye::futures::Clock>,
    whole_blocking,
    halves_blocking,
];

/// Closes with the fault at each call, and hands what came of it to `judge`.
fn at_each_call(fault: Fault, judge: fn(&str, &Closed, &[Option<Frame>])) {
    for session in SESSIONS {
        run(move || {
            for (role, chunk) in
                [Role::Server, Role::Client].into_iter().flat_map(|role| [(role, usize::MAX), (role, 13)])
            {
                let whole = script(role, chunk);
                assert!(session(role, &whole).unwrap().unwrap().clean);
                let calls = whole.state().calls;
                for call in 0..calls {
                    let script = script(role, chunk);
                    script.state().fault = Some((call, fault));
                    let closed = session(role, &script);
                    let name = format!("{fault:?} at call {call} of {calls} as {role:?} in chunks of {chunk}");
                    let written = frames(&script.state().written);
                    // The echo and the close frame, as far as they came. A ping is answered until the peer has closed as
                    // well (RFC 6455 section 5.5.2).
                    let expected = [FIN | TEXT, FIN | CLOSE, FIN | PONG];
                    let heard: Vec<u8> = written.iter().flatten().map(|frame| frame.first).collect();
                    assert!(expected.starts_with(&heard), "{name}: {written:?}");
                    judge(&name, &closed, &written);
                    assert!(script.state().calls < 3 * calls + 100, "{name}: {} calls", script.state().calls);
                }
            }
        });
    }
}

#[test]
fn a_short_call_does_not_hinder_a_close() {
    at_each_call(Fault::Short, |name, closed, written| {
        assert!(matches!(closed, Some(Ok(ending)) if ending.clean) && written.len() == 3, "{name}: {closed:?}");
    });
}

#[test]
fn a_call_that_is_not_ready_does_not_hinder_a_close() {
    at_each_call(Fault::Pending, |name, closed, written| {
        // For a blocking stream, a wait that ends inside the handshake is the end of its time.
        let cut = closed.is_none() && written.is_empty();
        assert!(cut || matches!(closed, Some(Ok(ending)) if ending.clean) && written.len() == 3, "{name}: {closed:?}");
    });
}

/// A stream that is reset: closing fails for that reason, unless both close frames had gone over the wire.
#[test]
fn a_reset_ends_a_close() {
    for fault in [Fault::Broken(ErrorKind::ConnectionReset), Fault::Once(ErrorKind::ConnectionReset)] {
        at_each_call(fault, |name, closed, _| match closed {
            None => {}
            Some(Ok(ending)) => assert!(ending.clean, "{name}: {closed:?}"),
            Some(Err(IoError::Io(error))) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}"),
            Some(Err(_)) => panic!("{name}: {closed:?}"),
        });
    }
}

/// The peer's half ends before its close frame, or a write takes nothing.
#[test]
fn a_call_that_moves_nothing_ends_a_close() {
    at_each_call(Fault::Zero, |name, closed, _| match closed {
        None | Some(Ok(_)) => {}
        Some(Err(IoError::Io(error))) => assert_eq!(error.kind(), ErrorKind::WriteZero, "{name}"),
        Some(Err(_)) => panic!("{name}: {closed:?}"),
    });
}
