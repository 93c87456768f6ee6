//! The sessions of `faults`, with the halves of a connection.

use std::pin::pin;
use std::sync::mpsc::channel;
use std::thread;

use sockeye::{Error, IoError, Misuse, Role};
use tokio::sync::mpsc::unbounded_channel;

use crate::faults::{Outcome, open, open_blocking};
use crate::scripted::{Polled, Script};
use crate::tasks::{run_task, run_tasks};

/// One task that uses both halves.
pub(crate) fn in_turn<A: Polled>(role: Role, script: &Script) -> Outcome {
    run_task(script, async {
        let mut outcome = Outcome::new(true);
        let (sender, mut receiver) = match open::<A>(role, script).await {
            Ok(socket) => socket.split(),
            Err(error) => return Outcome { error: Some(error), ..outcome },
        };
        loop {
            match receiver.receive().await {
                Ok(Some(message)) => {
                    if message.is_data() {
                        may_fail(sender.send(message.clone()).await);
                    }
                    outcome.received.push(message);
                }
                Ok(None) => break,
                Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
            }
        }
        assert!(matches!(receiver.receive().await, Ok(None)));
        assert!(sender.send("late").await.is_err());
        let written = script.state().written.len();
        may_fail(sender.flush().await);
        assert_eq!(script.state().written.len(), written, "something was left to write");
        outcome.ending = receiver.ending();
        outcome
    })
}

/// A task that receives, and one that sends what that one has received.
pub(crate) fn in_tasks<A: Polled>(role: Role, script: &Script) -> Outcome {
    let mut outcome = Outcome::new(false);
    let (sender, mut receiver) = match run_task(script, open::<A>(role, script)) {
        Ok(socket) => socket.split(),
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    let (give, mut given) = unbounded_channel();
    let receiving = async {
        let give = give;
        loop {
            match receiver.receive().await {
                Ok(Some(message)) => {
                    if message.is_data() {
                        give.send(message.clone()).expect("the other task goes on");
                    }
                    outcome.received.push(message);
                }
                Ok(None) => break,
                Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
            }
        }
    };
    let sending = async {
        while let Some(message) = given.recv().await {
            may_fail(sender.send(message).await);
        }
    };
    run_tasks(script, &mut [pin!(sending), pin!(receiving)]);
    assert!(sender.try_send(&"late".into()).is_err());
    let written = script.state().written.len();
    may_fail(run_task(script, sender.flush()));
    assert_eq!(script.state().written.len(), written, "something was left to write");
    outcome.ending = receiver.ending();
    outcome
}

/// One thread that uses both halves.
pub(crate) fn in_turn_blocking(role: Role, script: &Script) -> Outcome {
    let mut outcome = Outcome::new(true);
    let (sender, mut receiver) = match open_blocking(role, script).and_then(sockeye::blocking::WebSocket::split) {
        Ok(halves) => halves,
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    loop {
        match receiver.receive() {
            Ok(Some(message)) => {
                if message.is_data() {
                    may_fail(sender.send(message.clone()));
                }
                outcome.received.push(message);
            }
            Ok(None) => break,
            Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
        }
    }
    assert!(matches!(receiver.receive(), Ok(None)));
    assert!(sender.send("late").is_err());
    let written = script.state().written.len();
    may_fail(sender.flush());
    assert_eq!(script.state().written.len(), written, "something was left to write");
    outcome.ending = receiver.ending();
    outcome
}

/// A thread that receives, and one that sends what that one has received.
pub(crate) fn in_threads(role: Role, script: &Script) -> Outcome {
    let mut outcome = Outcome::new(false);
    let (sender, mut receiver) = match open_blocking(role, script).and_then(sockeye::blocking::WebSocket::split) {
        Ok(halves) => halves,
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    let (give, given) = channel();
    let another = sender.clone();
    thread::scope(|threads| {
        threads.spawn(move || given.into_iter().for_each(|message| may_fail(another.send(message))));
        loop {
            match receiver.receive() {
                Ok(Some(message)) => {
                    if message.is_data() {
                        give.send(message.clone()).expect("the other thread goes on");
                    }
                    outcome.received.push(message);
                }
                Ok(None) => break,
                Err(error) => assert!(outcome.error.replace(error).is_none(), "two errors"),
            }
        }
        drop(give);
    });
    assert!(matches!(receiver.receive(), Ok(None)));
    assert!(sender.send("late").is_err());
    let written = script.state().written.len();
    may_fail(sender.flush());
    assert_eq!(script.state().written.len(), written, "something was left to write");
    outcome.ending = receiver.ending();
    outcome
}

/// A sender is told that the stream has failed, or that the connection is over.
fn may_fail(sent: Result<(), IoError>) {
    let expected = matches!(sent, Ok(()) | Err(IoError::Io(_) | IoError::Connection(Error::Misuse(Misuse::Closed))));
    assert!(expected, "{sent:?}");
}
