//! The error of a setting that breaks its rule, for every room that has settings.

use std::borrow::Cow;
use std::time::Duration;

use crate::credential::shown;

/// Shortest period or deadline: below it every request is late, and a timer of zero never rests.
const SHORTEST: Duration = Duration::from_millis(10);

/// A setting whose value breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {rule} (it is {value})", value = shown(value))]
pub struct SettingError {
    /// The path of the setting, such as `store.queue.timeout`; below its section until [`SettingError::within`].
    pub setting: String,
    /// The value, as a person wrote it.
    pub value: String,
    /// The rule that it breaks.
    pub rule: Cow<'static, str>,
}

impl SettingError {
    /// Makes the error of `setting`, which is `value`.
    pub fn new(setting: impl Into<String>, value: impl ToString, rule: impl Into<Cow<'static, str>>) -> Self {
        Self { setting: setting.into(), value: value.to_string(), rule: rule.into() }
    }

    /// Puts the name of `section` before the setting.
    pub fn within(self, section: &str) -> Self {
        Self { setting: format!("{section}.{}", self.setting), ..self }
    }
}

/// Checks that `value` is long enough for a period or a deadline.
///
/// # Errors
/// If it is below 10 ms.
pub(crate) fn check_period(setting: &str, value: Duration) -> Result<(), SettingError> {
    if value < SHORTEST { Err(SettingError::new(setting, format!("{value:?}"), "at least 10ms")) } else { Ok(()) }
}
