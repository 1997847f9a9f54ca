//! Settings of an issuer that are allowed and hardly meant.

use super::Issuer;
use crate::federation::ProviderTrust;
use crate::jwks::keyset::Skipped;
use crate::protocol::grant_type::GrantType;

impl Issuer {
    /// Returns warnings about settings that are allowed and hardly meant, each naming the setting.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let settings = &self.settings;
        if settings.grant_types.contains(&GrantType::AUTHORIZATION_CODE) && settings.authorization_endpoint.is_empty() {
            let rule = "codes are offered, and clients that read discovery do not find where to ask for one; set the \
                        login portal's URL, or leave authorization_code out of grant_types";
            warnings.push(format!("issuers.{}.authorization_endpoint: {rule} (it is empty)", self.id));
        }
        warnings.extend(self.skipped_keys());
        warnings
    }

    /// Returns the keys in the settings that cannot be used and are passed over.
    pub fn skipped_keys(&self) -> Vec<String> {
        let say = |setting: &str, of: &str, skipped: &Skipped| {
            format!("issuers.{}.{setting}: {of}: jwks.{skipped}; the key is passed over", self.id)
        };
        let trusted = self.trusted.iter().flat_map(|own| own.skipped.iter().map(|key| (&own.issuer, key)));
        let mut all: Vec<String> = trusted.map(|(of, key)| say("trusted_issuers", of, key)).collect();
        for provider in &self.providers {
            if let ProviderTrust::Tokens(trust) = &provider.trust {
                all.extend(trust.skipped.iter().map(|key| say("federated_providers", &provider.name, key)));
            }
        }
        all
    }
}
