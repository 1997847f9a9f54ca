//! Registered clients: what they registered (RFC 7591), what follows from it, and how they prove who they are.

pub mod metadata;
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
    /// What it registered, as it is shown to an operator.
    pub metadata: ClientMetadata,
    /// Its secrets, dead ones included until they are removed.
    pub secrets: Vec<Secret>,
    /// Redirect URIs and everything below in the form that decisions need.
    pub settings: Settings,
    /// Its own admission limit.
    pub rate: RateLimit,
    /// The version of the document it came from; 0 for a client of the configuration file.
    pub version: u64,
}

/// What a client may do, decided once when it is loaded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// How it may send its secret.
    pub secret_transport: SecretTransport,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scope it may ask for.
    pub scope: Scope,
    /// The resources (RFC 8707) and audiences it may ask for.
    pub resources: Vec<String>,
    /// Whether a code needs a PKCE challenge.
    pub require_pkce: bool,
    /// Whether the token request must repeat the redirect URI.
    pub code_redirect: CodeRedirect,
    /// Of the tokens it gets.
    pub lifetimes: Lifetimes,
    /// Lifetime of its ID tokens.
    pub id_token_lifetime: Duration,
    /// What happens to its refresh tokens.
    pub rotation: RotatePolicy,
    /// What its access tokens are.
    pub access_token_format: AccessTokenFormat,
    /// What the header of its access tokens calls them, if they are JWTs.
    pub access_token_typ: AccessTokenTyp,
    /// Algorithm of its access tokens, if they are JWTs.
    pub access_token_alg: Algorithm,
    /// Algorithm of its ID tokens.
    pub id_token_alg: Algorithm,
    /// What its assertions must be like.
    pub assertions: AssertionRules,
    /// What outside providers say of it.
    pub federated: Vec<Credential>,
    /// What its certificate must be about, if its method asks for one from an authority.
    pub certificate: Option<CertificateName>,
    /// Whether its tokens are bound to the certificate that it shows (RFC 8705 section 3).
    pub certificate_bound: bool,
    /// What it may introspect.
    pub introspection: IntrospectionReach,
    /// Whether it may do anything at all.
    pub disabled: bool,
}

/// What the assertions of a client must be like (RFC 7523 section 3).
#[derive(Clone, Debug, Default)]
pub struct AssertionRules {
    /// Whose signature it is.
    pub keys: ClientKeys,
    /// How it must be signed, if that was registered.
    pub alg: Option<Scheme>,
    /// Whom it must be for.
    pub audience: AssertionAudience,
}

impl Client {
    /// Whether the client may use `grant`.
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

    /// Whether the client is public: it has no way to prove who it is (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.settings.auth_method.credential == CredentialKind::None
    }
}
