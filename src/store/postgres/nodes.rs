//! The register of the nodes in a table.

use std::collections::BTreeMap;

use tokio_postgres::Row as SqlRow;

use super::Postgres;
use super::query::{Query, param};
use super::reads::{odd, unsigned};
use super::statements::{BEAT, LEAVE};
use crate::clock::Time;
use crate::id::Id;
use crate::metrics::Stopwatch;
use crate::store::nodes::{ALIVE, Heartbeat, NodeInfo, Nodes};
use crate::store::{Pending, StoreError};

/// Reads the row of a node.
fn node(row: &SqlRow) -> Result<NodeInfo, StoreError> {
    let id: &[u8] = row.try_get(2).map_err(odd)?;
    let id = id.try_into().map_err(|_| StoreError::Corrupt("the id of a node has not 16 bytes".to_owned()))?;
    Ok(NodeInfo {
        id: Id(id),
        name: row.try_get(0).map_err(odd)?,
        version: row.try_get(3).map_err(odd)?,
        settings: row.try_get(4).map_err(odd)?,
        master_keys: row.try_get(5).map_err(odd)?,
    })
}

impl Nodes for Postgres {
    fn beat<'a>(&'a self, own: &'a NodeInfo) -> Pending<'a, Heartbeat> {
        Box::pin(async move {
            let query = || {
                let NodeInfo { id, name, version, settings, master_keys } = own.clone();
                let alive = i64::try_from(ALIVE).unwrap_or(i64::MAX);
                let texts = [name, version, settings].map(param);
                let params = std::iter::once(param(id.0.to_vec())).chain(texts);
                Query::write(BEAT, params.chain([param(master_keys), param(alive)]).collect())
            };
            let (mut others, mut versions) = (Vec::new(), BTreeMap::new());
            let asked = Stopwatch::start();
            for row in &self.links()?.write(query).await? {
                let (name, number): (Option<String>, Option<i64>) =
                    (row.try_get(0).map_err(odd)?, row.try_get(1).map_err(odd)?);
                match (name, number.map(unsigned)) {
                    (Some(topic), Some(version)) => drop(versions.insert(topic, version)),
                    (None, Some(millis)) => drop(self.time.answered(Time::from_millis(millis), asked)),
                    (_, None) => others.push(node(row)?),
                }
            }
            Ok(Heartbeat { others, versions, now: self.time.measured() })
        })
    }

    fn leave(&self, id: Id) -> Pending<'_, ()> {
        Box::pin(async move {
            let query = || Query::write(LEAVE, vec![param(id.0.to_vec())]);
            self.links()?.write(query).await.map(drop)
        })
    }
}
