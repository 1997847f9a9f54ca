//! Where imported client secrets are hashed: at most `workers` at a time, each 19 MiB, at most `queue` waiting.
//!
//! Whoever waits has a place in here, not yet in the lane of the threads: until its turn comes another request may
//! have shown the right secret, and then nobody hashes it again.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::client::secret::{MAX_SECRET, SecretHash};
use crate::metrics::Metrics;
use crate::slow_hash::{Cost, Full, Lane, LaneConfig};

/// Where slow hashes run.
pub struct HashPool {
    workers: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
    lane: Lane,
}

/// A turn in the pool, given back when dropped.
pub struct Turn<'a> {
    lane: &'a Lane,
    _permit: SemaphorePermit<'a>,
}

impl HashPool {
    /// Starts `workers` threads, with `queue` requests waiting for one.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(workers: usize, queue: usize, metrics: &Metrics) -> io::Result<Self> {
        let config = LaneConfig { workers, queue, cost: Cost::default() };
        let lane = Lane::start("secret", &config, metrics)?;
        Ok(Self { workers: Semaphore::new(workers), waiting: AtomicUsize::new(0), queue, lane })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Full`] at once if too many wait already.
    pub async fn enter(&self) -> Result<Turn<'_>, Full> {
        let permit = match self.workers.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = Waiting::join(&self.waiting, self.queue).ok_or(Full)?;
                self.workers.acquire().await.map_err(|_| Full)?
            }
        };
        Ok(Turn { lane: &self.lane, _permit: permit })
    }

    /// The stored form of an imported secret; for the admin API.
    ///
    /// # Errors
    /// [`Full`], at once; inside, why it cannot be hashed.
    pub async fn import(&self, secret: &str) -> Result<Result<SecretHash, &'static str>, Full> {
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Ok(Err("a client secret has 1 to 512 bytes"));
        }
        let turn = self.enter().await?;
        Ok(turn.lane.hash(secret).await?.map(SecretHash::Argon2))
    }
}

impl Turn<'_> {
    /// Whether `secret` is the one behind `phc`.
    ///
    /// # Errors
    /// [`Full`] if the threads are still busy with hashes whose requests are gone.
    pub async fn verify(&self, secret: &str, phc: &str) -> Result<bool, Full> {
        self.lane.verify(secret, phc.to_owned(), None).await
    }

    /// Does the work of one check that nobody passes.
    ///
    /// # Errors
    /// As [`Turn::verify`].
    pub async fn burn(&self, secret: &str) -> Result<bool, Full> {
        self.lane.verify(secret, self.lane.cost.decoy(), None).await
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let joined = count.fetch_add(1, Ordering::Relaxed) < limit;
        let place = Self(count);
        joined.then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
