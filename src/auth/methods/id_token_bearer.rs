//! id_token_bearer: a token that an outside provider gave a workload, such as a Kubernetes service account token, a
//! SPIFFE JWT-SVID or the ID token of a build system, and rules that say which client the workload is.
//!
//! A token comes with the type of Alibaba Cloud IDaaS, with that of draft-ietf-oauth-spiffe-client-auth, or with that of
//! RFC 7523 and `client_id`. The provider is the one that the token says it is from, its keys are those of our settings.
//! Such tokens are files that workloads read again and again until they expire, so they are good for many requests
//! unless the credential says otherwise.

use serde_json::{Map, Value, json};

use crate::auth::assertion;
use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::{Evidence, typed_assertion};
use crate::auth::failure::ClaimError;
use crate::auth::jwt::{MAX_JTI, SKEW, instant};
use crate::auth::method::{Method, VerifyFuture};
use crate::auth::{federated, signature};
use crate::client::metadata::AssertionAudience;
use crate::clock::Time;
use crate::federation::condition::Facts;
use crate::federation::{Provider, ProviderTrust, TokenTrust};
use crate::jose::{Jws, Scheme};
use crate::protocol::auth_method::{AuthMethod, CredentialKind, ProviderKind};
use crate::protocol::error::OAuthError;
use crate::strict_json;
use crate::token::access::is_access_token;

/// The types of such assertions, but for RFC 7523's.
const TYPES: [&str; 2] = [
    "urn:cloud:idaas:params:oauth:client-assertion-type:id-token-bearer",
    "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
];

const METHOD: AuthMethod = AuthMethod {
    name: "id_token_bearer",
    credential: CredentialKind::Federated(ProviderKind::Tokens),
    algorithms: &Scheme::SIGNATURES,
};

/// A token of a federated provider.
pub(super) struct IdTokenBearer;

impl Method for IdTokenBearer {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let form = evidence.form;
        let text = typed_assertion(form, &TYPES).or_else(|| assertion::foreign(form));
        Ok(text.map(|text| Claim::federated(METHOD, text, form)))
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            let ClientProof::Federated(sent) = proof else { return attempt.judge(Err("no token")) };
            let token = match Token::parse(sent.assertion) {
                Ok(token) => token,
                Err(reason) => return attempt.judge(Err(reason)),
            };
            let from = token.origin(attempt);
            let signed = token.signed(attempt, from.map(|(_, trust)| trust)).await?;
            let checked =
                signed.and(from.ok_or("the token is of no federated provider")).and_then(|(provider, trust)| {
                    let exp = token.check(attempt, trust)?;
                    let facts = token.facts(attempt);
                    Ok((federated::choose(attempt, sent.credential, provider, &facts)?, exp))
                });
            let (client, (credential, exp)) = attempt.judge_with(checked)?;
            federated::spend(attempt, &client, credential, token.name(), exp).await?;
            Ok(client)
        })
    }
}

/// A token; nothing in it is trusted until the signature is checked.
struct Token<'a> {
    /// The signed text, without the signature, which may have several forms.
    signed: &'a str,
    jws: Jws<'a>,
    claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        const NONE: &str = "the token is no JWT that is accepted here";
        let jws = Jws::parse(text).map_err(|_| NONE)?;
        let claims = strict_json::from_slice(jws.payload()).map_err(|_| NONE)?;
        let (signed, _) = text.rsplit_once('.').ok_or(NONE)?;
        Ok(Self { signed, jws, claims })
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// The provider that it says it is from.
    fn origin<'b>(&self, attempt: &AuthAttempt<'b>) -> Option<(&'b Provider, &'b TokenTrust)> {
        attempt.issuer.providers.iter().find_map(|provider| match &provider.trust {
            ProviderTrust::Tokens(trust) if trust.origin.is_of(self.text("iss"), self.text("sub")) => {
                Some((&**provider, trust))
            }
            ProviderTrust::Tokens(_) | ProviderTrust::Certificates(_) | ProviderTrust::Documents(_) => None,
        })
    }

    /// Checks that the provider signed the token.
    async fn signed(
        &self,
        attempt: &AuthAttempt<'_>,
        trust: Option<&TokenTrust>,
    ) -> Result<Result<(), &'static str>, ClaimError> {
        let keys = match trust {
            Some(trust) => signature::keys(attempt, &trust.keys, &self.jws).await?,
            None => None,
        };
        if !signature::is_by(&self.jws, keys.as_deref()) {
            return Ok(Err("no key of the federated provider made the token's signature"));
        }
        Ok(attempt.allows(self.jws.header().alg))
    }

    /// Everything but signature and conditions; gives when it expires.
    fn check(&self, attempt: &AuthAttempt<'_>, trust: &TokenTrust) -> Result<Time, &'static str> {
        let header = self.jws.header();
        // RFC 8725 section 3.11: an access token or a logout token is none of these
        if header.typ.is_some() && !header.is_typ("JWT") && !header.is_typ("JOSE") {
            return Err("the token's typ is of something else");
        }
        if is_access_token(self.text("jti"), &self.claims) {
            return Err("the token is an access token of a jeton");
        }
        if self.text("sub").is_none_or(str::is_empty) {
            return Err("the token has no subject");
        }
        if !self.is_for(attempt, trust) {
            return Err("the token is not for this issuer");
        }
        let exp = self.claims.get("exp").and_then(instant).ok_or("the token's exp is missing or no number")?;
        if exp <= attempt.now {
            return Err("the token has expired");
        }
        if exp > attempt.now + trust.longest_lifetime + SKEW {
            return Err("the token lives too long");
        }
        for begin in ["nbf", "iat"].into_iter().filter_map(|name| self.claims.get(name)) {
            if instant(begin).ok_or("the token's nbf or iat is no number")? > attempt.now + SKEW {
                return Err("the token is from the future");
            }
        }
        Ok(exp)
    }

    /// Returns whether each member of the audience is one of ours: a token for two can be replayed by one at the other. A strict
    /// client's is the issuer alone, as a text or as the list of one that Kubernetes makes of it.
    fn is_for(&self, attempt: &AuthAttempt<'_>, trust: &TokenTrust) -> bool {
        let issuer = &attempt.issuer.url;
        let accepted = |aud: &str| match attempt.client.as_ref().map(|client| client.settings.assertions.audience) {
            Some(AssertionAudience::Issuer) => aud == issuer,
            _ if trust.audiences.is_empty() => aud == issuer || attempt.is_endpoint(aud),
            _ => trust.audiences.iter().any(|own| own == aud),
        };
        match self.claims.get("aud") {
            Some(Value::String(one)) => accepted(one),
            Some(Value::Array(all)) => !all.is_empty() && all.iter().all(|one| one.as_str().is_some_and(accepted)),
            _ => false,
        }
    }

    /// Returns the name that a token for one use is remembered by.
    fn name(&self) -> &[u8] {
        let jti = self.text("jti").filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI);
        jti.unwrap_or(self.signed).as_bytes()
    }

    fn facts(&self, attempt: &AuthAttempt<'_>) -> Facts {
        let header = self.jws.header();
        let header = json!({ "alg": header.alg.name(), "kid": header.kid, "typ": header.typ });
        Facts::default()
            .with("jwt", json!({ "header": header, "claims": self.claims }))
            .with("client", json!({ "id": attempt.client_id }))
    }
}
