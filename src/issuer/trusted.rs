//! The rules of the other parties in the settings of an issuer: trusted issuers and federated providers.

use std::sync::Arc;

use super::error::{BrokenSetting, refuse};
use super::settings::IssuerSettings;
use crate::federation::trust::Trusted;
use crate::federation::{MAX_PROVIDERS, Provider};

pub(super) fn check_trusted(s: &IssuerSettings) -> Result<Vec<Trusted>, BrokenSetting> {
    let mut trusted: Vec<Trusted> = Vec::with_capacity(s.trusted_issuers.len());
    for one in &s.trusted_issuers {
        match Trusted::new(one) {
            Ok(_) if trusted.iter().any(|other| other.issuer == one.issuer) => {
                return refuse("trusted_issuers", one.issuer.clone(), "each issuer once");
            }
            Ok(_) if one.issuer == s.url => {
                return refuse(
                    "trusted_issuers",
                    one.issuer.clone(),
                    "somebody else: our own tokens are no assertions",
                );
            }
            Ok(checked) => trusted.push(checked),
            Err(rule) => return refuse("trusted_issuers", one.issuer.clone(), rule),
        }
    }
    Ok(trusted)
}

pub(super) fn check_providers(s: &IssuerSettings) -> Result<Vec<Arc<Provider>>, BrokenSetting> {
    const SETTING: &str = "federated_providers";
    if s.federated_providers.len() > MAX_PROVIDERS {
        return refuse(SETTING, s.federated_providers.len().to_string(), "at most 256");
    }
    let mut providers: Vec<Arc<Provider>> = Vec::with_capacity(s.federated_providers.len());
    for one in &s.federated_providers {
        let provider = match Provider::new(one, &s.url) {
            Ok(provider) => provider,
            Err(error) => return refuse(SETTING, format!("{}: {error}", one.name()), "see config/jeton.toml"),
        };
        if providers.iter().any(|other| other.is_like(&provider)) {
            return refuse(SETTING, provider.name, "each name once, and each issuer or trust domain");
        }
        providers.push(Arc::new(provider));
    }
    Ok(providers)
}
