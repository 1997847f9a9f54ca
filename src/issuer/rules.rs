//! The rules that the settings of an issuer must keep.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{IssuerSettings, LONGEST_GRACE, UserSource, custom, stated};
use crate::federation::trust::Trusted;
use crate::federation::{MAX_PROVIDERS, Provider};
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource::{MAX_RESOURCE, is_audience};
use crate::protocol::scope::Scope;
use crate::protocol::uri;
use crate::token::access::{AccessTokenTyp, MAX_DEPTH};

/// A setting that breaks a rule; the message names setting, value and rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuers.{issuer}.{setting}: {rule} (it is {value})")]
pub struct IssuerError {
    pub(super) issuer: String,
    setting: &'static str,
    value: String,
    rule: Cow<'static, str>,
}

/// What breaks: setting, value, rule.
type Broken = (&'static str, String, Cow<'static, str>);

fn refuse<T>(setting: &'static str, value: impl Into<String>, rule: impl Into<Cow<'static, str>>) -> Result<T, Broken> {
    Err((setting, value.into(), rule.into()))
}

/// What settings that keep every rule come to.
pub(super) struct Checked {
    pub(super) url: Url,
    pub(super) trusted: Vec<Trusted>,
    pub(super) providers: Vec<Arc<Provider>>,
}

/// Checks everything.
pub(super) fn check(id: &str, settings: &IssuerSettings) -> Result<Checked, IssuerError> {
    let all = || {
        let url = check_url(id, settings)?;
        check_spans(settings)?;
        check_values(settings)?;
        stated::check(&settings.metadata).map_err(|(value, rule)| ("metadata", value, rule.into()))?;
        custom::check(&settings.custom_grants).map_err(|(value, rule)| ("custom_grants", value, rule.into()))?;
        Ok(Checked { url, trusted: check_trusted(settings)?, providers: check_providers(settings)? })
    };
    all().map_err(|(setting, value, rule)| IssuerError {
        issuer: id.to_owned(),
        setting,
        value: uri::shown(&value),
        rule,
    })
}

fn check_url(id: &str, s: &IssuerSettings) -> Result<Url, Broken> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        || id.is_empty()
        || id.len() > 64
    {
        return refuse("id", id.to_owned(), "1 to 64 letters, digits, - and _");
    }
    let url = match Url::parse(&s.url) {
        Ok(url) => url,
        Err(_) => return refuse("url", s.url.clone(), "must be an absolute URL"),
    };
    if !is_protected(&url) {
        return refuse("url", s.url.clone(), "must be https, or http on a loopback address");
    }
    let escaped = s.url.contains('%') || url.as_str().contains('%');
    if escaped || s.url.ends_with('/') || s.url.contains(['?', '#']) || !url.username().is_empty() {
        return refuse("url", s.url.clone(), "no slash at the end, no query, fragment, user or percent-escape");
    }
    written("url", &s.url)?;
    Ok(url)
}

fn check_spans(s: &IssuerSettings) -> Result<(), Broken> {
    let day = Duration::from_secs(86_400);
    let spans = [
        (
            "code_lifetime",
            s.code_lifetime,
            Duration::from_secs(1),
            Duration::from_secs(60),
            "1s to 60s (RFC 6749 section 4.1.2, OAuth 2.1)",
        ),
        ("longest_access_token", s.longest_access_token, Duration::from_secs(1), 7 * day, "1s to 7d"),
        (
            "access_token_lifetime",
            s.access_token_lifetime,
            Duration::from_secs(1),
            s.longest_access_token,
            "1s up to longest_access_token",
        ),
        (
            "id_token_lifetime",
            s.id_token_lifetime,
            Duration::from_secs(1),
            s.longest_access_token,
            "1s up to longest_access_token",
        ),
        ("refresh_token_lifetime", s.refresh_token_lifetime, Duration::from_secs(1), 3660 * day, "1s to 10 years"),
        (
            "refresh_token_idle_lifetime",
            s.refresh_token_idle_lifetime,
            Duration::from_secs(1),
            s.refresh_token_lifetime,
            "1s up to refresh_token_lifetime",
        ),
        ("refresh_token_grace", s.refresh_token_grace, Duration::ZERO, LONGEST_GRACE, "0s to 5m"),
        (
            "device_code_lifetime",
            s.device_code_lifetime,
            Duration::from_secs(30),
            Duration::from_secs(3600),
            "30s to 1h",
        ),
        ("device_interval", s.device_interval, Duration::from_secs(1), Duration::from_secs(60), "1s to 60s"),
        ("key_announce", s.key_announce, Duration::from_secs(1), 30 * day, "1s to 30d"),
        ("key_period", s.key_period, 2 * s.key_announce, 3660 * day, "at least twice key_announce"),
    ];
    for (setting, value, least, most, rule) in spans {
        if value < least || value > most {
            return refuse(setting, humantime(value), rule);
        }
    }
    Ok(())
}

fn check_values(s: &IssuerSettings) -> Result<(), Broken> {
    if s.offline_scope.is_empty() || Scope::parse(&s.offline_scope).map_or(true, |scope| scope.tokens().count() != 1) {
        return refuse("offline_scope", s.offline_scope.clone(), "one scope token");
    }
    if s.code_misses == 0 {
        return refuse("code_misses", "0".to_owned(), "at least 1");
    }
    if !(1..=MAX_DEPTH).contains(&s.token_exchange_depth) {
        return refuse("token_exchange_depth", s.token_exchange_depth.to_string(), "1 to 15");
    }
    for (setting, alg) in [("access_token_alg", s.access_token_alg), ("id_token_alg", s.id_token_alg)] {
        if !s.algorithms.contains(&alg) {
            return refuse(setting, alg.name().to_owned(), "must be one of `algorithms`");
        }
    }
    if s.access_token_typ == AccessTokenTyp::Jwt && s.default_audience == "{client_id}" {
        let rule = "at+jwt, while default_audience is {client_id}: such a token would look like an ID token";
        return refuse("access_token_typ", "JWT", rule);
    }
    if let Some(bad) = s.resources.iter().find(|resource| resource.contains('#') || Url::parse(resource).is_err()) {
        return refuse("resources", bad.clone(), "absolute URIs without fragment (RFC 8707 section 2)");
    }
    s.resources.iter().try_for_each(|resource| written("resources", resource))?;
    let unclean = |audience: &str| !uri::is_clean(audience) || audience.len() > MAX_RESOURCE;
    if unclean(&s.default_audience) {
        let rule = "at most 512 characters, no control character and no blank at its ends";
        return refuse("default_audience", s.default_audience.clone(), rule);
    }
    if let Some(bad) = s.audiences.iter().find(|audience| !is_audience(audience)) {
        return refuse("audiences", bad.clone(), "1 to 512 printable characters without space, quote and backslash");
    }
    s.allowed_origins.iter().try_for_each(|origin| check_origin(origin))?;
    if s.grant_types.contains(&GrantType::DEVICE_CODE) && !is_page(&s.verification_uri) {
        let rule = "the device grant needs an https URL, or http on a loopback address, without fragment";
        return refuse("verification_uri", s.verification_uri.clone(), rule);
    }
    for (setting, page) in
        [("verification_uri", &s.verification_uri), ("authorization_endpoint", &s.authorization_endpoint)]
    {
        if page.is_empty() {
            continue;
        }
        if !is_page(page) {
            let rule = "must be an https URL, or http on a loopback address, without fragment";
            return refuse(setting, page.clone(), rule);
        }
        written(setting, page)?;
    }
    s.users.check().map_err(|(setting, value, rule)| (setting, value, rule.into()))?;
    if s.grant_types.contains(&GrantType::PASSWORD) && s.users.source == UserSource::None {
        return refuse("users.source", "none", "the password grant needs \"directory\" or \"webhook\"");
    }
    Ok(())
}

/// Refuses a URL that is not its own canonical form.
fn written(setting: &'static str, url: &str) -> Result<(), Broken> {
    uri::canonical(url).map(|_| ()).or_else(|error| refuse(setting, url, error.to_string()))
}

fn check_origin(origin: &str) -> Result<(), Broken> {
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

fn check_trusted(s: &IssuerSettings) -> Result<Vec<Trusted>, Broken> {
    let mut trusted: Vec<Trusted> = Vec::with_capacity(s.trusted_issuers.len());
    for one in &s.trusted_issuers {
        match Trusted::new(one) {
            Ok(_) if trusted.iter().any(|other| other.issuer == one.issuer) => {
                return refuse("trusted_issuers", one.issuer.clone(), "each issuer once");
            }
            Ok(_) if one.issuer == s.url => {
                return refuse(
                    "trusted_issuers",
                    one.issuer.clone(),
                    "somebody else: our own tokens are no assertions",
                );
            }
            Ok(checked) => trusted.push(checked),
            Err(rule) => return refuse("trusted_issuers", one.issuer.clone(), rule),
        }
    }
    Ok(trusted)
}

fn check_providers(s: &IssuerSettings) -> Result<Vec<Arc<Provider>>, Broken> {
    const SETTING: &str = "federated_providers";
    if s.federated_providers.len() > MAX_PROVIDERS {
        return refuse(SETTING, s.federated_providers.len().to_string(), "at most 256");
    }
    let mut providers: Vec<Arc<Provider>> = Vec::with_capacity(s.federated_providers.len());
    for one in &s.federated_providers {
        let provider = match Provider::new(one, &s.url) {
            Ok(provider) => provider,
            Err(error) => return refuse(SETTING, format!("{}: {error}", one.name()), "see config/jeton.toml"),
        };
        if providers.iter().any(|other| other.is_like(&provider)) {
            return refuse(SETTING, provider.name, "each name once, and each issuer or trust domain");
        }
        providers.push(Arc::new(provider));
    }
    Ok(providers)
}

/// Whether a URL is https, or http on this machine.
pub(super) fn is_protected(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// Whether a person can be sent there.
fn is_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_protected(&url) && url.fragment().is_none())
}

/// A duration as it is written in the configuration.
fn humantime(span: Duration) -> String {
    let text = serde_json::to_value(humantime_serde::Serde::from(span)).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::Issuer;
    use crate::jose::alg::Algorithm;

    fn with(change: impl FnOnce(&mut IssuerSettings)) -> Result<Issuer, IssuerError> {
        let mut settings = IssuerSettings { url: "https://id.example/t".to_owned(), ..Default::default() };
        change(&mut settings);
        Issuer::new("main", settings)
    }

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(with(|_| ()).unwrap().path, "/t");
    }

    #[test]
    fn a_wrong_setting_names_itself_its_value_and_the_rule() {
        let error = with(|s| s.code_lifetime = Duration::from_secs(61)).unwrap_err().to_string();
        assert_eq!(error, "issuers.main.code_lifetime: 1s to 60s (RFC 6749 section 4.1.2, OAuth 2.1) (it is 1m 1s)");
        for url in ["http://id.example", "https://id.example/", "https://id.example/?a", "id.example"] {
            assert!(with(|s| s.url = url.to_owned()).is_err(), "{url}");
        }
        assert!(with(|s| s.algorithms = vec![Algorithm::EdDsa]).is_err());
        assert!(with(|s| s.allowed_origins = vec!["https://a.example/".to_owned()]).is_err());
    }
}
