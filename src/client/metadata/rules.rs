//! The rules that client metadata must keep (RFC 7591 section 2, RFC 9700 section 2), and what follows from it once
//! the defaults of its issuer are filled in.

use std::sync::Arc;

use url::Url;

use super::error::{MetadataError, refuse};
use super::id::check_client_id;
use super::redirect::check_redirect_uri;
use super::{ClientMetadata, MAX_REDIRECT_URIS, MAX_URI};
use crate::client::secret::Secret;
use crate::client::{AssertionRules, Client, Settings};
use crate::federation::{Credential, MAX_CREDENTIALS};
use crate::issuer::{Issuer, LONGEST_GRACE};
use crate::jwks::keyset::{ClientKeys, KeySet};
use crate::limit::rate::RateLimit;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::grant_type::GrantType;
use crate::state::family::{Lifetimes, RotatePolicy};
use crate::token::access::AccessTokenTyp;

impl ClientMetadata {
    /// Makes the client that this metadata describes, at `issuer`.
    ///
    /// # Errors
    /// The first rule that the metadata breaks.
    pub fn resolve(
        self,
        id: String,
        secrets: Vec<Secret>,
        version: u64,
        issuer: &Issuer,
    ) -> Result<Client, MetadataError> {
        check_client_id(&id)?;
        let settings = self.settings(issuer)?;
        let rate = RateLimit::new(self.jeton.rate_limit.or(issuer.settings.client_rate_limit));
        Ok(Client { id, metadata: self, secrets, settings, rate, version })
    }

    fn settings(&self, issuer: &Issuer) -> Result<Settings, MetadataError> {
        let name = self.token_endpoint_auth_method;
        let Some(method) = issuer.method(name) else {
            return refuse("token_endpoint_auth_method", name.as_str(), "must be one that discovery names");
        };
        let public = method.credential == CredentialKind::None;
        let certificate = self.certificate_rule(method, issuer)?;
        self.check_grants(issuer, public)?;
        self.check_uris()?;
        self.check_scope(issuer)?;
        let ours = &issuer.settings;
        let own = &self.jeton;
        let resources = self.targets(issuer)?;
        if public && own.refresh_token_rotation == Some(false) {
            return refuse(
                "jeton.refresh_token_rotation",
                false,
                "a public client's refresh tokens always rotate (RFC 9700 section 2.2.2)",
            );
        }
        if public && own.require_pkce == Some(false) {
            return refuse("jeton.require_pkce", false, "a public client always needs PKCE (RFC 9700 section 2.1.1)");
        }
        let access_token_typ = own.access_token_typ.unwrap_or(ours.access_token_typ);
        if access_token_typ == AccessTokenTyp::Jwt && issuer.is_audience_of_clients() {
            return refuse(
                "jeton.access_token_typ",
                "JWT",
                "at+jwt, while the issuer's default_audience is {client_id}: such a token would look like an ID token",
            );
        }
        let seconds = std::time::Duration::from_secs;
        let lifetimes = Lifetimes {
            access: own.access_token_lifetime.map_or(ours.access_token_lifetime, seconds),
            idle: own.refresh_token_idle_lifetime.map_or(ours.refresh_token_idle_lifetime, seconds),
            absolute: own.refresh_token_lifetime.map_or(ours.refresh_token_lifetime, seconds),
        };
        let longest_access = ours.longest_access_token;
        if lifetimes.access.is_zero() || lifetimes.access > longest_access {
            return refuse(
                "jeton.access_token_lifetime",
                lifetimes.access.as_secs(),
                "1 second up to the issuer's longest_access_token",
            );
        }
        let id_token_lifetime = own.id_token_lifetime.map_or(ours.id_token_lifetime, seconds);
        if id_token_lifetime.is_zero() || id_token_lifetime > longest_access {
            return refuse(
                "jeton.id_token_lifetime",
                id_token_lifetime.as_secs(),
                "1 second up to the issuer's longest_access_token",
            );
        }
        if lifetimes.idle.is_zero() {
            return refuse("jeton.refresh_token_idle_lifetime", lifetimes.idle.as_secs(), "at least 1 second");
        }
        if lifetimes.absolute.is_zero()
            || lifetimes.absolute > issuer.settings.refresh_token_lifetime.max(seconds(366 * 86_400))
        {
            return refuse("jeton.refresh_token_lifetime", lifetimes.absolute.as_secs(), "1 second up to a year");
        }
        if let Some(grace) = own.refresh_token_grace.filter(|grace| seconds(*grace) > LONGEST_GRACE) {
            return refuse("jeton.refresh_token_grace", grace, "0 to 300 seconds; a longer one would hide a theft");
        }
        let rotation = if own.refresh_token_rotation.unwrap_or(true) {
            RotatePolicy::Rotate {
                grace: own.refresh_token_grace.map_or(ours.refresh_token_grace, seconds),
                replays: own.refresh_token_replays.unwrap_or(ours.refresh_token_replays),
            }
        } else {
            RotatePolicy::Keep
        };
        let access_token_alg = own.access_token_signed_response_alg.unwrap_or(ours.access_token_alg);
        let id_token_alg = self.id_token_signed_response_alg.unwrap_or(ours.id_token_alg);
        for (field, alg) in [
            ("jeton.access_token_signed_response_alg", access_token_alg),
            ("id_token_signed_response_alg", id_token_alg),
        ] {
            if !ours.algorithms.contains(&alg) {
                return refuse(field, alg.name(), "must be one of the issuer's algorithms");
            }
        }
        Ok(Settings {
            auth_method: method,
            secret_transport: own.secret_transport.unwrap_or(ours.secret_transport),
            grant_types: self.grant_types.clone(),
            scope: self.scope.clone(),
            resources,
            require_pkce: public || own.require_pkce.unwrap_or(ours.require_pkce),
            code_redirect: own.code_redirect_uri.unwrap_or_default(),
            lifetimes,
            id_token_lifetime,
            rotation,
            access_token_format: own.access_token_format.unwrap_or(ours.access_token_format),
            access_token_typ,
            access_token_alg,
            id_token_alg,
            assertions: self.assertion_rules(method, issuer)?,
            federated: self.credentials(method, issuer)?,
            certificate,
            certificate_bound: self.tls_client_certificate_bound_access_tokens,
            introspection: own.introspection.unwrap_or_default(),
            disabled: own.disabled,
        })
    }

    /// Returns the resources and audiences that the client may ask for.
    fn targets(&self, issuer: &Issuer) -> Result<Vec<String>, MetadataError> {
        let (ours, own) = (&issuer.settings, &self.jeton);
        let mut resources = own.resources.clone().unwrap_or_else(|| ours.resources.clone());
        if let Some(unknown) = resources.iter().find(|resource| !ours.resources.contains(resource)) {
            return refuse("jeton.resources", unknown, "each must be one of the issuer's resources");
        }
        let audiences = own.audiences.clone().unwrap_or_else(|| ours.audiences.clone());
        if let Some(unknown) = audiences.iter().find(|audience| !ours.audiences.contains(audience)) {
            return refuse("jeton.audiences", unknown, "each must be one of the issuer's audiences");
        }
        resources.extend(audiences);
        Ok(resources)
    }

    fn check_grants(&self, issuer: &Issuer, public: bool) -> Result<(), MetadataError> {
        for grant in &self.grant_types {
            if !issuer.settings.grant_types.contains(grant) {
                return refuse("grant_types", grant, "must be one of the issuer's grant types");
            }
            if public && *grant == GrantType::CLIENT_CREDENTIALS {
                return refuse(
                    "grant_types",
                    grant,
                    "a public client cannot use client_credentials (RFC 6749 section 4.4)",
                );
            }
        }
        if public && self.grant_types.contains(&GrantType::TOKEN_EXCHANGE) {
            return refuse("grant_types", GrantType::TOKEN_EXCHANGE, "a public client cannot exchange tokens");
        }
        if let Some(other) = self.response_types.iter().find(|response_type| *response_type != "code") {
            return refuse("response_types", other, "only code is offered (RFC 9700 section 2.1.2)");
        }
        Ok(())
    }

    /// RFC 7591 section 2: keys inline or by URL, not both; enough of them for the method.
    fn assertion_rules(&self, method: AuthMethod, issuer: &Issuer) -> Result<AssertionRules, MetadataError> {
        let by_certificate = method.credential == CredentialKind::RegisteredCertificate;
        let keys = match (&self.jwks, &self.jwks_uri) {
            (Some(_), Some(uri)) => return refuse("jwks_uri", uri, "jwks or jwks_uri, not both (RFC 7591 section 2)"),
            (Some(jwks), None) => match KeySet::new(jwks) {
                Ok(keys) if by_certificate && !keys.has_fit_certificates() => {
                    let rule = "x5c and x5t#S256 must be of one certificate, and its key the one they stand with";
                    return refuse("jwks", jwks, rule);
                }
                Ok(keys) => ClientKeys::Inline(Arc::new(keys)),
                Err(error) => return refuse("jwks", error, "a JWK set of public keys (RFC 7517 section 5)"),
            },
            (None, Some(uri)) => ClientKeys::Remote(check_jwks_uri(uri)?),
            (None, None) => ClientKeys::None,
        };
        if method.needs_keys() && matches!(keys, ClientKeys::None) {
            let those = issuer.methods.iter().filter(|method| method.needs_keys()).map(|method| method.name);
            let those = those.collect::<Vec<_>>().join(" and ");
            return refuse("jwks", "absent", format!("{those} need jwks or jwks_uri"));
        }
        if let Some(alg) = self.token_endpoint_auth_signing_alg.filter(|alg| !method.algorithms.contains(alg)) {
            return refuse("token_endpoint_auth_signing_alg", alg, "must be one of token_endpoint_auth_method");
        }
        let audience = self.jeton.assertion_audience.unwrap_or_default();
        Ok(AssertionRules { keys, alg: self.token_endpoint_auth_signing_alg, audience })
    }

    /// The federated credentials: some for a federated method, none for another.
    fn credentials(&self, method: AuthMethod, issuer: &Issuer) -> Result<Vec<Credential>, MetadataError> {
        const FIELD: &str = "jeton.federated_credentials";
        let own = &self.jeton.federated_credentials;
        if matches!(method.credential, CredentialKind::Federated(_)) == own.is_empty() {
            let rule = "at least one for a federated token_endpoint_auth_method, none for another";
            return refuse(FIELD, own.len(), rule);
        }
        if own.len() > MAX_CREDENTIALS {
            return refuse(FIELD, own.len(), "at most 32");
        }
        if let Some((_, again)) = own.iter().enumerate().find(|(at, one)| own[..*at].iter().any(|o| o.name == one.name))
        {
            return refuse(FIELD, &again.name, "each name once");
        }
        let checked = own.iter().map(|one| Credential::new(one, method, &issuer.methods, &issuer.providers));
        checked.collect::<Result<_, _>>().or_else(|error| {
            refuse(FIELD, error, "a name, a provider of the issuer and a condition about what it says")
        })
    }

    fn check_uris(&self) -> Result<(), MetadataError> {
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("redirect_uris", self.redirect_uris.len(), "at most 64");
        }
        for uri in &self.redirect_uris {
            if let Err(rule) = check_redirect_uri(uri) {
                return refuse("redirect_uris", uri, rule);
            }
        }
        if self.grant_types.contains(&GrantType::AUTHORIZATION_CODE) && self.redirect_uris.is_empty() {
            return refuse("redirect_uris", "empty", "a client of the authorization code grant needs at least one");
        }
        let pages = [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("tos_uri", &self.tos_uri),
            ("policy_uri", &self.policy_uri),
        ];
        for (field, uri) in pages {
            if let Some(uri) = uri
                && !Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
            {
                return refuse(field, uri, "must be an http or https URL");
            }
        }
        Ok(())
    }

    fn check_scope(&self, issuer: &Issuer) -> Result<(), MetadataError> {
        match self.scope.tokens().find(|token| !issuer.settings.scopes.contains(token)) {
            Some(unknown) => refuse("scope", unknown, "must be one of the issuer's scopes"),
            None => Ok(()),
        }
    }
}

/// https, because whoever answers there is the client (RFC 7591 section 5).
fn check_jwks_uri(uri: &str) -> Result<Url, MetadataError> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https" && uri.len() <= MAX_URI);
    match url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none()) {
        Some(url) => Ok(url),
        None => refuse("jwks_uri", uri, "an https URL of at most 2048 characters without user and fragment"),
    }
}
