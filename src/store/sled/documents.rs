//! Versioned documents and their feed.
//!
//! Only the committer writes here, one call at a time, so compare-and-set is compare, then set. A change is named in
//! the feed before its document is written; an entry whose document has a later version by now is skipped.

use std::ops::Bound;

use super::broken::broken;
use super::decoded::decoded;
use crate::store::{Document, StoreError, codec};

/// Versioned documents and their feed.
pub(super) struct DocumentTrees {
    /// `kind 0 name` to [`Document`], also deleted ones.
    documents: sled::Tree,
    /// `version u64` to the key of the document, for each document's last change.
    feed: sled::Tree,
}

impl DocumentTrees {
    pub(super) fn open(db: &sled::Db) -> Result<Self, StoreError> {
        let tree = |name| db.open_tree(name).map_err(broken);
        Ok(Self { documents: tree("documents")?, feed: tree("feed")? })
    }

    pub(super) fn list(&self, kind: &str) -> Result<(Vec<Document>, u64), StoreError> {
        // the version first: a change in between is then told twice rather than never
        let version = self.version()?;
        let mut documents = Vec::new();
        for entry in self.documents.scan_prefix(document_name(kind, "")) {
            let (name, bytes) = entry.map_err(broken)?;
            let document: Document = decoded("document", &name, &bytes)?;
            if document.body.is_some() {
                documents.push(document);
            }
        }
        Ok((documents, version))
    }

    pub(super) fn page(
        &self,
        kind: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let begin = document_name(kind, if after.is_empty() { prefix } else { after });
        let prefix = document_name(kind, prefix);
        let mut found = Vec::new();
        for entry in self.documents.range((Bound::Excluded(begin), Bound::Unbounded)) {
            let (name, bytes) = entry.map_err(broken)?;
            if !name.starts_with(&prefix) || found.len() == limit {
                break;
            }
            let document: Document = decoded("document", &name, &bytes)?;
            if document.body.is_some() {
                found.push(document);
            }
        }
        Ok(found)
    }

    pub(super) fn put(&self, mut document: Document, expected: u64) -> Result<Option<u64>, StoreError> {
        let name = document_name(&document.kind, &document.name);
        let before = self.read(&name)?;
        let current = before.as_ref().filter(|before| before.body.is_some()).map_or(0, |before| before.version);
        if current != expected {
            return Ok(None);
        }
        document.version = self.version()?.saturating_add(1);
        self.feed.insert(document.version.to_be_bytes(), &name[..]).map_err(broken)?;
        self.documents.insert(&name, codec::encode(&name, &document)?).map_err(broken)?;
        if let Some(before) = before {
            self.feed.remove(before.version.to_be_bytes()).map_err(broken)?;
        }
        Ok(Some(document.version))
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        Ok(self.read(&document_name(kind, name))?.filter(|document| document.body.is_some()))
    }

    pub(super) fn changes(&self, kind: &str, since: u64) -> Result<(Vec<Document>, u64), StoreError> {
        let prefix = document_name(kind, "");
        let (mut changes, mut last) = (Vec::new(), since);
        for entry in self.feed.range(since.saturating_add(1).to_be_bytes()..) {
            let (version, name) = entry.map_err(broken)?;
            let version = version[..].try_into().map_or(last, u64::from_be_bytes);
            if name.starts_with(&prefix) {
                match self.read(&name)? {
                    Some(document) if document.version == version => changes.push(document),
                    // changed again since: told by its later entry
                    Some(document) if document.version > version => {}
                    // named already, but not written yet: next time
                    Some(_) | None => break,
                }
            }
            last = last.max(version);
        }
        Ok((changes, last))
    }

    fn read(&self, name: &[u8]) -> Result<Option<Document>, StoreError> {
        self.documents.get(name).map_err(broken)?.map(|bytes| decoded("document", name, &bytes)).transpose()
    }

    /// Returns the version of the newest change; 0 if there never was one.
    fn version(&self) -> Result<u64, StoreError> {
        let newest = self.feed.last().map_err(broken)?;
        Ok(newest.and_then(|(version, _)| version[..].try_into().ok()).map_or(0, u64::from_be_bytes))
    }
}

fn document_name(kind: &str, name: &str) -> Vec<u8> {
    [kind.as_bytes(), &[0], name.as_bytes()].concat()
}
