//! The section `store`: the engine that keeps the state, and how operations queue before it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::setting::{SettingError, check_period};
use crate::store::postgres::PostgresConfig;
use crate::store::shards::ShardsConfig;
use crate::store::sled::SledConfig;

/// The engine that keeps the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The embedded store: one node, durable.
    #[default]
    Sled,
    /// Memory, which does not survive the process; for trying out.
    Memory,
    /// PostgreSQL, which several nodes share.
    Postgres,
}

/// The store of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The engine.
    pub engine: EngineKind,
    /// The data directory.
    pub path: PathBuf,
    /// Settings of the embedded store.
    pub sled: SledConfig,
    /// Settings of the shared store.
    pub postgres: PostgresConfig,
    /// Queue of operations.
    pub queue: ShardsConfig,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            engine: EngineKind::Sled,
            path: PathBuf::from("/var/lib/jeton"),
            sled: SledConfig::default(),
            postgres: PostgresConfig::default(),
            queue: ShardsConfig::default(),
        }
    }
}

impl StoreConfig {
    /// Checks the settings of the engine and of its queue.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        if !(1..=64).contains(&self.sled.shards) {
            return Err(SettingError::new("sled.shards", self.sled.shards, "1 to 64"));
        }
        if self.engine == EngineKind::Postgres {
            self.postgres.check().map_err(|error| error.within("postgres"))?;
        }
        let queue = &self.queue;
        check_period("queue.timeout", queue.timeout)?;
        check_period("queue.sweep_every", queue.sweep_every)?;
        if queue.sweep_budget == 0 {
            return Err(SettingError::new("queue.sweep_budget", 0, "at least 1"));
        }
        Ok(())
    }
}
