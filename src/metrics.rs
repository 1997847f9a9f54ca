//! What operators scrape: every family in one struct, named by meaning, labels from closed sets only (CHECKLIST 75).
//!
//! Children that the hot path touches are resolved once, at start, by the module that uses them.

use std::time::{Duration, Instant};

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Two decades around the latency objective, in seconds.
const LATENCY_BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ident($name:literal $(, [$($label:literal),+])?);)+) => {
        /// Every metric of the process.
        #[derive(Debug, Clone)]
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $kind,)+
        }

        impl Metrics {
            /// Registers every metric in a registry of its own.
            pub fn new() -> Self {
                let registry = Registry::new();
                $(
                    let help = concat!($($help),+).trim();
                    let $field: $kind = <$kind as Make>::make($name, help, &[$($($label),+)?]);
                    registry.register(Box::new($field.clone())).expect("each name is registered once");
                )+
                let process = prometheus::process_collector::ProcessCollector::for_self();
                registry.register(Box::new(process)).expect("process metrics are registered once");
                Self { registry, $($field,)+ }
            }
        }
    };
}

trait Make {
    fn make(name: &str, help: &str, labels: &[&str]) -> Self;
}

macro_rules! make {
    ($kind:ident, |$name:ident, $help:ident, $labels:ident| $make:expr) => {
        impl Make for $kind {
            fn make($name: &str, $help: &str, $labels: &[&str]) -> Self {
                $make.expect("a valid metric")
            }
        }
    };
}

make!(IntCounter, |name, help, _labels| IntCounter::new(name, help));
make!(IntGauge, |name, help, _labels| IntGauge::new(name, help));
make!(IntCounterVec, |name, help, labels| IntCounterVec::new(Opts::new(name, help), labels));
make!(IntGaugeVec, |name, help, labels| IntGaugeVec::new(Opts::new(name, help), labels));
make!(HistogramVec, |name, help, labels| HistogramVec::new(
    HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec()),
    labels
));

metrics! {
    /// Build information; always 1.
    build_info: IntGaugeVec("jeton_build_info", ["version"]);
    /// HTTP requests answered, by endpoint and status.
    http_requests: IntCounterVec("jeton_http_requests_total", ["endpoint", "status"]);
    /// Time from request head to answer, by endpoint.
    http_duration: HistogramVec("jeton_http_request_duration_seconds", ["endpoint"]);
    /// Requests being answered now.
    http_in_flight: IntGauge("jeton_http_requests_in_flight");
    /// Connections open now, by listener.
    connections: IntGaugeVec("jeton_connections", ["listener"]);
    /// Connections accepted, by listener.
    connections_accepted: IntCounterVec("jeton_connections_accepted_total", ["listener"]);
    /// Connections closed before a request was answered or cut by a limit, by reason.
    connections_cut: IntCounterVec("jeton_connections_cut_total", ["reason"]);
    /// Token requests by grant and outcome (an OAuth error code, or ok).
    token_requests: IntCounterVec("jeton_token_requests_total", ["grant", "outcome"]);
    /// Time a token request spent in a stage (queue, auth, decide, sign), by grant.
    stage_duration: HistogramVec("jeton_token_stage_duration_seconds", ["grant", "stage"]);
    /// Token requests in flight, by grant.
    grant_in_flight: IntGaugeVec("jeton_grant_in_flight", ["grant"]);
    /// Requests refused before work was done on them, by reason.
    shed: IntCounterVec("jeton_requests_shed_total", ["reason"]);
    /// Client authentications, by method and outcome.
    client_auth: IntCounterVec("jeton_client_authentications_total", ["method", "outcome"]);
    /// Client assertions accepted, by the form of their audience (issuer, endpoint, list); strict clients send issuer.
    assertion_audiences: IntCounterVec("jeton_assertion_audiences_total", ["form"]);
    /// Keys behind the jwks_uris of clients and providers that cannot be used and were passed over, at each fetch.
    jwks_keys_skipped: IntCounter("jeton_jwks_keys_skipped_total");
    /// Retries of a spent refresh token that got the same successor, within the grace.
    refresh_races: IntCounter("jeton_refresh_races_total");
    /// Spent refresh tokens that came back after the grace: their families were revoked.
    refresh_reuse: IntCounter("jeton_refresh_reuse_total");
    /// Logins by password, by who checked it (directory, webhook) and outcome (ok, refused, partial, throttled, shed,
    /// unavailable).
    password_checks: IntCounterVec("jeton_password_checks_total", ["source", "outcome"]);
    /// What waits for a thread that hashes it, by what it is (password, secret).
    hash_queue: IntGaugeVec("jeton_hash_queue_depth", ["of"]);
    /// Threads that hash now, by what they hash (password, secret).
    hash_busy: IntGaugeVec("jeton_hash_threads_busy", ["of"]);
    /// What the threads that stand back got no core for, hashed at the priority of all other threads (password, secret).
    hashes_overdue: IntCounterVec("jeton_hashes_overdue_total", ["of"]);
    /// Codes presented a second time: their families were revoked.
    code_replays: IntCounter("jeton_code_replays_total");
    /// User codes of devices that the portal asked for and that nobody has: somebody guesses.
    user_code_misses: IntCounter("jeton_user_code_misses_total");
    /// Tokens that prove a state the store has never seen: it lost data.
    state_regressions: IntCounter("jeton_state_regressions_total");
    /// Tokens issued, by kind (access, refresh, id, code).
    tokens_issued: IntCounterVec("jeton_tokens_issued_total", ["kind"]);
    /// Introspections, by outcome (active, inactive).
    introspections: IntCounterVec("jeton_introspections_total", ["outcome"]);
    /// Revocations, by what was revoked (family, token, subject, client, issuer, nothing).
    revocations: IntCounterVec("jeton_revocations_total", ["what"]);
    /// Store operations applied, by operation and outcome (done, refused).
    store_ops: IntCounterVec("jeton_store_operations_total", ["op", "outcome"]);
    /// Time to apply a batch and make it durable, by shard.
    store_batch_duration: HistogramVec("jeton_store_batch_duration_seconds", ["shard"]);
    /// Batches applied, by shard.
    store_batches: IntCounterVec("jeton_store_batches_total", ["shard"]);
    /// Operations waiting in a shard's queue, by shard.
    store_queue: IntGaugeVec("jeton_store_queue_depth", ["shard"]);
    /// Failures of the store, by kind (unavailable, indeterminate, corrupt, fatal, too_large).
    store_errors: IntCounterVec("jeton_store_errors_total", ["kind"]);
    /// Expired rows forgotten.
    store_swept: IntCounter("jeton_store_swept_rows_total");
    /// Bytes of the store on disk.
    store_size: IntGauge("jeton_store_size_bytes");
    /// Time to make one signature, by algorithm.
    sign_duration: HistogramVec("jeton_sign_duration_seconds", ["alg"]);
    /// Keys in the JWKS, by algorithm and state (announced, signing, retired).
    keys: IntGaugeVec("jeton_keys", ["alg", "state"]);
    /// When the oldest signing key of an algorithm began to sign, seconds since the epoch.
    key_signing_since: IntGaugeVec("jeton_key_signing_since_timestamp_seconds", ["alg"]);
    /// Key rotations, by algorithm and kind (first, planned, emergency, requested).
    key_rotations: IntCounterVec("jeton_key_rotations_total", ["alg", "kind"]);
    /// Calls of hooks, by what the hook is for (password, grant) and outcome (answered, busy, open, late, failed).
    hook_requests: IntCounterVec("jeton_hook_requests_total", ["hook", "outcome"]);
    /// Hooks that are left alone because they failed too often, by what they are for.
    hook_breakers_open: IntGaugeVec("jeton_hook_breakers_open", ["hook"]);
    /// Actor restarts, by actor.
    actor_restarts: IntCounterVec("jeton_actor_restarts_total", ["actor"]);
    /// Reloads of the configuration, by outcome (ok, unchanged, refused).
    reloads: IntCounterVec("jeton_config_reloads_total", ["outcome"]);
    /// When the configuration in use was loaded, seconds since the epoch.
    config_loaded_at: IntGauge("jeton_config_loaded_timestamp_seconds");
    /// Registered clients.
    clients: IntGauge("jeton_clients");
    /// Issuers served.
    issuers: IntGauge("jeton_issuers");
    /// Log lines dropped because the writer could not keep up.
    log_lines_dropped: IntGauge("jeton_log_lines_dropped");
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// The text exposition, format 0.0.4.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(64 * 1024);
        // a `String` never refuses a write, and names are checked at registration
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}

/// Measures how long something takes; not a source of time for decisions.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that measures durations")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds since the start, for a histogram.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
