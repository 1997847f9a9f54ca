//! The rules that client metadata must keep (RFC 7591 section 2, RFC 9700 section 2), and what follows from it once
//! the defaults of its issuer are filled in.

use super::ClientMetadata;
use super::error::{MetadataError, refuse};
use super::id::check_client_id;
use crate::client::secret::Secret;
use crate::client::{Client, Settings};
use crate::issuer::{Issuer, LONGEST_GRACE};
use crate::limit::rate::RateLimit;
use crate::protocol::auth_method::CredentialKind;
use crate::protocol::grant_type::GrantType;
use crate::state::{Lifetimes, RotatePolicy};
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

    fn check_scope(&self, issuer: &Issuer) -> Result<(), MetadataError> {
        match self.scope.tokens().find(|token| !issuer.settings.scopes.contains(token)) {
            Some(unknown) => refuse("scope", unknown, "must be one of the issuer's scopes"),
            None => Ok(()),
        }
    }
}
