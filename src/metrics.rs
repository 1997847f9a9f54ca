//! What operators scrape: every family in one struct, named by meaning, labels from closed sets only (CHECKLIST 75).
//!
//! Where the values of every label are listed here, each series exists at 0 from the start: `increase()` misses the first
//! event of a series that it brings into being. Series of other labels (grants, algorithms, shards) are made at start by
//! the module that uses them, which resolves those that the hot path touches once.

use std::time::{Duration, Instant};

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Two decades around the latency objective, in seconds.
const LATENCY_BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The first of one or two: a macro cannot say what stands where nothing was given.
macro_rules! first {
    ($first:expr $(, $rest:expr)?) => {
        $first
    };
}

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ident($name:literal $(, [$($label:literal $(= $values:expr)?),+])?);)+) => {
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
                    let labels: &[Label] = &[$($(Label { name: $label, values: first!($(Some(&$values),)? None) }),+)?];
                    let $field = $kind::made($name, help, labels);
                    registry.register(Box::new($field.clone())).expect("each name is registered once");
                )+
                let process = prometheus::process_collector::ProcessCollector::for_self();
                registry.register(Box::new(process)).expect("process metrics are registered once");
                let metrics = Self { registry, $($field,)+ };
                metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
                metrics
            }
        }
    };
}

/// A label, with its values if they are a closed set that is known here.
struct Label {
    name: &'static str,
    values: Option<&'static [&'static str]>,
}

impl Label {
    fn names(labels: &[Self]) -> Vec<&'static str> {
        labels.iter().map(|label| label.name).collect()
    }

    /// Every combination of values, if each label has its set.
    fn combinations(labels: &[Self]) -> Vec<Vec<&'static str>> {
        labels.iter().fold(vec![Vec::new()], |begun, label| {
            let values = label.values.into_iter().flatten().copied();
            values.flat_map(|value| begun.iter().map(move |begun| [&begun[..], &[value]].concat())).collect()
        })
    }
}

/// How a family is made: with every series that is known before its first event.
trait Made: Sized {
    fn made(name: &str, help: &str, labels: &[Label]) -> Self;
}

macro_rules! single {
    ($kind:ident) => {
        impl Made for $kind {
            fn made(name: &str, help: &str, _: &[Label]) -> Self {
                Self::new(name, help).expect("a valid metric")
            }
        }
    };
}

macro_rules! family {
    ($kind:ident, |$name:ident, $help:ident| $opts:expr) => {
        impl Made for $kind {
            fn made($name: &str, $help: &str, labels: &[Label]) -> Self {
                let family = Self::new($opts, &Label::names(labels)).expect("a valid metric");
                for values in Label::combinations(labels) {
                    let _ = family.with_label_values(&values);
                }
                family
            }
        }
    };
}

single!(IntCounter);
single!(IntGauge);
family!(IntCounterVec, |name, help| Opts::new(name, help));
family!(IntGaugeVec, |name, help| Opts::new(name, help));
family!(HistogramVec, |name, help| HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec()));

/// Why connections are cut: what the limits of a listener are called, and what is no HTTP or no TLS.
const CUTS: [&str; 12] = [
    "first_byte",
    "handshake",
    "tls",
    "malformed",
    "header",
    "idle",
    "stuck",
    "write",
    "drain",
    "age",
    "resets",
    "linger",
];
/// What is refused before work is done on it, but for grants: each has the name of its type here as soon as it is there.
const SHED: [&str; 7] =
    ["in_flight", "bodies", "connections", "client_rate", "device_starts", "password_queue", "secret_queue"];
/// What slow hashes are of.
const HASHED: [&str; 2] = ["password", "secret"];
/// What hooks are for.
const HOOKS: [&str; 2] = ["password", "grant"];
/// How calls of hooks end.
const HOOK_OUTCOMES: [&str; 6] = ["answered", "busy", "open", "late", "limited", "failed"];

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
    connections: IntGaugeVec("jeton_connections", ["listener" = ["public", "admin"]]);
    /// Connections accepted, by listener.
    connections_accepted: IntCounterVec("jeton_connections_accepted_total", ["listener" = ["public", "admin"]]);
    /// Connections closed before a request was answered or cut by a limit, by reason.
    connections_cut: IntCounterVec("jeton_connections_cut_total", ["reason" = CUTS]);
    /// Token requests by grant and outcome (an OAuth error code, or ok).
    token_requests: IntCounterVec("jeton_token_requests_total", ["grant", "outcome"]);
    /// Time a token request spent in a stage (queue, auth, decide, sign), by grant.
    stage_duration: HistogramVec("jeton_token_stage_duration_seconds", ["grant", "stage"]);
    /// Token requests in flight, by grant.
    grant_in_flight: IntGaugeVec("jeton_grant_in_flight", ["grant"]);
    /// Requests refused before work was done on them, by reason.
    shed: IntCounterVec("jeton_requests_shed_total", ["reason" = SHED]);
    /// Client authentications, by method and outcome (ok, refused, throttled).
    client_auth: IntCounterVec("jeton_client_authentications_total", ["method", "outcome"]);
    /// Client assertions accepted, by the form of their audience (issuer, endpoint, list); strict clients send issuer.
    assertion_audiences: IntCounterVec("jeton_assertion_audiences_total", ["form" = ["issuer", "endpoint", "list"]]);
    /// Keys behind the jwks_uris of clients and providers that cannot be used and were passed over, at each fetch.
    jwks_keys_skipped: IntCounter("jeton_jwks_keys_skipped_total");
    /// Client assertions and proofs for one use that came again.
    assertion_replays: IntCounter("jeton_assertion_replays_total");
    /// Retries of a spent refresh token that got the same successor, within the grace.
    refresh_races: IntCounter("jeton_refresh_races_total");
    /// Spent refresh tokens that came back after the grace: their families were revoked.
    refresh_reuse: IntCounter("jeton_refresh_reuse_total");
    /// Logins by password, by who checked it (directory, webhook) and outcome (ok, refused, partial, throttled, shed,
    /// unavailable).
    password_checks: IntCounterVec("jeton_password_checks_total", [
        "source" = ["directory", "webhook"],
        "outcome" = ["ok", "refused", "partial", "throttled", "shed", "unavailable"]
    ]);
    /// What waits for a thread that hashes it, by what it is (password, secret).
    hash_queue: IntGaugeVec("jeton_hash_queue_depth", ["of" = HASHED]);
    /// Threads that hash now, by what they hash (password, secret).
    hash_busy: IntGaugeVec("jeton_hash_threads_busy", ["of" = HASHED]);
    /// What the threads that stand back got no core for, hashed at the priority of all other threads (password, secret).
    hashes_overdue: IntCounterVec("jeton_hashes_overdue_total", ["of" = HASHED]);
    /// Codes presented a second time: their families were revoked.
    code_replays: IntCounter("jeton_code_replays_total");
    /// User codes of devices that the portal asked for and that nobody has: somebody guesses.
    user_code_misses: IntCounter("jeton_user_code_misses_total");
    /// Tokens that prove a state the store has never seen: it lost data.
    state_regressions: IntCounter("jeton_state_regressions_total");
    /// Tokens issued, by kind (access, refresh, id, code, device_code).
    tokens_issued:
        IntCounterVec("jeton_tokens_issued_total", ["kind" = ["access", "refresh", "id", "code", "device_code"]]);
    /// Introspections, by outcome (active, inactive).
    introspections: IntCounterVec("jeton_introspections_total", ["outcome" = ["active", "inactive"]]);
    /// Revocations, by what was revoked (family, token, subject, client, issuer, nothing).
    revocations: IntCounterVec("jeton_revocations_total", [
        "what" = ["family", "token", "subject", "client", "issuer", "nothing"]
    ]);
    /// Store operations applied, by operation and outcome (done, refused).
    store_ops: IntCounterVec("jeton_store_operations_total", ["op", "outcome"]);
    /// Time to apply a batch and make it durable, by shard.
    store_batch_duration: HistogramVec("jeton_store_batch_duration_seconds", ["shard"]);
    /// Batches applied, by shard.
    store_batches: IntCounterVec("jeton_store_batches_total", ["shard"]);
    /// Operations waiting in a shard's queue, by shard.
    store_queue: IntGaugeVec("jeton_store_queue_depth", ["shard"]);
    /// Failures of the store, by kind (unavailable, indeterminate, corrupt, fatal, too_large).
    store_errors: IntCounterVec("jeton_store_errors_total", [
        "kind" = ["unavailable", "indeterminate", "corrupt", "fatal", "too_large"]
    ]);
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
    /// Calls of hooks, by what the hook is for (password, grant) and outcome (answered, busy, open, late, limited, failed).
    hook_requests: IntCounterVec("jeton_hook_requests_total", [
        "hook" = HOOKS,
        "outcome" = HOOK_OUTCOMES
    ]);
    /// Hooks that are left alone because they failed too often, by what they are for.
    hook_breakers_open: IntGaugeVec("jeton_hook_breakers_open", ["hook" = HOOKS]);
    /// Actor restarts, by actor.
    actor_restarts: IntCounterVec("jeton_actor_restarts_total", ["actor" = ["grant", "keys", "reloader"]]);
    /// Reloads of the configuration, by outcome (ok, unchanged, refused).
    reloads: IntCounterVec("jeton_config_reloads_total", ["outcome" = ["ok", "unchanged", "refused"]]);
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

/// One more in a gauge, until it is dropped.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    /// Adds one to `gauge`.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
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
