//! x509_jwt_bearer (Alibaba Cloud IDaaS, "private CA"): the client's own assertion (RFC 7523 section 3), signed with the
//! key of a certificate that comes along in `client_x509`, with those between it and a trusted authority in
//! `client_x509_chain`, and rules on both.
//!
//! The certificate is the only key: `x5c` and `x5u` of the header are never looked at. Revocation lists are not either;
//! a certificate is good until it expires, or until the rules say otherwise.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::auth::assertion::Assertion;
use crate::auth::assertion_rules::accept;
use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof, FederatedProof};
use crate::auth::evidence::{Evidence, typed_assertion};
use crate::auth::federated;
use crate::auth::method::{Method, VerifyFuture};
use crate::federation::condition::Facts;
use crate::federation::{Provider, ProviderTrust, facts};
use crate::jose::{Owner, Scheme, VerifyingKey};
use crate::protocol::auth_method::{AuthMethod, CredentialKind, ProviderKind};
use crate::protocol::error::OAuthError;
use crate::strict_json;
use crate::x509::{Certificate, Chain, Usage};

const TYPE: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:x509-jwt-bearer";

const METHOD: AuthMethod = AuthMethod {
    name: "x509_jwt_bearer",
    credential: CredentialKind::Federated(ProviderKind::Certificates),
    algorithms: &Scheme::SIGNATURES,
};

/// An assertion under a certificate.
pub(super) struct X509JwtBearer;

impl Method for X509JwtBearer {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let text = typed_assertion(evidence.form, &[TYPE]);
        Ok(text.map(|text| Claim::federated(METHOD, text, evidence.form)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let ClientProof::Federated(sent) = proof else { return attempt.judge(Err("no assertion")) };
            let assertion = match Assertion::parse(sent.assertion) {
                Ok(assertion) => assertion,
                Err(reason) => return attempt.judge(Err(reason)),
            };
            let checked = certified(attempt, sent, &assertion).and_then(|(facts, vouching)| {
                let single = assertion.check(attempt)?;
                let provider = federated::provider(attempt, sent.credential)?;
                federated::choose(attempt, sent.credential, provider, &facts)?;
                if vouching.contains(&provider.name.as_str()) { Ok(single) } else { Err(NOBODY) }
            });
            accept(attempt, checked).await
        })
    }
}

const NOBODY: &str = "no authority of the federated provider vouches for the certificate now";

/// Returns the facts of certificate and assertion, and the providers that issued the certificate. All
/// providers are asked, whichever is meant: a signature more or less would tell whether there is such a client.
fn certified<'a>(
    attempt: &'a AuthAttempt<'_>,
    sent: &FederatedProof<'_>,
    assertion: &Assertion<'_>,
) -> Result<(Facts, Vec<&'a str>), &'static str> {
    let leaf = sent.certificate.ok_or("client_x509 is missing")?;
    Certificate::from_pem(leaf.as_bytes()).map_err(|_| "client_x509 is not one certificate in PEM")?;
    let chain = format!("{leaf}\n{}", sent.chain.unwrap_or_default());
    let chain =
        Chain::from_pem(chain.as_bytes()).map_err(|_| "client_x509_chain is no chain of certificates in PEM")?;
    let vouches = |provider: &&Arc<Provider>| match &provider.trust {
        ProviderTrust::Certificates(anchors) => chain.verify(anchors, Usage::ClientAuth, attempt.now).is_ok(),
        ProviderTrust::Tokens(_) | ProviderTrust::Documents(_) => false,
    };
    let vouching: Vec<&str> =
        attempt.issuer.providers.iter().filter(vouches).map(|provider| provider.name.as_str()).collect();
    if vouching.is_empty() {
        return Err(NOBODY);
    }
    let alg = assertion.jws.header().alg;
    let key = chain.leaf().public_key().and_then(|key| VerifyingKey::new(&key, Owner::SomebodyElse));
    let key = key.map_err(|_| "the certificate's key cannot be used")?;
    assertion.jws.verify_with(&key, alg).map_err(|_| "the certificate's key did not make the assertion's signature")?;
    attempt.allows(alg)?;
    let claims: Value = strict_json::from_slice(assertion.jws.payload()).unwrap_or_default();
    let header = assertion.jws.header();
    let header = json!({ "alg": header.alg.name(), "kid": header.kid, "typ": header.typ });
    let facts = Facts::default()
        .with("jwt", json!({ "header": header, "claims": claims }))
        .with("cert", facts::certificate(chain.leaf()))
        .with("client", json!({ "id": attempt.client_id }));
    Ok((facts, vouching))
}
