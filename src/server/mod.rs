//! The daemon: checked settings in, running listeners out, and an orderly end.

mod environment;
mod error;
mod material;
mod operator;
mod prepare;
mod startup;
mod waiting_room;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::auth::{Authenticator, AuthenticatorParts, Authorities, HashPool};
use crate::clock::Clock;
use crate::config::{Config, EngineKind, hooked_grants, rings};
use crate::grant::Context;
use crate::http::admin::Admin;
use crate::http::proxy::Proxy;
use crate::http::public::Public;
use crate::http::{self, Drained, Stop, Surface};
use crate::keys::Keys;
use crate::limit::node_count::NodeCount;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::router::Router;
use crate::service::{Counters, Service, ServingPhase};
use crate::store::memory::Memory;
use crate::store::postgres::Postgres;
use crate::store::sled::Sled;
use crate::store::{self, Shards, StoreError};
use crate::user::Users;
pub use environment::Environment;
pub use error::ServerError;
pub use material::PrepareError;
pub(crate) use material::check_admin_token;
pub use operator::LogControl;
use operator::{Follower, FollowerParts, LiveConfig, Reloader, RunningParts};
pub use prepare::{Prepared, prepare};
use startup::Startup;

/// Longest time of the first search for a primary.
const SEARCH: Duration = Duration::from_secs(1);

/// A running daemon.
pub struct Daemon {
    service: Arc<Service>,
    reloader: Reloader,
    /// Address of the public listener.
    pub public: SocketAddr,
    /// Address of the admin listener.
    pub admin: SocketAddr,
    public_stop: Stop,
    admin_stop: Stop,
    public_task: JoinHandle<Drained>,
    admin_task: JoinHandle<Drained>,
    router_task: JoinHandle<()>,
}

impl Daemon {
    /// Starts everything; it serves when this returns.
    ///
    /// # Errors
    /// The first part that does not start; the parts before it may still run, so the process should end.
    pub async fn start(prepared: Prepared, environment: Environment) -> Result<Self, ServerError> {
        let Prepared { loaded, files, source, vault, snapshot, admin_token, tls, authorities } = prepared;
        let config = &loaded.config;
        let Environment { clock, metrics, fetch, log } = environment;
        // ports first: a second start must fail before it touches the data directory
        let (public, admin) = (http::bind(config.public.listen)?, http::bind(config.admin.listen)?);
        let (engine, postgres) = match &source.extensions.engine {
            Some(engine) => (engine.clone(), None),
            None => open_store(config, clock.clone(), &metrics).await?,
        };
        let listeners = [&public, &admin];
        let mut startup = Startup { listeners, config, tls: &tls, metrics: &metrics, engine: &engine, room: None };
        if let Some(postgres) = postgres {
            startup.step(async || postgres.ready(SEARCH).await).await?;
        }
        let shards = Shards::start(engine.clone(), config.store.queue.clone(), &metrics).await?;
        snapshot.report_skipped_keys();
        let nodes = NodeCount::default();
        let snapshot = Arc::new(snapshot);
        let make_keys = async || {
            let key_rings = engine.key_rings.clone();
            Keys::start(rings(&snapshot), key_rings, vault.clone(), clock.clone(), metrics.clone()).await
        };
        let keys = startup.step(make_keys).await?;
        let grants = source.extensions.all_grants().into_iter().chain(hooked_grants(&snapshot, &nodes)).collect();
        let users = Users::start(engine.documents.clone(), &config.passwords, nodes.clone(), clock.clone(), &metrics)?;
        let open_registry =
            async || Registry::open(engine.documents.clone(), snapshot.clone(), engine.nodes.is_some()).await;
        let registry = Arc::new(startup.step(open_registry).await?);
        let context = Context {
            shards,
            keys,
            vault: vault.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            users,
            registry: registry.clone(),
            nodes: nodes.clone(),
        };
        let (router, router_task) = Router::start(grants, &context, config.tokens, &metrics).await?;
        let pool = Arc::new(HashPool::start("secret", &config.hashing.pool(), &context.metrics)?);
        let authorities = Arc::new(Authorities::new(authorities));
        let (shards, others) = (context.shards.clone(), source.extensions.client_auth.clone());
        let dialects = source.extensions.all_dialects();
        let (pooled, trusted) = (pool.clone(), authorities.clone());
        let parts = AuthenticatorParts {
            vault: vault.clone(),
            clock: clock.clone(),
            pool: pooled,
            shards,
            fetch,
            authorities: trusted,
            others,
            nodes: nodes.clone(),
        };
        let authenticator = Authenticator::new(registry.clone(), parts, &metrics);
        let following = FollowerParts {
            registry: registry.clone(),
            keys: context.keys.clone(),
            vault: vault.clone(),
            clock: context.clock.clone(),
            count: nodes.clone(),
            metrics: metrics.clone(),
        };
        let follower = Follower::new(engine.nodes.clone(), config, following);
        // before anything is issued: with which master key, and by which clock
        let follow = async || {
            let not_yet = || StoreError::Unavailable { reason: "the other nodes are not known yet".to_owned() };
            if follower.has_followed().await { Ok(()) } else { Err(not_yet()) }
        };
        startup.step(follow).await?;
        let live = RunningParts {
            vault,
            registry: registry.clone(),
            context: context.clone(),
            follower,
            router: router.clone(),
            tls: tls.clone(),
            authorities,
            admin_token: admin_token.clone(),
            log,
        };
        let live_config = LiveConfig::new(source, loaded.clone(), files, live);
        let reloader = Reloader::start(live_config, &metrics).await?;
        let operator = Arc::new(reloader.clone());
        let phase = ServingPhase::default();
        phase.serve();
        let service = Arc::new(Service {
            registry,
            authenticator,
            router,
            context,
            pool,
            phase,
            dialects,
            operator,
            counters: Counters::new(&metrics),
        });
        let public_addr = local_addr(&public, config.public.listen);
        let admin_addr = local_addr(&admin, config.admin.listen);
        let ((public_stop, public_heard), (admin_stop, admin_heard)) =
            (http::shutdown::shutdown(), http::shutdown::shutdown());
        // checked with the rest of the settings
        let proxy = config.public.proxy.as_ref().and_then(|proxy| Proxy::new(proxy).ok());
        startup.end().await;
        let public_surface = Surface {
            name: "public",
            tls: tls.public,
            handler: Arc::new(Public::new(service.clone(), proxy)),
            limits: config.public.limits.clone(),
            metrics: metrics.clone(),
        };
        let admin_surface = Surface {
            name: "admin",
            tls: tls.admin,
            handler: Arc::new(Admin::new(service.clone(), admin_token)),
            limits: config.admin.limits.clone(),
            metrics,
        };
        let public_task = tokio::spawn(http::serve(public, public_surface, public_heard));
        let admin_task = tokio::spawn(http::serve(admin, admin_surface, admin_heard));
        Ok(Self {
            service,
            reloader,
            public: public_addr,
            admin: admin_addr,
            public_stop,
            admin_stop,
            public_task,
            admin_task,
            router_task,
        })
    }

    /// Returns the parts, for tests and embedding programs.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Reads the configuration again.
    ///
    /// # Errors
    /// The reason why it is not taken; the old configuration stays in use.
    pub fn reload(&self) -> impl Future<Output = Result<crate::service::Reloaded, String>> + Send + use<> {
        let reloader = self.reloader.clone();
        async move { crate::service::Operator::reload(&reloader).await }
    }

    /// Completes when the daemon cannot go on, with the reason.
    pub async fn failed(&mut self) -> String {
        let shards = self.service.context.shards.clone();
        tokio::select! {
            reason = shards.failed() => reason,
            _ = &mut self.router_task => "the router died".to_owned(),
        }
    }

    /// Ends in order: not ready, tell peers to leave and serve on for `delay`, drain within `deadline`, flush, close.
    pub async fn stop(self, delay: Duration, deadline: Duration) -> Drained {
        self.service.phase.drain();
        self.public_stop.announce();
        self.admin_stop.announce();
        let _ = tokio::time::timeout(delay, std::future::pending::<()>()).await;
        self.public_stop.drain(deadline);
        let drained = self.public_task.await.unwrap_or(Drained { finished: 0, cut: 0 });
        // operators can look until the last client is served
        self.admin_stop.drain(Duration::from_secs(1));
        let _ = self.admin_task.await;
        self.service.router.stop();
        self.reloader.stop().await;
        self.service.context.keys.stop().await;
        if let Err(error) = self.service.context.shards.stop(deadline.max(Duration::from_secs(1))).await {
            tracing::error!(%error, "failed to close the store in order");
        }
        drained
    }
}

/// Opens the store; one that nodes share may be away.
async fn open_store(
    config: &Config,
    clock: Clock,
    metrics: &Metrics,
) -> Result<(store::Engine, Option<Arc<Postgres>>), StoreError> {
    let store = config.store.clone();
    match store.engine {
        EngineKind::Memory => Ok((store::Engine::of(Arc::new(Memory::new(store.sled.shards, clock))), None)),
        EngineKind::Postgres => {
            let postgres = Arc::new(Postgres::start(&store.postgres, clock, metrics)?);
            Ok((store::Engine::shared(postgres.clone()).with_nodes(postgres.clone()), Some(postgres)))
        }
        EngineKind::Sled => {
            let opening = tokio::task::spawn_blocking(move || Sled::open(&store.path, store.sled, clock));
            let opened = opening.await.map_err(|error| StoreError::Fatal(error.to_string()))??;
            Ok((store::Engine::of(Arc::new(opened)), None))
        }
    }
}

fn local_addr(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}
