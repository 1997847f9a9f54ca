//! pkcs7_bearer (Alibaba Cloud IDaaS): a document about a machine that its cloud signed (PKCS#7), in base64, and rules on
//! what it says.
//!
//! The workload has the cloud attest for whom the document is and when it asked (`aud`, `signingTime`), so that a document
//! for one service is no good at another, and none is good for long. Until then it may be used again, as the vendor's SDK
//! does, unless the credential is for one use.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::{Evidence, typed_assertion};
use crate::auth::federated;
use crate::auth::jwt::{SKEW, instant};
use crate::auth::method::{Method, VerifyFuture};
use crate::clock::Time;
use crate::cms::{MAX_DOCUMENT, SignedDocument};
use crate::federation::condition::Facts;
use crate::federation::{DocumentTrust, Provider, ProviderTrust, Signers, facts};
use crate::protocol::auth_method::{AuthMethod, CredentialKind, ProviderKind};
use crate::protocol::error::OAuthError;
use crate::strict_json;
use crate::x509::{Chain, Usage};

const TYPE: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:pkcs7-bearer";

const METHOD: AuthMethod = AuthMethod {
    name: "pkcs7_bearer",
    credential: CredentialKind::Federated(ProviderKind::Documents),
    algorithms: &[],
};

/// An attested document.
pub(super) struct Pkcs7Bearer;

impl Method for Pkcs7Bearer {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let text = typed_assertion(evidence.form, &[TYPE]);
        Ok(text.map(|text| Claim::federated(METHOD, text, evidence.form)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let ClientProof::Federated(sent) = proof else { return attempt.judge(Err("no document")) };
            let checked = decode(sent.assertion).and_then(|bytes| {
                // as every provider sees it, whichever is meant: a signature more or less would tell whether there is
                // such a client
                let seen: Vec<_> =
                    attempt.issuer.providers.iter().filter_map(|own| see(attempt, own, &bytes)).collect();
                let provider = federated::provider(attempt, sent.credential)?;
                let own = seen.into_iter().find(|(name, _)| *name == provider.name);
                let (document, until, facts) =
                    own.map_or(Err("the federated provider is of another kind"), |own| own.1)?;
                let credential = federated::choose(attempt, sent.credential, provider, &facts)?;
                Ok((credential, document, until))
            });
            let (client, (credential, document, until)) = attempt.judge_with(checked)?;
            federated::spend(attempt, &client, credential, document.content(), until).await?;
            Ok(client)
        })
    }
}

/// Reads a document as a provider of documents sees it: the document, until when it is good, and the facts that rules
/// may ask of it.
fn see<'a>(
    attempt: &AuthAttempt<'_>,
    provider: &'a Provider,
    bytes: &[u8],
) -> Option<(&'a str, Result<Seen, &'static str>)> {
    let ProviderTrust::Documents(trust) = &provider.trust else { return None };
    let seen = open(attempt, trust, bytes).and_then(|document| {
        let attested = Attested::read(&document, trust)?;
        let until = attested.check(attempt, trust, &document)?;
        let facts = attested.facts(attempt, &document);
        Ok((document, until, facts))
    });
    Some((&provider.name, seen))
}

type Seen = (SignedDocument, Time, Facts);

/// The bytes of a document: base64 in lines of any length, padded or not.
fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(packed).ok().filter(|bytes| bytes.len() <= MAX_DOCUMENT).ok_or("the document is no short base64")
}

/// The document, if the provider's signer signed it.
fn open(attempt: &AuthAttempt<'_>, trust: &DocumentTrust, bytes: &[u8]) -> Result<SignedDocument, &'static str> {
    let known = match &trust.signers {
        Signers::Of(_) => &[][..],
        Signers::Are(known) => known,
    };
    let document = SignedDocument::open(bytes, known).map_err(|_| "the document is not signed as it must be")?;
    let trusted = match &trust.signers {
        Signers::Are(known) => known.contains(document.signer()) && document.signer().is_current(attempt.now),
        Signers::Of(anchors) => Chain::new(document.signer().clone(), document.certificates().to_vec())
            .and_then(|chain| chain.verify(anchors, Usage::Any, attempt.now))
            .is_ok(),
    };
    if trusted { Ok(document) } else { Err("the federated provider's certificates do not vouch for the signer now") }
}

/// A signed document, and what in it the workload asked to have attested.
struct Attested {
    document: Value,
    statement: Map<String, Value>,
}

impl Attested {
    fn read(document: &SignedDocument, trust: &DocumentTrust) -> Result<Self, &'static str> {
        let read = |text: &[u8]| strict_json::from_slice::<Map<String, Value>>(text).ok();
        let members = read(document.content()).ok_or("the document's content is no JSON object")?;
        let statement = match &trust.statement {
            None => Some(members.clone()),
            Some(name) => match members.get(name) {
                Some(Value::String(text)) => read(text.as_bytes()),
                Some(Value::Object(inner)) => Some(inner.clone()),
                _ => None,
            },
        };
        let statement = statement.ok_or("the document has no statement of the workload")?;
        Ok(Self { document: members.into(), statement })
    }

    /// Checks that the document is for us and fresh; returns until when.
    fn check(
        &self,
        attempt: &AuthAttempt<'_>,
        trust: &DocumentTrust,
        signed: &SignedDocument,
    ) -> Result<Time, &'static str> {
        if self.statement.get("aud").and_then(Value::as_str) != Some(&trust.audience) {
            return Err("the document is not for this audience");
        }
        let asked = self.statement.get("signingTime").and_then(instant);
        let asked = asked.ok_or("the document's signingTime is missing or no number")?;
        // the workload says when it asked, the cloud, if it says it, when it signed: neither may be early or late
        for time in [Some(asked), signed.signing_time()].into_iter().flatten() {
            if time > attempt.now + SKEW {
                return Err("the document is from the future");
            }
            if attempt.now >= time + trust.effective_time {
                return Err("the document is too old");
            }
        }
        Ok(asked + trust.effective_time)
    }

    fn facts(&self, attempt: &AuthAttempt<'_>, signed: &SignedDocument) -> Facts {
        let pkcs7 = json!({
            "document": self.document, "statement": self.statement, "signingTime": self.statement.get("signingTime"),
        });
        Facts::default()
            .with("pkcs7", pkcs7)
            .with("cert", facts::certificate(signed.signer()))
            .with("client", json!({ "id": attempt.client_id }))
    }
}
