//! A place that one connection holds after another: each lives until it is killed, the last one until all end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sockeye::IoError;
use sockeye::tokio::{WebSocket, connect_over};
use tokio::net::TcpSocket;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::letters::{Dice, Letters, Verdict, payload};
use crate::load::World;
use crate::mortal::Mortal;
use crate::tally::Death;

/// How a connection came to its end, where it was not killed.
enum End {
    Killed,
    /// It has lived to the end, or failed.
    Over,
}

/// Holds the place `number` until all end, or until a connection fails that was not killed.
pub(crate) async fn keep(world: Arc<World>, number: usize, kill: Arc<Notify>, mut stopped: watch::Receiver<()>) {
    let mut dice = Dice::new(world.seed ^ ((number as u64) << 32));
    loop {
        let opened = tokio::select! {
            opened = open(&world, number) => opened,
            () = kill.notified() => {
                world.count(|tally| tally.killed(Death::Opening));
                continue;
            }
        };
        let socket = match opened {
            Ok(socket) => socket,
            Err(error) => return world.count(|tally| tally.failed(format!("opening: {error}"))),
        };
        let connection = world.count(|tally| {
            tally.open += 1;
            tally.opened += 1;
            tally.opened
        });
        let end = live(&world, socket, connection, &mut dice, &kill, &mut stopped).await;
        world.count(|tally| tally.open -= 1);
        if matches!(end, End::Over) {
            return;
        }
    }
}

/// Opens a connection, when not too many others are being opened.
async fn open(world: &World, number: usize) -> Result<WebSocket<Mortal>, IoError> {
    let _turn = world.gate.acquire().await;
    let socket = TcpSocket::new_v4()?;
    if world.address.ip().is_loopback() {
        // A port that was in use is free again after a minute: one address alone has too few of them.
        socket.bind(SocketAddr::from(([127, 0, 0, 1 + (number % 32) as u8], 0)))?;
    }
    let stream = socket.connect(world.address).await?;
    stream.set_nodelay(true)?;
    connect_over(&world.client, &world.url, Mortal::new(stream)).await
}

async fn live(
    world: &World,
    mut socket: WebSocket<Mortal>,
    connection: u64,
    dice: &mut Dice,
    kill: &Notify,
    stopped: &mut watch::Receiver<()>,
) -> End {
    let mut letters = Letters::new(connection);
    let phase = world.period * dice.below(1000) as u32 / 1000;
    let mut ticks = interval_at(Instant::now() + phase, world.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut given_up = None;
    while given_up.is_none() || letters.waiting() > 0 {
        tokio::select! {
            () = kill.notified(), if given_up.is_none() => {
                let unanswered = letters.waiting() as u64;
                let death = die(socket, &mut letters, dice).await;
                world.count(|tally| {
                    tally.killed(death);
                    tally.unanswered += unanswered;
                });
                return End::Killed;
            }
            _ = stopped.changed(), if given_up.is_none() => given_up = Some(Instant::now() + PATIENCE),
            _ = ticks.tick(), if given_up.is_none() && letters.waiting() < WINDOW => {
                // Queued, and written while receiving: the server may be waiting for its echoes to be read.
                match socket.try_send(&letters.next()) {
                    Ok(()) => world.count(|tally| tally.sent += 1),
                    Err(error) => return fail(world, &letters, format!("sending: {error}")),
                }
            }
            () = sleep_until(given_up.unwrap_or_else(Instant::now)), if given_up.is_some() => {
                return fail(world, &letters, "an echo did not come".into());
            }
            received = socket.receive() => match received {
                Ok(Some(message)) if message.is_data() => {
                    let verdict = letters.judge(&message);
                    world.count(|tally| match verdict {
                        Verdict::Good => tally.echoed += 1,
                        Verdict::Doubled => tally.doubled += 1,
                        Verdict::Disordered => tally.disordered += 1,
                        Verdict::Damaged => tally.damaged += 1,
                    });
                }
                Ok(Some(message)) => return fail(world, &letters, format!("the server sent {message:?}")),
                Ok(None) => return fail(world, &letters, format!("the server ended it: {:?}", socket.ending())),
                Err(error) => return fail(world, &letters, format!("receiving: {error}")),
            },
        }
    }
    let _turn = world.gate.acquire().await;
    let closed = socket.close(None).await;
    world.count(|tally| match closed {
        Ok(ending) if ending.clean => tally.survived += 1,
        Ok(ending) => tally.failed(format!("closing: {ending:?}")),
        Err(error) => tally.failed(format!("closing: {error}")),
    });
    End::Over
}

/// What was waited for is lost.
fn fail(world: &World, letters: &Letters, error: String) -> End {
    world.count(|tally| {
        tally.lost += letters.waiting() as u64;
        tally.failed(error);
    });
    End::Over
}

/// Drops the connection as one that is lost: in the middle of a frame or where it stands, with a reset or with the end of
/// the stream alone.
async fn die(mut socket: WebSocket<Mortal>, letters: &mut Letters, dice: &mut Dice) -> Death {
    let (inside, resets) = (dice.below(2) == 0, dice.below(2) == 0);
    if inside {
        let letter = letters.next();
        // A frame is longer than its payload.
        socket.stream().break_behind(1 + dice.below(payload(&letter).len()));
        // It fails, or waits for a server that waits for this end to read.
        let _ = timeout(Duration::from_secs(1), socket.send(letter)).await;
    }
    if resets {
        socket.stream().reset();
    }
    match (inside, resets) {
        (false, true) => Death::Reset,
        (false, false) => Death::Ended,
        (true, true) => Death::CutByReset,
        (true, false) => Death::CutByEnd,
    }
}

/// Echoes that one connection waits for at most.
const WINDOW: usize = 4;

/// How long an echo is waited for in the end.
const PATIENCE: Duration = Duration::from_secs(30);
