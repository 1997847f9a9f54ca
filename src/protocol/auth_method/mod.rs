//! Client authentication methods as they declare themselves (RFC 7591 section 2): everything that the rest of the service
//! asks about a method follows from this.

mod name;

pub use name::MethodName;

use crate::jose::Scheme;

/// A client authentication method.
#[derive(Clone, Copy, Debug)]
pub struct AuthMethod {
    /// The registered name, a [`MethodName`].
    pub name: &'static str,
    /// The credential that proves a client.
    pub credential: CredentialKind,
    /// The algorithms that may sign an assertion by this method, as discovery lists them; none if it takes no assertion.
    pub algorithms: &'static [Scheme],
}

/// The kind of credential that a client has. Decides which metadata the client needs and where the method is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// No credential: a public client (RFC 6749 section 2.1).
    None,
    /// A secret that the client sends (RFC 6749 section 2.3.1).
    Secret,
    /// A secret that keys an HMAC and is never sent, so it is stored in a form that can be recovered (RFC 7523 section 2.2).
    HmacSecret,
    /// A key pair whose public part stands in `jwks` or behind `jwks_uri` (RFC 7523 section 2.2).
    KeyPair,
    /// A certificate in `jwks` or behind `jwks_uri`, whoever issued it; needs a listener that sees certificates (RFC 8705
    /// section 2.2).
    RegisteredCertificate,
    /// A certificate of the one registered name; needs a listener that knows trusted authorities (RFC 8705 section 2.1).
    NamedCertificate,
    /// A federated credential; needs a provider of this kind.
    Federated(ProviderKind),
    /// A credential that the program that embeds jeton keeps.
    External,
}

/// The kind of a federated provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Signs tokens about workloads.
    Tokens,
    /// Issues certificates to workloads.
    Certificates,
    /// Signs documents about machines.
    Documents,
}

impl AuthMethod {
    /// Returns whether jeton keeps secrets of clients for this method.
    pub const fn has_secret(self) -> bool {
        matches!(self.credential, CredentialKind::Secret | CredentialKind::HmacSecret)
    }

    /// Returns whether clients must register public keys.
    pub const fn needs_keys(self) -> bool {
        matches!(self.credential, CredentialKind::KeyPair | CredentialKind::RegisteredCertificate)
    }
}

/// A name belongs to one method.
impl PartialEq for AuthMethod {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for AuthMethod {}
