//! Federated credentials: an outside provider says who a workload is, and a client is who that provider's word, judged by
//! rules, makes it (Alibaba Cloud IDaaS; Kubernetes service accounts; SPIFFE).
//!
//! A provider is an issuer's: what is trusted, and an optional condition for everybody. A credential is a client's: a
//! provider and the condition under which its word means this client. Both conditions must hold, and a credential always
//! has one: what a provider says of all of its workloads must not make each of them this client.

pub mod condition;
mod credential;
mod document;
pub mod facts;
mod settings;
mod token;
pub mod trust;

pub use self::credential::Credential;
pub use self::document::{DocumentTrust, Signers};
pub use self::settings::{
    CertificateProvider, DocumentProvider, FederatedCredential, FederatedProvider, TokenProvider, Verification,
};
pub use self::token::{Origin, TokenTrust, trust_domain};
use crate::federation::condition::{Condition, Facts, Subject};
use crate::protocol::auth_method::ProviderKind;
use crate::x509::Anchors;

/// Longest name of a provider or a credential, in bytes.
pub const MAX_NAME: usize = 64;
/// Most credentials of a client.
pub const MAX_CREDENTIALS: usize = 32;
/// Most providers of an issuer.
pub const MAX_PROVIDERS: usize = 256;
/// A provider in use.
#[derive(Debug)]
pub struct Provider {
    /// Its name, unique at its issuer.
    pub name: String,
    /// What must be true of everything it says.
    pub condition: Option<Condition>,
    /// What is trusted.
    pub trust: Trust,
}

/// What a provider is trusted for.
#[derive(Debug)]
pub enum Trust {
    /// The claims of tokens that it signs.
    Tokens(TokenTrust),
    /// The certificates that it issues.
    Certificates(Anchors),
    /// The documents that it signs.
    Documents(DocumentTrust),
}

impl Provider {
    /// Checks the settings of a provider of the issuer with `url`.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn new(settings: &FederatedProvider, url: &str) -> Result<Self, String> {
        let (condition, trust) = match settings {
            FederatedProvider::Oidc(own) => (&own.condition, Trust::Tokens(TokenTrust::new(own, url)?)),
            FederatedProvider::X509(own) => {
                let pem = document::certificates(&own.certificates, own.certificates_file.is_some())?;
                (&own.condition, Trust::Certificates(document::anchors(pem)?))
            }
            FederatedProvider::Pkcs7(own) => (&own.condition, Trust::Documents(DocumentTrust::new(own)?)),
        };
        check_name(settings.name())?;
        let mut provider = Self { name: settings.name().to_owned(), condition: None, trust };
        if let Some(text) = condition {
            let parsed = Condition::parse(text, provider.subject());
            provider.condition = Some(parsed.map_err(|error| format!("condition: {error}"))?);
        }
        Ok(provider)
    }

    /// Returns the kind of provider.
    pub fn kind(&self) -> ProviderKind {
        match &self.trust {
            Trust::Tokens(_) => ProviderKind::Tokens,
            Trust::Certificates(_) => ProviderKind::Certificates,
            Trust::Documents(_) => ProviderKind::Documents,
        }
    }

    fn subject(&self) -> Subject {
        match &self.trust {
            Trust::Tokens(_) => Subject::Token,
            Trust::Certificates(_) => Subject::CertifiedToken,
            Trust::Documents(_) => Subject::Document,
        }
    }

    /// Whether it has the name of another one, or its tokens would be taken for the other's.
    pub fn is_like(&self, other: &Self) -> bool {
        let origin = |provider: &Self| match &provider.trust {
            Trust::Tokens(trust) => Some(trust.origin.clone()),
            Trust::Certificates(_) | Trust::Documents(_) => None,
        };
        self.name == other.name || origin(self).is_some() && origin(self) == origin(other)
    }

    /// Whether what it says meets its own condition.
    pub fn vouches(&self, facts: &Facts) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(facts))
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        return Err("name: 1 to 64 lower-case letters, digits, `-` and `_`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
