//! Wake-ups of the asynchronous adapters: whoever waits is woken, whoever polled last.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sockeye::{Due, Error, IoError, Message, Misuse};

use crate::peer::{FIN, TEXT, frame};
use crate::scripted::{Script, accept_now};
use crate::tasks::Task;

fn large() -> Message {
    Message::binary(vec![1; 100_000])
}

polled! {
    /// A receiver waits for bytes and two senders for room, whichever was polled last: each is woken by what it waits for.
    fn whoever_waits_is_woken_by_what_it_waits_for<A>() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for direction in ["read", "write"] {
                let script = Script::new();
                let (sender, mut receiver) = accept_now::<A>(&script).split();
                let another = sender.clone();
                script.state().room = 0;
                sender.try_send(&large()).unwrap();
                let tasks = [Task::new(), Task::new(), Task::new()];
                let (mut receive, mut flush) = (pin!(receiver.receive()), pin!(sender.flush()));
                let mut feed = pin!(another.feed("late"));
                for who in order {
                    match who {
                        0 => assert!(tasks[0].poll(&mut receive).is_pending()),
                        1 => assert!(tasks[1].poll(&mut flush.as_mut()).is_pending()),
                        _ => assert!(tasks[2].poll(&mut feed).is_pending()),
                    }
                }
                for task in &tasks {
                    task.was_woken();
                }
                if direction == "read" {
                    script.tell(&frame(FIN | TEXT, b"news", true));
                    assert!(tasks[0].was_woken(), "{order:?}");
                    assert!(matches!(tasks[0].poll(&mut receive), Poll::Ready(Ok(Some(_)))));
                } else {
                    script.make_room(usize::MAX);
                    assert!(tasks[1].was_woken() && tasks[2].was_woken(), "{order:?}");
                    assert!(matches!(tasks[1].poll(&mut flush.as_mut()), Poll::Ready(Ok(()))));
                    assert!(matches!(tasks[2].poll(&mut feed), Poll::Ready(Ok(()))));
                }
            }
        }
    }

    /// The same over the halves that futures makes of a `Stream` and `Sink`, each of which polls the connection as a whole.
    fn whoever_waits_over_the_halves_of_futures_is_woken<A>() {
        use futures_util::{SinkExt, StreamExt};
        for order in [&[0, 1][..], &[1, 0], &[0, 1, 0], &[1, 0, 1], &[0, 1, 1], &[1, 0, 0]] {
            for event in ["news", "room", "room for who has given up"] {
                let script = Script::new();
                let mut socket = accept_now::<A>(&script);
                script.state().room = 0;
                socket.try_send(&large()).unwrap();
                let (mut sink, mut stream) = StreamExt::split::<Message>(socket);
                let tasks = [Task::new(), Task::new()];
                let (mut next, mut flush) = (pin!(stream.next()), Box::pin(sink.flush()));
                for who in order {
                    match who {
                        0 => assert!(tasks[0].poll(&mut next).is_pending()),
                        _ => assert!(tasks[1].poll(&mut flush.as_mut()).is_pending()),
                    }
                }
                for task in &tasks {
                    task.was_woken();
                }
                match event {
                    "news" => {
                        script.tell(&frame(FIN | TEXT, b"news", true));
                        assert!(tasks[0].was_woken(), "{order:?}");
                        assert!(matches!(tasks[0].poll(&mut next), Poll::Ready(Some(Ok(_)))));
                    }
                    "room" => {
                        script.make_room(usize::MAX);
                        assert!(tasks[1].was_woken(), "{order:?}");
                        assert!(matches!(tasks[1].poll(&mut flush.as_mut()), Poll::Ready(Ok(()))));
                    }
                    _ => {
                        // Then whoever receives writes.
                        drop(flush);
                        script.make_room(usize::MAX);
                        assert!(tasks[0].was_woken(), "{order:?}");
                        assert!(tasks[0].poll(&mut next).is_pending());
                        assert_eq!(script.frames().len(), 1);
                    }
                }
            }
        }
    }

    /// Who finds the stream not ready, and ready again at once, is woken or asks again.
    fn a_stream_that_is_ready_again_at_once_is_not_waited_for_in_vain<A>() {
        let script = Script::new();
        let (sender, mut receiver) = accept_now::<A>(&script).split();
        script.tell(&frame(FIN | TEXT, b"news", true));
        {
            let mut state = script.state();
            (state.pauses, state.hurries) = (true, true);
        }
        let task = Task::new();
        let mut work = pin!(async {
            sender.send("first").await.unwrap();
            sender.feed(large()).await.unwrap();
            sender.feed("behind it").await.unwrap();
            sender.send("last").await.unwrap();
            assert_eq!(receiver.receive().await.unwrap(), Some("news".into()));
        });
        while task.poll(&mut work).is_pending() {
            assert!(task.was_woken());
        }
        assert_eq!(script.frames().len(), 4);
    }

    /// What is queued without waiting is written by the receiver, which has to know.
    fn queueing_wakes_the_receiver<A>() {
        let script = Script::new();
        let (sender, mut receiver) = accept_now::<A>(&script).split();
        let task = Task::new();
        let mut receive = pin!(receiver.receive());
        assert!(task.poll(&mut receive).is_pending());
        assert!(!task.was_woken());
        sender.try_send(&"queued".into()).unwrap();
        assert!(task.was_woken());
        assert!(task.poll(&mut receive).is_pending());
        sender.try_broadcast(&sockeye::Broadcast::text("news")).unwrap();
        assert!(task.was_woken());
        assert!(task.poll(&mut receive).is_pending());
        assert_eq!(script.frames().len(), 2);
    }

    /// The receiver writes what a sender waits for, before the stream has woken anybody.
    fn a_receiver_that_writes_wakes_the_senders<A>() {
        let script = Script::new();
        let (sender, mut receiver) = accept_now::<A>(&script).split();
        script.state().room = 0;
        sender.try_send(&large()).unwrap();
        let (receiving, sending) = (Task::new(), Task::new());
        let mut feed = pin!(sender.feed("late"));
        assert!(sending.poll(&mut feed).is_pending());
        script.state().room = 90_000;
        assert!(receiving.poll(&mut pin!(receiver.receive())).is_pending());
        assert!(sending.was_woken());
        assert!(matches!(sending.poll(&mut feed), Poll::Ready(Ok(()))));
    }

    /// A sender that waits for a peer that is gone is told so.
    fn the_end_wakes_the_senders<A>() {
        let script = Script::new();
        let (sender, mut receiver) = accept_now::<A>(&script).split();
        let another = sender.clone();
        script.state().room = 0;
        sender.try_send(&large()).unwrap();
        let (first, second, receiving) = (Task::new(), Task::new(), Task::new());
        let (mut flush, mut feed) = (pin!(sender.flush()), pin!(another.feed("late")));
        assert!(first.poll(&mut flush).is_pending() && second.poll(&mut feed).is_pending());
        script.state().fault = Some((0, crate::scripted::Fault::Broken(std::io::ErrorKind::ConnectionReset)));
        let received = receiving.poll(&mut pin!(receiver.receive()));
        assert!(matches!(received, Poll::Ready(Err(IoError::Io(_)))), "{received:?}");
        assert!(first.was_woken() && second.was_woken());
        assert!(matches!(first.poll(&mut flush), Poll::Ready(Err(IoError::Io(_)))));
        let fed = second.poll(&mut feed);
        assert!(matches!(fed, Poll::Ready(Err(IoError::Connection(Error::Misuse(Misuse::Closed)) | IoError::Io(_)))));
        assert!(matches!(receiving.poll(&mut pin!(receiver.receive())), Poll::Ready(Ok(None))));
    }
}

/// A deadline ends the connection while the stream is stuck: nobody waits on.
#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_of_senders_too() {
    let script = Script::new();
    let timeouts =
        sockeye::Timeouts { ping_interval: Some(std::time::Duration::from_secs(30)), ..sockeye::Timeouts::default() };
    let server = crate::ends::server().timeouts(timeouts);
    let (sender, mut receiver) = crate::scripted::accept_as::<sockeye::tokio::Clock>(&script, &server).split();
    script.state().room = 0;
    let another = sender.clone();
    let sending = tokio::spawn(async move { sender.send(large()).await });
    let (received, fed) = tokio::join!(receiver.receive(), async move {
        tokio::task::yield_now().await;
        another.feed(large()).await
    });
    assert!(matches!(received, Err(IoError::TimedOut(Due::Pong))), "{received:?}");
    assert!(fed.is_err(), "{fed:?}");
    assert!(matches!(sending.await.unwrap(), Err(IoError::TimedOut(Due::Pong))));
    assert!(receiver.receive().await.unwrap().is_none());
}

polled! {
    /// A message that is being fed stays with its future until it fits; a sink is ready once half of the limit is free.
    fn a_message_that_does_not_fit_is_kept_until_it_does<A>() {
        use futures_util::SinkExt;
        let script = Script::new();
        let server = crate::scripted::patient().outbox_limit(10_000);
        let mut socket = crate::scripted::accept_as::<A>(&script, &server);
        let message = || Message::binary(vec![1; 6000]);
        let frame = 4 + 6000;
        script.state().room = 0;
        socket.try_send(&message()).unwrap();
        let task = Task::new();
        {
            let mut feed = pin!(socket.feed(message()));
            for room in [1, 1000] {
                assert!(task.poll(&mut feed).is_pending());
                script.make_room(room);
                assert!(task.was_woken());
            }
            assert!(task.poll(&mut feed).is_pending());
            script.make_room(2 * frame - 10_000 - 1001);
            assert!(task.poll(&mut feed).is_ready());
        }
        {
            let mut sending = pin!(SinkExt::send(&mut socket, message()));
            assert!(task.poll(&mut sending).is_pending());
            script.make_room(usize::MAX);
            assert!(matches!(task.poll(&mut sending), Poll::Ready(Ok(()))));
        }
        let large = task.poll(&mut pin!(socket.feed(Message::binary(vec![1; 10_000]))));
        assert!(matches!(large, Poll::Ready(Err(IoError::Connection(Error::OutboxFull(full)))) if full.waiting == 0));
        assert_eq!(script.frames().len(), 3);
    }

    /// A connection remembers those who wait, and nobody else.
    fn senders_that_do_not_wait_are_forgotten<A>() {
        let script = Script::new();
        let (sender, _receiver) = accept_now::<A>(&script).split();
        for _ in 0..100 {
            let task = Task::new();
            assert!(task.poll(&mut pin!(sender.send("at once"))).is_ready());
            assert_eq!(Arc::strong_count(&task), 1);
        }
    }

    /// Whoever gives up waiting is forgotten, however long the peer takes nothing.
    fn senders_that_give_up_are_forgotten<A>() {
        use futures_util::SinkExt;
        let script = Script::new();
        let (sender, _receiver) = accept_now::<A>(&script).split();
        script.state().room = 0;
        sender.try_send(&large()).unwrap();
        let waker_of = |task: &Arc<Task>| Waker::from(Arc::clone(task));
        for _ in 0..100 {
            let task = Task::new();
            assert!(task.poll(&mut pin!(sender.send("given up"))).is_pending());
            assert!(task.poll(&mut pin!(sender.flush())).is_pending());
            let mut sink = sender.clone();
            assert!(sink.poll_ready_unpin(&mut Context::from_waker(&waker_of(&task))).is_pending());
            drop(sink);
            assert_eq!(Arc::strong_count(&task), 1);
        }
    }

    /// Of two calls that one task waits for, one is given up or done: the other is woken all the same.
    fn a_call_that_is_given_up_does_not_take_the_wake_up_of_another<A>() {
        let script = Script::new();
        let (sender, _receiver) = accept_now::<A>(&script).split();
        script.state().room = 0;
        sender.try_send(&large()).unwrap();
        let task = Task::new();
        let mut feed = pin!(sender.feed("late"));
        assert!(task.poll(&mut feed).is_pending());
        assert!(task.poll(&mut pin!(sender.flush())).is_pending());
        task.was_woken();
        script.make_room(usize::MAX);
        assert!(task.was_woken());
        assert!(task.poll(&mut feed).is_ready());
    }
    /// A peer that never stops sending has its turn with the others, whether that is received or only discarded.
    fn a_stream_that_is_always_ready_leaves_other_tasks_their_turn<A>() {
        let (script, task) = (Script::new(), Task::new());
        let mut socket = accept_now::<A>(&script);
        script.chunks(100, false, &frame(FIN | TEXT, b"news", true).repeat(10_000));
        while task.poll(&mut pin!(socket.receive())).is_ready() {}
        assert!(task.was_woken() && script.state().incoming.len() > 50_000);

        let (script, task) = (Script::new(), Task::new());
        let mut socket = accept_now::<A>(&script);
        // The first two bytes break a rule, and nothing behind them is looked at.
        script.chunks(100, false, &[0xff; 100_000]);
        let mut receive = pin!(socket.receive());
        assert!(task.poll(&mut receive).is_pending());
        assert!(task.was_woken() && script.state().incoming.len() > 50_000);

        let (script, task) = (Script::new(), Task::new());
        let server = crate::scripted::patient();
        let mut accept = pin!(A::accept_with(&server, script.clone()));
        script.chunks(100, false, b"garbage\r\n\r\n".repeat(10_000).as_slice());
        assert!(task.poll(&mut accept).is_pending());
        assert!(task.was_woken() && script.state().incoming.len() > 50_000);
    }
}
