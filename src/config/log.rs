//! The section `log`: the lines on standard error.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::setting::SettingError;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// The log on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Format of the lines.
    pub format: LogFormat,
    /// Filter: a level, or directives like `info,access=warn`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info,ractor=warn".to_owned() }
    }
}

impl LogConfig {
    /// Checks the filter.
    ///
    /// # Errors
    /// If it is not a list of directives.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let parsed = EnvFilter::try_new(&self.filter);
        parsed.map(drop).map_err(|error| SettingError::new("filter", &self.filter, error.to_string()))
    }
}
