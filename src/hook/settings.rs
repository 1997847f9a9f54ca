//! A hook as it stands in the configuration.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::protocol::uri;

/// The settings of a hook, as they stand in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSettings {
    /// https, or http on a loopback address; no user, no fragment.
    pub url: String,
    /// A secret file with a token that is sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// PEM certificates that an https hook is trusted by; absent means the authorities that browsers trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Longest duration of a call, with everything.
    #[serde(default = "two_seconds", with = "humantime_serde")]
    pub timeout: Duration,
    /// Calls in flight at a time; more are refused at once.
    #[serde(default = "sixty_four")]
    pub max_in_flight: usize,
    /// Failures in a row after which the hook is left alone.
    #[serde(default = "five")]
    pub breaker_failures: u32,
    /// Pause before one call tries it again.
    #[serde(default = "five_seconds", with = "humantime_serde")]
    pub breaker_pause: Duration,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn sixty_four() -> usize {
    64
}

fn five() -> u32 {
    5
}

impl HookSettings {
    /// The defaults for the hook at `url`.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            token_file: None,
            ca_file: None,
            timeout: two_seconds(),
            max_in_flight: sixty_four(),
            breaker_failures: five(),
            breaker_pause: five_seconds(),
        }
    }

    /// The URL, if every setting keeps its rule.
    ///
    /// # Errors
    /// The first that does not: its name, its value and the rule.
    pub fn check(&self) -> Result<Url, (&'static str, String, Cow<'static, str>)> {
        let spans = [
            ("timeout", self.timeout, Duration::from_secs(10), "10ms to 10s"),
            ("breaker_pause", self.breaker_pause, Duration::from_secs(600), "10ms to 10m"),
        ];
        for (setting, span, most, rule) in spans {
            if span < Duration::from_millis(10) || span > most {
                return Err((setting, format!("{span:?}"), rule.into()));
            }
        }
        if !(1..=4096).contains(&self.max_in_flight) {
            return Err(("max_in_flight", self.max_in_flight.to_string(), "1 to 4096".into()));
        }
        if !(1..=1000).contains(&self.breaker_failures) {
            return Err(("breaker_failures", self.breaker_failures.to_string(), "1 to 1000".into()));
        }
        let rule = "https, or http on a loopback address; no user and no fragment";
        let parsed = Url::parse(&self.url).ok().filter(is_acceptable);
        parsed.ok_or_else(|| ("url", uri::shown(&self.url), rule.into()))?;
        uri::canonical(&self.url).map_err(|error| ("url", uri::shown(&self.url), error.to_string().into()))
    }
}

fn is_acceptable(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || url.scheme() == "http" && loopback;
    scheme && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}
