//! All places together, who is killed, and the time.

use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use embed::process::{Server, memory_of};
use sockeye::{Client, Timeouts};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::letters::Dice;
use crate::options::Options;
use crate::place;
use crate::tally::{Held, Tally};

/// What all connections share.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) client: Client,
    /// From one message of a connection to its next.
    pub(crate) period: Duration,
    pub(crate) seed: u64,
    /// How many may shake hands, or close, at once.
    pub(crate) gate: Semaphore,
    tally: Mutex<Tally>,
}

impl World {
    fn new(address: SocketAddr, period: Duration, seed: u64) -> Self {
        let moment = Some(Duration::from_secs(30));
        let timeouts = Timeouts { handshake: moment, close_wait: moment, ..Timeouts::default() };
        let (url, client) = (format!("ws://{address}/"), Client::new().timeouts(timeouts));
        Self { address, url, client, period, seed, gate: Semaphore::new(256), tally: Mutex::default() }
    }

    pub(crate) fn count<T>(&self, count: impl FnOnce(&mut Tally) -> T) -> T {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What came of it.
pub(crate) struct Run {
    pub(crate) tally: Tally,
    /// Memory with all connections open, of which each has sent a message, before one was killed.
    pub(crate) open: Held,
    /// The most memory that was seen.
    pub(crate) peak: Held,
}

/// Opens all connections, has them talk while a share of them is killed for so many seconds, and closes them.
pub(crate) async fn run(
    options: &Options,
    seconds: u64,
    address: SocketAddr,
    server: &Server,
) -> Result<Run, Box<dyn Error>> {
    let count = options.connections;
    let period = Duration::from_secs(1).mul_f64(count as f64 / options.rate as f64);
    let world = Arc::new(World::new(address, period, options.seed));
    let (stop, stopped) = watch::channel(());
    let kills: Vec<_> = (0..count).map(|_| Arc::new(Notify::new())).collect();
    let mut places = JoinSet::new();
    for (number, kill) in kills.iter().enumerate() {
        places.spawn(place::keep(Arc::clone(&world), number, Arc::clone(kill), stopped.clone()));
    }

    let mut watcher = Watcher { server, world: &world, peak: Held::default(), said: Instant::now() };
    while world.count(|tally| tally.open + tally.failures() < count as u64) {
        watcher.look("opening")?;
        sleep(Duration::from_millis(100)).await;
    }
    sleep(period).await;
    let open = watcher.look("all open")?;

    let mut dice = Dice::new(options.seed);
    let mut order: Vec<usize> = (0..count).collect();
    for second in 0..seconds {
        let start = Instant::now();
        let doomed = count * options.share / 100;
        for index in 0..doomed {
            order.swap(index, index + dice.below(count - index));
            sleep_until(start + Duration::from_secs(1) * index as u32 / doomed as u32).await;
            kills[order[index]].notify_one();
        }
        sleep_until(start + Duration::from_secs(1)).await;
        watcher.look(&format!("{} s of {}", second + 1, seconds))?;
    }

    stop.send_replace(());
    loop {
        tokio::select! {
            place = places.join_next() => match place {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => world.count(|tally| tally.failed(error.to_string())),
            },
            () = sleep(Duration::from_millis(500)) => drop(watcher.look("closing")?),
        }
    }
    let peak = watcher.peak;
    if stderr().is_terminal() {
        eprintln!();
    }
    Ok(Run { tally: world.count(std::mem::take), open, peak })
}

/// Looks at the memory, and says how far it is.
struct Watcher<'w> {
    server: &'w Server,
    world: &'w World,
    peak: Held,
    said: Instant,
}

impl Watcher<'_> {
    fn look(&mut self, stage: &str) -> Result<Held, Box<dyn Error>> {
        let held = Held { server: self.server.memory()?, load: memory_of("self")? };
        self.peak = Held { server: held.server.max(self.peak.server), load: held.load.max(self.peak.load) };
        let terminal = stderr().is_terminal();
        if terminal || self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            let (start, end) = if terminal { ("\r\x1b[K", "") } else { ("", "\n") };
            let line = self.world.count(|tally| tally.line());
            eprint!("{start}{stage}: {line}, the server holds {} MiB{end}", held.server >> 20);
        }
        Ok(held)
    }
}

/// How often a line is written where it cannot be written over.
const EVERY: Duration = Duration::from_secs(10);
