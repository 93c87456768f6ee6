//! This engine, as a peer like any other.

use std::hint::black_box;
use std::io::{self, IoSlice, Read, Write};

use peer::deflated::{LEVEL, MEMORY_LEVEL, WINDOW_BITS};
use peer::{Job, Kind, Peer, Role, Sent, Takeover, Wire, job, look, server};
use sockeye::bytes::{Buf, Bytes, BytesMut};
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::handshake::{Acceptance, Offer, OriginPolicy, RequestReader, Url};
use sockeye::mask::Mask;
use sockeye::{Broadcast, Config, Connection, Event, Inbox, Message, Outbox, Server, utf8};

struct Sockeye;

fn main() {
    peer::run(&Sockeye);
}

impl Peer for Sockeye {
    const SETTINGS: &'static str = "the engine without an adapter; reads of 64 KiB; sent as slices, and from 2 KiB on as \
        Bytes, by vectored writes of 8 pieces; limits of 16 MiB, the default";

    fn decode_lent(&self, wire: Wire, kind: Kind) -> Option<Job> {
        let mut end = End::server(wire);
        if kind.is_text() {
            return job(move |units| {
                end.events(units, |event| match event {
                    Event::Text(text) => look(text.as_bytes()),
                    other => unreachable!("expected text, got {other:?}"),
                })
            });
        }
        job(move |units| {
            end.events(units, |event| match event {
                Event::Binary(data) => look(&data),
                other => unreachable!("expected binary data, got {other:?}"),
            })
        })
    }

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        let mut end = End::server(wire);
        job(move |units| {
            end.events(units, |event| match black_box(event.into_message()) {
                Message::Text(text) => look(text.as_bytes()),
                Message::Binary(data) => look(&data),
                other => unreachable!("expected data, got {other:?}"),
            })
        })
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        let mut end = End::server(wire);
        job(move |units| {
            end.events(units, |event| match event {
                Event::Text(text) => look(text.as_str().as_bytes()),
                other => unreachable!("expected text, got {other:?}"),
            })
        })
    }

    fn decode_fed(&self, wire: Wire, owned: bool) -> Option<Job> {
        let mut end = End { fed: true, ..End::server(wire) };
        job(move |units| {
            end.events(units, |event| match event {
                Event::Binary(data) if owned => look(&black_box(data.into_bytes())),
                Event::Binary(data) => look(&data),
                other => unreachable!("expected binary data, got {other:?}"),
            })
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, mut wire: Wire) -> Option<Job> {
        let mut connection = match role {
            Role::Client => Connection::client(&Config::default()),
            Role::Server => Connection::server(&Config::default()),
        };
        let message = (payload.len() >= SHARED).then(|| Message::Binary(Bytes::from_static(payload)));
        let mut outbox = Outbox::new();
        let sent = wire.sent();
        job(move |units| {
            let before = sent.bytes();
            for unit in 1..=units {
                let result = match &message {
                    Some(message) => connection.send(message, &mut outbox),
                    None => connection.send_binary(payload, &mut outbox),
                };
                result.expect("the connection is open");
                if unit % batch == 0 || unit == units {
                    drain(&mut outbox, &mut wire);
                }
            }
            since(&sent, before)
        })
    }

    fn broadcast(&self, payload: &'static [u8], outboxes: u64) -> Option<Job> {
        let text = std::str::from_utf8(payload).expect("the payload is text");
        let mut peers: Vec<(Connection, Outbox)> =
            (0..outboxes).map(|_| (Connection::server(&Config::default()), Outbox::new())).collect();
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units.div_ceil(outboxes) {
                let news = Broadcast::text(text);
                for (connection, outbox) in &mut peers {
                    connection.broadcast(&news, outbox).expect("the connection is open");
                }
                for (_, outbox) in &mut peers {
                    sum += outbox.remaining() as u64;
                    outbox.advance(outbox.remaining());
                }
            }
            sum
        })
    }

    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        peer::kernels::mask(size, offset, |piece, key| Mask::new(key).apply(piece))
    }

    fn utf8(&self, text: &'static [u8]) -> Option<Job> {
        peer::kernels::utf8(text, utf8::is_valid)
    }

    fn compress(&self, messages: &'static [&'static [u8]], takeover: Takeover, mut wire: Wire) -> Option<Job> {
        let mut connection = compressed(takeover);
        let texts: Vec<&str> = messages.iter().map(|text| str::from_utf8(text).expect("text")).collect();
        let mut texts = texts.into_iter().cycle();
        let mut outbox = Outbox::new();
        let sent = wire.sent();
        job(move |units| {
            let before = sent.bytes();
            for text in texts.by_ref().take(units as usize) {
                connection.send_text(text, &mut outbox).expect("the connection is open");
                drain(&mut outbox, &mut wire);
            }
            since(&sent, before)
        })
    }

    fn decompress(&self, wire: Wire, takeover: Takeover) -> Option<Job> {
        let mut end = End { connection: compressed(takeover), ..End::server(wire) };
        job(move |units| {
            end.events(units, |event| match event {
                Event::Text(text) => look(text.as_bytes()),
                other => unreachable!("expected text, got {other:?}"),
            })
        })
    }

    fn handshake_server(&self, request: &'static [u8]) -> Option<Job> {
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let mut reader = RequestReader::default();
                let (request, _) = reader.read(black_box(request)).expect("a good request").expect("a whole request");
                OriginPolicy::Any.check(&request).expect("any origin");
                let (response, _) = request.accept(&Acceptance::new()).expect("a good request");
                sum += black_box(response.write()).len() as u64;
            }
            sum
        })
    }

    fn handshake_client(&self) -> Option<Job> {
        let url = Url::parse("ws://chat.example.com/chat?room=salmon").expect("a good URL");
        let nonce = *b"the sample nonce";
        let (request, _) = Offer::new().begin(&url, nonce);
        let answer = request.accept(&Acceptance::new()).expect("a good request").0.write();
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let (request, mut handshake) = Offer::new().begin(&url, black_box(nonce));
                sum += black_box(request.write()).len() as u64;
                handshake.read(black_box(&answer)).expect("a good answer").expect("a whole answer");
            }
            sum
        })
    }

    /// The adapter for tokio, as its documentation has it.
    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |stream| {
            let config = Config::default().message_limit(MOST).frame_limit(MOST);
            let server = Server::new(OriginPolicy::Any).config(config);
            let Ok(mut socket) = sockeye::tokio::accept_with(&server, stream).await else { return };
            while let Ok(Some(message)) = socket.receive().await {
                if message.is_data() && socket.feed(message).await.is_err() {
                    return;
                }
            }
        })
    }
}

/// A server's end that compresses.
fn compressed(takeover: Takeover) -> Connection {
    let options = Options::new().level(LEVEL).memory_level(MEMORY_LEVEL).threshold(0);
    let direction = Direction::new(WINDOW_BITS, takeover == Takeover::On);
    let parameters = Parameters { local: direction, remote: direction };
    Connection::server(&Config::default()).with_deflate(parameters, &options)
}

/// A server's end with its inbox and outbox.
struct End {
    connection: Connection,
    inbox: Inbox,
    outbox: Outbox,
    wire: Wire,
    /// Whether what arrives is copied into the inbox, and not read into its space.
    fed: bool,
}

impl End {
    fn server(wire: Wire) -> Self {
        let mut inbox = Inbox::new();
        inbox.exchange(BytesMut::zeroed(READ));
        Self { connection: Connection::server(&Config::default()), inbox, outbox: Outbox::new(), wire, fed: false }
    }

    /// Takes so many events.
    #[inline]
    fn events(&mut self, units: u64, mut take: impl FnMut(Event<'_>) -> u64) -> u64 {
        let (mut sum, mut left) = (0, units);
        while left > 0 {
            match self.connection.receive(&mut self.inbox, &mut self.outbox).expect("good frames") {
                Some(event) => {
                    sum += take(event);
                    left -= 1;
                }
                None => self.read(),
            }
        }
        sum
    }

    #[inline(never)]
    fn read(&mut self) {
        if self.fed {
            return self.inbox.extend(self.wire.arrived(READ));
        }
        let least = self.inbox.len().clamp(LEAST_READ, MOST_READ);
        let count = self.wire.read(self.inbox.space(least)).expect("the wire does not fail");
        self.inbox.filled(count);
    }
}

/// Writes all that waits: at once where it lies together, and else by vectored writes.
#[inline(always)]
fn drain(outbox: &mut Outbox, wire: &mut Wire) {
    while !outbox.is_empty() {
        let chunk = outbox.chunk();
        let written = if chunk.len() == outbox.len() { wire.write(chunk) } else { write_vectored(outbox, wire) };
        outbox.advance(written.expect("the wire does not fail"));
    }
}

#[inline(never)]
fn write_vectored(outbox: &Outbox, wire: &mut Wire) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); 8];
    let count = outbox.chunks_vectored(&mut slices);
    wire.write_vectored(&slices[..count])
}

fn since(sent: &Sent, before: u64) -> u64 {
    sent.bytes() - before
}

/// From here on the outbox of a server shares what it is given owned.
const SHARED: usize = 2048;

const READ: usize = 64 << 10;
const LEAST_READ: usize = 4 << 10;
const MOST_READ: usize = 64 << 10;
const MOST: u64 = 64 << 20;
