//! What a connection does each time that it is polled.

use core::task::{Context, Poll, Waker, ready};
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Buf;

use super::Runtime;
use super::wakers::Place;
use super::websocket::WebSocket;
use crate::adapter::{Received, Sent, Step, memory};
use crate::{CloseFrame, Error, IoError};

impl<S, R: Runtime<S>> WebSocket<S, R> {
    #[inline]
    pub(super) fn poll_receive<T: Received>(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<T>, IoError>> {
        match self.step::<T>() {
            // What is there already waits for nobody.
            Step::Deliver(received) if !self.receives => Poll::Ready(Ok(Some(received))),
            step => self.poll_receive_on(step, context),
        }
    }

    fn poll_receive_on<T: Received>(
        &mut self,
        step: Step<T>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, IoError>> {
        let received = if self.wakers.anyone_sends() {
            self.wakers.receiving(context);
            let waker = Waker::from(Arc::clone(&self.wakers));
            self.poll_step(step, &mut Context::from_waker(&waker))
        } else {
            let received = self.poll_step(step, context);
            if received.is_pending() {
                self.wakers.receiving(context);
            }
            received
        };
        self.receives = received.is_pending();
        received
    }

    /// The task that receives has something to do.
    fn wake_receiving(&mut self) {
        if core::mem::take(&mut self.receives) {
            self.wakers.wake_receiving();
        }
    }

    /// The tasks that send have something to do.
    fn wake_sending(&self) {
        if self.wakers.anyone_sends() {
            self.wakers.wake_sending();
        }
    }

    #[inline]
    fn step<T: Received>(&mut self) -> Step<T> {
        self.driver.step(|| self.clock.now())
    }

    fn poll_step<T: Received>(
        &mut self,
        mut step: Step<T>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, IoError>> {
        loop {
            match step {
                Step::Deliver(received) => return Poll::Ready(Ok(Some(received))),
                Step::Answer(received) => {
                    let _ = self.poll_write_on(context);
                    return Poll::Ready(Ok(Some(received)));
                }
                Step::Refuse(error) => return Poll::Ready(Err(error.into())),
                Step::End(failure) => {
                    self.ended |= failure.is_none();
                    self.driver.outbox.release();
                    self.wake_sending();
                    return Poll::Ready(failure.map_or(Ok(None), Err));
                }
                Step::ShutDown => match self.poll_shutdown(context) {
                    Poll::Ready(Ok(())) => self.driver.shut_down(),
                    Poll::Ready(Err(error)) => self.unwritable(error),
                    // A peer that is stuck in sending does not read what this end has to say before it is read.
                    Poll::Pending if self.driver.is_readable() => ready!(self.poll_fill(context)),
                    Poll::Pending => ready!(self.poll_deadline(true, context)),
                },
                Step::Exchange => {
                    if !matches!(self.poll_write_on(context), Poll::Ready(Err(()))) {
                        ready!(self.poll_fill(context));
                    }
                }
            }
            step = self.step();
        }
    }

    /// Writes what the stream takes, for whoever receives: senders that wait are woken where that has made room, and
    /// an error is noted for the end.
    fn poll_write_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        let before = (self.driver.outbox.len(), self.unflushed);
        let written = self.poll_write(context);
        if (self.driver.outbox.len(), self.unflushed) != before {
            self.wake_sending();
        }
        written.map_err(|error| self.unwritable(error))
    }

    /// Reads, or sees to a deadline that has passed.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reads += 1;
        if self.reads > READS {
            self.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.poll_read(context) {
            Poll::Ready(Ok(0)) => self.driver.eof(self.clock.now()),
            Poll::Ready(Ok(count)) => self.driver.read(count, || self.clock.now()),
            Poll::Ready(Err(error)) => self.driver.unreadable(error),
            Poll::Pending => {
                self.reads = 0;
                memory::reclaim(&mut self.driver.inbox);
                self.driver.outbox.release();
                ready!(self.poll_deadline(true, context));
            }
        }
        Poll::Ready(())
    }

    /// Queues a message as soon as little waits and it fits.
    #[inline]
    pub(super) fn poll_feed(
        &mut self,
        message: &impl Sent,
        place: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), IoError>> {
        ready!(self.poll_room(place, context))?;
        loop {
            match self.start_sending(message) {
                Err(IoError::Connection(Error::OutboxFull(full))) if full.waiting > 0 => {
                    ready!(self.poll_drained(full.waiting - 1, place, context))?;
                }
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Waits until the outbox has room for a message of common size.
    pub(super) fn poll_room(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        let rest = HIGH_WATER.min(self.driver.outbox.limit() / 2);
        if self.driver.outbox.len() <= rest {
            return Poll::Ready(Ok(()));
        }
        self.poll_drained(rest, place, context)
    }

    #[inline]
    pub(super) fn start_sending(&mut self, message: &impl Sent) -> Result<(), IoError> {
        self.driver.send(message, || self.clock.now())?;
        self.wake_receiving();
        Ok(())
    }

    pub(super) fn start_closing(&mut self, frame: Option<&CloseFrame<'_>>) -> Result<(), IoError> {
        self.driver.close(frame)?;
        self.wake_receiving();
        Ok(())
    }

    pub(super) fn poll_closed(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.start_closing(None)?;
        self.poll_written(place, context)
    }

    pub(super) fn poll_written(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.poll_drained(0, place, context)
    }

    /// Waits until the outbox holds no more than `rest` bytes, and where that is none until the stream is flushed. The
    /// deadlines run meanwhile, as a caller that waits here does not receive.
    fn poll_drained(&mut self, rest: usize, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        if place == Place::WHOLE && !self.receives && !self.wakers.anyone_sends() {
            let drained = self.poll_drained_on(rest, false, context);
            if drained.is_pending() {
                self.wakers.sending(place, context);
            }
            return drained;
        }
        let waker = Waker::from(Arc::clone(&self.wakers));
        let shared = &mut Context::from_waker(&waker);
        // Whoever waits to send over the connection as a whole has left off receiving, in most cases.
        let receives = place != Place::WHOLE && self.receives;
        let mut drained = self.poll_drained_on(rest, receives, shared);
        if drained.is_pending() {
            // Once it is known who waits, the stream is asked again: it may have room since.
            self.wakers.sending(place, context);
            drained = self.poll_drained_on(rest, receives, shared);
        }
        if drained.is_ready() {
            self.wakers.sent(place);
        }
        drained
    }

    fn poll_drained_on(&mut self, rest: usize, receives: bool, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        loop {
            match self.poll_write(context) {
                Poll::Ready(Ok(())) => return Poll::Ready(self.driver.flushed()),
                Poll::Ready(Err(error)) => {
                    self.unwritable(error);
                    self.wake_receiving();
                    return Poll::Ready(self.driver.flushed());
                }
                Poll::Pending if rest > 0 && self.driver.outbox.len() <= rest => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(self.poll_deadline(receives, context));
                    self.wake_receiving();
                }
            }
        }
    }

    fn unwritable(&mut self, error: io::Error) {
        self.driver.unwritable(error, self.clock.now());
    }

    /// Writes the outbox and flushes the stream.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.driver.is_writable() {
            return Poll::Ready(Ok(()));
        }
        while self.driver.outbox.has_remaining() {
            let Poll::Ready(count) = self.poll_write_some(context)? else {
                self.stalled = true;
                return Poll::Pending;
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.driver.outbox.advance(count);
            self.unflushed = true;
            if core::mem::take(&mut self.stalled) {
                self.driver.heard(|| self.clock.now());
            }
        }
        if self.unflushed {
            let Poll::Ready(flushed) = R::poll_flush(&mut self.stream, context) else {
                self.held = true;
                return Poll::Pending;
            };
            flushed?;
            self.unflushed = false;
            if core::mem::take(&mut self.held) {
                self.driver.heard(|| self.clock.now());
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let outbox = &self.driver.outbox;
        if outbox.chunk().len() < outbox.len() && R::is_write_vectored(&self.stream) {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = outbox.chunks_vectored(&mut slices);
            R::poll_write_vectored(&mut self.stream, context, &slices[..filled])
        } else {
            R::poll_write(&mut self.stream, context, outbox.chunk())
        }
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write(context))?;
        R::poll_shutdown(&mut self.stream, context)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        super::io::poll_read::<S, R>(&mut self.stream, context, &mut self.driver.inbox)
    }

    /// Ready where a deadline has passed and was seen to.
    fn poll_deadline(&mut self, receives: bool, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.driver.deadline(|| self.clock.now());
        ready!(self.clock.poll_deadline(deadline, context));
        self.driver.tick(receives, self.clock.now());
        Poll::Ready(())
    }
}

/// While more than this waits, sending waits too: what a socket takes in one go, roughly.
const HIGH_WATER: usize = 64 << 10;

/// Reads before other tasks have their turn: a peer that never stops sending keeps none of them from it, in a runtime that
/// does not see to that itself either.
const READS: u8 = 32;

/// Pieces of the outbox that go into one write.
const SLICES: usize = 16;
