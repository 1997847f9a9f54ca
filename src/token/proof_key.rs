//! The key that a client wants its access token bound to: `token_type=pop` with `key` and `alg`, as IdentityServer3 has
//! it after a draft that no standard kept. The token carries it as `cnf.jwk` (RFC 7800 section 3.2), and whoever uses the
//! token must show to the resource that he has the private half.
//!
//! Always true: it is a public key that passed what every JWK must, and nothing private came with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jose::jwk::PublicJwk;
use crate::protocol::error::{BrokenRule, ErrorCause, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;

/// `token_type` of a request for such a token, and of its answer.
pub(crate) const POP: &str = "pop";

/// Values of `alg`.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];
/// Longest `key`, in characters of base64url.
const MAX_KEY: usize = 2048;

/// A key with what it will sign by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProofKey {
    /// The public key.
    pub key: PublicJwk,
    /// `alg`, which the answer repeats.
    pub alg: Option<&'static str>,
}

impl ProofKey {
    /// Reads the key that a request wants its access token bound to; only the code and refresh token grants can have
    /// one.
    ///
    /// # Errors
    /// `invalid_request` in the vendor's words if `alg` is none of nine, or `key` is missing, longer than 2048
    /// characters or no base64url of a public JWK.
    pub(crate) fn asked(form: &Form<'_>) -> Result<Option<Self>, OAuthError> {
        let grants = [GrantType::AUTHORIZATION_CODE, GrantType::REFRESH_TOKEN];
        let bindable = grants.iter().any(|grant| form.get("grant_type") == Some(grant.as_str()));
        if !bindable || form.get("token_type") != Some(POP) {
            return Ok(None);
        }
        let known = |name| {
            ALGORITHMS.into_iter().find(|known| *known == name).ok_or(wrong("invalid alg.", "alg", BrokenRule::Syntax))
        };
        let alg = form.get("alg").map(known).transpose()?;
        let key = form.get("key").ok_or(wrong("key is required.", "key", BrokenRule::Required))?;
        let key = read(key).ok_or(wrong("invalid key.", "key", BrokenRule::Syntax))?;
        Ok(Some(Self { key, alg }))
    }
}

const fn wrong(description: &'static str, parameter: &'static str, rule: BrokenRule) -> OAuthError {
    OAuthError::invalid_request(description).because(ErrorCause::Parameter(parameter, rule))
}

fn read(key: &str) -> Option<PublicJwk> {
    if key.len() > MAX_KEY {
        return None;
    }
    PublicJwk::parse(&URL_SAFE_NO_PAD.decode(key).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8037 appendix A.2.
    const PUBLIC: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn asked(grant: &str, key: &str) -> Result<Option<ProofKey>, OAuthError> {
        let body = format!("grant_type={grant}&token_type=pop&key={}", URL_SAFE_NO_PAD.encode(key));
        ProofKey::asked(&Form::parse(body.as_bytes()).ok().unwrap())
    }

    #[test]
    fn only_a_code_and_a_refresh_token_give_a_bound_token() {
        for grant in ["authorization_code", "refresh_token"] {
            assert!(asked(grant, PUBLIC).unwrap().is_some_and(|asked| asked.alg.is_none()));
        }
        assert_eq!(asked("client_credentials", PUBLIC), Ok(None));
        assert_eq!(asked("password", "no key"), Ok(None));
    }

    #[test]
    fn rfc7517_9_2_a_key_with_anything_private_or_weak_is_refused() {
        let private = PUBLIC.replace("\"x\"", "\"d\":\"AA\",\"x\"");
        let small = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
        let mac = r#"{"kty":"oct","k":"AAAA"}"#;
        for bad in [private.as_str(), small, mac, "[]", "{}", "null", "", "\u{0}"] {
            let error = asked("refresh_token", bad).unwrap_err();
            assert!(["invalid key.", "key is required."].contains(&error.description), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_key_is_read_or_refused(key in "\\PC{0,300}") {
            let _ = asked("refresh_token", &key);
            let _ = read(&key);
        }
    }
}
