//! The schema of the tables, and the steps that lead to it.
//!
//! Each step is one transaction under an advisory lock that nothing else takes, and can be read by the release before, so
//! that nodes can be replaced one by one. A node itself never changes the schema: it names the command that does.

use std::time::Duration;

use super::config::PostgresConfig;
use super::connection::ServerConnection;
use super::dial::Dialer;
use super::facts::{self, ServerFacts};
use super::failure::unavailable;
use super::gate::{self, Expected, Verdict};
use super::query::{Query, param};
use super::schema::{NEWEST, STEPS};
use super::settings::settings;
use crate::store::StoreError;

/// Longest time for all steps.
const LIMIT: Duration = Duration::from_secs(3600);

/// Number of the advisory lock: the bytes `jeton` and a zero.
const LOCK: &str = "SELECT pg_advisory_xact_lock(117137250414080)::text";
const HAS_SCHEMA: &str = "SELECT to_regnamespace($1::text) IS NOT NULL";
const FIRST_META: &str = "INSERT INTO meta (schema, deployment, cell) VALUES ($1, $2, $3)";
const NEXT_META: &str = "UPDATE meta SET schema = $1";

/// The schema of a database against the one of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MigrationState {
    /// The schema of the database; 0 if it has no tables of jeton.
    pub found: i32,
    /// The schema that [`migrate`] leads to.
    pub newest: i32,
}

/// Returns the schema of the database.
///
/// # Errors
/// If there is no primary, or it is another database than the settings say.
pub(crate) async fn migration_state(config: &PostgresConfig) -> Result<MigrationState, StoreError> {
    let (dialer, expected) = settings(config)?;
    let (_, facts) = primary(&dialer, &expected).await?;
    Ok(MigrationState { found: schema(&facts), newest: NEWEST })
}

/// Leads the schema of the database to the newest that this program knows; returns the state before.
///
/// # Errors
/// If there is no primary, it is another database than the settings say, the schema is newer than this program knows, or a
/// step fails: then the steps before it stay, and it can be run again.
pub(crate) async fn migrate(config: &PostgresConfig) -> Result<MigrationState, StoreError> {
    let (dialer, expected) = settings(config)?;
    let (connection, _) = primary(&dialer, &expected).await?;
    let steps = steps(&connection, &dialer.cell().schema, &expected);
    tokio::time::timeout(LIMIT, steps).await.unwrap_or_else(|_| Err(unavailable("a step takes too long")))
}

fn schema(facts: &ServerFacts) -> i32 {
    facts.meta.as_ref().map_or(0, |meta| meta.schema)
}

/// Connects to the primary; the tables may be missing or of any schema.
async fn primary(dialer: &Dialer, expected: &Expected) -> Result<(ServerConnection, ServerFacts), StoreError> {
    let mut reasons = Vec::new();
    for host in 0..dialer.hosts.len() {
        let found = async {
            let connection = dialer.connect(host).await?;
            let facts = facts::ask(&connection).await.map_err(|failure| failure.reason)?;
            let matters =
                |verdict: &&Verdict| ["primary", "version", "encoding", "deployment", "cell"].contains(&verdict.rule);
            let verdicts = gate::judge(&facts, expected);
            match verdicts.iter().filter(matters).find_map(Verdict::failure) {
                Some((reason, _)) => Err(reason),
                None => Ok((connection, facts)),
            }
        };
        match found.await {
            Ok(found) => return Ok(found),
            Err(reason) => reasons.push(format!("{}: {reason}", dialer.name(host))),
        }
    }
    Err(unavailable(reasons.join("; ")))
}

async fn steps(
    connection: &ServerConnection,
    namespace: &str,
    expected: &Expected,
) -> Result<MigrationState, StoreError> {
    let failed = |what: &str, reason: String| unavailable(format!("{what}: {reason}"));
    let mut before = None;
    loop {
        let begin = async {
            connection.script("BEGIN").await?;
            connection.run(Query::read(LOCK, Vec::new())).await?;
            // the name is checked with the settings
            let known = connection.run(Query::read(HAS_SCHEMA, vec![param(namespace.to_owned())])).await?;
            if !known.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
                connection.script(&format!("CREATE SCHEMA {namespace}")).await?;
            }
            facts::ask(connection).await
        };
        let facts = begin.await.map_err(|failure| failed("the migration cannot begin", failure.reason))?;
        let (found, oldest) = (schema(&facts), facts.meta.as_ref().map_or(0, |meta| meta.oldest));
        let state = *before.get_or_insert(MigrationState { found, newest: NEWEST });
        let step = usize::try_from(found).ok().and_then(|done| STEPS.get(done));
        let Some(step) = step else {
            connection
                .script("ROLLBACK")
                .await
                .map_err(|failure| failed("the migration cannot end", failure.reason))?;
            if found > NEWEST && oldest > NEWEST {
                let reason =
                    format!("the schema is {found}, and this jeton knows those up to {NEWEST}; start a newer one");
                return Err(unavailable(reason));
            }
            return Ok(state);
        };
        let number = found + 1;
        let make = async {
            connection.script(step).await?;
            let meta = if found == 0 {
                let deployment = param(expected.deployment.clone());
                Query::write(FIRST_META, vec![param(number), deployment, param(expected.cell)])
            } else {
                Query::write(NEXT_META, vec![param(number)])
            };
            connection.run(meta).await?;
            connection.script("COMMIT").await
        };
        make.await.map_err(|failure| failed(&format!("step {number} of the migration failed"), failure.reason))?;
    }
}
