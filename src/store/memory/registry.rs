//! Signing keys and documents in memory.

use super::Memory;
use crate::store::{Document, Documents, KeyRings, Pending, StoredKey, check_document, check_key};

impl KeyRings for Memory {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        self.with(|state| Ok(state.keys.values().cloned().collect()))
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        self.with(|state| {
            check_key(&key)?;
            let ring = (key.ring.clone(), 0)..=(key.ring.clone(), u32::MAX);
            let newest = state.keys.range(ring).next_back().map(|((_, generation), _)| *generation);
            let first = newest == expected && key.generation == expected.unwrap_or(0).saturating_add(1);
            if first {
                state.keys.insert((key.ring.clone(), key.generation), key);
            }
            Ok(first)
        })
    }

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        self.with(|state| {
            state.keys.retain(|(of, g), _| of != ring || *g > generation);
            Ok(())
        })
    }
}

impl Documents for Memory {
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        self.with(|state| {
            let alive = |document: &&Document| document.kind == kind && document.body.is_some();
            Ok((state.documents.values().filter(alive).cloned().collect(), state.version))
        })
    }

    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
        self.with(|state| {
            let found = state.documents.get(&(kind.to_owned(), name.to_owned()));
            Ok(found.filter(|document| document.body.is_some()).cloned())
        })
    }

    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>> {
        self.with(|state| {
            let wanted = |document: &&Document| {
                let name = document.name.as_str();
                document.kind == kind && document.body.is_some() && name.starts_with(prefix) && name > after
            };
            let mut found: Vec<_> = state.documents.values().filter(wanted).cloned().collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn put(&self, mut document: Document, expected: u64) -> Pending<'_, Option<u64>> {
        self.with(|state| {
            check_document(&document)?;
            let name = (document.kind.clone(), document.name.clone());
            let current = state.documents.get(&name).filter(|now| now.body.is_some()).map_or(0, |now| now.version);
            if current != expected {
                return Ok(None);
            }
            state.version += 1;
            document.version = state.version;
            state.documents.insert(name, document);
            Ok(Some(state.version))
        })
    }

    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
        self.with(|state| {
            let newer = |document: &&Document| document.kind == kind && document.version > version;
            let mut newer: Vec<_> = state.documents.values().filter(newer).cloned().collect();
            newer.sort_by_key(|document| document.version);
            Ok((newer, state.version.max(version)))
        })
    }
}
