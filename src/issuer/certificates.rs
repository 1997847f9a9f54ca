//! Certificates of clients (RFC 8705) as the public listener sees them: an issuer offers nothing that cannot work.

use crate::protocol::auth_method::AuthMethod;

/// Which certificates of clients the public listener sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateVisibility {
    /// None.
    #[default]
    None,
    /// All of them; nothing says who issued them.
    Certificates,
    /// All of them, and which of them a trusted authority issued.
    Authorities,
}

impl CertificateVisibility {
    /// Returns whether the listener sees certificates.
    pub fn are_seen(self) -> bool {
        self != Self::None
    }

    /// Returns whether clients can authenticate by `method`.
    pub fn allows(self, method: AuthMethod) -> bool {
        match method {
            AuthMethod::TlsClientAuth => self == Self::Authorities,
            AuthMethod::SelfSignedTlsClientAuth => self.are_seen(),
            AuthMethod::None
            | AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretPost
            | AuthMethod::PrivateKeyJwt
            | AuthMethod::ClientSecretJwt
            | AuthMethod::IdTokenBearer
            | AuthMethod::X509JwtBearer
            | AuthMethod::Pkcs7Bearer
            | AuthMethod::Other(_) => true,
        }
    }
}
