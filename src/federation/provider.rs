//! A federated provider: what it is trusted for, and the condition that holds for all its clients.

use super::condition::{Condition, Facts};
use super::document::{self, DocumentTrust};
use super::settings::FederatedProvider;
use super::token::TokenTrust;
use crate::protocol::auth_method::ProviderKind;
use crate::x509::Anchors;

/// Longest name of a provider or a credential, in bytes.
pub(crate) const MAX_NAME: usize = 64;
/// Most providers of an issuer.
pub(crate) const MAX_PROVIDERS: usize = 256;

/// A provider in use.
#[derive(Debug)]
pub struct Provider {
    /// The name, unique at its issuer.
    pub name: String,
    /// The condition that its word must meet for every client.
    pub condition: Option<Condition>,
    /// The trust in its word.
    pub trust: ProviderTrust,
}

/// The trust in the word of a provider.
#[derive(Debug)]
pub enum ProviderTrust {
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
            FederatedProvider::Oidc(own) => (&own.condition, ProviderTrust::Tokens(TokenTrust::new(own, url)?)),
            FederatedProvider::X509(own) => {
                let pem = document::certificates(&own.certificates, own.certificates_file.is_some())?;
                (&own.condition, ProviderTrust::Certificates(document::anchors(pem)?))
            }
            FederatedProvider::Pkcs7(own) => (&own.condition, ProviderTrust::Documents(DocumentTrust::new(own)?)),
        };
        check_name(settings.name())?;
        let mut provider = Self { name: settings.name().to_owned(), condition: None, trust };
        if let Some(text) = condition {
            let parsed = Condition::parse(text, provider.kind());
            provider.condition = Some(parsed.map_err(|error| format!("condition: {error}"))?);
        }
        Ok(provider)
    }

    /// Returns the kind of provider.
    pub fn kind(&self) -> ProviderKind {
        match &self.trust {
            ProviderTrust::Tokens(_) => ProviderKind::Tokens,
            ProviderTrust::Certificates(_) => ProviderKind::Certificates,
            ProviderTrust::Documents(_) => ProviderKind::Documents,
        }
    }

    /// Returns whether the provider has the name of another one, or its tokens would be taken for the other's.
    pub fn is_like(&self, other: &Self) -> bool {
        let origin = |provider: &Self| match &provider.trust {
            ProviderTrust::Tokens(trust) => Some(trust.origin.clone()),
            ProviderTrust::Certificates(_) | ProviderTrust::Documents(_) => None,
        };
        self.name == other.name || origin(self).is_some() && origin(self) == origin(other)
    }

    /// Returns whether `facts` meet the condition of the provider.
    pub fn vouches(&self, facts: &Facts) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(facts))
    }
}

/// Checks the name of a provider or a credential.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        return Err("name: 1 to 64 lower-case letters, digits, `-` and `_`".to_owned());
    }
    Ok(())
}
