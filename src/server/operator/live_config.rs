//! The configuration in use: how it is loaded again, whole or not at all, and how it follows what other nodes changed.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;

use super::follower::Follower;
use crate::auth::Authorities;
use crate::cause::chain;
use crate::config::{Config, FileDigests, Loaded, Source, digests, hooked_grants, load, rings, snapshot};
use crate::grant::Context;
use crate::http::admin::AdminToken;
use crate::inspect;
use crate::registry::ClientLoss;
use crate::registry::Registry;
use crate::router::Router;
use crate::server::material::{Certificates, PrepareError, admin_token, authorities, master_keys};
use crate::service::Reloaded;
use crate::state::NotBeforeOf;
use crate::store::StoreError;
use crate::vault::Vault;

/// Longest time for the store to read every client.
const READING: Duration = Duration::from_secs(60);

/// Changes the log filter of the running process.
pub type LogControl = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The configuration in use, with the parts of the daemon that a reload changes.
pub(in crate::server) struct LiveConfig {
    source: Source,
    /// The settings read at the start; sections that are only read then stay as they are here.
    started: Loaded,
    loaded: ArcSwap<Loaded>,
    /// Digests of the files that the settings name, taken when they were loaded.
    files: ArcSwap<FileDigests>,
    live: RunningParts,
}

/// The parts of the daemon that a reload changes.
pub(in crate::server) struct RunningParts {
    pub(in crate::server) vault: Arc<Vault>,
    pub(in crate::server) registry: Arc<Registry>,
    pub(in crate::server) context: Context,
    pub(in crate::server) follower: Follower,
    pub(in crate::server) router: Router,
    pub(in crate::server) tls: Certificates,
    pub(in crate::server) authorities: Arc<Authorities>,
    pub(in crate::server) admin_token: AdminToken,
    pub(in crate::server) log: LogControl,
}

impl LiveConfig {
    pub(in crate::server) fn new(source: Source, loaded: Loaded, files: FileDigests, live: RunningParts) -> Arc<Self> {
        let started = loaded.clone();
        let (loaded, files) = (ArcSwap::from_pointee(loaded), ArcSwap::from_pointee(files));
        Arc::new(Self { source, started, loaded, files, live })
    }

    /// Returns the effective settings with their origins, without secrets.
    pub(super) fn describe(&self) -> Value {
        self.loaded.load().describe()
    }

    /// Loads the configuration again. Everything that can fail comes before anything that is changed for somebody: files, new lanes (which no client can
    /// reach yet), the store, what clients lose that become public or are gone, and last the keys, whose reload is all or
    /// nothing itself. If that fails those clients have lost it too early, which a login mends; the other way round a store
    /// that fails would leave issuers with keys of other settings, which nothing mends.
    pub(super) async fn reload(&self) -> Result<Reloaded, String> {
        let new = load(&self.source).map_err(|error| chain(&error))?;
        let old = self.loaded.load_full();
        // before they are read for use: what changes in between is then seen by the next reload
        let files = digests(&new.config);
        let token = admin_token(&new.config).map_err(|error| chain(&error))?;
        let ring = master_keys(&self.live.vault, &new.config).map_err(|error| chain(&error))?;
        // what the listener sees stays as it is until a restart
        let seen = Config { public: self.started.config.public.clone(), ..new.config.clone() };
        let fresh = snapshot(&seen, &self.live.vault, &self.source.extensions).map_err(|error| chain(&error))?;
        let anchors = authorities(&seen).map_err(|error| chain(&error))?;
        let mut certificates = Vec::new();
        for (name, tls) in [("public", &self.live.tls.public), ("admin", &self.live.tls.admin)] {
            let Some(tls) = tls else { continue };
            let renewed =
                tls.read_again().map_err(|source| PrepareError::Tls { listener: name, source: source.into() });
            certificates.push((tls, renewed.map_err(|error| chain(&error))?));
        }
        self.live
            .router
            .register(hooked_grants(&fresh, &self.live.context.nodes))
            .await
            .map_err(|error| chain(&error))?;
        let read = tokio::time::timeout(READING, self.live.registry.read()).await;
        let stored = read.map_err(|_| "the store took longer than a minute")?.map_err(|error| chain(&error))?;
        let lost = self.live.registry.lost_by(&fresh);
        self.void(&lost).await.map_err(|error| chain(&error))?;
        self.live.context.keys.reload(rings(&fresh)).await.map_err(|error| chain(&error))?;
        // the filter was parsed with the settings: only a process that ends has no log to change
        (self.live.log)(&new.config.log.filter)?;
        certificates.into_iter().for_each(|(tls, renewed)| tls.replace(renewed));
        let drops_keys = ring.drops();
        self.live.vault.take_in(ring);
        self.live.follower.present(&new.config);
        self.live.admin_token.replace(&token);
        self.live.authorities.replace(anchors);
        fresh.report_skipped_keys();
        self.live.registry.swap(fresh, stored).await;
        for ClientLoss { issuer, client, event } in &lost {
            tracing::warn!(target: "audit", event, actor = "reload", issuer = issuer.id, client, "what the client was issued is void");
        }
        // once more for what was issued in between; by now nothing can be taken back
        if let Err(error) = self.void(&lost).await {
            tracing::error!(target: "audit", event = "void_failed", %error, "clients became public or are gone; revoke what they hold");
        }
        // what was deleted since the store was read is gone at once
        self.follow().await;
        let changed = old.config != new.config || **self.files.load() != files;
        let mut needs_restart = needs_restart(&self.started, &new);
        if drops_keys {
            needs_restart.push("secrets.master_key_file".to_owned());
        }
        self.loaded.store(Arc::new(new));
        self.files.store(Arc::new(files));
        Ok(Reloaded { changed, needs_restart })
    }

    /// Voids what was issued to these clients.
    async fn void(&self, lost: &[ClientLoss]) -> Result<(), StoreError> {
        for ClientLoss { issuer, client, .. } in lost {
            inspect::raise_only(issuer, NotBeforeOf::Client(client), &self.live.context).await?;
        }
        if !lost.is_empty() {
            self.live.context.shards.wait_for_clocks().await;
        }
        Ok(())
    }

    /// Takes in what other nodes changed.
    pub(super) async fn follow(&self) {
        self.live.follower.follow().await;
    }

    /// Tells the other nodes that this one ends.
    pub(super) async fn leave(&self) {
        self.live.follower.leave().await;
    }
}

/// Sections that differ from those in use and are only read at start.
fn needs_restart(started: &Loaded, new: &Loaded) -> Vec<String> {
    const RELOADABLE: [&str; 3] = ["issuers", "clients", "secrets"];
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
