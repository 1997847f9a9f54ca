//! A statement with its parameters.

use std::error::Error;
use std::fmt::{Debug, Formatter};

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::failure::Effect;
use super::metrics::SqlStep;

/// A parameter of a statement.
pub(super) type Param = Box<dyn ToSql + Send + Sync>;

/// A statement with its parameters.
pub(super) struct Query {
    /// The text, by which a connection finds the prepared statement.
    pub(super) text: &'static str,
    pub(super) params: Vec<Param>,
    pub(super) effect: Effect,
    pub(super) step: SqlStep,
}

impl Query {
    pub(super) fn read(text: &'static str, params: Vec<Param>) -> Self {
        Self { text, params, effect: Effect::Read, step: SqlStep::Other }
    }

    pub(super) fn write(text: &'static str, params: Vec<Param>) -> Self {
        Self { text, params, effect: Effect::Write, step: SqlStep::Other }
    }

    /// Has the time of the statement counted as that of `step`.
    pub(super) fn timed(self, step: SqlStep) -> Self {
        Self { step, ..self }
    }
}

/// Boxes a parameter. The driver writes parameters to its log at the level `debug`, where rows and sealed grants have no
/// place, so this one does not show itself.
pub(super) fn param<T: ToSql + Send + Sync + 'static>(value: T) -> Param {
    Box::new(Hidden(value))
}

struct Hidden<T>(T);

impl<T> Debug for Hidden<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl<T: ToSql> ToSql for Hidden<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_does_not_show_itself() {
        assert_eq!(format!("{:?}", param(vec![b"sealed".to_vec()])), "_");
    }
}
