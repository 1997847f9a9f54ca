//! An issuer: one authorization server with its own URL, keys, clients, lifetimes and rules.

mod certificates;
pub(crate) mod cold;
mod custom;
mod discovery;
mod error;
mod lifetimes;
mod rules;
mod scopes;
mod secret_transport;
mod settings;
mod trusted;
mod urls;
mod users;
mod warnings;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use crate::federation::Provider;
use crate::federation::trust::Trusted;
use crate::hook::Hook;
use crate::limit::lines::LineBudget;
use crate::protocol::auth_method::{AuthMethod, CredentialKind, MethodName};
use crate::protocol::endpoint::Endpoint;
use crate::token::access::ClaimStyle;

pub(crate) use certificates::CertificateVisibility;
use cold::ColdSecrets;
pub(crate) use custom::{CustomGrant, CustomGrantSettings};
pub(crate) use error::IssuerError;
pub(crate) use lifetimes::LONGEST_GRACE;
use rules::OtherParties;
pub(crate) use secret_transport::SecretTransport;
pub use settings::IssuerSettings;
pub use users::UserSource;
pub(crate) use users::UsersSettings;

/// An issuer in use.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The name of the issuer in the configuration and the admin API.
    pub id: String,
    /// The issuer identifier, byte for byte: `iss` of every token.
    pub url: String,
    /// The path of the URL without slash at the end: `` or `/tenant`.
    pub path: String,
    /// The settings, with every custom grant among the grant types.
    pub settings: IssuerSettings,
    /// Issuers whose assertions are grants (RFC 7523 section 2.1).
    pub trusted: Vec<Trusted>,
    /// Federated providers that vouch for clients of this issuer.
    pub providers: Vec<Arc<Provider>>,
    /// The parts that the rest of the configuration decides.
    pub parts: IssuerParts,
    /// The metadata document and its ETag, made at the first request; a reload makes a new issuer.
    pub document: OnceLock<(Bytes, String)>,
    /// Imported secrets of clients that were not used since the start.
    pub cold: ColdSecrets,
    /// Budgets of failed authentications in the audit stream, by kind of failure.
    pub audit_lines: Arc<[LineBudget; 4]>,
}

/// The parts of an issuer besides its settings, made of them and of the rest of the configuration.
#[derive(Clone, Debug, Default)]
pub struct IssuerParts {
    /// The URLs of the endpoints that are offered, each as its dialect spells it, first that of discovery.
    pub endpoints: Vec<(Endpoint, String)>,
    /// The style of claims that the dialect asks for.
    pub style: ClaimStyle,
    /// The certificates of clients that the public listener sees.
    pub certificates: CertificateVisibility,
    /// The webhook that checks passwords, if one does.
    pub user_hook: Option<Arc<Hook>>,
    /// Grants that hooks decide.
    pub custom: Vec<CustomGrant>,
    /// Every client authentication method there is, offered here or not, in the order of discovery.
    pub methods: Vec<AuthMethod>,
}

impl Issuer {
    /// Makes issuer `id`, whole, of settings that it checks.
    ///
    /// # Errors
    /// The first setting that breaks a rule.
    pub fn new(id: &str, mut settings: IssuerSettings, parts: IssuerParts) -> Result<Self, IssuerError> {
        let OtherParties { trusted, providers } = rules::check(id, &settings)?;
        // what is configured is offered
        for custom in &settings.custom_grants {
            if !settings.grant_types.contains(&custom.grant_type) {
                settings.grant_types.push(custom.grant_type.clone());
            }
        }
        Ok(Self {
            id: id.to_owned(),
            url: settings.url.clone(),
            path: settings.path().to_owned(),
            settings,
            trusted,
            providers,
            parts,
            document: OnceLock::new(),
            cold: ColdSecrets::default(),
            audit_lines: Arc::default(),
        })
    }

    /// Returns the URL of an endpoint for discovery; empty if it has none.
    pub fn endpoint_url(&self, endpoint: Endpoint) -> &str {
        let url = self.parts.endpoints.iter().find(|(own, _)| *own == endpoint);
        url.map_or("", |(_, url)| url)
    }

    /// Returns whether `url` is a URL of this endpoint.
    pub fn has_endpoint(&self, endpoint: Endpoint, url: &str) -> bool {
        self.parts.endpoints.iter().any(|(own, its)| *own == endpoint && its == url)
    }

    /// Returns the client authentication method with this name, offered here or not.
    pub fn method(&self, name: MethodName) -> Option<AuthMethod> {
        self.parts.methods.iter().copied().find(|method| method.name == name.as_str())
    }

    /// Returns the client authentication methods that discovery lists: one by certificates needs a listener that sees them,
    /// a federated one a provider.
    pub fn offered_methods(&self) -> impl Iterator<Item = AuthMethod> {
        let vouched = |kind| self.providers.iter().any(|provider| provider.kind() == kind);
        self.parts.methods.iter().copied().filter(move |method| match method.credential {
            CredentialKind::Federated(kind) => vouched(kind),
            other => self.parts.certificates.allows(other),
        })
    }

    /// Returns the custom grant of this name.
    pub fn custom_grant(&self, grant_type: &str) -> Option<&CustomGrant> {
        self.parts.custom.iter().find(|custom| custom.grant_type.as_str() == grant_type)
    }

    /// Returns the longest lifetime of anything issued now, which a not-before moment must outlive.
    pub fn longest_lifetime(&self) -> Duration {
        // clients may have refresh tokens of up to a year (RFC 7591 rules of client metadata)
        self.settings.refresh_token_lifetime.max(Duration::from_secs(366 * 86_400)) + self.settings.longest_access_token
    }
}
