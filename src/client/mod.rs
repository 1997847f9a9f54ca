//! Registered clients: what they registered (RFC 7591), what follows from it, and how they prove who they are.

pub(crate) mod metadata;
pub mod secret;

use std::time::Duration;

pub use metadata::ClientMetadata;

use crate::federation::Credential;
use crate::issuer::SecretTransport;
use crate::jose::{Algorithm, Scheme};
use crate::jwks::keyset::ClientKeys;
use crate::limit::rate::RateLimit;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::grant_type::GrantType;
use crate::protocol::scope::Scope;
use crate::state::{Lifetimes, RotatePolicy};
use crate::token::access::{AccessTokenFormat, AccessTokenTyp};
use metadata::certificate::CertificateName;
use metadata::{AssertionAudience, CodeRedirect, IntrospectionReach};
use secret::Secret;

/// A client, ready to be asked: its metadata with every default of its issuer filled in.
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The registered metadata, as an operator sees it.
    pub metadata: ClientMetadata,
    /// The secrets, dead ones included until they are removed.
    pub secrets: Vec<Secret>,
    /// Redirect URIs and everything below in the form that decisions need.
    pub settings: Settings,
    /// The limit of requests.
    pub rate: RateLimit,
    /// The version of the stored document; 0 for a client of the configuration file.
    pub version: u64,
}

/// The rights and settings of a client, decided once when it is loaded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The client authentication method.
    pub auth_method: AuthMethod,
    /// The ways to send a secret.
    pub secret_transport: SecretTransport,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scope it may ask for.
    pub scope: Scope,
    /// The resources (RFC 8707) and audiences it may ask for.
    pub resources: Vec<String>,
    /// True if a code needs a PKCE challenge.
    pub require_pkce: bool,
    /// The rule for the redirect URI of the token request.
    pub code_redirect: CodeRedirect,
    /// Lifetimes of access and refresh tokens.
    pub lifetimes: Lifetimes,
    /// Lifetime of its ID tokens.
    pub id_token_lifetime: Duration,
    /// Rotation of refresh tokens.
    pub rotation: RotatePolicy,
    /// Format of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// `typ` of access tokens that are JWTs.
    pub access_token_typ: AccessTokenTyp,
    /// Algorithm of its access tokens, if they are JWTs.
    pub access_token_alg: Algorithm,
    /// Algorithm of its ID tokens.
    pub id_token_alg: Algorithm,
    /// Rules for client assertions.
    pub assertions: AssertionRules,
    /// Federated credentials.
    pub federated: Vec<Credential>,
    /// The name that the certificate must have, if the method asks for one from an authority.
    pub certificate: Option<CertificateName>,
    /// True if tokens are bound to the certificate that the client shows (RFC 8705 section 3).
    pub certificate_bound: bool,
    /// The tokens that the client may introspect.
    pub introspection: IntrospectionReach,
    /// True if the client is refused like an unknown one.
    pub disabled: bool,
}

/// The rules for assertions of a client (RFC 7523 section 3).
#[derive(Clone, Debug, Default)]
pub struct AssertionRules {
    /// The keys that may sign.
    pub keys: ClientKeys,
    /// The algorithm, if one was registered.
    pub alg: Option<Scheme>,
    /// The audience.
    pub audience: AssertionAudience,
}

impl Client {
    /// Returns whether the client may use `grant`.
    pub fn may_use(&self, grant: &str) -> bool {
        self.settings.grant_types.iter().any(|allowed| allowed.as_str() == grant)
    }

    /// Takes over what `old`, the same client before a change, has proven of its secrets and used of its rate.
    pub fn inherit(&mut self, old: &Self) {
        self.rate.inherit(&old.rate);
        for (own, its) in self.secrets.iter().flat_map(|own| old.secrets.iter().map(move |its| (own, its))) {
            own.inherit(its);
        }
    }

    /// Returns whether the client is public, without a way to prove who it is (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.settings.auth_method.credential == CredentialKind::None
    }
}
