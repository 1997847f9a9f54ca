//! The rules of the lifetimes and intervals in the settings of an issuer.

use std::time::Duration;

use super::error::{BrokenSetting, refuse};
use super::settings::IssuerSettings;

/// The longest grace of refresh tokens: while it lasts, reuse cannot be told from a lost answer.
pub(crate) const LONGEST_GRACE: Duration = Duration::from_secs(300);

/// Checks each against its least and most.
pub(super) fn check(s: &IssuerSettings) -> Result<(), BrokenSetting> {
    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);
    const OF_ACCESS: &str = "1s up to longest_access_token";
    let longest = s.longest_access_token;
    let spans = [
        ("code_lifetime", s.code_lifetime, SECOND, 60 * SECOND, "1s to 60s (RFC 6749 section 4.1.2, OAuth 2.1)"),
        ("longest_access_token", longest, SECOND, 7 * DAY, "1s to 7d"),
        ("access_token_lifetime", s.access_token_lifetime, SECOND, longest, OF_ACCESS),
        ("id_token_lifetime", s.id_token_lifetime, SECOND, longest, OF_ACCESS),
        ("refresh_token_lifetime", s.refresh_token_lifetime, SECOND, 3660 * DAY, "1s to 10 years"),
        (
            "refresh_token_idle_lifetime",
            s.refresh_token_idle_lifetime,
            SECOND,
            s.refresh_token_lifetime,
            "1s up to refresh_token_lifetime",
        ),
        ("refresh_token_grace", s.refresh_token_grace, Duration::ZERO, LONGEST_GRACE, "0s to 5m"),
        ("device_code_lifetime", s.device_code_lifetime, 30 * SECOND, 3600 * SECOND, "30s to 1h"),
        ("device_interval", s.device_interval, SECOND, 60 * SECOND, "1s to 60s"),
        ("key_announce", s.key_announce, SECOND, 30 * DAY, "1s to 30d"),
        ("key_period", s.key_period, 2 * s.key_announce, 3660 * DAY, "at least twice key_announce"),
    ];
    for (setting, value, least, most, rule) in spans {
        if value < least || value > most {
            return refuse(setting, humantime(value), rule);
        }
    }
    Ok(())
}

/// A duration as it is written in the configuration.
fn humantime(span: Duration) -> String {
    let text = serde_json::to_value(humantime_serde::Serde::from(span)).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}
