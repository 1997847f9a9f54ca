//! The last outage of the cell. Each node that sees one writes it down, for those that start later.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::connection::ServerConnection;
use super::failure::SqlFailure;
use super::query::{Query, param};
use super::reads::unsigned;
use super::statements::NOTE_OUTAGE;
use super::time::EngineTime;
use crate::clock::Time;
use crate::state::{GRACE_AFTER_OUTAGE, Outage};

/// Shortest time without a commit that counts: more than two looks at a slow primary are apart, and an answer that is lost
/// in a shorter one is asked for again in time.
pub(super) const SHORTEST: Duration = Duration::from_secs(3);

/// The last outage that this node knows of.
#[derive(Debug, Default)]
pub(super) struct LastOutage(Mutex<Option<Outage>>);

impl LastOutage {
    pub(super) fn get(&self) -> Option<Outage> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an outage that this or another node saw.
    pub(super) fn learn(&self, seen: Outage) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(last.map_or(seen, |known| known.joined(seen, GRACE_AFTER_OUTAGE)));
    }
}

/// Writes down that the cell was away for `length` until now, and learns what the database makes of it.
pub(super) async fn note(
    connection: &ServerConnection,
    length: Duration,
    time: &EngineTime,
    last: &LastOutage,
) -> Result<(), SqlFailure> {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let now = time.fixed().map(|now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let params = vec![param(millis(length)), param(millis(GRACE_AFTER_OUTAGE)), param(now)];
    let rows = connection.run(Query::write(NOTE_OUTAGE, params)).await?;
    let moment = |index| -> Result<Time, tokio_postgres::Error> {
        rows.first().map_or(Ok(Time::ZERO), |row| row.try_get(index).map(unsigned).map(Time::from_millis))
    };
    let (began, ended) = (moment(0), moment(1));
    let odd = |error| SqlFailure::of(&error);
    last.learn(Outage { began: began.map_err(odd)?, ended: ended.map_err(odd)? });
    Ok(())
}
