//! Much at once: back-pressure, large messages, both directions.

use std::sync::mpsc::sync_channel;
use std::thread;

use sockeye::{Client, Error, IoError, Message, Role};

use crate::ends::{Adapter, Link, Place, Wire, run, server};
use crate::peer::{BINARY, CLOSE, FIN, PING, Peer, TEXT, close_body, frame};

contract! {
    both fn a_peer_that_does_not_read_is_waited_for(place) {
        let (end, mut peer) = limited(place, 300_000);
        let (sender, mut receiver) = end.split();
        // Whatever the link takes on the way, at some time it takes no more, and no more than the limit is queued.
        let message = |number: u32| {
            let mut data = vec![0; 20_000];
            data[..4].copy_from_slice(&number.to_be_bytes());
            Message::binary(data)
        };
        let queue = |number| match sender.try_send(&message(number)) {
            Ok(()) => true,
            Err(IoError::Connection(Error::OutboxFull(full))) => {
                assert!(full.waiting <= full.limit && full.limit == 300_000);
                false
            }
            Err(error) => panic!("{error}"),
        };
        let mut count = 0;
        while queue(count) {
            count += 1;
        }
        assert_eq!(count, 14, "messages of 20,000 bytes fit into 300,000");
        let blocked = thread::spawn(move || {
            // More than any buffer of a loopback connection: it can only end when the peer reads.
            for number in count..count + 1000 {
                sender.feed(message(number)).unwrap();
            }
            sender.flush().unwrap();
        });
        let receiving = thread::spawn(move || receiver.receive().unwrap());
        for number in 0..count + 1000 {
            let frame = peer.ear.frame();
            assert_eq!(frame.first, FIN | BINARY);
            assert_eq!(frame.payload[..4], number.to_be_bytes());
        }
        blocked.join().unwrap();
        peer.mouth.tell(TEXT, b"all there");
        assert_eq!(receiving.join().unwrap(), Some("all there".into()));
    }

    /// Without a receiver that writes, and without room: `OutboxFull`, and nothing is lost.
    both fn a_full_outbox_loses_nothing(place) {
        let (mut end, mut peer) = limited(place, 10_000);
        let message = Message::binary(vec![3; 4000]);
        end.try_send(&message).unwrap();
        end.try_send(&message).unwrap();
        let full = end.try_send(&message).unwrap_err();
        assert!(matches!(full, IoError::Connection(Error::OutboxFull(_))), "{full}");
        let never = end.send(Message::binary(vec![3; 10_001])).unwrap_err();
        assert!(matches!(never, IoError::Connection(Error::OutboxFull(_))), "{never}");
        end.flush().unwrap();
        end.send(message).unwrap();
        for _ in 0..3 {
            peer.ear.hears(BINARY, &[3; 4000]);
        }
    }

    /// Below the high water too, a message that does not fit yet waits, whoever else sends.
    both fn a_message_waits_until_it_fits(place) {
        let (mut end, mut peer) = limited(place, 10_000);
        let message = || Message::binary(vec![3; 9000]);
        for _ in 0..3 {
            end.feed(message()).unwrap();
        }
        end.send(message()).unwrap();
        let (sender, _receiver) = end.split();
        let sending: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.another();
                thread::spawn(move || {
                    for _ in 0..50 {
                        sender.feed(message()).unwrap();
                    }
                    sender.flush().unwrap();
                })
            })
            .collect();
        for _ in 0..4 + 200 {
            peer.ear.hears(BINARY, &[3; 9000]);
        }
        sending.into_iter().for_each(|sending| sending.join().unwrap());
    }

    both fn a_large_message_goes_both_ways(place) {
        let (end, peer) = place.open();
        let data: Vec<u8> = (0..16_usize << 20).map(|index| (index >> 8) as u8 ^ index as u8).collect();
        let Peer { mut ear, mut mouth } = peer;
        let told = data.clone();
        let telling = thread::spawn(move || {
            mouth.tell(BINARY, &told);
            mouth
        });
        let (sender, mut receiver) = end.split();
        let echo = thread::spawn(move || {
            let message = receiver.receive().unwrap().unwrap();
            sender.send(message).unwrap();
            receiver.receive().unwrap()
        });
        let _mouth = telling.join().unwrap();
        let frame = ear.frame();
        assert!(frame.first == FIN | BINARY && frame.payload == data);
        drop((ear, _mouth));
        assert_eq!(echo.join().unwrap(), None);
    }

    /// A message is under way for long, and pings come meanwhile.
    both fn pings_are_answered_while_the_other_direction_is_busy(place) {
        let (end, peer) = place.open();
        let (sender, mut receiver) = end.split();
        let Peer { mut ear, mut mouth } = peer;
        sender.try_send(&Message::binary(vec![0; 4 << 20])).unwrap();
        let sending = thread::spawn(move || sender.flush());
        let receiving = thread::spawn(move || {
            let mut pings = 0;
            while let Some(message) = receiver.receive().unwrap() {
                pings += usize::from(matches!(message, Message::Ping(_)));
            }
            pings
        });
        for number in 0..200_u32 {
            mouth.tell(PING, &number.to_be_bytes());
        }
        mouth.tell(CLOSE, &close_body(1000, ""));
        let mut frames = Vec::new();
        let closed = loop {
            let frame = ear.frame();
            if frame.first == FIN | CLOSE {
                break frame;
            }
            frames.push(frame);
        };
        assert_eq!(closed.payload, close_body(1000, ""));
        assert!(frames.iter().any(|frame| frame.first == FIN | BINARY && frame.payload.len() == 4 << 20));
        // Those that waited may be answered by the latest of them (RFC 6455 section 5.5.3).
        assert_eq!(frames.last().unwrap().payload.len().min(4), 4);
        assert!(frames.iter().any(|frame| frame.payload == 199_u32.to_be_bytes()));
        mouth.end();
        assert_eq!(receiving.join().unwrap(), 200);
        let _ = sending.join();
    }

    /// Three senders and a receiver at once: every message whole, each sender's in order.
    both fn senders_share_a_connection(place) {
        let (end, peer) = place.open();
        let (sender, mut receiver) = end.split();
        let receiving = thread::spawn(move || {
            let mut count = 0_u32;
            while let Some(message) = receiver.receive().unwrap() {
                if let Message::Binary(data) = message {
                    assert_eq!(data[..4], count.to_be_bytes());
                    count += 1;
                }
            }
            count
        });
        let senders: Vec<_> = (0..3_u8)
            .map(|name| {
                let sender = sender.another();
                thread::spawn(move || {
                    for number in 0..300_u32 {
                        let mut data = vec![name; 1 + (number as usize * 37) % 9000];
                        data.extend(number.to_be_bytes());
                        let message = Message::binary(data);
                        if number.is_multiple_of(3) { sender.send(message) } else { sender.feed(message) }.unwrap();
                    }
                    sender.flush().unwrap();
                })
            })
            .collect();
        let Peer { mut ear, mut mouth } = peer;
        let telling = thread::spawn(move || {
            for number in 0..500_u32 {
                mouth.tell(BINARY, &[&number.to_be_bytes()[..], &[9; 4000]].concat());
            }
            mouth
        });
        let mut next = [0; 3];
        for _ in 0..900 {
            let data = ear.frame().payload;
            let (data, number) = data.split_at(data.len() - 4);
            let number = u32::from_be_bytes(number.try_into().unwrap());
            let name = usize::from(data[0]);
            assert_eq!(number, next[name]);
            assert!(data.len() == 1 + (number as usize * 37) % 9000 && data.iter().all(|byte| *byte == data[0]));
            next[name] += 1;
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        let mut mouth = telling.join().unwrap();
        mouth.tell(CLOSE, b"");
        ear.hears(CLOSE, b"");
        mouth.end();
        assert_eq!(receiving.join().unwrap(), 500);
    }
}

fn limited(place: Place, limit: usize) -> (Box<dyn crate::ends::End>, Peer) {
    place.open_with(&Client::new().outbox_limit(limit), &server().outbox_limit(limit), b"")
}

/// Each adapter with each: two ends that only echo, with more under way than the sockets hold.
fn two_that_only_echo(client: Adapter, serving: Adapter, link: Link) {
    run(move || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if link == Link::Tls { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let accepting = thread::spawn(move || {
            let socket = listener.accept().unwrap().0;
            let wire = if link == Link::Tls { serving.secure(socket) } else { Wire::Tcp(socket) };
            let place = Place { adapter: serving, role: Role::Server, link };
            place.incoming(&server(), wire).unwrap().accept().unwrap()
        });
        let trusting = Client::new().roots(crate::tls::authority().roots());
        let client = Place { adapter: client, role: Role::Client, link }.connect_with(&trusting, &url).unwrap();
        let server = accepting.join().unwrap();
        let (one, other) = (server.split(), client.split());
        let starter = one.0.another();
        let echo = |(sender, mut receiver): (Box<dyn crate::ends::Sending>, Box<dyn crate::ends::Receiving>),
                    closes| {
            let (queue, queued) = sync_channel::<Message>(SEEDS);
            let closer = sender.another();
            thread::spawn(move || {
                for message in queued {
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            });
            thread::spawn(move || {
                let mut count = 0;
                while let Some(message) = receiver.receive().unwrap() {
                    if !message.is_data() {
                        continue;
                    }
                    count += 1;
                    if closes && count == ROUNDS * SEEDS {
                        closer.close(None).unwrap();
                    } else {
                        let _ = queue.send(message);
                    }
                }
                (count, receiver.ending().unwrap().clean)
            })
        };
        let (one, other) = (echo(one, true), echo(other, false));
        for number in 0..SEEDS {
            starter.send(Message::binary(vec![number as u8; 400_000])).unwrap();
        }
        assert!(one.join().unwrap().1);
        let (count, clean) = other.join().unwrap();
        assert!(clean && count >= ROUNDS * SEEDS, "{count}");
    });
}

/// 8 MB are under way: more than the buffers of both sockets hold.
const SEEDS: usize = 20;
const ROUNDS: usize = 4;

/// Tests two adapters with each other.
macro_rules! two_that_only_echo {
    ($($name:ident: $client:ident and $serving:ident,)*) => {
        mod each_with_each { $(
            #[test]
            fn $name() {
                use super::{Adapter, Link, two_that_only_echo};
                two_that_only_echo(Adapter::$client, Adapter::$serving, Link::Tcp);
                two_that_only_echo(Adapter::$client, Adapter::$serving, Link::Tls);
            }
        )* }
    };
}

two_that_only_echo! {
    tokio_and_tokio: Tokio and Tokio,
    tokio_and_futures: Tokio and Futures,
    tokio_and_blocking: Tokio and Blocking,
    futures_and_tokio: Futures and Tokio,
    futures_and_futures: Futures and Futures,
    futures_and_blocking: Futures and Blocking,
    blocking_and_tokio: Blocking and Tokio,
    blocking_and_futures: Blocking and Futures,
    blocking_and_blocking: Blocking and Blocking,
}

polled! {
    /// A large message in many small reads, with a pause after each, is not copied at each pause.
    fn a_large_message_in_small_reads_is_copied_a_few_times_at_most<A>() {
        use crate::idle::allocated_by;
        use crate::scripted::{Script, accept_now, poll_once};

        let payload = vec![7; 4 << 20];
        let told = frame(FIN | BINARY, &payload, true);
        let script = Script::new();
        let mut server = accept_now::<A>(&script);
        script.chunks(1000, true, &told);
        let mut received = None;
        let bytes = allocated_by(|| {
            for _ in 0..2 * told.len() / 1000 + 10 {
                if let std::task::Poll::Ready(message) = poll_once(&mut std::pin::pin!(server.receive())) {
                    received = message.unwrap();
                    break;
                }
            }
        });
        assert!(received == Some(Message::binary(payload.clone())));
        assert!(bytes < 8 * payload.len(), "{bytes} bytes were allocated for a message of {}", payload.len());
    }
}
