//! The store: batches of [`Op`]s for one shard, applied atomically per row and durable before they are answered.
//!
//! An engine is one type: it reads a row, calls [`crate::state::step::step`], writes the change, makes the batch durable
//! and answers. Nothing here assumes one process: a shard is a lane to whatever holds its rows, single use is decided
//! by the row, and keys and documents change by compare-and-set. `contract` is the suite that every engine passes.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::Id;
use crate::state::device::Verdict;
use crate::state::key::Key;
use crate::state::op::Op;
use crate::state::step::{Outcome, Row};

pub mod actor;
pub mod codec;
#[cfg(test)]
mod contract;
pub mod memory;
pub mod shards;
pub mod sled;

pub use shards::Shards;

/// A future of the store, boxed so that engines can be chosen at run time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Which shard: below [`Store::shards`].
pub type ShardId = u16;

/// The longest row or document, in bytes: every engine stores that much in one piece.
pub const MAX_VALUE: usize = 16 * 1024;

/// The longest client id, in bytes: what a decision does not say and its row holds.
const LONGEST_CLIENT: usize = 128;

/// What of [`MAX_VALUE`] is left for times, counters and lengths.
const OVERHEAD: usize = 256;

/// An engine.
pub trait Store: Send + Sync + 'static {
    /// How many shards there are; fixed when the data was first written.
    fn shards(&self) -> ShardId;

    /// The shard that holds `key`.
    fn route(&self, key: &Key) -> ShardId {
        let id = key.id().0;
        u16::from_be_bytes([id[0], id[1]]) % self.shards()
    }

    /// Applies operations of one shard in order and gives their outcomes in the same order, after they are durable.
    /// Operations on the same row see each other. If it fails as [`StoreError::Corrupt`] or [`StoreError::TooLarge`],
    /// nothing of the batch was done, and the other operations are worth a try without the one that failed.
    fn apply(&self, shard: ShardId, ops: Vec<Op>) -> Pending<'_, Vec<Outcome>>;

    /// How many batches of one shard may be under way at once. One, unless the engine itself gathers what waits: then
    /// more, so that no operation waits for a batch it is not in before it can even join the next.
    fn depth(&self) -> usize {
        1
    }

    /// Reads rows, for introspection; never the basis of a single-use decision.
    fn peek<'a>(&'a self, keys: &'a [Key]) -> Pending<'a, Vec<Option<Row>>>;

    /// Forgets rows of one shard that may be forgotten, looking at no more than `budget` of them. Never too early;
    /// up to a second late, because whole seconds are what an index of deadlines needs.
    fn sweep(&self, shard: ShardId, budget: usize) -> Pending<'_, Swept>;

    /// Every stored signing key of every ring, in no particular order.
    fn keys(&self) -> Pending<'_, Vec<StoredKey>>;

    /// Adds a key to its ring if the ring's newest generation is still `expected` (`None`: the ring is empty) and
    /// `key.generation` follows it; false if somebody else was first. Durable when answered.
    fn publish_key(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool>;

    /// Removes the keys of a ring up to and including `generation`, after nothing they signed is alive.
    fn drop_keys<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()>;

    /// Every document of a kind, and the version of the newest change of any kind. Only for kinds of which there are
    /// few enough for memory.
    fn documents<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)>;

    /// One document, if it is there and not deleted. As cheap as [`Store::peek`].
    fn document<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>>;

    /// Documents of a kind whose names begin with `prefix`, those after the name `after` (empty: from the first), in the order
    /// of their names' bytes, at most `limit`; deleted ones are passed over.
    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>>;

    /// Writes or (with `body: None`) deletes a document if its version is still `expected` (0: it does not exist);
    /// gives the new version, or `None` if somebody else was first. Durable when answered.
    fn put_document(&self, document: Document, expected: u64) -> Pending<'_, Option<u64>>;

    /// Documents of a kind changed after `version`, oldest first, and the version to go on from; deleted ones have no
    /// body. Those of other kinds are passed over unread.
    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)>;

    /// Takes or renews a lease by name, for work that one node at a time should do; the fencing epoch if it is ours.
    fn lease<'a>(&'a self, name: &'a str, holder: Id, ttl: Duration) -> Pending<'a, Option<u64>>;

    /// Whether the engine can take writes now.
    fn health(&self) -> Health;

    /// Bytes on disk, if the engine keeps its own.
    fn size(&self) -> Option<u64>;

    /// Makes everything durable and stops the engine; later calls fail as [`StoreError::Unavailable`].
    fn close(&self) -> Pending<'_, ()>;
}

/// What a step of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that are gone.
    pub forgotten: usize,
    /// The budget ended before the work did.
    pub more: bool,
}

/// The first whole second, since the Unix epoch, in which the row may be forgotten.
pub(crate) fn deadline(row: &Row) -> u64 {
    row.keep_until().as_millis().div_ceil(1000)
}

/// Refuses an operation whose row could grow over [`MAX_VALUE`].
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn check_size(op: &Op) -> Result<(), StoreError> {
    let size = match op {
        Op::Redeem(redeem) => redeem.issuer.len() + redeem.client.len() + redeem.subject.len() + redeem.grant.len(),
        Op::StartDevice(start) => start.issuer.len() + start.client.len() + start.grant.len(),
        Op::Decide(decide) => match &decide.verdict {
            Verdict::Approve { subject, grant } => decide.issuer.len() + LONGEST_CLIENT + subject.len() + grant.len(),
            Verdict::Deny => 0,
        },
        // these change a row within its overhead, or make a small one
        Op::Miss { .. }
        | Op::Rotate(_)
        | Op::Revoke { .. }
        | Op::Mark { .. }
        | Op::RaiseFence { .. }
        | Op::NameUserCode { .. }
        | Op::Consume(_) => 0,
    };
    check_len(size)
}

pub(crate) fn check_document(document: &Document) -> Result<(), StoreError> {
    check_len(document.kind.len() + document.name.len() + document.body.as_ref().map_or(0, String::len))
}

pub(crate) fn check_key(key: &StoredKey) -> Result<(), StoreError> {
    check_len(key.ring.len() + key.kid.len() + key.sealed.len())
}

fn check_len(size: usize) -> Result<(), StoreError> {
    let limit = MAX_VALUE - OVERHEAD;
    if size > limit { Err(StoreError::TooLarge { size, limit }) } else { Ok(()) }
}

/// Whether an engine can take writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// It cannot now, but may again; why.
    Unavailable(String),
    /// It cannot in this process any more; why. The node stops.
    Failed(String),
}

/// Why the store could not do it. Refusals are no errors: they are [`Outcome`]s.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was done; worth another try after a while.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// For the operator.
        reason: String,
    },
    /// The outcome is unknown: retry with the same attempt only.
    #[error("the outcome of a write is unknown: {reason}")]
    Indeterminate {
        /// For the operator.
        reason: String,
    },
    /// More than a row or document may hold; nothing was done, and trying again changes nothing.
    #[error("{size} bytes are more than the {limit} that one row or document may hold; make it smaller")]
    TooLarge {
        /// What it would take, in bytes.
        size: usize,
        /// What it may, in bytes.
        limit: usize,
    },
    /// What is stored cannot be understood; why and what to do.
    #[error("{0}")]
    Corrupt(String),
    /// The engine broke for good (a failed fsync, for one): the node must stop.
    #[error("the store failed: {0}")]
    Fatal(String),
}

/// A signing key at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The ring: `<issuer>/<alg>`.
    pub ring: String,
    /// From 1, one more than its predecessor's.
    pub generation: u32,
    /// Random name under which the private part is sealed.
    pub id: Id,
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The private key (PKCS#8 DER), sealed by the vault.
    pub sealed: Vec<u8>,
    /// When it was announced in the JWKS.
    pub announced_at: Time,
    /// When it starts to sign.
    pub sign_from: Time,
    /// When its successor should sign.
    pub rotate_at: Time,
}

/// A versioned object of the registry: a client, a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is: `client`, for one.
    pub kind: String,
    /// Its name within its kind: `<issuer>/<client id>`.
    pub name: String,
    /// The change that wrote it; set by the store.
    pub version: u64,
    /// JSON; `None` if it was deleted.
    pub body: Option<String>,
}
