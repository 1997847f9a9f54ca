//! The pool that hashes imported client secrets: at most `workers` at a time, each 19 MiB, at most `queue` waiting, each
//! address and client in its turn.
//!
//! Whoever waits has a place at the entrance, not yet in the lane of the threads: until its turn comes another request may
//! have shown the right secret, and then nobody hashes it again.

use std::io;

use crate::client::secret::{MAX_SECRET, SecretHash};
use crate::metrics::Metrics;
use crate::slow_hash::{self, Cost, Crowded, Entrance, Full, Lane, LaneConfig, Share};

/// The pool of slow hashes.
pub struct HashPool {
    entrance: Entrance,
    lane: Lane,
}

/// A turn in the pool, given back when dropped.
pub struct HashTurn<'a> {
    lane: &'a Lane,
    _turn: slow_hash::Turn,
}

impl HashPool {
    /// Starts `workers` threads, with `queue` requests waiting for one.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(workers: usize, queue: usize, metrics: &Metrics) -> io::Result<Self> {
        const OF: &str = "secret";
        let lane = Lane::start(OF, &LaneConfig { workers, queue, cost: Cost::default() }, metrics)?;
        Ok(Self { entrance: Entrance::new(OF, workers, queue, metrics), lane })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Crowded`] if there is no room for it, or none for too long.
    pub async fn enter(&self, share: Share) -> Result<HashTurn<'_>, Crowded> {
        Ok(HashTurn { _turn: self.entrance.enter(share, None).await?, lane: &self.lane })
    }

    /// Returns the stored form of an imported secret; for the admin API.
    ///
    /// # Errors
    /// [`Full`]; inside, why it cannot be hashed.
    pub async fn import(&self, secret: &str) -> Result<Result<SecretHash, &'static str>, Full> {
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Ok(Err("a client secret has 1 to 512 bytes"));
        }
        Ok(self.operator().await?.lane.hash(secret).await?.map(SecretHash::Argon2))
    }

    /// Returns whether `secret` is the one behind `phc`; for the admin API.
    ///
    /// # Errors
    /// [`Full`].
    pub async fn check(&self, secret: &str, phc: &str) -> Result<bool, Full> {
        self.operator().await?.verify(secret, phc).await
    }

    /// Waits for a turn of the operator's, who has a share of its own.
    async fn operator(&self) -> Result<HashTurn<'_>, Full> {
        self.enter(Share::operator()).await.map_err(|_| Full)
    }
}

impl HashTurn<'_> {
    /// Returns whether `secret` is the one behind `phc`.
    ///
    /// # Errors
    /// [`Full`] if the threads are still busy with hashes whose requests are gone.
    pub async fn verify(&self, secret: &str, phc: &str) -> Result<bool, Full> {
        self.lane.verify(secret, phc.to_owned(), None).await
    }

    /// Does the work of one check at `cost` that nobody passes.
    ///
    /// # Errors
    /// As [`HashTurn::verify`].
    pub async fn burn(&self, secret: &str, cost: Cost) -> Result<bool, Full> {
        self.lane.verify(secret, cost.decoy(), None).await
    }
}
