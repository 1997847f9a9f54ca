//! The facts about a server that the gate judges.

use tokio_postgres::Row;

use super::connection::ServerConnection;
use super::failure::SqlFailure;
use super::query::Query;

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

/// The row of the table `meta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetaRow {
    pub(super) schema: i32,
    pub(super) deployment: String,
    pub(super) cell: i32,
}

// the timeline is that of the log being written: the control file's is the old one until a checkpoint after a promotion
const FACTS: &str = "SELECT pg_is_in_recovery(), current_setting('server_version_num')::integer, \
    current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), \
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END, \
    to_regclass('meta') IS NOT NULL";

const META: &str = "SELECT schema, deployment, cell FROM meta";

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
    let odd = |error| SqlFailure::of(&error);
    let rows = connection.run(Query::read(META, Vec::new())).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(MetaRow {
        schema: row.try_get(0).map_err(odd)?,
        deployment: row.try_get(1).map_err(odd)?,
        cell: row.try_get(2).map_err(odd)?,
    }))
}

fn only(rows: &[Row]) -> Result<&Row, SqlFailure> {
    use super::failure::FailureKind::Unknown;
    rows.first().ok_or_else(|| SqlFailure::new(Unknown, "a server answered without a row"))
}
