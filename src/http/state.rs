//! The state of one connection, updated by its socket and its requests, read by its [`super::watchdog`].
//!
//! HTTP/1 walks Idle, Head, Body, Handling, Writing and back to Idle; HTTP/2 only counts its open streams.
//! For HTTP/1 everything happens in one task, so relaxed atomics are plain loads and stores.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};

/// The event that a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ConnectionPhase {
    /// The first byte of the next request.
    Idle,
    /// The rest of a request head.
    Head,
    /// The rest of a request body.
    Body,
    /// The handler.
    Handling,
    /// The peer, to take the answer.
    Writing,
    /// The peer, to take the refusal of a request that has not been read to its end.
    Refused,
    /// The rest of a refused request, thrown away after our end was closed.
    Lingering,
}

const PHASES: [ConnectionPhase; 7] = [
    ConnectionPhase::Idle,
    ConnectionPhase::Head,
    ConnectionPhase::Body,
    ConnectionPhase::Handling,
    ConnectionPhase::Writing,
    ConnectionPhase::Refused,
    ConnectionPhase::Lingering,
];

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

#[derive(Debug)]
pub(super) struct ConnectionState {
    protocol: Protocol,
    phase: AtomicU8,
    /// Bytes of the next request arrived while this one was being handled.
    ahead: AtomicBool,
    /// Heads of HTTP/1 that arrived whole and have nothing that hyper forgives and must not.
    good: AtomicU32,
    /// Bytes of an answer wait for the peer to read.
    blocked: AtomicBool,
    /// The next answer is the last one.
    retired: AtomicBool,
    /// The peer has ended its sending side.
    ended: AtomicBool,
    /// Requests begun.
    served: AtomicU32,
    /// Requests begun and not ended.
    open: AtomicU32,
    /// Requests that ended without an answer, because the peer took them back.
    abandoned: AtomicU32,
}

impl ConnectionState {
    /// A connection whose first bytes have just arrived.
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            phase: AtomicU8::new(ConnectionPhase::Head as u8),
            ahead: AtomicBool::new(false),
            good: AtomicU32::new(0),
            blocked: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            served: AtomicU32::new(0),
            open: AtomicU32::new(0),
            abandoned: AtomicU32::new(0),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn phase(&self) -> ConnectionPhase {
        match self.protocol {
            Protocol::Http1 => PHASES[usize::from(self.phase.load(Relaxed)) % PHASES.len()],
            Protocol::Http2 if self.open.load(Relaxed) > 0 => ConnectionPhase::Handling,
            Protocol::Http2 => ConnectionPhase::Idle,
        }
    }

    fn enter(&self, phase: ConnectionPhase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Notes that bytes of HTTP/1 arrived; `good` heads of the connection are unambiguous so far.
    pub(super) fn received(&self, good: u32) {
        self.good.store(good, Relaxed);
        match self.phase() {
            ConnectionPhase::Idle => self.enter(ConnectionPhase::Head),
            ConnectionPhase::Handling | ConnectionPhase::Writing => self.ahead.store(true, Relaxed),
            ConnectionPhase::Head | ConnectionPhase::Body | ConnectionPhase::Refused | ConnectionPhase::Lingering => {}
        }
    }

    /// Notes that a head is complete; returns whether it can be trusted.
    pub(super) fn begin(&self) -> bool {
        let served = self.served.fetch_add(1, Relaxed) + 1;
        if self.protocol == Protocol::Http2 {
            self.open.fetch_add(1, Relaxed);
            return true;
        }
        self.enter(ConnectionPhase::Body);
        served <= self.good.load(Relaxed)
    }

    /// Notes that the body is complete.
    pub(super) fn handling(&self) {
        self.enter(ConnectionPhase::Handling);
    }

    /// Notes that the answer is ready; `unread` if the request was not read to its end.
    pub(super) fn end(&self, unread: bool) {
        match self.protocol {
            Protocol::Http1 => self.enter(if unread { ConnectionPhase::Refused } else { ConnectionPhase::Writing }),
            Protocol::Http2 => _ = self.open.fetch_sub(1, Relaxed),
        }
    }

    /// Notes that the request ended without an answer.
    pub(super) fn abandon(&self) {
        self.abandoned.fetch_add(1, Relaxed);
    }

    /// Requests taken back so far.
    pub(super) fn abandoned(&self) -> u32 {
        self.abandoned.load(Relaxed)
    }

    /// Notes that the peer has ended its sending side; returns whether hyper may know: h2 forgets the answers that are
    /// still due, so for HTTP/2 the [`super::watchdog`] ends the connection.
    pub(super) fn end_of_input(&self) -> bool {
        self.ended.store(true, Relaxed);
        self.protocol == Protocol::Http1
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Notes that the peer takes no more bytes for now.
    pub(super) fn block(&self) {
        self.blocked.store(true, Relaxed);
    }

    /// Notes that the peer took everything written.
    pub(super) fn flushed(&self) {
        if self.blocked.load(Relaxed) {
            self.blocked.store(false, Relaxed);
        }
        if self.protocol == Protocol::Http1 && self.phase() == ConnectionPhase::Writing {
            let ahead = self.ahead.load(Relaxed);
            self.ahead.store(false, Relaxed);
            self.enter(if ahead { ConnectionPhase::Head } else { ConnectionPhase::Idle });
        }
    }

    pub(super) fn blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    /// Notes that our end is closed; returns whether the bytes that the peer still sends have to be read.
    pub(super) fn lingers(&self) -> bool {
        if self.protocol == Protocol::Http2 {
            return false;
        }
        let unread = matches!(
            self.phase(),
            ConnectionPhase::Head | ConnectionPhase::Body | ConnectionPhase::Refused | ConnectionPhase::Lingering
        );
        if unread {
            self.enter(ConnectionPhase::Lingering);
        }
        unread
    }

    /// Makes the next answer the last one of the connection.
    pub(super) fn retire(&self) {
        self.retired.store(true, Relaxed);
    }

    pub(super) fn retired(&self) -> bool {
        self.retired.load(Relaxed)
    }

    /// Requests begun so far.
    pub(super) fn served(&self) -> u32 {
        self.served.load(Relaxed)
    }
}
