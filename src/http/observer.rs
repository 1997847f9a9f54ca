//! The metrics of a surface: its endpoints resolved at start, the statuses of their answers at the first of each.

use std::sync::OnceLock;
use std::time::Duration;

use hyper::StatusCode;
use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::Response;
use crate::metrics::Metrics;

/// The statuses that have a place of their own; any other is resolved with each answer.
const STATUSES: [u16; 19] =
    [200, 201, 204, 304, 400, 401, 404, 405, 408, 409, 413, 415, 417, 418, 429, 431, 500, 502, 503];

/// The metrics of a surface.
pub(super) struct Observers {
    /// In the order they were given in.
    endpoints: Vec<EndpointMetrics>,
    /// Answers given before the body was read.
    early: Answers,
}

struct EndpointMetrics {
    duration: Histogram,
    answers: Answers,
}

impl Observers {
    /// Resolves the metrics of `endpoints`.
    pub(super) fn new(metrics: &Metrics, endpoints: &[&'static str]) -> Self {
        let answers = |endpoint| Answers::new(&metrics.http_requests, endpoint);
        let resolve = |endpoint: &&'static str| EndpointMetrics {
            duration: metrics.http_duration.with_label_values(&[*endpoint]),
            answers: answers(endpoint),
        };
        Self { endpoints: endpoints.iter().map(resolve).collect(), early: answers("none") }
    }

    /// Counts an answer of the endpoint at `index`.
    pub(super) fn answered(&self, index: usize, status: StatusCode, elapsed: Duration) {
        if let Some(EndpointMetrics { duration, answers }) = self.endpoints.get(index) {
            answers.count(status);
            duration.observe(elapsed.as_secs_f64());
        }
    }

    /// Counts an answer given before the body was read.
    pub(super) fn refused_early(&self, response: Response) -> Box<Response> {
        self.early.count(response.status());
        Box::new(response)
    }
}

/// The answers of one endpoint, by status.
struct Answers {
    family: IntCounterVec,
    endpoint: &'static str,
    resolved: [OnceLock<IntCounter>; STATUSES.len()],
}

impl Answers {
    fn new(family: &IntCounterVec, endpoint: &'static str) -> Self {
        Self { family: family.clone(), endpoint, resolved: Default::default() }
    }

    fn count(&self, status: StatusCode) {
        let resolve = || self.family.with_label_values(&[self.endpoint, status.as_str()]);
        match STATUSES.iter().position(|known| *known == status.as_u16()) {
            Some(at) => self.resolved[at].get_or_init(resolve).inc(),
            None => resolve().inc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_counts_in_its_own_series() {
        let metrics = Metrics::new();
        let observers = Observers::new(&metrics, &["a", "b"]);
        for status in STATUSES.into_iter().chain([599]) {
            for _ in 0..2 {
                observers.answered(1, StatusCode::from_u16(status).unwrap(), Duration::ZERO);
            }
            let series = metrics.http_requests.with_label_values(&["b", &status.to_string()]);
            assert_eq!(series.get(), 2, "{status}");
        }
        assert_eq!(metrics.http_duration.with_label_values(&["b"]).get_sample_count(), 40);
    }
}
