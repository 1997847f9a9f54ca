//! Failures of statements, by what may have been done.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::cause::chain;
use crate::store::StoreError;

/// The effect of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Only reads, or writes nothing but a message to the log.
    Read,
    /// Changes rows.
    Write,
}

/// The failure of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SqlFailure {
    pub(super) kind: FailureKind,
    /// The reason, for the operator; holds no value of a row.
    pub(super) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// Another transaction was first; nothing was done.
    Conflict,
    /// Nothing was done; the connection is good.
    Refused,
    /// Perhaps done; the connection is good.
    Unknown,
    /// Perhaps done; the connection is of no use any more.
    Broken,
    /// Perhaps done, or yet to be: the statement still runs.
    Late,
}

impl SqlFailure {
    pub(super) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    /// Makes the failure of a statement that was sent.
    pub(super) fn of(error: &Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Self::new(kind(refusal), format!("{} ({})", refusal.message(), refusal.code().code())),
            None => Self::new(FailureKind::Broken, chain(error)),
        }
    }

    /// Makes the failure of a statement that was not sent.
    pub(super) fn not_sent(self) -> Self {
        let kind = if self.kind == FailureKind::Unknown { FailureKind::Refused } else { self.kind };
        Self { kind, ..self }
    }

    /// Converts the failure for whoever asked: what cannot have been done is unavailable, the rest indeterminate.
    pub(super) fn into_store_error(self, effect: Effect) -> StoreError {
        let Self { kind, reason } = self;
        match (effect, kind) {
            (Effect::Read, _) | (Effect::Write, FailureKind::Conflict | FailureKind::Refused) => {
                StoreError::Unavailable { reason }
            }
            (Effect::Write, FailureKind::Unknown | FailureKind::Broken | FailureKind::Late) => {
                StoreError::Indeterminate { reason }
            }
        }
    }
}

fn kind(refusal: &DbError) -> FailureKind {
    let code = refusal.code();
    // 25006: the server has become a standby
    if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE {
        FailureKind::Conflict
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || code.code().starts_with("57P")
        || code.code().starts_with("08")
        || matches!(refusal.severity(), "FATAL" | "PANIC")
    {
        FailureKind::Broken
    } else if code.code().starts_with("53") {
        FailureKind::Refused
    } else {
        FailureKind::Unknown
    }
}

/// Makes the error of an engine that was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable { reason: "it is closed".to_owned() }
}

/// Makes the error of an engine that cannot be used now.
pub(super) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable { reason: reason.into() }
}
