//! The metrics of a cell, resolved once.

use prometheus::{Counter, Histogram, IntCounter, IntCounterVec, IntGauge};

use crate::metrics::Metrics;

/// The kinds of statements that are timed apart, in the order of [`CellMetrics::trips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SqlStep {
    Read,
    Insert,
    Change,
    Confirm,
    Sweep,
    /// Documents, keys and nodes.
    Other,
}

/// The metrics of a cell.
#[derive(Clone)]
pub(super) struct CellMetrics {
    /// 1 while there is a primary that confirms.
    pub(super) up: IntGauge,
    /// Seconds of outages that are over.
    pub(super) away: Counter,
    trips: [Histogram; 6],
    /// Rows whose comparison held, and rows that another node had changed.
    won: IntCounter,
    lost: IntCounter,
    /// Writes without an answer.
    pub(super) unknown: IntCounter,
    /// Connections that gave a word that does not count.
    pub(super) poisoned: IntCounter,
    /// Lanes that wait for a statement that is late.
    pub(super) stuck: IntGauge,
    gate_refusals: IntCounterVec,
}

impl CellMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let trip = |step| metrics.cell_round_trip.with_label_values(&[step]);
        let rows = |outcome| metrics.cell_rows.with_label_values(&[outcome]);
        Self {
            up: metrics.cell_up.clone(),
            away: metrics.cell_away.clone(),
            trips: ["read", "insert", "change", "confirm", "sweep", "other"].map(trip),
            won: rows("won"),
            lost: rows("lost"),
            unknown: metrics.cell_unknown.clone(),
            poisoned: metrics.cell_poisoned.clone(),
            stuck: metrics.cell_stuck_lanes.clone(),
            gate_refusals: metrics.cell_gate_refusals.clone(),
        }
    }

    /// Counts a statement and its time.
    pub(super) fn trip(&self, step: SqlStep, seconds: f64) {
        self.trips[step as usize].observe(seconds);
    }

    /// Counts the rows of a write.
    pub(super) fn written(&self, asked: usize, won: usize) {
        self.won.inc_by(won as u64);
        self.lost.inc_by(asked.saturating_sub(won) as u64);
    }

    /// Counts the rules of the gate that a host breaks.
    pub(super) fn refused(&self, rules: &[&'static str]) {
        for rule in rules {
            self.gate_refusals.with_label_values(&[rule]).inc();
        }
    }
}
