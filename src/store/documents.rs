//! Versioned objects that nodes follow or read one by one: clients, users.

use serde::{Deserialize, Serialize};

use super::Pending;

/// Kind of the documents that hold users, which are read one by one: nobody follows their changes, so an engine need not
/// order the versions of different ones. A password's hash is renewed at a login, and logins must not queue for a counter.
pub const USERS: &str = "user";

/// A versioned object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Kind of the object, for example `client`.
    pub kind: String,
    /// Name of the object within its kind: `<issuer>/<client id>`.
    pub name: String,
    /// Version that the last change gave it; set by the engine.
    pub version: u64,
    /// JSON; `None` if the object was deleted.
    pub body: Option<String>,
}

/// Versioned objects. Versions grow, with gaps, and (but for [`USERS`]) become visible in their order: a follower that has read the feed up
/// to a version has missed nothing before it.
pub trait Documents: Send + Sync + 'static {
    /// Returns all documents of a kind, and the version from which to follow [`Documents::changes`]. Only for kinds
    /// that fit in memory.
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)>;

    /// Returns one document, if it exists and is not deleted.
    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>>;

    /// Returns documents of a kind whose names begin with `prefix`, after the name `after` (empty: from the first), in
    /// the order of their names' bytes, at most `limit`; deleted ones are skipped.
    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>>;

    /// Writes or (with `body: None`) deletes a document if its version is still `expected` (0: it does not exist).
    /// Returns the new version, or `None` if another writer was first. Durable when answered.
    fn put(&self, document: Document, expected: u64) -> Pending<'_, Option<u64>>;

    /// Returns the documents of a kind that changed after `version`, oldest first, and the version to continue from;
    /// deleted ones have no body.
    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)>;
}
