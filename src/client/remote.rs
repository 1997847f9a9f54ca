//! Keys behind a `jwks_uri` (RFC 7591 section 2), read when they are needed and kept for a while (CHECKLIST 37).
//!
//! What one client can make us do is bounded: one fetch at a time for a URL, at most one a minute however many unknown
//! `kid`s come along, few for all clients together, a cache of fixed size. How a fetch is kept away from our own
//! network is its implementation's business (`http::fetch`).

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::Semaphore;
use url::Url;

use super::keyset::KeySet;
use crate::clock::Time;
use crate::jose::Scheme;

/// For how long keys are used without another look.
const FRESH: Duration = Duration::from_secs(600);
/// For how long they are used while the URL does not answer.
const STALE: Duration = Duration::from_secs(86_400);
/// Least time between two fetches of a URL that has answered before.
const AGAIN: Duration = Duration::from_secs(60);
/// The same while it never has.
const FIRST_AGAIN: Duration = Duration::from_secs(10);
/// Most URLs whose keys are kept.
const MAX_URLS: usize = 2048;
/// Most fetches at a time.
const MAX_FETCHES: usize = 8;

/// Reads a document of the outside world, within limits of its own.
pub trait Fetch: Send + Sync {
    /// The content behind `url`.
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a>;
}

/// What [`Fetch::fetch`] gives: the content, or why there is none, for the log.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send + 'a>>;

/// Why there are no keys.
#[derive(Debug)]
pub enum RemoteError {
    /// Too many fetches at once.
    Busy,
    /// The URL gives none, now or a moment ago.
    Unknown,
}

/// The keys behind the `jwks_uri`s that were used lately.
pub struct RemoteKeys {
    fetch: Arc<dyn Fetch>,
    entries: DashMap<Url, Arc<Entry>>,
    places: Semaphore,
}

#[derive(Default)]
struct Entry {
    state: Mutex<State>,
    /// Held by the one that fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Time)>,
    tried_at: Option<Time>,
}

impl RemoteKeys {
    /// An empty cache over `fetch`.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, entries: DashMap::new(), places: Semaphore::new(MAX_FETCHES) }
    }

    /// The keys at `url`, read again if they are old or none of them is called `kid` and fits `alg`.
    ///
    /// # Errors
    /// If there are none.
    pub async fn keys(&self, url: &Url, kid: Option<&str>, alg: Scheme, now: Time) -> Result<Arc<KeySet>, RemoteError> {
        self.keys_with(url, |keys| keys.has(kid, alg), now).await
    }

    /// The keys at `url`, read again if they are old or not `wanted`.
    ///
    /// # Errors
    /// If there are none.
    pub async fn keys_with(
        &self,
        url: &Url,
        wanted: impl Fn(&KeySet) -> bool,
        now: Time,
    ) -> Result<Arc<KeySet>, RemoteError> {
        let entry = self.entry(url);
        let settled = |state: &State| {
            let good = |(keys, at): &&(Arc<KeySet>, Time)| now < *at + FRESH && wanted(keys);
            let wait = if state.keys.is_some() { AGAIN } else { FIRST_AGAIN };
            let usable = state.keys.as_ref().filter(|(_, at)| now < *at + STALE).map(|(keys, _)| keys.clone());
            match state.keys.as_ref().filter(good) {
                Some((keys, _)) => Some(Ok(keys.clone())),
                None if state.tried_at.is_some_and(|at| now < at + wait) => Some(usable.ok_or(RemoteError::Unknown)),
                None => None,
            }
        };
        if let Some(answer) = settled(&entry.state()) {
            return answer;
        }
        let _turn = entry.turn.lock().await;
        // somebody else may have read them meanwhile
        if let Some(answer) = settled(&entry.state()) {
            return answer;
        }
        let _place = self.places.try_acquire().map_err(|_| RemoteError::Busy)?;
        entry.change(|state| state.tried_at = Some(now));
        match self.read(url).await {
            Ok(keys) => entry.change(|state| state.keys = Some((keys, now))),
            Err(error) => tracing::warn!(%url, error, "failed to read the keys of a client"),
        }
        let state = entry.state();
        state.keys.filter(|(_, at)| now < *at + STALE).map(|(keys, _)| keys).ok_or(RemoteError::Unknown)
    }

    async fn read(&self, url: &Url) -> Result<Arc<KeySet>, String> {
        let body = self.fetch.fetch(url).await?;
        let jwks = serde_json::from_slice(&body).map_err(|_| "no JSON".to_owned())?;
        KeySet::new(&jwks).map(Arc::new).map_err(|error| error.to_string())
    }

    fn entry(&self, url: &Url) -> Arc<Entry> {
        if let Some(entry) = self.entries.get(url) {
            return entry.clone();
        }
        if self.entries.len() >= MAX_URLS {
            let oldest =
                self.entries.iter().min_by_key(|entry| entry.state().tried_at).map(|entry| entry.key().clone());
            oldest.map(|url| self.entries.remove(&url));
        }
        self.entries.entry(url.clone()).or_default().clone()
    }
}

impl Entry {
    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
