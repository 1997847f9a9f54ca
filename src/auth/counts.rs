//! Counters of the outcomes of each method.

use prometheus::IntCounter;

use crate::metrics::Metrics;
use crate::protocol::auth_method::AuthMethod;

/// The outcomes of the attempts by one method.
pub(super) struct MethodCounts {
    method: AuthMethod,
    pub(super) succeeded: IntCounter,
    pub(super) failed: IntCounter,
    pub(super) throttled: IntCounter,
}

impl MethodCounts {
    pub(super) fn new(method: AuthMethod, metrics: &Metrics) -> Self {
        let counter = |outcome| metrics.client_auth.with_label_values(&[method.name, outcome]);
        Self { method, succeeded: counter("ok"), failed: counter("refused"), throttled: counter("throttled") }
    }

    pub(super) fn is_of(&self, method: AuthMethod) -> bool {
        self.method == method
    }
}
