//! The rules that the settings of an issuer must keep.

use std::sync::Arc;

use url::Url;

use super::error::{BrokenSetting, IssuerError, refuse};
use super::settings::IssuerSettings;
use super::trusted::{check_providers, check_trusted};
use super::urls::{check_canonical, check_issuer, check_origin, is_page};
use super::users::UserSource;
use super::{custom, discovery, lifetimes};
use crate::federation::Provider;
use crate::federation::trust::Trusted;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource::{MAX_RESOURCE, is_audience};
use crate::protocol::scope::Scope;
use crate::protocol::uri;
use crate::token::access::{AccessTokenTyp, MAX_DEPTH};

/// Other parties in settings that keep every rule.
pub(super) struct OtherParties {
    pub(super) trusted: Vec<Trusted>,
    pub(super) providers: Vec<Arc<Provider>>,
}

/// Checks everything.
pub(super) fn check(id: &str, settings: &IssuerSettings) -> Result<OtherParties, IssuerError> {
    let all = || {
        check_id(id)?;
        check_issuer(&settings.url)?;
        lifetimes::check(settings)?;
        check_values(settings)?;
        discovery::check(&settings.metadata).map_err(|(value, rule)| ("metadata", value, rule.into()))?;
        custom::check(&settings.custom_grants).map_err(|(value, rule)| ("custom_grants", value, rule.into()))?;
        Ok(OtherParties { trusted: check_trusted(settings)?, providers: check_providers(settings)? })
    };
    all().map_err(|(setting, value, rule)| IssuerError {
        issuer: id.to_owned(),
        setting,
        value: uri::shown(&value),
        rule,
    })
}

fn check_id(id: &str) -> Result<(), BrokenSetting> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return refuse("id", id, "1 to 64 letters, digits, - and _");
    }
    Ok(())
}

fn check_values(s: &IssuerSettings) -> Result<(), BrokenSetting> {
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
    s.resources.iter().try_for_each(|resource| check_canonical("resources", resource))?;
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
        check_canonical(setting, page)?;
    }
    s.users.check().map_err(|(setting, value, rule)| (setting, value, rule.into()))?;
    if s.grant_types.contains(&GrantType::PASSWORD) && s.users.source == UserSource::None {
        return refuse("users.source", "none", "the password grant needs \"directory\" or \"webhook\"");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::issuer::{Issuer, IssuerParts};
    use crate::jose::alg::Algorithm;

    fn with(change: impl FnOnce(&mut IssuerSettings)) -> Result<Issuer, IssuerError> {
        let mut settings = IssuerSettings { url: "https://id.example/t".to_owned(), ..Default::default() };
        change(&mut settings);
        Issuer::new("main", settings, IssuerParts::default())
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
