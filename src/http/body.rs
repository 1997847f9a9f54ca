//! Takes a body in, within its size, its time and the listener's memory for bodies under way.
//!
//! A body that arrived with its head costs neither a timer nor a copy.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::request::Fault;

/// Bytes of bodies that have begun and not ended, over all connections of a listener.
#[derive(Debug)]
pub(super) struct PendingBodies {
    held: AtomicUsize,
    most: usize,
}

impl PendingBodies {
    /// Nothing held yet, at most `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { held: AtomicUsize::new(0), most }
    }
}

/// The part of [`PendingBodies`] that one body holds; given back on drop.
struct PendingCharge<'a> {
    pending: &'a PendingBodies,
    bytes: usize,
}

impl PendingCharge<'_> {
    fn add(&mut self, bytes: usize) -> Result<(), Fault> {
        let held = self.pending.held.fetch_add(bytes, Relaxed) + bytes;
        self.bytes += bytes;
        if held > self.pending.most { Err(Fault::Overloaded) } else { Ok(()) }
    }
}

impl Drop for PendingCharge<'_> {
    fn drop(&mut self) {
        self.pending.held.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads `body` to its end, at most `most` bytes and `span` from now.
pub(super) async fn collect(
    body: Incoming,
    most: usize,
    span: Duration,
    pending: &PendingBodies,
) -> Result<Bytes, Fault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // a declared length is refused before a byte of it is asked for
    if usize::try_from(body.size_hint().lower()).map_or(true, |declared| declared > most) {
        return Err(Fault::BodyTooLarge);
    }
    let mut gather = Gather { body, most, first: Bytes::new(), rest: BytesMut::new(), charge: None };
    if let Poll::Ready(whole) = poll_fn(|cx| Poll::Ready(gather.poll(cx))).await {
        return whole;
    }
    let mut charge = PendingCharge { pending, bytes: 0 };
    charge.add(gather.len())?;
    gather.charge = Some(charge);
    timeout(span, poll_fn(|cx| gather.poll(cx))).await.unwrap_or(Err(Fault::BodyTimeout))
}

/// A body under way.
struct Gather<'a> {
    body: Incoming,
    most: usize,
    /// The first chunk, kept as it came: mostly it is the whole body.
    first: Bytes,
    /// Everything, once there is a second chunk.
    rest: BytesMut,
    charge: Option<PendingCharge<'a>>,
}

impl Gather<'_> {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Fault>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(self.whole())),
                Some(Err(_)) => return Poll::Ready(Err(Fault::Malformed)),
                Some(Ok(frame)) => {
                    // trailers carry nothing we read
                    let Ok(chunk) = frame.into_data() else { continue };
                    if let Err(fault) = self.push(chunk) {
                        return Poll::Ready(Err(fault));
                    }
                    if self.body.is_end_stream() {
                        return Poll::Ready(Ok(self.whole()));
                    }
                }
            }
        }
    }

    fn push(&mut self, chunk: Bytes) -> Result<(), Fault> {
        if chunk.len() > self.most - self.len() {
            return Err(Fault::BodyTooLarge);
        }
        if let Some(charge) = &mut self.charge {
            charge.add(chunk.len())?;
        }
        if self.len() == 0 {
            self.first = chunk;
        } else {
            let first = std::mem::take(&mut self.first);
            self.rest.extend_from_slice(&first);
            self.rest.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn whole(&mut self) -> Bytes {
        if self.rest.is_empty() { std::mem::take(&mut self.first) } else { std::mem::take(&mut self.rest).freeze() }
    }
}
