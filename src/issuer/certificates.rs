//! Certificates of clients (RFC 8705) as the public listener sees them: an issuer offers nothing that cannot work.

use crate::protocol::auth_method::CredentialKind;

/// The certificates of clients that the public listener sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateVisibility {
    /// No certificate.
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

    /// Returns whether clients can show a credential of this kind.
    pub fn allows(self, credential: CredentialKind) -> bool {
        match credential {
            CredentialKind::NamedCertificate => self == Self::Authorities,
            CredentialKind::RegisteredCertificate => self.are_seen(),
            CredentialKind::None
            | CredentialKind::Secret
            | CredentialKind::HmacSecret
            | CredentialKind::KeyPair
            | CredentialKind::Federated(_)
            | CredentialKind::External => true,
        }
    }
}
