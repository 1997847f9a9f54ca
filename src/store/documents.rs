//! Versioned objects that nodes follow or read one by one: clients, users.

use serde::{Deserialize, Serialize};

use super::Pending;

/// A versioned object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is: `client`, for one.
    pub kind: String,
    /// Its name within its kind: `<issuer>/<client id>`.
    pub name: String,
    /// The change that wrote it; set by the engine.
    pub version: u64,
    /// JSON; `None` if it was deleted.
    pub body: Option<String>,
}

/// Versioned objects. Versions grow, with gaps, and become visible in their order: whoever has followed the feed up to
/// a version has missed nothing before it.
pub trait Documents: Send + Sync + 'static {
    /// Every document of a kind, and the version from which on to follow [`Documents::changes`]. Only for kinds of
    /// which there are few enough for memory.
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)>;

    /// One document, if it is there and not deleted.
    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>>;

    /// Documents of a kind whose names begin with `prefix`, those after the name `after` (empty: from the first), in
    /// the order of their names' bytes, at most `limit`; deleted ones are passed over.
    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>>;

    /// Writes or (with `body: None`) deletes a document if its version is still `expected` (0: it does not exist);
    /// gives the new version, or `None` if somebody else was first. Durable when answered.
    fn put(&self, document: Document, expected: u64) -> Pending<'_, Option<u64>>;

    /// Documents of a kind changed after `version`, oldest first, and the version to go on from; deleted ones have no
    /// body.
    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)>;
}
