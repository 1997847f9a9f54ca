//! The rules of the URLs in the settings of an issuer.

use url::Url;

use super::error::{BrokenSetting, refuse};
use crate::protocol::uri;

/// Checks the issuer identifier (RFC 8414 section 2).
pub(super) fn check_issuer(issuer: &str) -> Result<(), BrokenSetting> {
    const SETTING: &str = "url";
    let Ok(url) = Url::parse(issuer) else { return refuse(SETTING, issuer, "must be an absolute URL") };
    if !is_protected(&url) {
        return refuse(SETTING, issuer, "must be https, or http on a loopback address");
    }
    let escaped = issuer.contains('%') || url.as_str().contains('%');
    if escaped || issuer.ends_with('/') || issuer.contains(['?', '#']) || !url.username().is_empty() {
        return refuse(SETTING, issuer, "no slash at the end, no query, fragment, user or percent-escape");
    }
    check_canonical(SETTING, issuer)
}

/// Refuses a URL that is not its own canonical form.
pub(super) fn check_canonical(setting: &'static str, url: &str) -> Result<(), BrokenSetting> {
    uri::canonical(url).map(|_| ()).or_else(|error| refuse(setting, url, error.to_string()))
}

/// Checks an origin that may call from a browser.
pub(super) fn check_origin(origin: &str) -> Result<(), BrokenSetting> {
    const SETTING: &str = "allowed_origins";
    if origin.contains('*') || origin == "null" {
        return refuse(SETTING, origin, "there are no wildcards, and null is anybody's: name each origin");
    }
    match uri::origin(origin) {
        Ok(()) => Ok(()),
        Err(uri::UriError::Form(right)) => {
            let rule = format!("origins as browsers send them, without path and slash; write `{right}`");
            refuse(SETTING, origin, rule)
        }
        Err(_) => refuse(SETTING, origin, "origins like https://app.example or capacitor://localhost, without path"),
    }
}

/// Returns whether a URL is https, or http on this machine.
pub(super) fn is_protected(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// Returns whether a person can be sent to a page.
pub(super) fn is_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_protected(&url) && url.fragment().is_none())
}
