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
mod provider;
mod settings;
mod token;
pub mod trust;

pub use self::credential::{Credential, MAX_CREDENTIALS};
pub use self::document::{DocumentTrust, Signers};
pub use self::provider::{MAX_NAME, MAX_PROVIDERS, Provider, ProviderTrust};
pub use self::settings::{
    CertificateProvider, DocumentProvider, FederatedCredential, FederatedProvider, TokenProvider, Verification,
};
pub use self::token::{TokenOrigin, TokenTrust, trust_domain};

#[cfg(test)]
mod tests;
