//! x509_jwt_bearer (Alibaba Cloud IDaaS, "private CA"): the client's own assertion (RFC 7523 section 3), signed with the
//! key of a certificate that comes along in `client_x509`, with those between it and a trusted authority in
//! `client_x509_chain`, and rules on both.
//!
//! That certificate is the only key: `x5c` and `x5u` of the header are never looked at. Revocation lists are not either;
//! a certificate is good until it expires, or until the rules say otherwise.

use std::sync::Arc;

use serde_json::{Value, json};

use super::assertion::Assertion;
use super::federated::{self, Federated};
use super::{Case, Claim, Evidence, Method, Proof, Verdict};
use crate::federation::condition::Facts;
use crate::federation::{Provider, Trust, facts};
use crate::jose::{Owner, VerifyingKey};
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::strict_json;
use crate::x509::{Certificate, Chain, Usage};

const TYPE: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:x509-jwt-bearer";

/// An assertion under a certificate.
pub(super) struct X509JwtBearer;

impl Method for X509JwtBearer {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let text = form.get("client_assertion").filter(|_| form.get("client_assertion_type") == Some(TYPE));
        Ok(text.map(|text| Claim::federated(AuthMethod::X509JwtBearer, text, form)))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            let Proof::Federated(sent) = proof else { return case.judge(Err("no assertion")) };
            let assertion = match Assertion::parse(sent.assertion) {
                Ok(assertion) => assertion,
                Err(reason) => return case.judge(Err(reason)),
            };
            let checked = certified(case, sent, &assertion).and_then(|(facts, vouching)| {
                let single = assertion.check(case)?;
                let provider = federated::provider(case, sent.credential)?;
                federated::choose(case, sent.credential, provider, &facts)?;
                if vouching.contains(&provider.name.as_str()) { Ok(single) } else { Err(NOBODY) }
            });
            let (client, single) = case.judge_with(checked)?;
            single.spend(case, &client).await?;
            Ok(client)
        })
    }
}

const NOBODY: &str = "no authority of the federated provider vouches for the certificate now";

/// Which providers issued the certificate, whose key signed the assertion; gives what rules may ask of both. All
/// providers are asked, whichever is meant: a signature more or less would tell whether there is such a client.
fn certified<'a>(
    case: &'a Case<'_>,
    sent: &Federated<'_>,
    assertion: &Assertion<'_>,
) -> Result<(Facts, Vec<&'a str>), &'static str> {
    let leaf = sent.certificate.ok_or("client_x509 is missing")?;
    Certificate::from_pem(leaf.as_bytes()).map_err(|_| "client_x509 is not one certificate in PEM")?;
    let chain = format!("{leaf}\n{}", sent.chain.unwrap_or_default());
    let chain =
        Chain::from_pem(chain.as_bytes()).map_err(|_| "client_x509_chain is no chain of certificates in PEM")?;
    let vouches = |provider: &&Arc<Provider>| match &provider.trust {
        Trust::Certificates(anchors) => chain.verify(anchors, Usage::ClientAuth, case.now).is_ok(),
        Trust::Tokens(_) | Trust::Documents(_) => false,
    };
    let vouching: Vec<&str> =
        case.issuer.providers.iter().filter(vouches).map(|provider| provider.name.as_str()).collect();
    if vouching.is_empty() {
        return Err(NOBODY);
    }
    let alg = assertion.jws.header().alg;
    let key = chain.leaf().public_key().and_then(|key| VerifyingKey::new(&key, Owner::SomebodyElse));
    let key = key.map_err(|_| "the certificate's key cannot be used")?;
    assertion.jws.verify_with(&key, alg).map_err(|_| "the certificate's key did not make the assertion's signature")?;
    case.allows(alg)?;
    let claims: Value = strict_json::from_slice(assertion.jws.payload()).unwrap_or_default();
    let header = assertion.jws.header();
    let header = json!({ "alg": header.alg.name(), "kid": header.kid, "typ": header.typ });
    let facts = Facts::default()
        .with("jwt", json!({ "header": header, "claims": claims }))
        .with("cert", facts::certificate(chain.leaf()))
        .with("client", json!({ "id": case.client_id }));
    Ok((facts, vouching))
}
