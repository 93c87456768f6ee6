//! Deadlines on tokio, on fake time.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use sockeye::tokio::{WebSocket, accept_with, connect_over};
use sockeye::{Client, Due, IoError, Message, Timeouts};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};

use crate::ends::server;
use crate::peer::{BINARY, CLOSE, FIN, PING, PONG, frame, request, response};

/// Pings after 30 seconds of silence, and the default waits.
fn timeouts() -> Timeouts {
    Timeouts { ping_interval: Some(seconds(30)), ..Timeouts::default() }
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A server's connection and its peer, whose stream holds so many bytes.
async fn serve(room: usize) -> (WebSocket<DuplexStream>, DuplexStream) {
    serve_with(timeouts(), room).await
}

pub(crate) async fn serve_with(timeouts: Timeouts, room: usize) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (stream, mut peer) = tokio::io::duplex(room);
    let server = server().timeouts(timeouts);
    let shaking = async {
        peer.write_all(request("").as_bytes()).await.unwrap();
        head(&mut peer).await
    };
    let (accepted, _) = tokio::join!(accept_with(&server, stream), shaking);
    (accepted.unwrap(), peer)
}

/// A client's connection and its peer.
async fn connect() -> (WebSocket<DuplexStream>, DuplexStream) {
    let (stream, mut peer) = tokio::io::duplex(4096);
    let client = Client::new().timeouts(timeouts());
    let shaking = async {
        let request = head(&mut peer).await;
        peer.write_all(response(&request, "").as_bytes()).await.unwrap();
    };
    let (connected, ()) = tokio::join!(connect_over(&client, "ws://localhost/", stream), shaking);
    (connected.unwrap(), peer)
}

async fn head(peer: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_does_not_shake_hands() {
    let (stream, peer) = tokio::io::duplex(4096);
    let start = Instant::now();
    let error = accept_with(&server(), stream).await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(peer);
    let (stream, _peer) = tokio::io::duplex(4096);
    let error = connect_over(&Client::new(), "ws://localhost/", stream).await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 20);
}

/// A byte now and then puts nothing off.
#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_cut() {
    let start = Instant::now();
    let (stream, mut peer) = tokio::io::duplex(4096);
    let slow = tokio::spawn(async move {
        for byte in request("").bytes() {
            sleep(seconds(1)).await;
            if peer.write_u8(byte).await.is_err() {
                return;
            }
        }
    });
    let error = accept_with(&server(), stream).await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{error}");
    slow.await.unwrap();
    let (stream, mut peer) = tokio::io::duplex(4096);
    let slow = tokio::spawn(async move {
        let request = head(&mut peer).await;
        for byte in response(&request, "").bytes() {
            sleep(seconds(1)).await;
            if peer.write_u8(byte).await.is_err() {
                return;
            }
        }
    });
    let error = connect_over(&Client::new(), "ws://localhost/", stream).await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{error}");
    slow.await.unwrap();
    assert!(start.elapsed() < seconds(25));
}

/// A late request that is refused is refused for what it is, whatever time the farewell takes.
#[tokio::test(start_paused = true)]
async fn a_late_refusal_is_no_timeout() {
    let (stream, mut peer) = tokio::io::duplex(4096);
    let late = tokio::spawn(async move {
        sleep(seconds(9)).await;
        peer.write_all(b"garbage\r\n\r\n").await.unwrap();
        head(&mut peer).await
    });
    let server = server();
    let (error, answer) = tokio::join!(accept_with(&server, stream), late);
    let error = error.unwrap_err();
    assert!(matches!(error, IoError::Handshake(_)), "{error}");
    assert!(answer.unwrap().starts_with("HTTP/1.1 400 "));
}

#[tokio::test(start_paused = true)]
async fn silence_is_pinged_and_then_ends_the_connection() {
    let (mut socket, mut peer) = serve(4096).await;
    let start = Instant::now();
    let listening = tokio::spawn(async move {
        assert_eq!(peer.read_u8().await.unwrap(), FIN | PING);
        assert_eq!(start.elapsed().as_secs(), 30);
        assert_eq!(peer.read_u8().await.unwrap(), 0);
        peer
    });
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 50);
    assert_eq!(socket.receive().await.unwrap(), None);
    assert!(!socket.ending().unwrap().clean);
    drop(listening.await.unwrap());
}

/// A pong is a sign of life, and so is a part of a frame.
#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (mut socket, mut peer) = serve(4096).await;
    let start = Instant::now();
    let living = tokio::spawn(async move {
        for byte in frame(FIN | BINARY, &[1; 20], true) {
            sleep(seconds(25)).await;
            peer.write_u8(byte).await.unwrap();
        }
        for _ in 0..3 {
            let mut ping = [0; 2];
            peer.read_exact(&mut ping).await.unwrap();
            assert_eq!(ping, [FIN | PING, 0]);
            peer.write_all(&frame(FIN | PONG, b"", true)).await.unwrap();
        }
        (peer, start.elapsed().as_secs())
    });
    assert_eq!(socket.receive().await.unwrap(), Some(Message::binary(vec![1; 20])));
    for _ in 0..3 {
        assert!(matches!(socket.receive().await.unwrap(), Some(Message::Pong(_))));
    }
    // No ping in the first 26 times 25 seconds, then one after each 30.
    assert_eq!(living.await.unwrap().1, 26 * 25 + 3 * 30);
}

/// A peer that stops in the middle of a frame has as long as one that is silent between them.
#[tokio::test(start_paused = true)]
async fn a_frame_that_never_ends_ends_the_connection() {
    for cut in [1, 5, 10] {
        let (mut socket, mut peer) = serve(4096).await;
        let start = Instant::now();
        peer.write_all(&frame(FIN | BINARY, &[1; 20], true)[..cut]).await.unwrap();
        let error = socket.receive().await.unwrap_err();
        assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{error}");
        assert_eq!(start.elapsed().as_secs(), 50);
        assert_eq!(socket.receive().await.unwrap(), None);
    }
}

/// The same where the peer has gone without a word, for a client: nothing tells of a connection that is half open.
#[tokio::test(start_paused = true)]
async fn a_server_that_has_gone_ends_the_connection() {
    let (mut socket, _peer) = connect().await;
    let start = Instant::now();
    let error = socket.receive().await.unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 50);
    assert!(socket.send("late").await.is_err());
}

/// A byte now and then is a sign of life, and puts off neither the end after a close frame nor that after a failure.
#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_does_not_put_off_the_end() {
    for fails in [false, true] {
        let (mut socket, mut peer) = serve(4096).await;
        let start = Instant::now();
        let dripping = tokio::spawn(async move {
            if fails {
                peer.write_all(&[0xff, 0x80]).await.unwrap();
            }
            for byte in frame(FIN | BINARY, &[1; 100], true) {
                sleep(seconds(1)).await;
                if peer.write_u8(byte).await.is_err() {
                    return;
                }
            }
            panic!("expected the stream to end");
        });
        if fails {
            assert!(matches!(socket.receive().await, Err(IoError::Connection(_))));
            assert_eq!(socket.receive().await.unwrap(), None);
        } else {
            let error = socket.close(None).await.unwrap_err();
            assert!(matches!(error, IoError::TimedOut(Due::Close)), "{error}");
        }
        assert_eq!(start.elapsed().as_secs(), 5, "{fails}");
        drop(socket);
        dripping.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_ends_in_time() {
    for is_server in [true, false] {
        let (mut socket, _peer) = if is_server { serve(4096).await } else { connect().await };
        let start = Instant::now();
        let error = socket.close(None).await.unwrap_err();
        assert!(matches!(error, IoError::TimedOut(Due::Close)), "{error}");
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(socket.receive().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_answered_ends_in_time_where_the_stream_does_not() {
    for is_server in [true, false] {
        let (mut socket, mut peer) = if is_server { serve(4096).await } else { connect().await };
        let start = Instant::now();
        peer.write_all(&frame(FIN | CLOSE, b"", is_server)).await.unwrap();
        assert!(socket.close(None).await.unwrap().clean);
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}

/// The peer closes and then keeps the stream: the receiver ends in time, and so it does where it fails the connection.
#[tokio::test(start_paused = true)]
async fn the_stream_of_a_closed_or_failed_connection_ends_in_time() {
    for (told, is_clean) in [(frame(FIN | CLOSE, b"", true), true), (vec![0xff, 0x80], false)] {
        let (mut socket, mut peer) = serve(4096).await;
        let start = Instant::now();
        peer.write_all(&told).await.unwrap();
        let first = socket.receive().await;
        assert_eq!(matches!(first, Ok(Some(Message::Close(None)))), is_clean);
        assert_eq!(socket.receive().await.unwrap(), None);
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(socket.ending().unwrap().clean, is_clean);
    }
}

/// The deadlines run for a caller that only sends.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_ends_a_send() {
    let (mut socket, _peer) = serve(4096).await;
    let start = Instant::now();
    let send = tokio::time::timeout(seconds(1000), socket.send(Message::binary(vec![1; 200_000])));
    let error = send.await.expect("expected an end").unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 50);
    assert!(socket.feed("late").await.is_err());
    assert!(matches!(socket.receive().await, Err(IoError::TimedOut(Due::Pong))));
    assert_eq!(socket.receive().await.unwrap(), None);
}

/// A peer that takes little is alive.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_little_does_not_end_a_send() {
    let (mut socket, mut peer) = serve(4096).await;
    let taking = tokio::spawn(async move {
        let mut taken = 0;
        while taken < 50_000 {
            sleep(seconds(25)).await;
            taken += peer.read(&mut [0; 1000]).await.unwrap();
        }
        peer
    });
    socket.send(Message::binary(vec![1; 50_000])).await.unwrap();
    drop(taking.await.unwrap());
}

/// A stream that holds what it has taken until it is flushed, as TLS does.
struct Holding {
    stream: DuplexStream,
    held: Vec<u8>,
}

impl AsyncRead for Holding {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, space)
    }
}

impl AsyncWrite for Holding {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.held.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { stream, held } = &mut *self;
        while !held.is_empty() {
            let count = ready!(Pin::new(&mut *stream).poll_write(context, held))?;
            held.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A flush that comes to its end after it had to wait shows that the peer is alive.
#[tokio::test(start_paused = true)]
async fn a_peer_that_lets_a_flush_end_is_alive() {
    let (stream, mut peer) = tokio::io::duplex(1000);
    let server = server().timeouts(timeouts());
    let shaking = async {
        peer.write_all(request("").as_bytes()).await.unwrap();
        head(&mut peer).await
    };
    let (accepted, _) = tokio::join!(accept_with(&server, Holding { stream, held: Vec::new() }), shaking);
    let mut socket = accepted.unwrap();
    let start = Instant::now();
    // Asked after 30 seconds whether it is there, it has read what is before the ping after 45, and answers after 60.
    let peer = tokio::spawn(async move {
        for _ in 0..3 {
            sleep(seconds(15)).await;
            peer.read_exact(&mut [0; 1000]).await.unwrap();
        }
        sleep(seconds(15)).await;
        peer.write_all(&frame(FIN | PONG, b"", true)).await.unwrap();
        peer
    });
    socket.send(Message::binary(vec![1; 3500])).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 45);
    assert_eq!(socket.receive().await.unwrap(), Some(Message::Pong(Default::default())));
    assert_eq!(start.elapsed().as_secs(), 60);
    drop(peer.await.unwrap());
}

/// That the stream itself takes everything does not.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_of_what_is_held_is_given_up() {
    let (stream, mut peer) = tokio::io::duplex(1000);
    let server = server().timeouts(timeouts());
    let shaking = async {
        peer.write_all(request("").as_bytes()).await.unwrap();
        head(&mut peer).await
    };
    let (accepted, _) = tokio::join!(accept_with(&server, Holding { stream, held: Vec::new() }), shaking);
    let mut socket = accepted.unwrap();
    let start = Instant::now();
    let send = tokio::time::timeout(seconds(1000), socket.send(Message::binary(vec![1; 3500])));
    let error = send.await.expect("expected an end").unwrap_err();
    assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 50);
}
