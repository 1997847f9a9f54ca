//! A setting of an issuer that breaks a rule.

use std::borrow::Cow;

/// A setting that breaks a rule; the message names setting, value and rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuers.{issuer}.{setting}: {rule} (it is {value})")]
pub struct IssuerError {
    pub(super) issuer: String,
    pub(super) setting: &'static str,
    pub(super) value: String,
    pub(super) rule: Cow<'static, str>,
}

/// Setting, value and rule of a setting that breaks a rule.
pub(super) type BrokenSetting = (&'static str, String, Cow<'static, str>);

/// Refuses a setting.
pub(super) fn refuse<T>(
    setting: &'static str,
    value: impl Into<String>,
    rule: impl Into<Cow<'static, str>>,
) -> Result<T, BrokenSetting> {
    Err((setting, value.into(), rule.into()))
}
