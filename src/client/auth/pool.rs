//! The bounded pool in which argon2id runs: at most `workers` at a time, at most `queue` waiting, each 19 MiB.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Where slow hashes run.
#[derive(Debug)]
pub struct HashPool {
    workers: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
}

/// A place in the pool, given back when dropped.
#[derive(Debug)]
pub struct Place<'a>(#[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'a>);

impl HashPool {
    /// A pool of `workers` hashes at a time with `queue` requests waiting for one.
    pub fn new(workers: usize, queue: usize) -> Self {
        Self { workers: Semaphore::new(workers.max(1)), waiting: AtomicUsize::new(0), queue }
    }

    /// Waits for a place; `None` at once if too many wait already.
    pub async fn enter(&self) -> Option<Place<'_>> {
        let waiting = Waiting::join(&self.waiting, self.queue)?;
        let permit = self.workers.acquire().await.ok()?;
        drop(waiting);
        Some(Place(permit))
    }

    /// Runs `hash` on this thread, after telling the runtime to move its other tasks elsewhere.
    pub fn run<T>(&self, hash: impl FnOnce() -> T) -> T {
        tokio::task::block_in_place(hash)
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

/// Hashes an imported secret in the pool; for the admin API.
///
/// # Errors
/// If the pool is full, or the secret cannot be hashed.
pub async fn import(pool: &HashPool, secret: &str) -> Result<crate::client::secret::SecretHash, &'static str> {
    let _place = pool.enter().await.ok_or("too many secrets are being hashed; try again")?;
    pool.run(|| crate::client::secret::import(secret))
}
