//! Reasons to close a connection that its peer would keep, and their counters.

use prometheus::IntCounter;

use crate::metrics::Metrics;

/// The limit, or the broken protocol, that a connection was closed for.
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

impl CutReason {
    const ALL: [Self; 12] = [
        Self::FirstByte,
        Self::Handshake,
        Self::Tls,
        Self::Malformed,
        Self::Header,
        Self::Idle,
        Self::Stuck,
        Self::Write,
        Self::Drain,
        Self::Age,
        Self::Resets,
        Self::Linger,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::FirstByte => "first_byte",
            Self::Handshake => "handshake",
            Self::Tls => "tls",
            Self::Malformed => "malformed",
            Self::Header => "header",
            Self::Idle => "idle",
            Self::Stuck => "stuck",
            Self::Write => "write",
            Self::Drain => "drain",
            Self::Age => "age",
            Self::Resets => "resets",
            Self::Linger => "linger",
        }
    }
}

/// The counters of cut connections.
pub(super) struct CutCounters([IntCounter; CutReason::ALL.len()]);

impl CutCounters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(CutReason::ALL.map(|reason| metrics.connections_cut.with_label_values(&[reason.label()])))
    }

    pub(super) fn count(&self, reason: CutReason) {
        self.0[reason as usize].inc();
    }
}
