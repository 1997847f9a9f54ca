//! client_secret_basic (RFC 6749 section 2.3.1): both halves are form-encoded before they are joined (CHECKLIST 17, 18).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Case, Claim, Evidence, Method, Proof, Verdict, password};
use crate::client::metadata::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::form::decode;

/// Longest `Authorization` header that is looked at, in bytes.
const MAX_HEADER: usize = 4096;

/// The `Authorization` header; any other scheme than Basic is a failed authentication.
pub(super) struct Basic;

impl Method for Basic {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        evidence.authorization.map(|header| parse(header).ok_or(OAuthError::INVALID_CLIENT)).transpose()
    }

    fn verify<'a>(&self, case: &'a Case<'a>, proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(async move {
            match proof {
                Proof::Secret(secret) => password::verify(case, secret).await,
                Proof::Assertion(_) | Proof::Federated(_) | Proof::None => case.judge(Err("no secret")),
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
    let client_id = decode(&decoded[..colon]).ok()?.into_owned();
    let secret = Zeroizing::new(decode(&decoded[colon + 1..]).ok()?.into_owned());
    if client_id.is_empty() || secret.is_empty() {
        return None;
    }
    Some(Claim { method: AuthMethod::ClientSecretBasic, client_id, proof: Proof::Secret(secret) })
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
        assert_eq!(claim.client_id, "a:b");
        let Proof::Secret(secret) = claim.proof else { unreachable!() };
        assert_eq!(secret.as_str(), "%+ \u{e9}:");
    }

    #[test]
    fn malformed_headers_are_refused() {
        let no_colon = format!("Basic {}", STANDARD.encode("web"));
        for bad in [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer x",
            &no_colon,
            &header("web", "%zz"),
            &header("", "x"),
            &header("web", ""),
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
