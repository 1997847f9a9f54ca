//! What the daemon does for its operator while it runs: reload the configuration, whole or not at all, and follow what
//! other nodes changed. The work is a task; the actor only decides when it runs.

pub(super) mod actor;

use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;

pub(super) use actor::Reloader;

use super::prepare::authorities;
use crate::client::Registry;
use crate::client::auth::Authorities;
use crate::config::{Config, Loaded, Source, hooked_grants, load, rings, snapshot};
use crate::http::tls::Tls;
use crate::keys::Keys;
use crate::router::Router;
use crate::service::{Operator, Reloaded};
use crate::vault::Vault;

/// Changes the log filter of the running process.
pub type LogControl = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The certificates of both listeners.
#[derive(Clone, Default)]
pub struct Certificates {
    /// Of the public listener.
    pub public: Option<Tls>,
    /// Of the admin listener.
    pub admin: Option<Tls>,
}

/// What a reload reads and changes.
pub(super) struct Daemonic {
    source: Source,
    /// What was read at the start; sections that are only read then stay as they are here.
    started: Loaded,
    loaded: ArcSwap<Loaded>,
    live: Live,
}

/// The running parts that a reload reaches.
pub(super) struct Live {
    pub(super) vault: Arc<Vault>,
    pub(super) registry: Arc<Registry>,
    pub(super) keys: Keys,
    pub(super) router: Router,
    pub(super) tls: Certificates,
    pub(super) authorities: Arc<Authorities>,
    pub(super) log: LogControl,
}

impl Daemonic {
    pub(super) fn new(source: Source, loaded: Loaded, live: Live) -> Arc<Self> {
        Arc::new(Self { source, started: loaded.clone(), loaded: ArcSwap::from_pointee(loaded), live })
    }

    /// Everything that can be refused is checked before anything is changed.
    async fn reload(&self) -> Result<Reloaded, String> {
        let new = load(&self.source).map_err(|error| error.to_string())?;
        let old = self.loaded.load_full();
        // what the listener sees stays as it is until a restart
        let seen = Config { public: self.started.config.public.clone(), ..new.config.clone() };
        let fresh = snapshot(&seen, &self.live.vault, &self.source.extensions).map_err(|error| error.to_string())?;
        let anchors = authorities(&seen).map_err(|error| error.to_string())?;
        for tls in [&self.live.tls.public, &self.live.tls.admin].into_iter().flatten() {
            tls.reload().map_err(|error| error.to_string())?;
        }
        self.live.keys.reload(rings(&fresh)).await.map_err(|error| error.to_string())?;
        (self.live.log)(&new.config.log.filter)?;
        self.live.authorities.replace(anchors);
        // before any client hears of them
        self.live.router.open(hooked_grants(&fresh)).await.map_err(|error| error.to_string())?;
        self.live.registry.swap(fresh).await.map_err(|error| error.to_string())?;
        let changed = old.config != new.config;
        let needs_restart = needs_restart(&self.started, &new);
        self.loaded.store(Arc::new(new));
        Ok(Reloaded { changed, needs_restart })
    }

    /// Takes in what other nodes changed; a failure is the store's, which reports it itself.
    async fn follow(&self) {
        if let Err(error) = self.live.registry.follow().await {
            tracing::debug!(%error, "failed to follow the registry's changes");
        }
    }
}

/// Sections that differ from those in use and are only read at start.
fn needs_restart(started: &Loaded, new: &Loaded) -> Vec<String> {
    const RELOADABLE: [&str; 2] = ["issuers", "clients"];
    let sections = |loaded: &Loaded| serde_json::to_value(&loaded.config).unwrap_or_default();
    let (old, mut new) = (sections(started), sections(new));
    if let (Some(filter), Some(log)) = (old.pointer("/log/filter").cloned(), new.get_mut("log")) {
        log["filter"] = filter;
    }
    let Value::Object(new) = new else { return Vec::new() };
    let differs =
        |name: &&String| !RELOADABLE.contains(&name.as_str()) && old.get(name.as_str()) != new.get(name.as_str());
    new.keys().filter(differs).cloned().collect()
}

impl Operator for Reloader {
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<Reloaded, String>> + Send + '_>> {
        Box::pin(self.ask_reload())
    }

    fn config(&self) -> Value {
        self.daemonic().loaded.load().describe()
    }
}
