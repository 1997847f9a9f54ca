//! The look of `jeton doctor` at the state of a primary: its standbys, its clock, its tables, and the nodes that use it.

use super::cell_check::CellCheckStatus::{self, Bad, Good, Warning};
use super::connection::ServerConnection;
use super::facts;
use super::failure::SqlFailure;
use super::query::{Query, param};
use crate::clock::Clock;
use crate::store::nodes::ALIVE;

/// A finding: the name of the check, the result, and the state in words.
pub(super) type PrimaryFinding = (&'static str, CellCheckStatus, String);

const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
const STANDBYS: &str = "SELECT COALESCE(string_agg(application_name || ' ' || COALESCE(state, '?') || ' ' || \
    COALESCE(sync_state, '?'), ', ' ORDER BY application_name), ''), count(*) FILTER (WHERE state = 'streaming'), \
    count(*), pg_has_role('pg_monitor', 'MEMBER') FROM pg_stat_replication";
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' \
    AND query_start < clock_timestamp() - interval '2 seconds'";
const XIDS: &str = "SELECT max(age(datfrozenxid))::bigint FROM pg_database";
const DEAD: &str = "SELECT COALESCE(n_live_tup, 0), COALESCE(n_dead_tup, 0), \
    COALESCE(to_char(greatest(last_vacuum, last_autovacuum), 'YYYY-MM-DD HH24:MI TZ'), 'never') \
    FROM pg_stat_user_tables WHERE relid = to_regclass('family')";
const SWEEP: &str = "SELECT greatest(0, extract(epoch FROM clock_timestamp())::bigint - min(due)) FROM family";
const NODES: &str = "SELECT count(*), count(DISTINCT settings), count(DISTINCT master_keys), count(DISTINCT version), \
    COALESCE(string_agg(name || ' ' || version, ', ' ORDER BY name), '') FROM node \
    WHERE seen > clock_timestamp() - make_interval(secs => $1::bigint)";

/// Transaction ids that may be in use before an operator should look, and before the server soon takes no more.
const XIDS_MANY: i64 = 1_000_000_000;
const XIDS_TOO_MANY: i64 = 1_800_000_000;
/// Seconds by which a sweep may be late: it is cut in small steps.
const SWEEP_LATE: i64 = 300;

/// Looks at the primary behind a connection.
pub(super) async fn look(connection: &ServerConnection) -> Result<Vec<PrimaryFinding>, SqlFailure> {
    let odd = |error| SqlFailure::of(&error);
    let mut findings = Vec::new();
    let mut add = |check, status, message: String| findings.push((check, status, message));

    let row = one(connection, CLOCK).await?;
    let theirs: i64 = row.try_get(0).map_err(odd)?;
    let ahead = theirs.saturating_sub(Clock::system().now().as_millis().cast_signed());
    let off = format!("its clock is {:.1} s ahead of this machine's", ahead as f64 / 1000.0);
    match ahead.unsigned_abs() {
        0..=1000 => add("store_clock", Good, off),
        _ => add("store_clock", Warning, format!("{off}; nodes follow it, so set both by NTP")),
    }

    let row = one(connection, STANDBYS).await?;
    let (names, streaming): (String, i64) = (row.try_get(0).map_err(odd)?, row.try_get(1).map_err(odd)?);
    let (all, may_see): (i64, bool) = (row.try_get(2).map_err(odd)?, row.try_get(3).map_err(odd)?);
    match (all, streaming) {
        (0, _) => add("store_standbys", Warning, "it has no standby: what it lost nobody has".to_owned()),
        (_, 0) if !may_see => {
            let message = format!("{all} standbys, of which the role sees nothing; GRANT pg_monitor to it");
            add("store_standbys", Warning, message);
        }
        (_, 0) => add("store_standbys", Bad, format!("no standby streams: {names}; look at their logs")),
        _ => add("store_standbys", Good, format!("{streaming} of {all} standbys stream: {names}")),
    }

    let waiting: i64 = one(connection, WAITING).await?.try_get(0).map_err(odd)?;
    match waiting {
        0 => add("store_commits", Good, "no commit waits for standbys".to_owned()),
        _ => add("store_commits", Bad, format!("{waiting} commits wait for standbys for over 2 s; look at those")),
    }

    let xids: i64 = one(connection, XIDS).await?.try_get(0).map_err(odd)?;
    let used = format!("{} million transaction ids are in use", xids / 1_000_000);
    match xids {
        XIDS_TOO_MANY.. => add("store_transaction_ids", Bad, format!("{used}, of 2,000; run VACUUM FREEZE now")),
        XIDS_MANY.. => add("store_transaction_ids", Warning, format!("{used}; look why autovacuum does not keep up")),
        _ => add("store_transaction_ids", Good, used),
    }

    if let Some(row) = rows(connection, DEAD).await?.first() {
        let (live, dead): (i64, i64) = (row.try_get(0).map_err(odd)?, row.try_get(1).map_err(odd)?);
        let vacuumed: String = row.try_get(2).map_err(odd)?;
        let message = format!("family: about {live} rows, {dead} dead ones, vacuumed {vacuumed}");
        let many = dead > 100_000 && dead > live / 2;
        let advice = "; look why autovacuum does not keep up";
        add("store_rows", if many { Warning } else { Good }, if many { message + advice } else { message });
    }
    let late: Option<i64> = one(connection, SWEEP).await?.try_get(0).map_err(odd)?;
    match late.unwrap_or(0) {
        0..=SWEEP_LATE => add("store_sweep", Good, "expired rows are deleted in time".to_owned()),
        late => {
            add("store_sweep", Warning, format!("rows that expired {late} s ago are still there; is a node running?"))
        }
    }
    findings.extend(nodes(connection).await?);
    Ok(findings)
}

async fn nodes(connection: &ServerConnection) -> Result<Option<PrimaryFinding>, SqlFailure> {
    let odd = |error| SqlFailure::of(&error);
    let alive = vec![param(i64::try_from(ALIVE).unwrap_or(i64::MAX))];
    let found = connection.run(Query::read(NODES, alive)).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let (many, names): (i64, String) = (row.try_get(0).map_err(odd)?, row.try_get(4).map_err(odd)?);
    let mut differ = Vec::new();
    for (column, what) in [(1, "settings"), (2, "master keys"), (3, "versions")] {
        let kinds: i64 = row.try_get(column).map_err(odd)?;
        if kinds > 1 {
            differ.push(format!("{kinds} different {what}"));
        }
    }
    Ok(Some(match (many, differ.is_empty()) {
        (0, _) => ("store_nodes", Good, "no node runs".to_owned()),
        (_, true) => ("store_nodes", Good, format!("{many} nodes run, all alike: {names}")),
        (_, false) => {
            let message = format!("{many} nodes run with {}: {names}; make them alike", differ.join(" and "));
            ("store_nodes", Warning, message)
        }
    }))
}

async fn rows(connection: &ServerConnection, text: &'static str) -> Result<Vec<tokio_postgres::Row>, SqlFailure> {
    connection.run(Query::read(text, Vec::new())).await
}

async fn one(connection: &ServerConnection, text: &'static str) -> Result<tokio_postgres::Row, SqlFailure> {
    let mut found = rows(connection, text).await?;
    facts::only(&found)?;
    Ok(found.swap_remove(0))
}
