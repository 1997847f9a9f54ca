//! Reasons to close a connection that its peer would keep, and their counters.

use prometheus::IntCounter;

use crate::metrics::{CUT_REASONS, Metrics};

/// The limit, or the broken protocol, that a connection was closed for; in the order of [`CUT_REASONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CutReason {
    /// No byte in time.
    FirstByte,
    /// No TLS handshake in time.
    Handshake,
    /// The TLS handshake failed.
    Tls,
    /// The bytes are no HTTP.
    Malformed,
    /// The head of a request did not end in time.
    Header,
    /// No request in time.
    Idle,
    /// Closed gracefully, and the peer did not let it end.
    Stuck,
    /// The peer left an answer unread for too long.
    Write,
    /// The deadline of a drain passed.
    Drain,
    /// The connection was as old as it may become.
    Age,
    /// The peer takes most of its requests back (CVE-2023-44487).
    Resets,
    /// The rest of a refused request did not end in time.
    Linger,
}

/// The counters of cut connections.
pub(super) struct CutCounters([IntCounter; CutReason::Linger as usize + 1]);

impl CutCounters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(CUT_REASONS.map(|reason| metrics.connections_cut.with_label_values(&[reason])))
    }

    pub(super) fn count(&self, reason: CutReason) {
        self.0[reason as usize].inc();
    }
}
