//! A blocking stream in memory, with waits that end and halves that shut down.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use sockeye::blocking::{Duplex, Transport};

/// One end of it. Clones are handles to the same end.
#[derive(Clone)]
pub(crate) struct Pipe {
    read: Arc<Way>,
    write: Arc<Way>,
    wait: Option<Duration>,
    /// Whoever holds the end: when the last handle is dropped, both ways end.
    _hold: Arc<Hold>,
}

struct Hold(Arc<Way>, Arc<Way>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.end();
        self.1.end();
    }
}

#[derive(Default)]
struct Way {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// Both ends.
pub(crate) fn pipe() -> (Pipe, Pipe) {
    let (one, other) = (Arc::new(Way::default()), Arc::new(Way::default()));
    (Pipe::new(&one, &other), Pipe::new(&other, &one))
}

impl Pipe {
    fn new(read: &Arc<Way>, write: &Arc<Way>) -> Self {
        let (read, write) = (Arc::clone(read), Arc::clone(write));
        Self { _hold: Arc::new(Hold(Arc::clone(&read), Arc::clone(&write))), read, write, wait: None }
    }
}

impl Way {
    fn wait(&self, wait: Option<Duration>, until: impl Fn(&State) -> bool) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap();
        let Some(wait) = wait else { return Ok(self.changed.wait_while(state, |state| !until(state)).unwrap()) };
        let (state, waited) = self.changed.wait_timeout_while(state, wait, |state| !until(state)).unwrap();
        if waited.timed_out() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(state) }
    }

    fn end(&self) {
        self.state.lock().unwrap().ended = true;
        self.changed.notify_all();
    }
}

impl Read for Pipe {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut state = self.read.wait(self.wait, |state| state.ended || !state.bytes.is_empty())?;
        let count = state.bytes.read(space)?;
        self.read.changed.notify_all();
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.write.wait(self.wait, |state| state.ended || state.bytes.len() < ROOM)?;
        if state.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(ROOM - state.bytes.len());
        state.bytes.extend(&bytes[..count]);
        self.write.changed.notify_all();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Pipe {
    fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
        self.wait = wait;
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.write.end();
        Ok(())
    }
}

impl Duplex for Pipe {
    fn duplicate(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    fn end(&self) -> io::Result<()> {
        self.read.end();
        self.write.end();
        Ok(())
    }
}

/// Bytes that are under way at most.
const ROOM: usize = 64 << 10;
