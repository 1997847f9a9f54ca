//! A pool of hash threads with the fair queue before it.
//!
//! A request waits in the queue, not yet in the threads: until its turn comes another request may have shown the right
//! secret, and then nobody hashes it again.

use std::io;

use super::admission::{AdmissionQueue, QueuePermit};
use super::config::HashPoolConfig;
use super::threads::HashThreads;
use super::{Cost, Full, QueueRefusal, QueueShare, Waiting};
use crate::metrics::Metrics;

/// Threads that hash passwords or secrets, and the queue of requests for them.
pub struct HashPool {
    queue: AdmissionQueue,
    threads: HashThreads,
}

/// A turn in the pool, given back when dropped.
pub struct HashTurn<'a> {
    threads: &'a HashThreads,
    waiting: Option<Waiting>,
    _permit: QueuePermit,
}

impl HashPool {
    /// Starts the threads; `of` names what they hash, in their names and in the metrics: `password` or `secret`.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(of: &'static str, config: &HashPoolConfig, metrics: &Metrics) -> io::Result<Self> {
        let queue = AdmissionQueue::new(of, config.workers, config.queue, metrics);
        Ok(Self { queue, threads: HashThreads::start(of, config, metrics)? })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`QueueRefusal`] if there is no room, or no turn for too long.
    pub async fn enter(&self, share: QueueShare) -> Result<HashTurn<'_>, QueueRefusal> {
        Ok(HashTurn { _permit: self.queue.enter(share, None).await?, waiting: None, threads: &self.threads })
    }

    /// Waits for a turn as long as the request is `waiting`.
    ///
    /// # Errors
    /// As [`HashPool::enter`].
    pub async fn enter_while(&self, waiting: &Waiting, share: QueueShare) -> Result<HashTurn<'_>, QueueRefusal> {
        let permit = self.queue.enter(share, Some(waiting)).await?;
        Ok(HashTurn { _permit: permit, waiting: Some(waiting.clone()), threads: &self.threads })
    }

    /// Waits for a turn of the operator, who has a share of the queue.
    ///
    /// # Errors
    /// [`Full`] if there is no room, or no turn for too long.
    pub async fn enter_as_operator(&self) -> Result<HashTurn<'_>, Full> {
        self.enter(QueueShare::operator()).await.map_err(|_| Full)
    }

    /// Returns the cost of new hashes.
    pub fn cost(&self) -> Cost {
        self.threads.cost
    }
}

impl HashTurn<'_> {
    /// Returns whether `phc` is a hash of `password`.
    ///
    /// # Errors
    /// [`Full`] if the threads are busy with hashes whose requests are gone, or this request ends.
    pub async fn verify(&self, password: &str, phc: &str) -> Result<bool, Full> {
        self.threads.verify(password, phc.to_owned(), self.waiting.as_ref()).await
    }

    /// Does the work of one check at `cost` that no password passes.
    ///
    /// # Errors
    /// As [`HashTurn::verify`].
    pub async fn burn(&self, password: &str, cost: Cost) -> Result<bool, Full> {
        self.verify(password, &cost.decoy()).await
    }

    /// Hashes a new password, whether or not the request goes on waiting.
    ///
    /// # Errors
    /// [`Full`]; inside, the reason why the password cannot be hashed.
    pub async fn hash(&self, password: &str) -> Result<Result<String, &'static str>, Full> {
        self.threads.hash(password).await
    }
}
