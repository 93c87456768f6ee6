//! What a connection with permessage-deflate holds in memory, from its first message to its idleness, and under attack.
#![cfg(feature = "deflate")]
// A global allocator cannot be written without it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use sockeye::bytes::{Buf, BytesMut};
use sockeye::deflate::{Deflate, Direction, Options, Parameters};
use sockeye::frame::Header;
use sockeye::handshake::OriginPolicy;
use sockeye::{
    Client, Config, Connection, Error, Event, Inbox, Limit, Message, Opcode, Outbox, Piece, Server, Timeouts,
};

/// Counts what this thread has allocated, and the most of it.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the allocator of the system with the arguments that came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.get().wrapping_add(layout.size());
        LIVE.set(live);
        PEAK.set(PEAK.get().max(live));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.get()
}

/// The most that was live while this ran, beyond what was live before.
fn peak(run: impl FnOnce()) -> usize {
    let before = live();
    PEAK.set(before);
    run();
    PEAK.get() - before
}

fn parameters(window_bits: u8, context_takeover: bool) -> Parameters {
    let direction = Direction::new(window_bits, context_takeover);
    Parameters { local: direction, remote: direction }
}

fn server(config: &Config, parameters: Parameters) -> Connection {
    Connection::server(config).with_deflate(parameters, &Options::new().threshold(0))
}

/// A masked frame whose key is zero, so that the payload goes over the wire as it is.
fn frame(fin: bool, reserved: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let header = Header { fin, reserved, opcode, mask: Some([0; 4]), length: payload.len() as u64 };
    [header.encode().as_slice(), payload].concat()
}

fn compressed(message: &[u8]) -> Vec<u8> {
    let mut payload = BytesMut::new();
    assert!(Deflate::new(parameters(15, true), &Options::new().threshold(0)).compress(message, true, &mut payload));
    payload.to_vec()
}

/// What is needed to inflate with the largest window, as the documentation says, and the inbox's share of a read.
const CONTEXT: usize = (47 + 32) << 10;

#[test]
fn a_bomb_takes_no_more_than_twice_the_limit() {
    for limit in [1usize << 10, 100_000, (1 << 20) + 1] {
        let bomb = compressed(&vec![0; 3 * limit]);
        let wire = frame(true, 0b100, Opcode::Binary, &bomb);
        for step in [wire.len(), 1000, 1] {
            let peak = peak(|| {
                let mut connection = server(&Config::default().message_limit(limit as u64), parameters(15, true));
                let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
                let mut result = Ok(());
                for piece in wire.chunks(step) {
                    inbox.extend(piece);
                    result = connection.receive(&mut inbox, &mut outbox).map(|_| ());
                    if result.is_err() {
                        break;
                    }
                }
                assert_eq!(result, Err(Error::Limit(Limit::Message { length: limit as u64 + 1 })));
                assert!(inbox.capacity() <= limit + 2 * wire.len() + 1024, "{limit}: {}", inbox.capacity());
            });
            // Where the memory moves to a larger place, both are there for a moment.
            let bound = 2 * limit + 3 * wire.len() + CONTEXT + 4096;
            assert!(peak <= bound, "limit {limit}, reads of {step}: {peak} bytes, at most {bound} expected");
        }
    }
}

#[test]
fn a_bomb_in_pieces_takes_a_piece() {
    let length = 8 << 20;
    let wire = frame(true, 0b100, Opcode::Binary, &compressed(&vec![0; length]));
    for keep in [false, true] {
        let mut seen = 0;
        let peak = peak(|| {
            let config = Config::default().message_limit(u64::MAX).frame_limit(u64::MAX);
            let mut connection = server(&config, parameters(15, true));
            let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
            for read in wire.chunks(4096) {
                inbox.extend(read);
                while let Some(piece) = connection.receive_piece(&mut inbox, &mut outbox).expect("a good message") {
                    let Piece::Binary { data, .. } = piece else { panic!("expected data") };
                    assert!(data.len() <= 16 << 10);
                    seen += if keep { data.into_bytes().len() } else { data.len() };
                }
            }
        });
        assert_eq!(seen, length);
        let piece = 16 << 10;
        // A second piece where the caller keeps one, the window while it moves to a larger place, and the reads.
        let bound = CONTEXT + if keep { 2 * piece } else { piece } + (16 << 10) + 3 * 4096;
        assert!(peak <= bound, "{peak} bytes, at most {bound} expected");
    }
}

#[test]
fn many_small_bombs_take_no_more_than_one() {
    let limit = 1 << 18;
    let wire = frame(true, 0b100, Opcode::Binary, &compressed(&vec![0; limit]));
    let run = |count: usize| {
        peak(|| {
            let mut connection = server(&Config::default().message_limit(limit as u64), parameters(15, false));
            let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
            for _ in 0..count {
                inbox.extend(&wire);
                match connection.receive(&mut inbox, &mut outbox) {
                    Ok(Some(Event::Binary(data))) => assert_eq!(data.into_bytes().len(), limit),
                    other => panic!("expected the message, got {other:?}"),
                }
            }
        })
    };
    let (one, many) = (run(1), run(20));
    assert!(many <= one + limit, "{many} bytes, {one} for one");
}

/// What a connection with its buffers holds, after each step of its life.
#[test]
fn contexts_are_made_at_first_use_and_given_back() {
    let message: Vec<u8> = (0..65_536u32).map(|i| (i >> 4) as u8).collect();
    let wire = frame(true, 0b100, Opcode::Binary, &compressed(&message));
    for window_bits in 8..=15 {
        for context_takeover in [false, true] {
            let window = 1usize << window_bits;
            let fresh = live();
            let mut connection = server(&Config::default(), parameters(window_bits, context_takeover));
            let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
            let idle = live() - fresh;
            assert!(idle <= 512, "{idle} bytes for a connection on which nothing was compressed");

            // What is not compressed needs no context, and neither does an empty message.
            for plain in [frame(true, 0, Opcode::Text, b"plain"), frame(true, 0b100, Opcode::Text, &[])] {
                inbox.extend(&plain);
                assert!(matches!(connection.receive(&mut inbox, &mut outbox), Ok(Some(Event::Text(_)))));
            }
            connection.ping(b"", &mut outbox).expect("room");
            release(&mut inbox, &mut outbox);
            assert_eq!(live() - fresh, idle);

            inbox.extend(&wire);
            assert!(connection.receive(&mut inbox, &mut outbox).expect("a good message").is_some());
            release(&mut inbox, &mut outbox);
            let inflating = live() - fresh - idle;
            assert!((40 << 10..=(47 << 10) + window).contains(&inflating), "{inflating} bytes to inflate");

            connection.send_binary(&message, &mut outbox).expect("room");
            release(&mut inbox, &mut outbox);
            let compressing = live() - fresh - idle - inflating;
            let said = (132 << 10) + 4 * window.max(512) + (448 << 5);
            assert!((said - 2048..=said).contains(&compressing), "{compressing} bytes to compress, {said} said");

            connection.release_idle();
            assert_eq!(live() - fresh - idle, if context_takeover { window } else { 0 });
            connection.release_idle();
            assert_eq!(live() - fresh - idle, if context_takeover { window } else { 0 });

            // It goes on as before, and a message that is under way keeps what it needs.
            connection.send_binary_fragment(&message, false, &mut outbox).expect("room");
            inbox.extend(&wire[..wire.len() / 2]);
            assert!(matches!(connection.receive(&mut inbox, &mut outbox), Ok(None)));
            connection.release_idle();
            assert!(live() - fresh - idle > compressing + inflating);
            inbox.extend(&wire[wire.len() / 2..]);
            match connection.receive(&mut inbox, &mut outbox) {
                Ok(Some(Event::Binary(data))) => assert_eq!(&*data, &message[..]),
                other => panic!("expected the message, got {other:?}"),
            }
            connection.send_binary_fragment(&message, true, &mut outbox).expect("room");
            connection.release_idle();
            release(&mut inbox, &mut outbox);
            assert_eq!(live() - fresh - idle, if context_takeover { window } else { 0 });
        }
    }
}

/// The window that the decompressor keeps grows with what has come.
#[test]
fn a_few_small_messages_do_not_take_the_memory_of_a_window() {
    let mut connection = server(&Config::default(), parameters(15, true));
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let mut after = |message: u8| {
        inbox.extend(&frame(true, 0b100, Opcode::Binary, &compressed(&[message; 100])));
        assert!(connection.receive(&mut inbox, &mut outbox).expect("a good message").is_some());
        release(&mut inbox, &mut outbox);
        live()
    };
    let first = after(0);
    let grown = (1..5).map(&mut after).last().map(|live| live - first);
    assert!(grown.is_some_and(|grown| grown <= 1024), "{grown:?}");
}

/// What is compressed behind bytes that wait, of which some have left, takes memory for what it can become at most.
#[test]
fn a_message_is_compressed_into_memory_of_its_size() {
    let message: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    let mut connection = server(&Config::default(), parameters(15, true));
    let mut outbox = Outbox::new();
    connection.ping(b"waits", &mut outbox).expect("room");
    outbox.advance(1);
    let peak = peak(|| connection.send_binary(&message, &mut outbox).expect("room"));
    let compressor = (132 << 10) + 4 * (1 << 15) + (448 << 5);
    assert!(peak <= compressor + 2 * message.len(), "{peak} bytes");
}

fn release(inbox: &mut Inbox, outbox: &mut Outbox) {
    while outbox.has_remaining() {
        outbox.advance(outbox.chunk().len());
    }
    inbox.release();
    outbox.release();
}

/// A caller that lends its memory for each read takes all of it back.
#[test]
fn an_inbox_whose_memory_is_taken_back_holds_no_heap() {
    let wire = frame(true, 0b100, Opcode::Binary, &compressed(&[7; 3000]));
    let mut connection = server(&Config::default(), parameters(15, true));
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let mut memory = BytesMut::zeroed(1 << 14);
    for owned in [false, true] {
        inbox.exchange(memory);
        inbox.extend(&wire);
        match connection.receive(&mut inbox, &mut outbox) {
            Ok(Some(Event::Binary(data))) if owned => assert_eq!(data.into_bytes().len(), 3000),
            Ok(Some(Event::Binary(data))) => assert_eq!(data.len(), 3000),
            other => panic!("expected the message, got {other:?}"),
        }
        memory = inbox.exchange(BytesMut::new());
        assert_eq!((inbox.capacity(), inbox.len()), (0, 0));
    }
}

/// The adapters give the contexts back when nothing has happened for a while, and keep no buffers meanwhile.
#[test]
fn the_tokio_adapter_gives_memory_back_when_idle() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let options = Options::new().threshold(0);
        let timeouts = Timeouts {
            idle: Some(Duration::from_secs(7)),
            ping_interval: Some(Duration::from_secs(3)),
            ..Timeouts::default()
        };
        let client = Client::new().deflate(options.clone()).timeouts(Timeouts { idle: None, ..timeouts });
        let server = Server::new(OriginPolicy::Any).deflate(options).timeouts(timeouts);
        let (near, far) = tokio::io::duplex(1 << 20);
        let (client, server) = tokio::join!(
            sockeye::tokio::connect_over(&client, "ws://localhost/", near),
            sockeye::tokio::accept_with(&server, far)
        );
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert!(server.connection().is_compressed());
        let message: Vec<u8> = (0..60_000u32).map(|i| (i >> 4) as u8).collect();
        // Both directions, twice, to see that what is given back is made again.
        for _ in 0..2 {
            client.send(Message::binary(message.clone())).await.unwrap();
            assert!(data(&mut server).await == Message::binary(message.clone()));
            server.send(Message::binary(message.clone())).await.unwrap();
            assert!(data(&mut client).await == Message::binary(message.clone()));
            let client_side = tokio::spawn(async move {
                // It answers the pings, which are signs of life and no messages.
                let _ =
                    tokio::time::timeout(Duration::from_secs(60), async { while client.receive().await.is_ok() {} })
                        .await;
                client
            });
            let mut pongs = Vec::new();
            let _ = tokio::time::timeout(Duration::from_secs(50), async {
                while let Ok(Some(Message::Pong(_))) = server.receive().await {
                    pongs.push(live());
                }
            })
            .await;
            // After 3 and 6 seconds nothing was given back, after 9 a compressor of 162 KiB and the decompressor but for
            // its window.
            let contexts = (161 << 10)..(210 << 10);
            assert!(pongs[0].abs_diff(pongs[1]) < 4096, "{pongs:?}");
            assert!(contexts.contains(&(pongs[1] - pongs[2])), "{pongs:?}");
            assert!(pongs.len() > 10 && pongs[2].abs_diff(pongs[10]) < 4096, "{pongs:?}");
            client = client_side.await.unwrap();
        }
    });
}

/// The next message.
async fn data(end: &mut sockeye::tokio::WebSocket<tokio::io::DuplexStream>) -> Message {
    loop {
        let message = end.receive().await.unwrap().expect("a connection that goes on");
        if message.is_data() {
            return message;
        }
    }
}
