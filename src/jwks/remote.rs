//! Keys behind a `jwks_uri` (RFC 7591 section 2), read when they are needed and kept for a while (CHECKLIST 37).
//!
//! The work that one client can cause is bounded: one fetch at a time for a URL, at most one a minute however many unknown
//! `kid`s come along, few for all clients together, a cache of fixed size. A fetch ends by itself, whoever hangs up: or
//! one that does so in time would use up the try of that minute and keep a removed key alive. How a fetch is kept away
//! from our own network is its implementation's business (`http::fetch`).

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use prometheus::IntCounter;
use tokio::sync::{Semaphore, watch};
use url::Url;

use super::keyset::{KeySet, Skipped};
use crate::clock::Time;
use crate::jose::Scheme;
use crate::metrics::Metrics;
use crate::strict_json;

/// Time for which keys are used without another look.
const FRESH: Duration = Duration::from_secs(600);
/// Time for which keys are used while the URL does not answer.
const STALE: Duration = Duration::from_secs(86_400);
/// Least time between two fetches of a URL that has answered before.
const AGAIN: Duration = Duration::from_secs(60);
/// Least time between two fetches of a URL that never answered.
const FIRST_AGAIN: Duration = Duration::from_secs(10);
/// Most URLs whose keys are kept.
const MAX_URLS: usize = 2048;
/// Most keys of a set that a log line names.
const MAX_SHOWN: usize = 8;
/// Most fetches at a time.
const MAX_FETCHES: usize = 8;

/// Reads a document of the outside world, within limits of its own.
pub trait Fetch: Send + Sync {
    /// The content behind `url`.
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a>;
}

/// The future of [`Fetch::fetch`]: the content, or why there is none, for the log.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send + 'a>>;

/// The reason why there are no keys for the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteError {
    /// Too many fetches at once.
    Busy,
    /// The URL gives none, now or a moment ago, and those it gave before are too old.
    Unread,
}

impl RemoteError {
    /// Returns the reason in words, for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Busy => "too many key sets are being fetched",
            Self::Unread => "the key set could not be fetched",
        }
    }
}

/// The keys behind the `jwks_uri`s that were used lately.
pub struct RemoteKeys {
    fetch: Arc<dyn Fetch>,
    entries: DashMap<Url, Arc<CachedKeys>>,
    places: Arc<Semaphore>,
    /// Keys that were passed over.
    skipped: IntCounter,
}

#[derive(Default)]
struct CachedKeys(Mutex<CacheState>);

#[derive(Default)]
struct CacheState {
    keys: Option<(Arc<KeySet>, Time)>,
    tried_at: Option<Time>,
    /// The last message about keys that cannot be used: it is said once, not at each fetch.
    said: Option<String>,
    /// Closed when the fetch has ended.
    fetch: Option<watch::Receiver<()>>,
}

/// The state of the cache at first sight.
enum CacheLookup {
    Keys(Arc<KeySet>),
    /// Keys that the fetch under way brings.
    Wait(watch::Receiver<()>),
}

impl RemoteKeys {
    /// An empty cache over `fetch`.
    pub fn new(fetch: Arc<dyn Fetch>, metrics: &Metrics) -> Self {
        let places = Arc::new(Semaphore::new(MAX_FETCHES));
        Self { fetch, entries: DashMap::new(), places, skipped: metrics.jwks_keys_skipped.clone() }
    }

    /// The keys at `url`, read again if they are old or none of them is called `kid` and fits `alg`.
    ///
    /// # Errors
    /// If there are none that could be looked at.
    pub async fn keys(&self, url: &Url, kid: Option<&str>, alg: Scheme, now: Time) -> Result<Arc<KeySet>, RemoteError> {
        self.keys_with(url, |keys| keys.has(kid, alg), now).await
    }

    /// The keys at `url`, read again if they are old or not `wanted`. While somebody else reads them, old ones that are
    /// wanted will do.
    ///
    /// # Errors
    /// If there are none that could be looked at.
    pub async fn keys_with(
        &self,
        url: &Url,
        wanted: impl Fn(&KeySet) -> bool,
        now: Time,
    ) -> Result<Arc<KeySet>, RemoteError> {
        let entry = self.entry(url);
        match self.look(url, &entry, wanted, now)? {
            CacheLookup::Keys(keys) => Ok(keys),
            CacheLookup::Wait(mut fetch) => {
                // an error is the end of it
                while fetch.changed().await.is_ok() {}
                entry.state().usable(now).ok_or(RemoteError::Unread)
            }
        }
    }

    fn look(
        &self,
        url: &Url,
        entry: &Arc<CachedKeys>,
        wanted: impl Fn(&KeySet) -> bool,
        now: Time,
    ) -> Result<CacheLookup, RemoteError> {
        let mut state = entry.state();
        let usable = state.usable(now);
        let fit = usable.clone().filter(|keys| wanted(keys)).map(CacheLookup::Keys);
        let fit = match fit {
            Some(keys) if state.is_fresh(now) => return Ok(keys),
            fit => fit,
        };
        if let Some(fetch) = state.under_way() {
            return Ok(fit.unwrap_or(CacheLookup::Wait(fetch)));
        }
        let wait = if state.keys.is_some() { AGAIN } else { FIRST_AGAIN };
        if state.tried_at.is_some_and(|at| now < at + wait) {
            return usable.map(CacheLookup::Keys).ok_or(RemoteError::Unread);
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else { return fit.ok_or(RemoteError::Busy) };
        let (done, fetch) = watch::channel(());
        state.tried_at = Some(now);
        state.fetch = Some(fetch.clone());
        let (by, url, entry) = (self.fetch.clone(), url.clone(), entry.clone());
        let counter = self.skipped.clone();
        tokio::spawn(async move {
            match read(&*by, &url).await {
                Ok((keys, skipped)) => {
                    counter.inc_by(skipped.len() as u64);
                    let mut state = entry.state();
                    state.keys = Some((Arc::new(keys), now));
                    if let Some(keys) = state.news(&skipped) {
                        tracing::warn!(%url, keys, "a key set has keys that cannot be used; they are passed over");
                    }
                }
                Err(error) => tracing::warn!(%url, error, "failed to read the keys of a client"),
            }
            drop(place);
            // last, also of a fetch that panics
            drop(done);
        });
        Ok(CacheLookup::Wait(fetch))
    }

    fn entry(&self, url: &Url) -> Arc<CachedKeys> {
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

async fn read(fetch: &dyn Fetch, url: &Url) -> Result<(KeySet, Vec<Skipped>), String> {
    let body = fetch.fetch(url).await?;
    let jwks = strict_json::from_slice(&body).map_err(|error| format!("no JSON that can be read: {error}"))?;
    KeySet::read(&jwks).map_err(|error| error.to_string())
}

impl CachedKeys {
    fn state(&self) -> MutexGuard<'_, CacheState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheState {
    fn usable(&self, now: Time) -> Option<Arc<KeySet>> {
        self.keys.as_ref().filter(|(_, at)| now < *at + STALE).map(|(keys, _)| keys.clone())
    }

    /// Returns the message about keys that cannot be used, if it was not said before.
    fn news(&mut self, skipped: &[Skipped]) -> Option<String> {
        let shown: Vec<String> = skipped.iter().take(MAX_SHOWN).map(Skipped::to_string).collect();
        let text = (!shown.is_empty()).then(|| format!("{} in all; {}", skipped.len(), shown.join("; ")));
        let news = text.clone().filter(|_| text != self.said);
        self.said = text;
        news
    }

    fn is_fresh(&self, now: Time) -> bool {
        self.keys.as_ref().is_some_and(|(_, at)| now < *at + FRESH)
    }

    /// The end of the fetch, if there is one that has not ended.
    fn under_way(&self) -> Option<watch::Receiver<()>> {
        self.fetch.clone().filter(|fetch| fetch.has_changed().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rfc7517_5_keys_that_cannot_be_used_are_said_once_and_again_when_they_are_others() {
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let skipped = |bad: &[serde_json::Value]| {
            let keys: Vec<_> = bad.iter().chain([&good]).collect();
            KeySet::read(&json!({ "keys": keys })).unwrap().1
        };
        let (one, many) = (skipped(&[json!("key")]), skipped(&vec![json!("key"); 1000]));
        let mut state = CacheState::default();
        assert!(state.news(&[]).is_none());
        assert!(state.news(&one).unwrap().contains("keys[0]: the key is not a JSON object"));
        assert!(state.news(&one).is_none());
        assert!(state.news(&many).is_some_and(|text| text.starts_with("1000 in all") && text.len() < 1000));
        assert!(state.news(&[]).is_none() && state.news(&one).is_some());
    }
}
