//! The look of `jeton doctor` at a cell: the gate rule by rule, the schema, and how long a confirmation takes.

use std::time::Duration;

use super::admit::{Admitted, confirm};
use super::cell_check::{CellCheck, CellCheckStatus};
use super::config::PostgresConfig;
use super::connect::CONFIRMATION;
use super::dial::{CONNECT, Dialer};
use super::examine_primary;
use super::facts;
use super::gate::{self, Expected, RuleOutcome};
use super::schema::NEWEST;
use super::settings::settings;
use crate::metrics::Stopwatch;

/// Number of confirmations that are timed.
const TRIES: usize = 5;

/// Looks at every host of the one cell.
pub(crate) async fn examine(config: &PostgresConfig) -> Vec<CellCheck> {
    let mut checks = Vec::new();
    let (dialer, expected) = match settings(config) {
        Ok(settings) => settings,
        Err(error) => {
            checks.push(CellCheck {
                check: "store_settings",
                status: CellCheckStatus::Bad,
                message: error.to_string(),
            });
            return checks;
        }
    };
    let mut primaries = 0;
    for host in 0..dialer.hosts.len() {
        primaries += usize::from(look(&dialer, &expected, host, &mut checks).await);
    }
    if primaries == 0 {
        let message = "store.postgres.cells[0]: none of the hosts is a primary; start one, or look at what chooses it";
        checks.push(CellCheck { check: "store_primary", status: CellCheckStatus::Bad, message: message.to_owned() });
    }
    checks
}

/// Looks at one host; returns whether it is a primary.
async fn look(dialer: &Dialer, expected: &Expected, host: usize, checks: &mut Vec<CellCheck>) -> bool {
    let place = format!("store.postgres.cells[0] {}", dialer.name(host));
    let mut add = |check, status, message: String| {
        checks.push(CellCheck { check, status, message: format!("{place}: {message}") });
    };
    let connection = match dialer.connect(host).await {
        Ok(connection) => connection,
        Err(reason) => {
            let advice = "is it running, and does its pg_hba.conf admit the role?";
            add("store_host", CellCheckStatus::Bad, format!("{reason}; {advice}"));
            return false;
        }
    };
    let facts = match tokio::time::timeout(CONNECT, facts::ask(&connection)).await {
        Ok(Ok(facts)) => facts,
        Ok(Err(failure)) => {
            add("store_host", CellCheckStatus::Bad, format!("{}; look at the server's log", failure.reason));
            return false;
        }
        Err(_) => {
            add("store_host", CellCheckStatus::Bad, "no answer in time; look at the server's load".to_owned());
            return false;
        }
    };
    for verdict in gate::judge(&facts, expected) {
        let (status, message) = match &verdict.outcome {
            RuleOutcome::Passed => (CellCheckStatus::Good, verdict.found),
            RuleOutcome::Waived => (
                CellCheckStatus::Waived,
                format!("{}; store.postgres.allow_unsafe_engine says it need not be otherwise", verdict.found),
            ),
            // one of several hosts may well be a standby
            RuleOutcome::Failed { .. } if verdict.rule == "primary" => (CellCheckStatus::Good, verdict.found),
            RuleOutcome::Failed { advice, .. } => (CellCheckStatus::Bad, format!("{}; {advice}", verdict.found)),
        };
        add(if verdict.rule == "schema" { "store_schema" } else { "store_gate" }, status, message);
    }
    if facts.in_recovery {
        return false;
    }
    if facts.meta.as_ref().is_some_and(|meta| meta.schema >= NEWEST) {
        match tokio::time::timeout(CONFIRMATION, examine_primary::look(&connection)).await {
            Ok(Ok(findings)) => findings.into_iter().for_each(|(check, status, message)| add(check, status, message)),
            Ok(Err(failure)) => {
                add("store_state", CellCheckStatus::Bad, format!("{}; look at the server's log", failure.reason))
            }
            Err(_) => {
                add("store_state", CellCheckStatus::Bad, "no answer in time; look at the server's load".to_owned())
            }
        }
    }
    let (status, message) = confirmations(Admitted { connection, timeline: facts.timeline, outage: None }).await;
    add("store_confirmation", status, message);
    true
}

async fn confirmations(mut admitted: Admitted) -> (CellCheckStatus, String) {
    let mut times = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let watch = Stopwatch::start();
        match tokio::time::timeout(CONFIRMATION, confirm(admitted)).await {
            Ok(Ok(same)) => admitted = same,
            Ok(Err(reason)) => return (CellCheckStatus::Bad, format!("a commit failed: {reason}")),
            Err(_) => {
                let message = format!(
                    "a commit was not confirmed within {} s; are the standbys of synchronous_standby_names there?",
                    CONFIRMATION.as_secs()
                );
                return (CellCheckStatus::Bad, message);
            }
        }
        times.push(watch.elapsed());
    }
    times.sort_unstable();
    let shown = |time: Option<&Duration>| format!("{:.1} ms", time.map_or(0.0, Duration::as_secs_f64) * 1000.0);
    let (middle, last) = (shown(times.get(TRIES / 2)), shown(times.last()));
    (
        CellCheckStatus::Good,
        format!("{TRIES} commits were confirmed, the middle one in {middle}, the slowest in {last}"),
    )
}
