//! The rules for what a client proves itself with: public keys and federated credentials.

use std::sync::Arc;

use url::Url;

use super::error::{MetadataError, refuse};
use super::{ClientMetadata, MAX_URI};
use crate::client::AssertionRules;
use crate::federation::{Credential, MAX_CREDENTIALS};
use crate::issuer::Issuer;
use crate::jwks::keyset::{ClientKeys, KeySet};
use crate::protocol::auth_method::{AuthMethod, CredentialKind};

impl ClientMetadata {
    /// RFC 7591 section 2: keys inline or by URL, not both; enough of them for the method.
    pub(super) fn assertion_rules(&self, method: AuthMethod, issuer: &Issuer) -> Result<AssertionRules, MetadataError> {
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
            let those = issuer.parts.methods.iter().filter(|method| method.needs_keys()).map(|method| method.name);
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
    pub(super) fn credentials(&self, method: AuthMethod, issuer: &Issuer) -> Result<Vec<Credential>, MetadataError> {
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
        let checked = own.iter().map(|one| Credential::new(one, method, &issuer.parts.methods, &issuer.providers));
        checked.collect::<Result<_, _>>().or_else(|error| {
            refuse(FIELD, error, "a name, a provider of the issuer and a condition about what it says")
        })
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
