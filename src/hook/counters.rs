//! The metrics of one hook.

use prometheus::{IntCounter, IntGauge};

use super::error::HookError;
use super::kind::HookKind;
use crate::metrics::Metrics;

/// Calls by their outcome, and the gauge of open breakers.
pub(super) struct HookCounters {
    answered: IntCounter,
    busy: IntCounter,
    open: IntCounter,
    late: IntCounter,
    limited: IntCounter,
    failed: IntCounter,
    pub(super) open_breakers: IntGauge,
}

impl HookCounters {
    /// Resolves the metrics of hooks of this kind.
    pub(super) fn new(metrics: &Metrics, kind: HookKind) -> Self {
        let calls = |outcome| metrics.hook_requests.with_label_values(&[kind.name(), outcome]);
        Self {
            answered: calls("answered"),
            busy: calls("busy"),
            open: calls("open"),
            late: calls("late"),
            limited: calls("limited"),
            failed: calls("failed"),
            open_breakers: metrics.hook_breakers_open.with_label_values(&[kind.name()]),
        }
    }

    /// Counts a call: answered, or the reason why not.
    pub(super) fn count(&self, error: Option<&HookError>) {
        match error {
            None => self.answered.inc(),
            Some(HookError::Busy) => self.busy.inc(),
            Some(HookError::Open) => self.open.inc(),
            Some(HookError::Late) => self.late.inc(),
            Some(HookError::Limited) => self.limited.inc(),
            Some(HookError::Failed(_)) => self.failed.inc(),
        }
    }
}
