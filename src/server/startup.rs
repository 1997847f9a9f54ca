//! The start on a store that may be away: each step is tried until the store is there, and everybody is asked to come back
//! meanwhile. A node that ended instead would have to be started again by somebody, in an outage, and all of them at once.

use std::time::Duration;

use tokio::net::TcpListener;

use super::ServerError;
use super::material::Certificates;
use super::waiting_room::WaitingRoom;
use crate::cause::chain;
use crate::config::Config;
use crate::keys::KeyError;
use crate::metrics::Metrics;
use crate::store::{Engine, StoreError};

/// Time after which a store that does not answer is taken to be away.
const AWAY: Duration = Duration::from_secs(2);
/// Longest time of a step while everybody is asked to come back: a new store may have many keys to make.
const LIMIT: Duration = Duration::from_secs(60);
/// Time between two tries of a step.
const PAUSE: Duration = Duration::from_millis(500);

/// A start in progress.
pub(super) struct Startup<'a> {
    pub(super) listeners: [&'a TcpListener; 2],
    pub(super) config: &'a Config,
    pub(super) tls: &'a Certificates,
    pub(super) metrics: &'a Metrics,
    pub(super) engine: &'a Engine,
    pub(super) room: Option<WaitingRoom>,
}

impl Startup<'_> {
    /// Makes a step of the start. On a store that nodes share it is tried again while the store is away.
    ///
    /// # Errors
    /// The failure of the step, if waiting does not mend it.
    pub(super) async fn step<T, E: Into<ServerError>>(
        &mut self,
        attempt: impl AsyncFn() -> Result<T, E>,
    ) -> Result<T, ServerError> {
        if self.engine.nodes.is_none() {
            return attempt().await.map_err(Into::into);
        }
        loop {
            let limit = if self.room.is_none() { AWAY } else { LIMIT };
            let reason = match tokio::time::timeout(limit, attempt()).await.map(|done| done.map_err(Into::into)) {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) if !is_away(&error) => return Err(error),
                Ok(Err(error)) => chain(&error),
                Err(_) => "it does not answer in time".to_owned(),
            };
            if self.room.is_none() {
                tracing::error!(
                    reason,
                    "the store is away or slow; everybody is asked to come back until the node can serve"
                );
                let lifecycle = self.engine.lifecycle.clone();
                let room = WaitingRoom::open(self.listeners, self.config, self.tls, self.metrics, lifecycle);
                self.room = Some(room?);
            }
            pause().await;
        }
    }

    /// Ends the wait, if there was one.
    pub(super) async fn end(self) {
        if let Some(room) = self.room {
            room.close().await;
        }
    }
}

fn is_away(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::Store(StoreError::Unavailable { .. } | StoreError::Indeterminate { .. })
            | ServerError::Keys(
                KeyError::Store(StoreError::Unavailable { .. } | StoreError::Indeterminate { .. })
                    | KeyError::StoreLate
            )
    )
}

#[expect(clippy::disallowed_methods, reason = "a store that is away is not asked without a pause")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
