//! The loops for peers that are a `Stream` of messages and a `Sink` for them.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use futures_sink::Sink;

use crate::{Job, Sent, job, wait};

/// Takes messages out of the stream; `look` says what it saw of each.
pub fn decode<S>(mut stream: S, mut look: impl FnMut(S::Item) -> u64 + 'static) -> Option<Job>
where
    S: Stream + Unpin + 'static,
{
    job(move |units| {
        wait(async {
            let mut sum = 0;
            for _ in 0..units {
                let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
                sum += look(next.expect("the wire does not end"));
            }
            sum
        })
    })
}

/// Feeds messages to the sink, and flushes it after each `batch` of them.
pub fn encode<S, M>(mut sink: S, mut message: impl FnMut() -> M + 'static, batch: u64, sent: Sent) -> Option<Job>
where
    S: Sink<M, Error: std::fmt::Debug> + Unpin + 'static,
{
    job(move |units| {
        let before = sent.bytes();
        wait(async {
            for unit in 1..=units {
                poll_fn(|context| Pin::new(&mut sink).poll_ready(context)).await.expect("the wire does not fail");
                Pin::new(&mut sink).start_send(message()).expect("the wire does not fail");
                if unit % batch == 0 || unit == units {
                    poll_fn(|context| Pin::new(&mut sink).poll_flush(context)).await.expect("the wire does not fail");
                }
            }
        });
        sent.bytes() - before
    })
}
