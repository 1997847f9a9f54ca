//! The metrics that operators scrape: every family in one struct, named by meaning, with labels from closed sets only
//! (CHECKLIST 75).
//!
//! If the values of every label are listed here, each series exists at 0 from the start: `increase()` misses the first
//! event of a series that it brings into being. Series of other labels (grants, algorithms, shards) are made at start
//! by the module that uses them, which resolves those that the hot path touches once.

mod family;
mod gauge_guard;
mod process;
mod stopwatch;

use prometheus::{
    Counter, Gauge, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use family::{Label, MetricFamily};
pub(crate) use gauge_guard::GaugeGuard;
use process::ProcessCollector;
pub use stopwatch::Stopwatch;

/// Expands to the first of one or two: the default of an optional macro argument.
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
                    let $field = <$kind as MetricFamily>::create($name, help, labels);
                    registry.register(Box::new($field.clone())).expect("each name is registered once");
                )+
                registry.register(Box::new(ProcessCollector::new())).expect("process metrics are registered once");
                let metrics = Self { registry, $($field,)+ };
                metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
                metrics
            }
        }
    };
}

/// Reasons why connections are cut: limits of a listener, and what is no HTTP or no TLS.
pub(crate) const CUT_REASONS: [&str; 12] = [
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
/// Reasons for refusing work before it is begun, except for grants, each of which adds its name when it starts.
const SHED: [&str; 7] =
    ["in_flight", "bodies", "connections", "client_rate", "device_starts", "password_queue", "secret_queue"];
/// Rules for the servers of a cell.
const GATE_RULES: [&str; 9] = [
    "version",
    "encoding",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "synchronous_standby_names",
    "schema",
    "deployment",
    "cell",
];
/// Kinds of slow hashes.
const HASHED: [&str; 2] = ["password", "secret"];
/// Kinds of hooks.
const HOOKS: [&str; 2] = ["password", "grant"];
/// Outcomes of calls of hooks.
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
    connections_cut: IntCounterVec("jeton_connections_cut_total", ["reason" = CUT_REASONS]);
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
    /// Hashes that wait for a thread, by kind (password, secret).
    hash_queue: IntGaugeVec("jeton_hash_queue_depth", ["of" = HASHED]);
    /// Threads that hash now, by kind (password, secret).
    hash_busy: IntGaugeVec("jeton_hash_threads_busy", ["of" = HASHED]);
    /// Hashes that the threads of low priority got no core for, computed at normal priority, by kind (password,
    /// secret).
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
    /// Time at which the oldest signing key of an algorithm began to sign, seconds since the epoch.
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
    /// Time at which the configuration in use was loaded, seconds since the epoch.
    config_loaded_at: IntGauge("jeton_config_loaded_timestamp_seconds");
    /// 1 while there is a PostgreSQL primary that confirms commits; 0 with another store.
    cell_up: IntGauge("jeton_cell_up");
    /// Time in which no primary confirmed a commit, counted when it is over.
    cell_away: Counter("jeton_cell_away_seconds_total");
    /// Time of a statement, by step.
    cell_round_trip: HistogramVec("jeton_cell_round_trip_seconds", [
        "step" = ["read", "insert", "change", "confirm", "sweep", "other"]
    ]);
    /// Rows that were to be written, by outcome: lost is a row that another node had changed, and is tried again.
    cell_rows: IntCounterVec("jeton_cell_rows_total", ["outcome" = ["won", "lost"]]);
    /// Writes without an answer; they are asked about again.
    cell_unknown: IntCounter("jeton_cell_unknown_writes_total");
    /// Connections whose server stopped to wait for its standbys; nothing that they said since is believed.
    cell_poisoned: IntCounter("jeton_cell_poisoned_connections_total");
    /// Connections on which a statement is late; they take nothing else until it ends.
    cell_stuck_lanes: IntGauge("jeton_cell_stuck_lanes");
    /// Hosts that were refused, by the rule that they break; standbys are not counted.
    cell_gate_refusals: IntCounterVec("jeton_cell_gate_refusals_total", ["rule" = GATE_RULES]);
    /// Nodes that share the store and were seen within ten seconds, this one included.
    nodes: IntGauge("jeton_nodes");
    /// Other nodes that differ from this one, by what differs: settings (issuers, clients, tokens), master_keys, version.
    nodes_differ: IntGaugeVec("jeton_nodes_differ", ["what" = ["settings", "master_keys", "version"]]);
    /// Time since this node last knew of all changes of other nodes; whole seconds.
    follow_lag: IntGauge("jeton_follow_lag_seconds");
    /// Time by which the clock of the shared store is ahead of this machine's; the node follows the former.
    clock_offset: Gauge("jeton_clock_offset_seconds");
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
    /// Renders the text exposition, format 0.0.4.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(64 * 1024);
        // a `String` never refuses a write, and names are checked at registration
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}
