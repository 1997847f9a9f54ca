//! How clients authenticate at the token endpoint (RFC 7591 section 2).

mod name;

use serde::{Deserialize, Serialize};

pub use name::MethodName;

use crate::jose::Scheme;

/// How a client authenticates at the token endpoint (RFC 7591 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// Secret in the `Authorization` header (RFC 6749 section 2.3.1).
    #[default]
    ClientSecretBasic,
    /// Secret in the body (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// A JWT under a registered public key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// A JWT under the secret (RFC 7523 section 2.2).
    ClientSecretJwt,
    /// A token of a federated provider (Alibaba Cloud IDaaS, workload identity).
    IdTokenBearer,
    /// A JWT under a certificate that a federated provider issued (Alibaba Cloud IDaaS).
    X509JwtBearer,
    /// An attested document of a federated provider (Alibaba Cloud IDaaS).
    Pkcs7Bearer,
    /// A certificate of a registered name from a trusted authority (RFC 8705 section 2.1).
    TlsClientAuth,
    /// A registered certificate, whoever issued it (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// One that the embedding program brought (see `client::auth::ClientAuth`); issuers know which there are.
    Other(MethodName),
}

impl TryFrom<String> for AuthMethod {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.map_or_else(|| MethodName::try_from(name).map(Self::Other), Ok)
    }
}

impl From<AuthMethod> for String {
    fn from(method: AuthMethod) -> Self {
        method.name().to_owned()
    }
}

impl AuthMethod {
    /// Every method that is built in.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::ClientSecretJwt,
        Self::IdTokenBearer,
        Self::X509JwtBearer,
        Self::Pkcs7Bearer,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
    ];

    /// The registered name.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name.as_str(),
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::IdTokenBearer => "id_token_bearer",
            Self::X509JwtBearer => "x509_jwt_bearer",
            Self::Pkcs7Bearer => "pkcs7_bearer",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }

    /// Whether a client needs a secret for it.
    pub const fn has_secret(self) -> bool {
        match self {
            Self::None | Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => false,
            Self::IdTokenBearer | Self::X509JwtBearer | Self::Pkcs7Bearer | Self::Other(_) => false,
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt => true,
        }
    }

    /// Whether the client sends its secret, by Basic or in the body.
    pub const fn sends_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether it takes a federated provider, so that an issuer offers it only if it has one.
    pub const fn is_federated(self) -> bool {
        match self {
            Self::IdTokenBearer | Self::X509JwtBearer | Self::Pkcs7Bearer => true,
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost => false,
            Self::PrivateKeyJwt | Self::ClientSecretJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => false,
            Self::Other(_) => false,
        }
    }

    /// The ways in which an assertion by this method may be signed; none if it has no assertion.
    pub const fn assertion_algorithms(self) -> &'static [Scheme] {
        match self {
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost | Self::Pkcs7Bearer => &[],
            Self::TlsClientAuth | Self::SelfSignedTlsClientAuth | Self::Other(_) => &[],
            Self::PrivateKeyJwt | Self::IdTokenBearer | Self::X509JwtBearer => &Scheme::SIGNATURES,
            Self::ClientSecretJwt => &Scheme::MACS,
        }
    }
}
