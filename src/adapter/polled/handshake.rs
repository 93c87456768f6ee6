//! The opening handshake over a stream that is polled.
//!
//! What a handshake needs is some kilobytes: boxed, so that the task that goes on with the connection does not keep their
//! place.

use core::fmt;
use core::future::{Future, poll_fn};
use core::marker::PhantomData;
use core::task::{Poll, ready};
use std::boxed::Box;
use std::io;

use bytes::Bytes;

use super::Runtime;
use super::io::within;
use super::websocket::WebSocket;
use crate::adapter::memory;
use crate::handshake::{Acceptance, HandshakeError, Limits, Request, RequestReader, Response, Url};
use crate::{Client, Inbox, IoError, Server, Timeouts, Upgrade};

/// Connects over a stream to the URL's host, which may have to be made. The time for the handshake is for both.
pub(crate) async fn connect_over<S, R: Runtime<S>>(
    client: &Client,
    url: &Url,
    stream: impl Future<Output = Result<S, IoError>>,
) -> Result<WebSocket<S, R>, IoError> {
    let shake = async { shake(client, url, stream.await?).await };
    Box::pin(within::<R, _>(client.timeouts.handshake, shake)).await
}

/// Accepts a connection.
pub(crate) async fn accept_with<S, R: Runtime<S>>(server: &Server, stream: S) -> Result<WebSocket<S, R>, IoError> {
    Box::pin(async { incoming(server, stream).await?.accept().await }).await
}

/// Reads a request.
pub(crate) fn incoming<S, R: Runtime<S>>(
    server: &Server,
    mut stream: S,
) -> impl Future<Output = Result<Incoming<'_, S, R>, IoError>> {
    Box::pin(async move {
        let mut inbox = Inbox::new();
        let read = read_request::<S, R>(server.limits, &mut stream, &mut inbox);
        match within::<R, _>(server.timeouts.handshake, read).await? {
            Ok(request) => Ok(Incoming { server, request, inbox, stream, runtime: PhantomData }),
            Err(error) => {
                // Whether the peer takes the answer changes nothing of why it is refused.
                let _ = answer::<S, R>(&mut stream, inbox, &error.response(), &server.timeouts).await;
                Err(error.into())
            }
        }
    })
}

/// A request that was read and not answered yet.
pub struct Incoming<'s, S, R> {
    server: &'s Server,
    request: Request,
    inbox: Inbox,
    stream: S,
    runtime: PhantomData<fn() -> R>,
}

impl<S, R: Runtime<S>> Incoming<'_, S, R> {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Accepts the request as the [`Server`] says: its origins, its subprotocols.
    ///
    /// Cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub async fn accept(self) -> Result<WebSocket<S, R>, IoError> {
        let answered = self.server.answer(&self.request);
        self.conclude(answered).await
    }

    /// Accepts the request with an acceptance of the caller's, who has judged the origin.
    ///
    /// Cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub async fn accept_as(self, acceptance: &Acceptance) -> Result<WebSocket<S, R>, IoError> {
        let answered = self.server.answer_as(&self.request, acceptance);
        self.conclude(answered).await
    }

    /// Answers with a response of the caller's, such as a page or a rejection, and shuts the stream down.
    ///
    /// # Errors
    /// [`IoError`]: the transport, or the deadline.
    pub async fn respond(mut self, response: &Response) -> Result<(), IoError> {
        Box::pin(answer::<S, R>(&mut self.stream, self.inbox, response, &self.server.timeouts)).await
    }

    /// The request, the bytes that came after its head, and the stream: for an HTTP server of the caller's.
    pub fn into_parts(self) -> (Request, Bytes, S) {
        let rest = Bytes::copy_from_slice(self.inbox.unread());
        (self.request, rest, self.stream)
    }

    /// Sends the acceptance, or tells the peer why its request is refused.
    fn conclude(
        mut self,
        answered: Result<(Response, Upgrade), HandshakeError>,
    ) -> impl Future<Output = Result<WebSocket<S, R>, IoError>> {
        Box::pin(async move {
            match answered {
                Ok((response, upgrade)) => {
                    let head = response.write();
                    within::<R, _>(self.server.timeouts.handshake, write::<S, R>(&mut self.stream, &head)).await?;
                    Ok(WebSocket::new(self.stream, self.inbox, upgrade))
                }
                Err(error) => {
                    // Whether the peer takes the answer changes nothing of why it is refused.
                    let _ = self.respond(&error.response()).await;
                    Err(error.into())
                }
            }
        })
    }
}

impl<S, R> fmt::Debug for Incoming<'_, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", &self.request).finish_non_exhaustive()
    }
}

async fn shake<S, R: Runtime<S>>(client: &Client, url: &Url, mut stream: S) -> Result<WebSocket<S, R>, IoError> {
    let (request, mut upgrading) = client.begin(url)?;
    write::<S, R>(&mut stream, &request.write()).await?;
    let mut inbox = Inbox::new();
    loop {
        read::<S, R>(&mut stream, &mut inbox).await?;
        if let Some((upgrade, length)) = upgrading.read(inbox.unread())? {
            inbox.consume(length);
            return Ok(WebSocket::new(stream, inbox, upgrade));
        }
    }
}

/// Reads until the head of a request is there, or the error that answers it.
async fn read_request<S, R: Runtime<S>>(
    limits: Limits,
    stream: &mut S,
    inbox: &mut Inbox,
) -> Result<Result<Request, HandshakeError>, IoError> {
    let mut reader = RequestReader::new(limits);
    loop {
        read::<S, R>(stream, inbox).await?;
        match reader.read(inbox.unread()) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                inbox.consume(length);
                return Ok(Ok(request));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Sends a response that is not followed by frames, and ends the stream.
async fn answer<S, R: Runtime<S>>(
    stream: &mut S,
    mut inbox: Inbox,
    response: &Response,
    timeouts: &Timeouts,
) -> Result<(), IoError> {
    within::<R, _>(timeouts.handshake, async {
        write::<S, R>(stream, &response.write()).await?;
        Ok(poll_fn(|context| R::poll_shutdown(stream, context)).await?)
    })
    .await?;
    // A socket that is closed with unread bytes is reset, and the peer might lose the response. Whether the peer ends
    // its half in time is of no interest.
    let _ = within::<R, _>(timeouts.close_wait, async {
        while read::<S, R>(stream, &mut inbox).await.is_ok() {
            inbox.consume(inbox.len());
            yield_now().await;
        }
        Ok(())
    })
    .await;
    Ok(())
}

/// Reads once. A peer that is awaited holds no buffer.
async fn read<S, R: Runtime<S>>(stream: &mut S, inbox: &mut Inbox) -> Result<(), IoError> {
    let count = poll_fn(|context| {
        let polled = super::io::poll_read::<S, R>(stream, context, inbox);
        if polled.is_pending() {
            memory::reclaim(inbox);
        }
        polled
    });
    match count.await? {
        0 => Err(IoError::HandshakeCut),
        count => {
            inbox.filled(count);
            Ok(())
        }
    }
}

/// Writes all of it.
async fn write<S, R: Runtime<S>>(stream: &mut S, mut bytes: &[u8]) -> Result<(), IoError> {
    poll_fn(|context| {
        while !bytes.is_empty() {
            match ready!(R::poll_write(stream, context, bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => bytes = &bytes[count..],
            }
        }
        R::poll_flush(stream, context)
    })
    .await?;
    Ok(())
}

/// Lets other tasks, and the deadline, have their turn: a peer that never stops sending keeps none of them from it.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if core::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
