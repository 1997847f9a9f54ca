//! Signing keys in a table: the primary key lets one node alone add a generation.

use super::Postgres;
use super::query::{Query, param};
use super::reads::odd;
use super::statements::{DROP_KEYS, KEYS, PUBLISH_KEY};
use crate::store::{KeyRings, Pending, StoredKey, check_key, codec};

/// Returns the name of a stored key, which its checksum covers.
fn name(ring: &str, generation: i64) -> Vec<u8> {
    [ring.as_bytes(), &generation.to_be_bytes()].concat()
}

impl KeyRings for Postgres {
    fn keys(&self) -> Pending<'_, Vec<StoredKey>> {
        Box::pin(async move {
            let rows = self.links()?.read(|| Query::read(KEYS, Vec::new())).await?;
            let key = |row: &tokio_postgres::Row| {
                let (ring, generation): (String, i64) = (row.try_get(0).map_err(odd)?, row.try_get(1).map_err(odd)?);
                let body: &[u8] = row.try_get(2).map_err(odd)?;
                codec::decode(&name(&ring, generation), body)
                    .map_err(|error| error.about(&format!("the stored key {generation} of {ring}")))
            };
            rows.iter().map(key).collect()
        })
    }

    fn publish(&self, expected: Option<u32>, key: StoredKey) -> Pending<'_, bool> {
        Box::pin(async move {
            check_key(&key)?;
            if Some(key.generation) != expected.unwrap_or(0).checked_add(1) {
                return Ok(false);
            }
            let body = codec::encode(&name(&key.ring, key.generation.into()), &key)?;
            let query = || {
                let params = vec![param(key.ring.clone()), param(expected.map(i64::from)), param(body.clone())];
                Query::write(PUBLISH_KEY, params)
            };
            Ok(!self.links()?.write(query).await?.is_empty())
        })
    }

    fn drop_up_to<'a>(&'a self, ring: &'a str, generation: u32) -> Pending<'a, ()> {
        Box::pin(async move {
            let query = || Query::write(DROP_KEYS, vec![param(ring.to_owned()), param(i64::from(generation))]);
            self.links()?.write(query).await.map(drop)
        })
    }
}
