//! The facts about a server that the gate judges.

use serde::Deserialize;
use tokio_postgres::Row;

use super::connection::ServerConnection;
use super::failure::{FailureKind, SqlFailure};
use super::query::Query;
use crate::clock::Time;
use crate::state::Outage;

/// The settings and the state of a server, as a session sees them.
#[derive(Clone, Debug)]
pub(super) struct ServerFacts {
    pub(super) in_recovery: bool,
    /// As `server_version_num`.
    pub(super) version: i32,
    pub(super) encoding: String,
    pub(super) fsync: String,
    pub(super) full_page_writes: String,
    pub(super) synchronous_commit: String,
    pub(super) synchronous_standby_names: String,
    /// The timeline that it writes; 0 for a standby.
    pub(super) timeline: u32,
    /// The identity of the database, if it has the tables.
    pub(super) meta: Option<MetaRow>,
}

/// The row of the table `meta`; columns of later schemas are at their defaults where there are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct MetaRow {
    pub(super) schema: i32,
    /// The oldest schema whose programs work with this one.
    #[serde(default)]
    pub(super) oldest: i32,
    pub(super) deployment: String,
    pub(super) cell: i32,
    /// Beginning and end of the last outage, in milliseconds since the Unix epoch; 0 if there was none.
    #[serde(default)]
    pub(super) outage_began: u64,
    #[serde(default)]
    pub(super) recovered_at: u64,
}

impl MetaRow {
    #[cfg(test)]
    pub(super) fn of(schema: i32, deployment: &str, cell: i32) -> Self {
        let deployment = deployment.to_owned();
        Self { schema, oldest: schema, deployment, cell, outage_began: 0, recovered_at: 0 }
    }

    /// Returns the last outage that was written down.
    pub(super) fn outage(&self) -> Option<Outage> {
        let moment = Time::from_millis;
        let outage = Outage { began: moment(self.outage_began), ended: moment(self.recovered_at) };
        (self.recovered_at > 0).then_some(outage)
    }
}

// the timeline is that of the log being written: the control file's is the old one until a checkpoint after a promotion
const FACTS: &str = "SELECT pg_is_in_recovery(), current_setting('server_version_num')::integer, \
    current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), \
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END, \
    to_regclass('meta') IS NOT NULL";

// whatever columns its schema has
const META: &str = "SELECT to_jsonb(meta)::text FROM meta";

/// Asks the server behind a connection.
pub(super) async fn ask(connection: &ServerConnection) -> Result<ServerFacts, SqlFailure> {
    let rows = connection.run(Query::read(FACTS, Vec::new())).await?;
    let row = only(&rows)?;
    let (text, odd) = (|index: usize| row.try_get::<_, String>(index), |error| SqlFailure::of(&error));
    let segment: Option<String> = row.try_get(7).map_err(odd)?;
    let timeline = segment.and_then(|name| u32::from_str_radix(name.get(..8)?, 16).ok());
    let has_meta: bool = row.try_get(8).map_err(odd)?;
    let meta = if has_meta { meta(connection).await? } else { None };
    Ok(ServerFacts {
        in_recovery: row.try_get(0).map_err(odd)?,
        version: row.try_get(1).map_err(odd)?,
        encoding: text(2).map_err(odd)?,
        fsync: text(3).map_err(odd)?,
        full_page_writes: text(4).map_err(odd)?,
        synchronous_commit: text(5).map_err(odd)?,
        synchronous_standby_names: text(6).map_err(odd)?,
        timeline: timeline.unwrap_or(0),
        meta,
    })
}

async fn meta(connection: &ServerConnection) -> Result<Option<MetaRow>, SqlFailure> {
    let rows = connection.run(Query::read(META, Vec::new())).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let json: &str = row.try_get(0).map_err(|error| SqlFailure::of(&error))?;
    let odd = |error: serde_json::Error| SqlFailure::new(FailureKind::Unknown, format!("the table meta: {error}"));
    serde_json::from_str(json).map(Some).map_err(odd)
}

/// Returns the first row of an answer that always has one.
pub(super) fn only(rows: &[Row]) -> Result<&Row, SqlFailure> {
    rows.first().ok_or_else(|| SqlFailure::new(FailureKind::Unknown, "a server answered without a row"))
}
