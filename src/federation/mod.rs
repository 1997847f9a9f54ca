//! Federated credentials: an outside provider says who a workload is, and a client is who that provider's word, judged by
//! rules, makes it (Alibaba Cloud IDaaS; Kubernetes service accounts; SPIFFE).
//!
//! A provider is an issuer's: what is trusted, and an optional condition for everybody. A credential is a client's: a
//! provider and the condition under which its word means this client. Both conditions must hold, and a credential always
//! has one: what a provider says of all of its workloads must not make each of them this client.

pub(crate) mod condition;
mod credential;
mod document;
pub(crate) mod facts;
mod provider;
mod settings;
mod token;
pub(crate) mod trust;

pub(crate) use self::credential::{Credential, MAX_CREDENTIALS};
pub(crate) use self::document::{DocumentTrust, Signers};
pub(crate) use self::provider::MAX_PROVIDERS;
pub use self::provider::{Provider, ProviderTrust};
pub(crate) use self::settings::FederatedCredential;
pub use self::settings::FederatedProvider;
pub(crate) use self::token::TokenTrust;

#[cfg(test)]
mod tests;
