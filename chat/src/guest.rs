//! One connection: a request for the page, or a guest.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockeye::handshake::OriginPolicy;
use sockeye::tokio::{Receiver, Sender, WebSocket, incoming};
use sockeye::{Broadcast, Config, Error, IoError, Message, Server, Timeouts};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::hall::{Hall, Place};
use crate::page;
use crate::protocol::{Entry, FRAME_LIMIT, Goodbye, Say};
use crate::room::{COMPRESSION, Door, Full, QUEUE_SIZE};

/// What all connections share.
pub(crate) struct House {
    server: Server,
    hall: Mutex<Hall<Sender<TcpStream>>>,
    closed: watch::Sender<bool>,
}

impl House {
    pub(crate) fn new() -> Self {
        let limit = FRAME_LIMIT as u64;
        let config = Config::default().frame_limit(limit).message_limit(limit).fragment_limit(FRAGMENTS);
        let timeouts = Timeouts { ping_interval: Some(PING_INTERVAL), ..Timeouts::default() };
        let server = Server::new(OriginPolicy::SameOrigin)
            .config(config)
            .timeouts(timeouts)
            .outbox_limit(QUEUE_SIZE)
            .deflate(COMPRESSION);
        let hall = Mutex::new(Hall::new(now().as_micros().to_string()));
        Self { server, hall, closed: watch::Sender::new(false) }
    }

    /// Serves one connection to its end, and logs what somebody can do something about.
    pub(crate) async fn serve(&self, stream: TcpStream) {
        if let Err(error @ (IoError::Handshake(_) | IoError::Connection(_))) = self.answer(stream).await {
            eprintln!("chat: a connection was closed: {error}");
        }
    }

    /// Tells every guest that the server is going away, and lets nobody in any more.
    pub(crate) fn close(&self) {
        self.hall().close();
        self.closed.send_replace(true);
    }

    async fn answer(&self, stream: TcpStream) -> Result<(), IoError> {
        stream.set_nodelay(true)?;
        let mut closed = self.closed.subscribe();
        let incoming = tokio::select! {
            incoming = incoming(&self.server, stream) => incoming?,
            // Browsers open connections ahead of their requests; nobody waits for those at the end.
            _ = closed.wait_for(|closed| *closed) => return Ok(()),
        };
        let request = incoming.request();
        if request.path() != "/socket" {
            let response = page::answer(request)?;
            return incoming.respond(&response).await;
        }
        let entry = Entry::parse(request.query().unwrap_or_default());
        self.attend(entry, incoming.accept().await?).await
    }

    /// Sees a guest in, and out again.
    async fn attend(&self, entry: Result<Entry, Goodbye>, websocket: WebSocket<TcpStream>) -> Result<(), IoError> {
        let (sender, mut receiver) = websocket.split();
        match entry.and_then(|entry| self.hall().enter(entry, sender.clone())) {
            Ok(place) => {
                let heard = self.listen(&place, &sender, &mut receiver).await;
                self.hall().leave(&place);
                heard?;
            }
            Err(why) => sender.shut(why),
        }
        // The rest of the closing handshake.
        while receiver.receive().await?.is_some() {}
        Ok(())
    }

    /// Passes on what a guest says, until it leaves or has to.
    async fn listen(
        &self,
        place: &Place,
        sender: &Sender<TcpStream>,
        receiver: &mut Receiver<TcpStream>,
    ) -> Result<(), IoError> {
        let mut pace = Pace::new();
        while let Some(message) = receiver.receive().await? {
            let why = match &message {
                Message::Close(_) => return Ok(()),
                _ if !pace.admits(Instant::now()) => Goodbye::TooFast,
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Text(text) => match Say::parse(text) {
                    Some(say) => {
                        self.hall().say(place, say, now().as_millis() as u64);
                        continue;
                    }
                    None => Goodbye::NotAFrame,
                },
                Message::Binary(_) => Goodbye::NotAFrame,
            };
            sender.shut(why);
            return Ok(());
        }
        Ok(())
    }

    /// It is locked for as long as something is queued for the guests of a room, and never while a task waits.
    fn hall(&self) -> MutexGuard<'_, Hall<Sender<TcpStream>>> {
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Queued frames are written by the guest's own task, which this wakes.
impl Door for Sender<TcpStream> {
    fn put(&self, frame: &Broadcast) -> Result<(), Full> {
        match self.try_broadcast(frame) {
            Err(IoError::Connection(Error::OutboxFull(_))) => Err(Full),
            // A connection that has failed is seen to by its own task.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn shut(&self, why: Goodbye) {
        // Where the connection is closing already, there is nothing to do.
        let _ = self.try_send(&Message::Close(Some(why.frame())));
    }
}

/// How many frames a guest may send.
struct Pace {
    /// When all of the frames so far would have come, one by one.
    paid: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { paid: Instant::now() }
    }

    fn admits(&mut self, now: Instant) -> bool {
        self.paid = self.paid.max(now) + FRAME_INTERVAL;
        self.paid - now <= FRAME_INTERVAL * FRAMES_AT_ONCE
    }
}

/// Since the Unix epoch.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A phone that has left the network is missed after this and the wait for the pong.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// The most fragments in a frame of the page. Browsers send it whole, or in few.
const FRAGMENTS: u32 = 64;

/// The most frames that a guest sends in one go, and how long it takes until it may send another one.
const FRAMES_AT_ONCE: u32 = 200;
const FRAME_INTERVAL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_may_send_many_frames_at_once_and_then_one_by_one() {
        let mut pace = Pace::new();
        let start = Instant::now();
        for _ in 0..FRAMES_AT_ONCE {
            assert!(pace.admits(start));
        }
        assert!(!pace.admits(start));

        let mut pace = Pace::new();
        for count in 0..10 * FRAMES_AT_ONCE {
            assert!(pace.admits(start + FRAME_INTERVAL * count));
        }
    }
}
