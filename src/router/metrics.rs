//! The metrics of token requests by grant, resolved when the grant is registered.

use std::sync::Arc;

use prometheus::{Histogram, IntCounter};

use crate::metrics::Metrics;
use crate::protocol::error::ErrorCode;

/// The series of one grant: its first request and its first failure count like every other.
pub struct TokenMetrics {
    label: Arc<str>,
    auth: Histogram,
    granted: IntCounter,
    /// By [`ErrorCode`], in the order of [`ErrorCode::ALL`].
    refused: [IntCounter; ErrorCode::ALL.len()],
}

impl TokenMetrics {
    /// Resolves the series of the grant called `label`.
    pub(super) fn new(metrics: &Metrics, label: &str) -> Self {
        let requests = |outcome| metrics.token_requests.with_label_values(&[label, outcome]);
        Self {
            label: label.into(),
            auth: metrics.stage_duration.with_label_values(&[label, "auth"]),
            granted: requests("ok"),
            refused: ErrorCode::ALL.map(|code| requests(code.outcome())),
        }
    }

    /// The value of the label `grant`, which is in the access log too.
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Observes the seconds that client authentication took.
    pub fn authenticated(&self, seconds: f64) {
        self.auth.observe(seconds);
    }

    /// Counts a request by its outcome: tokens, or an error.
    pub fn count(&self, error: Option<ErrorCode>) {
        match error {
            None => self.granted.inc(),
            Some(code) => self.refused[code as usize].inc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_counts_under_its_own_outcome() {
        let metrics = Metrics::new();
        let own = TokenMetrics::new(&metrics, "a");
        for code in ErrorCode::ALL {
            let series = metrics.token_requests.with_label_values(&["a", code.outcome()]);
            let before = series.get();
            own.count(Some(code));
            assert_eq!(series.get(), before + 1, "{code:?}");
        }
    }
}
