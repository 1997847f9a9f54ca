//! The settings: defaults, then the file, then the environment, then flags. Everything is parsed and checked before
//! anything is bound; every message names the setting, its value and the rule.

mod environment;
mod files;
mod hooks;
mod listener;
mod load;
mod nearest;
mod snapshot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::metadata::ClientMetadata;
use crate::issuer::IssuerSettings;
use crate::router::RouterConfig;
use crate::slow_hash::LaneConfig;
use crate::store::shards::ShardsConfig;
use crate::store::sled::SledConfig;
pub use environment::check_environment;
pub use files::{FileDigests, digests};
pub use hooks::hook;
pub use listener::{AdminListen, DefaultAddress, ListenerConfig, PublicListen, TlsFiles};
pub use load::{Loaded, Source, load};
pub use snapshot::{hooked_grants, rings, secret_line, snapshot};

/// Shortest period or deadline: below it every request is late, and a timer of zero is none.
const SHORTEST: Duration = Duration::from_millis(10);

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener for clients and resource servers.
    pub public: ListenerConfig<PublicListen>,
    /// The listener for operators and their machines.
    pub admin: ListenerConfig<AdminListen>,
    /// Secrets of the installation.
    pub secrets: SecretsConfig,
    /// Where state lives.
    pub store: StoreConfig,
    /// Admission of token requests.
    pub tokens: RouterConfig,
    /// Where imported client secrets are hashed.
    pub hashing: HashingConfig,
    /// Where passwords of users are hashed.
    pub passwords: LaneConfig,
    /// What is written to standard error.
    pub log: LogConfig,
    /// How the process ends.
    pub shutdown: ShutdownConfig,
    /// The issuers, by id.
    pub issuers: BTreeMap<String, IssuerSettings>,
    /// Clients that stand in the file; others come through the admin API.
    pub clients: Vec<FileClient>,
}

/// Files that hold secrets, see [`crate::secret_file`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// The master key ring.
    pub master_key_file: PathBuf,
    /// The admin token, one line.
    pub admin_token_file: PathBuf,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self {
            master_key_file: PathBuf::from("/etc/jeton/master.key"),
            admin_token_file: PathBuf::from("/etc/jeton/admin.token"),
        }
    }
}

/// Which engine keeps the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The embedded store: one node, durable.
    #[default]
    Sled,
    /// Nothing survives the process; for trying out.
    Memory,
}

/// Where state lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The engine.
    pub engine: Engine,
    /// The data directory.
    pub path: PathBuf,
    /// Settings of the embedded store.
    pub sled: SledConfig,
    /// How operations queue.
    pub queue: ShardsConfig,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            engine: Engine::Sled,
            path: PathBuf::from("/var/lib/jeton"),
            sled: SledConfig::default(),
            queue: ShardsConfig::default(),
        }
    }
}

/// Where imported client secrets are hashed (argon2id, about 20 ms and 19 MiB each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingConfig {
    /// Hashes at a time.
    pub workers: usize,
    /// Requests that may wait for one; more are refused at once.
    pub queue: usize,
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self { workers: 1, queue: 64 }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// What is written: a level, or directives like `info,access=warn`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info,ractor=warn".to_owned() }
    }
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// After SIGTERM, for how long requests are still accepted while `/readyz` says 503.
    #[serde(with = "humantime_serde")]
    pub drain_delay: Duration,
    /// How long requests in flight may take after that.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { drain_delay: Duration::from_secs(5), deadline: Duration::from_secs(20) }
    }
}

/// A client in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileClient {
    /// The issuer it belongs to.
    pub issuer: String,
    /// Its id.
    pub client_id: String,
    /// Its secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FileSecret>,
    /// RFC 7591 metadata, with the `jeton` object.
    #[serde(default)]
    pub metadata: ClientMetadata,
}

/// A secret of a client in the file: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FileSecret {
    /// An argon2id hash in PHC format (`jeton client hash-secret` makes one).
    Argon2(String),
    /// A file with a secret that jeton generated (`jcs_...`).
    File(PathBuf),
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}; {advice}", path = .path.display(), advice = advice(source))]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is not TOML: {message}", path = .path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("the configuration is wrong: {0}")]
    Value(String),
    #[error("{setting}: {rule} (it is {value})", value = crate::credential::shown(value))]
    Rule { setting: String, value: String, rule: String },
    #[error(transparent)]
    Issuer(#[from] crate::issuer::IssuerError),
    #[error("clients: {client} of issuer {issuer}: {rule}")]
    Client { issuer: String, client: String, rule: String },
}

fn advice(unreadable: &std::io::Error) -> &'static str {
    match unreadable.kind() {
        std::io::ErrorKind::NotFound => "`jeton init` makes one",
        std::io::ErrorKind::PermissionDenied => "let the user that jeton runs as read it",
        _ => "it must be a file of UTF-8 text",
    }
}

impl Config {
    /// Checks everything that can be checked without touching anything but secret files.
    ///
    /// # Errors
    /// The first setting that breaks a rule.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rule = |setting: &str, value: String, rule: &str| {
            Err(ConfigError::Rule { setting: setting.to_owned(), value, rule: rule.to_owned() })
        };
        for (listener, limits) in [("public", &self.public.limits), ("admin", &self.admin.limits)] {
            if let Err(error) = limits.validate() {
                return rule(&format!("{listener}.limits.{}", error.setting), error.value, error.rule);
            }
        }
        if self.public.listen == self.admin.listen && self.public.listen.port() != 0 {
            return rule("admin.listen", self.admin.listen.to_string(), "must differ from public.listen");
        }
        listener::check_certificates(&self.public, &self.admin)?;
        if self.issuers.is_empty() {
            return rule("issuers", "empty".to_owned(), "at least one issuer, like [issuers.main] with a url");
        }
        let shards = self.store.sled.shards;
        if shards == 0 || shards > 64 {
            return rule("store.sled.shards", shards.to_string(), "1 to 64");
        }
        if self.tokens.max_in_flight_per_grant == 0 {
            return rule("tokens.max_in_flight_per_grant", "0".to_owned(), "at least 1");
        }
        if self.hashing.workers == 0 {
            return rule("hashing.workers", "0".to_owned(), "at least 1");
        }
        if !(1..=4096).contains(&self.hashing.queue) {
            return rule("hashing.queue", self.hashing.queue.to_string(), "1 to 4096");
        }
        let queue = &self.store.queue;
        for (setting, time) in [
            ("store.queue.timeout", queue.timeout),
            ("store.queue.sweep_every", queue.sweep_every),
            ("tokens.deadline", self.tokens.deadline),
        ] {
            if time < SHORTEST {
                return rule(setting, format!("{time:?}"), "at least 10ms");
            }
        }
        if queue.sweep_budget == 0 {
            return rule("store.queue.sweep_budget", "0".to_owned(), "at least 1");
        }
        if !(1..=64).contains(&self.passwords.workers) {
            return rule("passwords.workers", self.passwords.workers.to_string(), "1 to 64");
        }
        if !(1..=4096).contains(&self.passwords.queue) {
            return rule("passwords.queue", self.passwords.queue.to_string(), "1 to 4096");
        }
        if let Err(broken) = self.passwords.cost.check() {
            return rule("passwords.cost", self.passwords.cost.to_string(), broken);
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.filter) {
            return rule("log.filter", self.log.filter.clone(), &error.to_string());
        }
        Ok(())
    }
}
