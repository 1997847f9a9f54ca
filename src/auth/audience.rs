//! The forms in which the audience of a client assertion is accepted (RFC 7523 section 3), counted.

use prometheus::IntCounter;

use crate::metrics::Metrics;

/// The form of an audience.
#[derive(Clone, Copy)]
pub(super) enum AudienceForm {
    /// The issuer, as a string.
    Issuer,
    /// The URL of an endpoint.
    Endpoint,
    /// A list of nothing but those.
    List,
}

/// Counts assertions by the form of their audience, for an operator who is about to accept the issuer only.
pub(super) struct AudienceCounts([IntCounter; 3]);

impl AudienceCounts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(["issuer", "endpoint", "list"].map(|form| metrics.assertion_audiences.with_label_values(&[form])))
    }

    /// Counts an assertion that was accepted.
    pub(super) fn count(&self, form: AudienceForm) {
        self.0[form as usize].inc();
    }
}
