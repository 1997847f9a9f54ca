//! The section `log`: the lines on standard error.

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{LevelFilter, Targets};

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
    /// Filter: a level, or directives like `info,access=warn`; [`log_filter`] reads it.
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
        log_filter(&self.filter).map(drop).map_err(|rule| SettingError::new("filter", &self.filter, rule))
    }
}

/// Reads a filter: directives with commas between them, each a level for everything, `target=level` for the targets that
/// begin so, or a target alone for all of its lines. The longest target decides; without a directive only errors pass.
///
/// # Errors
/// The directive that is none of these.
pub(crate) fn log_filter(text: &str) -> Result<Targets, String> {
    let directives: Vec<&str> = text.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
    if directives.is_empty() {
        return Ok(Targets::new().with_default(LevelFilter::ERROR));
    }
    directives.into_iter().try_fold(Targets::new(), |targets, directive| {
        let wrong = || format!("`{directive}` is no level (off, error, warn, info, debug, trace) and no target=level");
        let (target, level) = match directive.split_once('=') {
            Some((target, "")) => (target, LevelFilter::TRACE),
            Some((target, level)) => (target, level.parse().map_err(|_| wrong())?),
            None => match directive.parse::<LevelFilter>() {
                Ok(level) => return Ok(targets.with_default(level)),
                Err(_) => (directive, LevelFilter::TRACE),
            },
        };
        let named = target.starts_with(|first: char| first.is_alphanumeric() || "-_:".contains(first));
        if named && !target.contains('[') { Ok(targets.with_target(target, level)) } else { Err(wrong()) }
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_is_a_level_or_directives() {
        let all = |level| Targets::new().with_default(level);
        let cases = [
            ("info", all(LevelFilter::INFO)),
            ("WARN", all(LevelFilter::WARN)),
            ("off", all(LevelFilter::OFF)),
            ("4", all(LevelFilter::DEBUG)),
            ("", all(LevelFilter::ERROR)),
            (",", all(LevelFilter::ERROR)),
            ("info,access=warn", all(LevelFilter::INFO).with_target("access", LevelFilter::WARN)),
            (" info, access=warn ,", all(LevelFilter::INFO).with_target("access", LevelFilter::WARN)),
            ("jeton::http=debug", Targets::new().with_target("jeton::http", LevelFilter::DEBUG)),
            ("audit", Targets::new().with_target("audit", LevelFilter::TRACE)),
            ("audit=", Targets::new().with_target("audit", LevelFilter::TRACE)),
            ("audit=warn,audit=info", Targets::new().with_target("audit", LevelFilter::INFO)),
        ];
        for (text, expected) in cases {
            assert_eq!(log_filter(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_longest_target_decides() {
        let filter = log_filter("warn,jeton=debug,jeton::http=off").unwrap();
        let passes = [
            ("ractor", Level::INFO, false),
            ("ractor", Level::WARN, true),
            ("jeton", Level::DEBUG, true),
            ("jeton::store", Level::DEBUG, true),
            ("jeton::store", Level::TRACE, false),
            ("jeton::http::access", Level::ERROR, false),
        ];
        for (target, level, expected) in passes {
            assert_eq!(filter.would_enable(target, &level), expected, "{target} {level}");
        }
    }

    #[test]
    fn what_is_no_directive_is_named() {
        for (text, named) in [
            ("info,=[=", "=[="),
            ("info,access=loud", "access=loud"),
            ("access=info=warn", "access=info=warn"),
            ("=info", "=info"),
            ("*", "*"),
            // spans and fields
            ("info,[login]=debug", "[login]=debug"),
            ("jeton[login{client=x}]=debug", "jeton[login{client=x}]=debug"),
            ("jeton[login]", "jeton[login]"),
        ] {
            let rule = log_filter(text).unwrap_err();
            assert!(rule.starts_with(&format!("`{named}` is no level")), "{text}: {rule}");
        }
    }
}
