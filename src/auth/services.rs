//! The services that methods verify claims with.

use std::sync::Arc;

use super::audience::AudienceCounts;
use super::guesses::Guesses;
use super::pool::HashPool;
use crate::clock::Clock;
use crate::jwks::remote::RemoteKeys;
use crate::store::Shards;
use crate::vault::Vault;

/// Services that are the same for every attempt.
pub(super) struct AuthServices {
    /// Makes keyed hashes and sealed secrets.
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    /// Computes slow hashes.
    pub(super) pool: Arc<HashPool>,
    /// Counts wrong guesses.
    pub(super) guesses: Guesses,
    /// Remembers used assertions.
    pub(super) shards: Shards,
    /// Keys behind a `jwks_uri`.
    pub(super) remote: RemoteKeys,
    pub(super) audiences: AudienceCounts,
}
