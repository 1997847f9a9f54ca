//! client_secret_basic (RFC 6749 section 2.3.1): both halves are form-encoded before they are joined (CHECKLIST 17, 18).
//! Half of the clients do not know that, so both are also taken as they were sent; an empty password is none, which is
//! what a client library without a secret sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::none;
use crate::auth::attempt::AuthAttempt;
use crate::auth::claim::{Claim, ClientProof};
use crate::auth::evidence::Evidence;
use crate::auth::method::{Method, VerifyFuture};
use crate::auth::password;
use crate::auth::spellings::SecretSpellings;
use crate::client::secret::MAX_SECRET;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::protocol::error::OAuthError;
use crate::protocol::form::decode;

/// Longest `Authorization` header that is looked at, in bytes.
const MAX_HEADER: usize = 4096;

const METHOD: AuthMethod =
    AuthMethod { name: "client_secret_basic", credential: CredentialKind::Secret, algorithms: &[] };

/// The `Authorization` header; any other scheme than Basic is a failed authentication.
pub(super) struct ClientSecretBasic;

impl Method for ClientSecretBasic {
    fn method(&self) -> AuthMethod {
        METHOD
    }

    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        evidence.authorization.map(|header| parse(header).ok_or(OAuthError::INVALID_CLIENT)).transpose()
    }

    fn verify<'a>(&self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a> {
        Box::pin(async move {
            match proof {
                ClientProof::Secret(secret) => password::verify(attempt, secret).await,
                ClientProof::None => attempt.judge(Ok(())),
                ClientProof::Assertion(_) | ClientProof::Federated(_) => attempt.judge(Err("no secret")),
            }
        })
    }
}

fn parse(header: &[u8]) -> Option<Claim<'static>> {
    let (scheme, credentials) = header.split_at_checked(6).filter(|_| header.len() <= MAX_HEADER)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(credentials.trim_ascii()).ok()?);
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (id, secret) = (&decoded[..colon], &decoded[colon + 1..]);
    let unencoded = |half| std::str::from_utf8(half).ok();
    let (id, sent_id) = match (decode(id).ok(), unencoded(id)) {
        (Some(id), sent) => (id.clone().into_owned(), sent.filter(|sent| *sent != id).map(str::to_owned)),
        (None, sent) => (sent?.to_owned(), None),
    };
    if id.is_empty() {
        return None;
    }
    let claim = if secret.is_empty() {
        Claim::new(none::METHOD, id, ClientProof::None)
    } else {
        let own = |text: &str| Zeroizing::new(text.to_owned());
        let raw = unencoded(secret).filter(|raw| raw.len() <= MAX_SECRET).map(own);
        let sent = SecretSpellings::either(decode(secret).ok().map(|text| Zeroizing::new(text.into_owned())), raw)?;
        Claim::new(METHOD, id, ClientProof::Secret(sent))
    };
    Some(Claim { sent_id, ..claim })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[test]
    fn rfc6749_2_3_1_credentials_are_form_decoded() {
        let claim = parse(header("a%3Ab", "%25%2B+%C3%A9%3A").as_bytes()).unwrap();
        assert_eq!((claim.client_id.as_str(), claim.sent_id.as_deref()), ("a:b", Some("a%3Ab")));
        let ClientProof::Secret(secret) = claim.proof else { unreachable!() };
        assert_eq!(secret.spellings().collect::<Vec<_>>(), ["%+ \u{e9}:", "%25%2B+%C3%A9%3A"]);
    }

    #[test]
    fn rfc6749_2_3_1_what_cannot_be_decoded_or_is_the_same_decoded_is_one_spelling() {
        for (secret, spellings) in [("plain", &["plain"][..]), ("100%", &["100%"]), ("a+b", &["a b", "a+b"])] {
            let claim = parse(header("web", secret).as_bytes()).unwrap();
            let ClientProof::Secret(sent) = claim.proof else { unreachable!() };
            assert_eq!((sent.spellings().collect::<Vec<_>>().as_slice(), claim.sent_id), (spellings, None));
        }
    }

    #[test]
    fn rfc6749_2_3_1_an_empty_password_is_none() {
        let claim = parse(header("spa", "").as_bytes()).unwrap();
        assert_eq!((claim.method, claim.client_id.as_str()), (none::METHOD, "spa"));
    }

    #[test]
    fn malformed_headers_are_refused() {
        let no_colon = format!("Basic {}", STANDARD.encode("web"));
        for bad in ["Basic", "Basic ", "Basic !!!", "Bearer x", &no_colon, &header("", "x"), &header("", "")] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
