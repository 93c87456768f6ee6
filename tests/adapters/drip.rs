//! Messages that come drop by drop: over every adapter, and more closely on tokio and fake time.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use sockeye::tokio::WebSocket;
use sockeye::{Client, Due, IoError, Message, Part, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};

use crate::ends::{Place, server};
use crate::peer::{BINARY, FIN, PING, TEXT, frame};
use crate::time::{seconds, serve_with};

contract! {
    /// Neither bytes now and then nor none at all put off the end of a message that has to be there in time.
    both fn a_message_that_does_not_come_in_time_ends_every_connection(place) {
        for (drips, splits) in [(true, false), (true, true), (false, false), (false, true)] {
            let timeouts = Timeouts { message: Some(MOMENT), ..Timeouts::default() };
            let (mut end, mut peer) =
                place.open_with(&Client::new().timeouts(timeouts), &server().timeouts(timeouts), b"");
            peer.mouth.tell(BINARY, b"in time");
            assert_eq!(end.receive().unwrap(), Some(Message::binary(&b"in time"[..])));
            let bytes = frame(FIN | BINARY, &[0; 1 << 20], peer.mouth.masks());
            peer.mouth.say(&bytes[..100]);
            let ended = Arc::new(AtomicBool::new(false));
            let has_ended = Arc::clone(&ended);
            let dripping = thread::spawn(move || {
                for byte in bytes[100..].chunks(1).take_while(|_| drips) {
                    thread::sleep(Duration::from_micros(500));
                    if peer.mouth.try_say(byte).is_err() || has_ended.load(Ordering::Relaxed) {
                        return;
                    }
                }
                assert!(!drips, "expected the connection to end");
            });
            let received = if splits {
                let (_sender, mut receiver) = end.split();
                [receiver.receive(), receiver.receive()]
            } else {
                [end.receive(), end.receive()]
            };
            ended.store(true, Ordering::Relaxed);
            assert!(matches!(received, [Err(IoError::TimedOut(Due::Message)), Ok(None)]), "{drips}, {splits}: {received:?}");
            dripping.join().unwrap();
        }
    }

    /// A caller that does something else between the parts of a message, or waits to send, does not blame the peer.
    both fn a_caller_that_comes_late_for_the_rest_of_a_message_gets_it(place) {
        for (sends, splits) in [(false, false), (false, true), (true, false), (true, true)] {
            let timeouts = Timeouts { message: Some(MOMENT), ..Timeouts::default() };
            let (mut end, mut peer) =
                place.open_with(&Client::new().timeouts(timeouts), &server().timeouts(timeouts), b"");
            let bytes = frame(FIN | BINARY, &[1; 1000], peer.mouth.masks());
            // Of the first read a ping is received and half a header is left, so that the message has begun.
            let ping = frame(FIN | PING, b"", peer.mouth.masks());
            peer.mouth.say(&[&ping, &bytes[..3]].concat());
            assert!(matches!(end.receive_part().unwrap(), Some(Part::Ping(_))));
            peer.mouth.say(&bytes[3..100]);
            let (begun, goes_on) = channel();
            let talking = thread::spawn(move || {
                goes_on.recv().unwrap();
                peer.mouth.say(&bytes[100..]);
                thread::sleep(3 * MOMENT);
                while sends && peer.ear.frame().payload.len() < 12 << 20 {}
            });
            let large = Message::binary(vec![2; 12 << 20]);
            let received = if splits {
                let (sender, mut receiver) = end.split();
                let first = receiver.receive_part();
                begun.send(()).unwrap();
                if sends { sender.send(large).unwrap() } else { thread::sleep(2 * MOMENT) }
                let received = length(first, || receiver.receive_part());
                talking.join().unwrap();
                received
            } else {
                let first = end.receive_part();
                begun.send(()).unwrap();
                if sends { end.send(large).unwrap() } else { thread::sleep(2 * MOMENT) }
                let received = length(first, || end.receive_part());
                talking.join().unwrap();
                received
            };
            assert_eq!(received, 1000, "{sends}, {splits}");
        }
    }
}

const MOMENT: Duration = Duration::from_millis(60);

/// How many bytes the message has that begins with this part.
fn length(first: Result<Option<Part>, IoError>, mut receive: impl FnMut() -> Result<Option<Part>, IoError>) -> usize {
    let (mut part, mut length) = (first, 0);
    loop {
        match part.unwrap() {
            Some(Part::Binary { data, last }) => {
                length += data.len();
                if last {
                    return length;
                }
            }
            other => panic!("expected a part, got {other:?}"),
        }
        part = receive();
    }
}

/// A message has a minute, and a peer that says nothing half of one until it is pinged.
fn timeouts() -> Timeouts {
    Timeouts { ping_interval: Some(seconds(30)), message: Some(seconds(60)), ..Timeouts::default() }
}

/// A minute for a message, and any time between two.
fn unpinged() -> Timeouts {
    Timeouts { ping_interval: None, ..timeouts() }
}

async fn serve() -> (WebSocket<DuplexStream>, DuplexStream) {
    serve_with(timeouts(), 4096).await
}

/// Says so many bytes at a time, and waits before each; until the stream ends.
async fn drip(peer: &mut DuplexStream, bytes: &[u8], count: usize, wait: Duration) {
    for bytes in bytes.chunks(count) {
        sleep(wait).await;
        if peer.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// However a message drips, and whatever it is and is received as, it has its minute from its first byte on.
#[tokio::test(start_paused = true)]
async fn a_message_that_drips_ends_the_connection() {
    let masked = |first, payload: &[u8]| frame(first, payload, true);
    let fragments = [masked(TEXT, b"a"), masked(0, b"b"), masked(FIN | PING, b""), masked(0, b"")].concat();
    let large = masked(FIN | BINARY, &[0; 70_000]);
    let cases = [
        (masked(FIN | BINARY, &[1; 20]), 1),
        (masked(FIN | TEXT, &[b'a'; 20]), 1),
        (masked(FIN | PING, &[1; 20]), 1),
        (fragments.clone(), 1),
        (fragments, 3),
        (large, 10_000),
    ];
    for (bytes, count) in cases {
        for in_parts in [false, true] {
            let (mut socket, mut peer) = serve().await;
            let start = Instant::now();
            let (bytes, dripped) = (bytes.clone(), count);
            let dripping = tokio::spawn(async move { drip(&mut peer, &bytes, dripped, seconds(10)).await });
            let error = loop {
                let received = if in_parts {
                    socket.receive_part().await.map(|part| part.is_some())
                } else {
                    socket.receive().await.map(|message| message.is_some())
                };
                match received {
                    Ok(more) => assert!(more, "it ended"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, IoError::TimedOut(Due::Message)), "{error}");
            assert_eq!(start.elapsed().as_secs(), 10 + 60, "{count} at a time, in parts: {in_parts}");
            assert_eq!(socket.receive().await.unwrap(), None);
            assert!(!socket.ending().unwrap().clean);
            drop(socket);
            dripping.await.unwrap();
        }
    }
}

/// Each message has its own minute, and what comes between two has nothing to do with it.
#[tokio::test(start_paused = true)]
async fn messages_that_come_in_time_go_on_for_ever() {
    let (mut socket, mut peer) = serve().await;
    let dripping = tokio::spawn(async move {
        for _ in 0..10 {
            // The last part of a message comes with the first of the next.
            drip(&mut peer, &frame(FIN | BINARY, &[1; 26], true), 16, seconds(25)).await;
            drip(&mut peer, &frame(FIN | PING, b"", true), 3, seconds(25)).await;
        }
        let three = frame(FIN | BINARY, &[1; 26], true).repeat(3);
        drip(&mut peer, &three, 16, seconds(25)).await;
        peer
    });
    for _ in 0..13 {
        while !socket.receive().await.unwrap().expect("a message").is_data() {}
    }
    drop(dripping.await.unwrap());
}

/// Nothing is under way on a connection that is silent, however long: pings see to that.
#[tokio::test(start_paused = true)]
async fn silence_between_messages_is_no_message() {
    let (mut socket, mut peer) = serve_with(unpinged(), 4096).await;
    peer.write_all(&frame(FIN | BINARY, b"one", true)).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(&b"one"[..])));
    assert!(timeout(seconds(10_000), socket.receive()).await.is_err(), "expected to wait for ever");
    peer.write_all(&frame(FIN | BINARY, b"two", true)).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(&b"two"[..])));
}

/// Without a limit a message may take as long as it likes.
#[tokio::test(start_paused = true)]
async fn a_message_has_as_long_as_it_likes_by_default() {
    let (mut socket, mut peer) = serve_with(Timeouts::default(), 4096).await;
    let dripping =
        tokio::spawn(async move { drip(&mut peer, &frame(FIN | BINARY, &[1; 20], true), 1, seconds(1000)).await });
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(vec![1; 20])));
    dripping.await.unwrap();
}

/// A caller that does something else meanwhile does not blame the peer, which has found no room for the rest.
#[tokio::test(start_paused = true)]
async fn a_caller_that_was_away_waits_anew() {
    let (mut socket, peer) = serve_with(unpinged(), 4096).await;
    away(peer, async || socket.receive().await).await;
    let (socket, peer) = serve_with(unpinged(), 4096).await;
    let (_sender, mut receiver) = socket.split();
    away(peer, async || receiver.receive().await).await;
}

async fn away(mut peer: DuplexStream, mut receive: impl AsyncFnMut() -> Result<Option<Message>, IoError>) {
    let bytes = frame(FIN | BINARY, &[1; 20_000], true);
    peer.write_all(&bytes[..1000]).await.unwrap();
    assert!(timeout(seconds(1), receive()).await.is_err(), "expected to wait for the rest");
    let talking = tokio::spawn(async move {
        peer.write_all(&bytes[1000..]).await.unwrap();
        peer.write_all(&frame(FIN | BINARY, &[2; 20_000], true)[..19_000]).await.unwrap();
        peer
    });
    sleep(seconds(1000)).await;
    assert_eq!(receive().await.unwrap(), Some(Message::binary(vec![1; 20_000])));
    let start = Instant::now();
    assert!(matches!(receive().await, Err(IoError::TimedOut(Due::Message))));
    assert_eq!(start.elapsed().as_secs(), 60);
    drop(talking.await.unwrap());
}

/// Nor does one that takes its time with the parts; nor is the time of the last one over then.
#[tokio::test(start_paused = true)]
async fn a_caller_that_is_slow_with_parts_waits_anew() {
    let (mut socket, mut peer) = serve_with(unpinged(), 4096).await;
    let talking = tokio::spawn(async move {
        peer.write_all(&frame(FIN | BINARY, &[1; 70_000], true)[..69_000]).await.unwrap();
        peer
    });
    let mut received = 0;
    let mut start = Instant::now();
    let error = loop {
        match socket.receive_part().await {
            Ok(Some(Part::Binary { data, .. })) => received += data.len(),
            Ok(other) => panic!("expected a part, got {other:?}"),
            Err(error) => break error,
        }
        sleep(seconds(25)).await;
        start = Instant::now();
    };
    assert!(matches!(error, IoError::TimedOut(Due::Message)), "{error}");
    assert_eq!(received, 69_000 - 14);
    assert!((35..=60).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    drop(talking.await.unwrap());
}

/// Nor does one that waits to send, as nobody reads meanwhile.
#[tokio::test(start_paused = true)]
async fn a_message_may_come_while_the_caller_waits_to_send() {
    let (mut socket, mut peer) = serve().await;
    let bytes = frame(FIN | BINARY, &[1; 2000], true);
    let (first, rest) = bytes.split_at(1000);
    peer.write_all(first).await.unwrap();
    assert!(timeout(seconds(1), socket.receive()).await.is_err(), "expected to wait for the rest");
    peer.write_all(rest).await.unwrap();
    let taking = tokio::spawn(async move {
        let mut taken = 0;
        while taken < 12_000 {
            sleep(seconds(25)).await;
            taken += peer.read(&mut [0; 1000]).await.unwrap();
        }
        peer
    });
    socket.send(Message::binary(vec![2; 12_000])).await.unwrap();
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(vec![1; 2000])));
    drop(taking.await.unwrap());
}

/// In halves, a peer that drips, or says nothing more, has no more time where it takes nothing, whoever waits to send.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_has_no_more_time_for_its_message() {
    for idle in [None, Some(seconds(10))] {
        for drips in [false, true] {
            let (socket, mut peer) = serve_with(Timeouts { idle, ..timeouts() }, 4096).await;
            let (sender, mut receiver) = socket.split();
            let start = Instant::now();
            let dripping = tokio::spawn(async move {
                let bytes = frame(FIN | BINARY, &[1; 100], true);
                peer.write_all(&bytes[..20]).await.unwrap();
                // A pong, or a part of the message, is a sign of life.
                let wait = if drips { seconds(3) } else { seconds(10_000) };
                drip(&mut peer, &bytes[20..], 1, wait).await;
            });
            let [one, two] = [1, 5].map(|wait| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    sleep(seconds(wait)).await;
                    let large = Message::binary(vec![2; 100_000]);
                    if wait == 1 { sender.send(large).await } else { sender.feed(large).await }
                })
            });
            let received = timeout(seconds(10_000), receiver.receive()).await.expect("expected to be woken");
            // Silence ends the connection sooner.
            let (due, end) = if drips { (Due::Message, 60) } else { (Due::Pong, 50) };
            assert!(matches!(received, Err(IoError::TimedOut(by)) if by == due), "{idle:?}, {drips}: {received:?}");
            assert_eq!(start.elapsed().as_secs(), end, "{idle:?}, {drips}");
            assert!(one.await.unwrap().is_err());
            assert!(two.await.unwrap().is_err());
            drop((receiver, sender));
            dripping.abort();
        }
    }
}

/// Whoever waits to send leaves the deadline to the one that receives, whichever of them looks first.
#[tokio::test(start_paused = true)]
async fn the_deadline_is_that_of_the_one_that_receives() {
    for sender_first in [false, true] {
        let alone = Timeouts { message: Some(seconds(60)), ..Timeouts::NEVER };
        let (socket, mut peer) = serve_with(alone, 4096).await;
        let (sender, mut receiver) = socket.split();
        let start = Instant::now();
        peer.write_all(&frame(FIN | BINARY, &[1; 100], true)[..20]).await.unwrap();
        let mut receive = pin!(receiver.receive());
        let mut send = pin!(sender.send(Message::binary(vec![2; 100_000])));
        let mut sent = false;
        let both = poll_fn(|context| {
            let received = if sender_first { Poll::Pending } else { receive.as_mut().poll(context) };
            sent = sent || send.as_mut().poll(context).is_ready();
            if received.is_pending() && sender_first { receive.as_mut().poll(context) } else { received }
        });
        let received = timeout(seconds(10_000), both).await.expect("expected to be woken");
        assert!(matches!(received, Err(IoError::TimedOut(Due::Message))), "{received:?}");
        assert_eq!(start.elapsed().as_secs(), 60, "{sender_first}");
    }
}

/// Over the connection as a whole nobody receives while somebody waits to send.
#[tokio::test(start_paused = true)]
async fn a_message_may_come_while_the_caller_waits_to_flush() {
    let (mut socket, mut peer) = serve_with(unpinged(), 4096).await;
    let bytes = frame(FIN | BINARY, &[1; 2000], true);
    assert!(timeout(seconds(1), socket.send(Message::binary(vec![2; 12_000]))).await.is_err(), "expected no room");
    peer.write_all(&bytes[..1000]).await.unwrap();
    assert!(timeout(seconds(1), socket.receive()).await.is_err(), "expected to wait for the rest");
    peer.write_all(&bytes[1000..]).await.unwrap();
    assert!(timeout(seconds(1000), socket.flush()).await.is_err(), "expected no room");
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(vec![1; 2000])));
}
