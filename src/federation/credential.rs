//! A client's credential: a provider, and the condition under which its word means this client.

use std::sync::Arc;

use super::condition::Condition;
use super::provider::{Provider, check_name};
use super::settings::FederatedCredential;
use crate::protocol::auth_method::{AuthMethod, CredentialKind, ProviderKind};

/// Most credentials of a client.
pub(crate) const MAX_CREDENTIALS: usize = 32;

/// A credential of a client, in use.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name, unique at its client: `application_federated_credential_name`.
    pub name: String,
    /// The provider that vouches.
    pub provider: Arc<Provider>,
    /// The condition that the word of the provider must meet.
    pub condition: Condition,
    /// True if a proof is good for one request only.
    pub single_use: bool,
}

impl Credential {
    /// Checks a credential of a client that authenticates by `method`, one of `methods`.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn new(
        own: &FederatedCredential,
        method: AuthMethod,
        methods: &[AuthMethod],
        providers: &[Arc<Provider>],
    ) -> Result<Self, String> {
        let about = |rule: String| format!("{}: {rule}", own.name);
        check_name(&own.name).map_err(about)?;
        let found = providers.iter().find(|provider| provider.name == own.provider);
        let provider =
            found.ok_or_else(|| about("provider: must be one of the issuer's federated_providers".to_owned()))?;
        let kind = CredentialKind::Federated(provider.kind());
        if method.credential != kind {
            let fit = methods.iter().find(|method| method.credential == kind).map_or("", |method| method.name);
            return Err(about(format!("provider: clients of this one have the method {fit}")));
        }
        let condition = Condition::parse(&own.condition, provider.kind());
        Ok(Self {
            name: own.name.clone(),
            provider: provider.clone(),
            condition: condition.map_err(|error| about(format!("condition: {error}")))?,
            single_use: single_use(own, provider.kind()).map_err(about)?,
        })
    }
}

fn single_use(own: &FederatedCredential, kind: ProviderKind) -> Result<bool, String> {
    // the client makes the assertion itself and can always make another one (RFC 7523 section 3)
    let always = kind == ProviderKind::Certificates;
    match own.single_use {
        Some(false) if always => {
            Err("single_use: an x509_jwt_bearer assertion always is (RFC 7523 section 3)".to_owned())
        }
        Some(chosen) => Ok(chosen),
        None => Ok(always),
    }
}
