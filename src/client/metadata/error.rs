//! Metadata that breaks a rule.

use std::borrow::Cow;
use std::fmt::Display;

use crate::protocol::uri::shown;

/// Metadata that asks for what it may not have; names the field, the value and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule} (it is {value})")]
pub struct MetadataError {
    field: &'static str,
    value: String,
    rule: Cow<'static, str>,
}

pub(super) fn refuse<T>(
    field: &'static str,
    value: impl Display,
    rule: impl Into<Cow<'static, str>>,
) -> Result<T, MetadataError> {
    Err(MetadataError { field, value: shown(&value.to_string()), rule: rule.into() })
}
