//! The settings: defaults, then the file, then the environment, then flags. Everything is parsed and checked before
//! anything is bound; every message names the setting, its value and the rule.

mod clients;
mod environment;
mod error;
mod files;
mod hashing;
mod hooks;
mod listener;
mod load;
mod log;
mod nearest;
mod secrets;
mod shutdown;
mod snapshot;
mod store;
mod typed;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::issuer::IssuerSettings;
use crate::router::RouterConfig;
use crate::setting::SettingError;
use crate::slow_hash::HashPoolConfig;
pub(crate) use clients::FileClient;
pub(crate) use environment::check_environment;
pub(crate) use error::ConfigError;
pub(crate) use files::{FileDigests, digests};
pub(crate) use hashing::HashingConfig;
pub(crate) use hooks::hook;
pub(crate) use listener::{AdminListen, ListenerConfig, PublicListen, TlsFiles};
pub(crate) use load::Loaded;
pub use load::{Source, load};
pub(crate) use log::{LogConfig, LogFormat, log_filter};
pub(crate) use secrets::{SecretsConfig, secret_line};
pub(crate) use shutdown::ShutdownConfig;
pub use snapshot::snapshot;
pub(crate) use snapshot::{hooked_grants, rings};
pub(crate) use store::{EngineKind, StoreConfig};

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener for clients and resource servers.
    pub public: ListenerConfig<PublicListen>,
    /// The listener for operators and their machines.
    pub admin: ListenerConfig<AdminListen>,
    /// Secrets of the installation.
    pub secrets: SecretsConfig,
    /// The store of the state.
    pub store: StoreConfig,
    /// Admission of token requests.
    pub tokens: RouterConfig,
    /// The hashing of imported client secrets.
    pub hashing: HashingConfig,
    /// The hashing of users' passwords.
    pub passwords: HashPoolConfig,
    /// The log on standard error.
    pub log: LogConfig,
    /// The end of the process.
    pub shutdown: ShutdownConfig,
    /// The issuers, by id.
    pub issuers: BTreeMap<String, IssuerSettings>,
    /// Clients that stand in the file; others come through the admin API.
    pub clients: Vec<FileClient>,
}

impl Config {
    /// Checks every section, and what one section demands of another; reads no file.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub fn check(&self) -> Result<(), SettingError> {
        let sections = [
            ("public", self.public.check()),
            ("admin", self.admin.check()),
            ("store", self.store.check()),
            ("tokens", self.tokens.check()),
            ("hashing", self.hashing.check()),
            ("passwords", self.passwords.check()),
            ("log", self.log.check()),
        ];
        for (section, checked) in sections {
            checked.map_err(|error| error.within(section))?;
        }
        if self.public.listen == self.admin.listen && self.public.listen.port() != 0 {
            return Err(SettingError::new("admin.listen", self.admin.listen, "must differ from public.listen"));
        }
        if self.issuers.is_empty() {
            return Err(SettingError::new("issuers", "empty", "at least one issuer, like [issuers.main] with a url"));
        }
        Ok(())
    }
}
