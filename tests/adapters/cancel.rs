//! Cancel-safety of the asynchronous adapters: every future is dropped at every poll, and nothing is lost or doubled.

use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::{SinkExt, StreamExt};
use sockeye::bytes::Bytes;
use sockeye::polled::{Runtime, WebSocket};
use sockeye::{CloseCode, CloseFrame, Message, Role};

use crate::peer::{BINARY, CLOSE, FIN, Frame, PING, PONG, TEXT, close_body, frame};
use crate::ported::Ported;
use crate::scripted::{Script, open_now, poll_once};

/// Makes a future, polls it once and drops it, again and again until it is ready.
macro_rules! at_every_poll {
    ($future:expr) => {{
        let mut polls = 0;
        loop {
            polls += 1;
            assert!(polls < 1_000_000, "it hangs");
            if let Poll::Ready(ready) = poll_once(&mut pin!($future)) {
                break ready;
            }
        }
    }};
}

/// How the stream behaves: bytes of a call, and whether every second call is not ready.
const MANNERS: [(usize, bool); 4] = [(usize::MAX, true), (1, true), (1, false), (7, true)];

const ROLES: [Role; 2] = [Role::Server, Role::Client];

fn each_manner(case: impl Fn(Role, &Script, &dyn Fn(&[u8]))) {
    for role in ROLES {
        for (chunk, pauses) in MANNERS {
            let script = Script::new();
            let start = |told: &[u8]| script.chunks(chunk, pauses, told);
            case(role, &script, &start);
        }
    }
}

/// What a peer of this role's tells, and the messages of it.
fn told(role: Role) -> (Vec<u8>, Vec<Message>) {
    let masks = role == Role::Server;
    let parts: [(u8, &[u8]); 8] = [
        (FIN | TEXT, "연어".as_bytes()),
        (FIN | PING, b"one"),
        (TEXT, &"강🐟".as_bytes()[..5]),
        (FIN | PING, b"two"),
        (FIN, &"강🐟".as_bytes()[5..]),
        (FIN | BINARY, &[9; 300]),
        (FIN | TEXT, b""),
        (FIN | CLOSE, &close_body(1000, "끝")),
    ];
    let bytes = parts.iter().flat_map(|(first, payload)| frame(*first, payload, masks)).collect();
    let messages = vec![
        "연어".into(),
        Message::Ping(Bytes::from_static(b"one")),
        Message::Ping(Bytes::from_static(b"two")),
        "강🐟".into(),
        Message::binary(vec![9; 300]),
        "".into(),
        Message::Close(Some(CloseFrame::new(CloseCode::NORMAL, "끝"))),
    ];
    (bytes, messages)
}

fn heard(first: u8, payload: &[u8]) -> Frame {
    Frame { first: FIN | first, payload: payload.to_vec() }
}

fn answers() -> Vec<Frame> {
    vec![heard(PONG, b"one"), heard(PONG, b"two"), heard(CLOSE, &close_body(1000, ""))]
}

polled! {
    fn receive<A>() {
        each_manner(|role, script, start| {
            let mut socket = open_now::<A>(role, script);
            let (bytes, messages) = told(role);
            start(&bytes);
            for message in messages {
                assert_eq!(at_every_poll!(socket.receive()).unwrap(), Some(message));
            }
            script.state().ended = true;
            assert_eq!(at_every_poll!(socket.receive()).unwrap(), None);
            assert_eq!(script.frames(), answers());
            assert!(script.state().is_shut_down && socket.ending().unwrap().clean);
        });
    }

    fn receive_of_a_half<A>() {
        each_manner(|role, script, start| {
            let (_sender, mut receiver) = open_now::<A>(role, script).split();
            let (bytes, messages) = told(role);
            start(&bytes);
            for message in messages {
                assert_eq!(at_every_poll!(receiver.receive()).unwrap(), Some(message));
            }
            script.state().ended = true;
            assert_eq!(at_every_poll!(receiver.receive()).unwrap(), None);
            assert_eq!(script.frames(), answers());
        });
    }

    fn next_of_a_stream<A>() {
        each_manner(|role, script, start| {
            let mut socket = open_now::<A>(role, script);
            let (bytes, messages) = told(role);
            start(&bytes);
            for message in messages {
                assert_eq!(at_every_poll!(socket.next()).unwrap().unwrap(), message);
            }
            script.state().ended = true;
            assert!(at_every_poll!(socket.next()).is_none());
            assert_eq!(script.frames(), answers());
        });
    }
}

/// Numbered messages, some of them so large that the next one waits for room.
fn numbered(number: usize) -> Message {
    Message::binary(vec![number as u8; if number.is_multiple_of(3) { 70_000 } else { number * 10 }])
}

fn all_numbered(script: &Script) {
    let frames = script.frames();
    assert_eq!(frames.len(), COUNT);
    for (number, frame) in frames.iter().enumerate() {
        assert!(Message::binary(frame.payload.clone()) == numbered(number) && frame.first == FIN | BINARY, "{number}");
    }
}

const COUNT: usize = 8;

/// The same for what sends, with bytes enough in a call for large messages.
fn each_manner_of_sending(case: impl Fn(Role, &Script, &dyn Fn())) {
    for role in ROLES {
        for (chunk, pauses) in [(usize::MAX, true), (997, true), (997, false)] {
            let script = Script::new();
            case(role, &script, &|| script.chunks(chunk, pauses, b""));
        }
    }
}

polled! {
    fn feed_and_flush<A>() {
        each_manner_of_sending(|role, script, start| {
            let mut socket = open_now::<A>(role, script);
            start();
            for number in 0..COUNT {
                at_every_poll!(socket.feed(numbered(number))).unwrap();
            }
            at_every_poll!(socket.flush()).unwrap();
            all_numbered(script);
        });
    }

    fn feed_and_flush_of_a_half<A>() {
        each_manner_of_sending(|role, script, start| {
            let (sender, mut receiver) = open_now::<A>(role, script).split();
            let another = sender.clone();
            start();
            for number in 0..COUNT {
                let sender = if number.is_multiple_of(2) { &sender } else { &another };
                at_every_poll!(sender.feed(numbered(number))).unwrap();
                // The receiver writes in between, and is dropped as well.
                assert!(poll_once(&mut pin!(receiver.receive())).is_pending());
            }
            at_every_poll!(sender.flush()).unwrap();
            all_numbered(script);
        });
    }

    fn feed_and_flush_of_a_sink<A>() {
        each_manner_of_sending(|role, script, start| {
            let mut socket = open_now::<A>(role, script);
            start();
            for number in 0..COUNT {
                at_every_poll!(SinkExt::feed(&mut socket, numbered(number))).unwrap();
            }
            at_every_poll!(SinkExt::flush(&mut socket)).unwrap();
            all_numbered(script);

            let script = Script::new();
            let (mut sender, _receiver) = open_now::<A>(role, &script).split();
            for number in 0..COUNT {
                at_every_poll!(SinkExt::feed(&mut sender, numbered(number))).unwrap();
            }
            at_every_poll!(SinkExt::flush(&mut sender)).unwrap();
            all_numbered(&script);
        });
    }

    /// A message whose sending is dropped at its nth poll was sent whole or not at all, and the next ones are as well.
    fn send<A>() {
        for role in ROLES {
            for in_halves in [false, true] {
                let mut outcomes = [false, false];
                for polls in 1.. {
                    let script = Script::new();
                    let mut socket = open_now::<A>(role, &script);
                    socket.try_send(&numbered(0)).unwrap();
                    socket.try_send(&numbered(0)).unwrap();
                    script.chunks(9_000, true, b"");
                    let message = Message::text("보내다 만");
                    let (halves, mut whole) = if in_halves { (Some(socket.split()), None) } else { (None, Some(socket)) };
                    let is_ready = {
                        let send: Pin<Box<dyn Future<Output = _>>> = match (&halves, &mut whole) {
                            (Some((sender, _)), _) => Box::pin(sender.send(message)),
                            (_, Some(socket)) => Box::pin(WebSocket::send(socket, message)),
                            _ => unreachable!(),
                        };
                        let mut send = send;
                        (0..polls).any(|_| poll_once(&mut send.as_mut()).is_ready())
                    };
                    match (&halves, &mut whole) {
                        (Some((sender, _)), _) => {
                            at_every_poll!(sender.feed("next")).unwrap();
                            at_every_poll!(sender.flush()).unwrap();
                        }
                        (_, Some(socket)) => {
                            at_every_poll!(WebSocket::feed(socket, "next")).unwrap();
                            at_every_poll!(WebSocket::flush(socket)).unwrap();
                        }
                        _ => unreachable!(),
                    }
                    let mut frames = script.frames();
                    assert!(frames.drain(..2).all(|frame| Message::binary(frame.payload) == numbered(0)));
                    assert_eq!(frames.pop(), Some(heard(TEXT, b"next")));
                    let was_sent = frames == [heard(TEXT, "보내다 만".as_bytes())];
                    assert!(was_sent || frames.is_empty(), "{frames:?}");
                    outcomes[usize::from(was_sent)] = true;
                    if is_ready {
                        assert!(was_sent);
                        break;
                    }
                }
                assert_eq!(outcomes, [true, true], "dropped before and after it was queued");
            }
        }
    }

    fn close<A>() {
        each_manner(|role, script, start| {
            let masks = role == Role::Server;
            let mut socket = open_now::<A>(role, script);
            at_every_poll!(socket.feed("before")).unwrap();
            start(&[frame(FIN | TEXT, b"unheard", masks), frame(FIN | CLOSE, &close_body(1000, ""), masks)].concat());
            script.state().ended = true;
            let ending = at_every_poll!(socket.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "끝")))).unwrap();
            assert!(ending.clean);
            assert_eq!(script.frames(), [heard(TEXT, b"before"), heard(CLOSE, &close_body(1001, "끝"))]);
            assert!(script.state().is_shut_down);
        });
    }

    /// A half's close cannot be called again, but what it queued leaves with any later call.
    fn close_of_a_half<A>() {
        each_manner(|role, script, start| {
            let masks = role == Role::Server;
            let (sender, mut receiver) = open_now::<A>(role, script).split();
            start(&frame(FIN | CLOSE, &close_body(1000, ""), masks));
            script.state().ended = true;
            let _ = poll_once(&mut pin!(sender.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "끝")))));
            while at_every_poll!(receiver.receive()).unwrap().is_some() {}
            assert_eq!(script.frames(), [heard(CLOSE, &close_body(1001, "끝"))]);
            assert!(receiver.ending().unwrap().clean);
        });
    }

    fn close_of_a_sink<A>() {
        each_manner(|role, script, start| {
            let mut socket = open_now::<A>(role, script);
            start(b"");
            at_every_poll!(SinkExt::feed(&mut socket, Message::text("before"))).unwrap();
            at_every_poll!(SinkExt::close(&mut socket)).unwrap();
            assert_eq!(script.frames(), [heard(TEXT, b"before"), heard(CLOSE, b"")]);
        });
    }
}

/// The halves that `futures` makes of any stream and sink, in two tasks.
#[test]
fn the_halves_of_futures() {
    use sockeye::{futures, tokio};

    let options = sockeye::Client::new();
    let (one, other) = ::tokio::io::duplex(4096);
    let (client, server) = crate::ends::runtime().block_on(async {
        ::tokio::join!(tokio::connect_over(&options, "ws://localhost/", one), tokio::accept(other))
    });
    each_in_its_task(client.unwrap(), server.unwrap(), |half| crate::ends::runtime().block_on(half));

    let (one, other) = ::tokio::io::duplex(4096);
    let (client, server) = smol::block_on(async {
        let accepting = futures::accept(Ported(other));
        ::tokio::join!(futures::connect_over(&options, "ws://localhost/", Ported(one)), accepting)
    });
    each_in_its_task(client.unwrap(), server.unwrap(), smol::block_on);
}

type Half = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The server echoes, the client sends in one task and receives in another.
fn each_in_its_task<S, R>(client: WebSocket<S, R>, server: WebSocket<S, R>, run: fn(Half))
where
    S: Unpin + Send + 'static,
    R: Runtime<S> + Send + 'static,
{
    crate::ends::run(move || {
        let (sink, stream) = StreamExt::split(server);
        let echo = async {
            let data = stream.filter(|message| std::future::ready(message.as_ref().is_ok_and(Message::is_data)));
            // The client may be gone before the last flush.
            let _ = data.forward(sink).await;
        };
        let (mut sink, mut stream) = StreamExt::split(client);
        let (give, given) = std::sync::mpsc::channel();
        let sending = async move {
            for number in 0..COUNT * 4 {
                sink.send(numbered(number)).await.unwrap();
            }
            give.send(sink).unwrap();
        };
        let receiving = async move {
            for number in 0..COUNT * 4 {
                assert!(stream.next().await.unwrap().unwrap() == numbered(number), "{number}");
            }
            given.recv().unwrap().close().await.unwrap();
            while let Some(message) = stream.next().await {
                assert!(matches!(message.unwrap(), Message::Close(_)));
            }
        };
        let halves: [Half; 3] = [Box::pin(echo), Box::pin(sending), Box::pin(receiving)];
        let tasks = halves.map(|half| std::thread::spawn(move || run(half)));
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
}
