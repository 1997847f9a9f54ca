//! PKCE (RFC 7636), method S256 only (RFC 9700 section 2.1.1; CHECKLIST 43, 45).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::error::{BrokenRule, ErrorCause, OAuthError};

/// A code challenge of method S256: the SHA-256 of the verifier.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Challenge([u8; 32]);

impl Challenge {
    /// Parses `code_challenge` with its `code_challenge_method`: 43 characters of base64url, method `S256`.
    ///
    /// # Errors
    /// The rule that was broken; an absent method means `plain` and is refused like it.
    pub(crate) fn parse(challenge: &str, method: Option<&str>) -> Result<Self, &'static str> {
        if method != Some("S256") {
            return Err("code_challenge_method must be S256");
        }
        let malformed = "code_challenge must be 43 characters of base64url";
        let bytes = URL_SAFE_NO_PAD.decode(challenge).map_err(|_| malformed)?;
        bytes.try_into().map(Self).map_err(|_| malformed)
    }

    /// Compares the challenge with that of `verifier` (RFC 7636 section 4.6), in constant time.
    pub(crate) fn matches(&self, verifier: &Verifier<'_>) -> bool {
        digest::digest(&digest::SHA256, verifier.0.as_bytes()).as_ref().ct_eq(&self.0).into()
    }
}

/// A well-formed code verifier. No `Debug`: it is a secret until it is redeemed.
pub(crate) struct Verifier<'a>(&'a str);

impl<'a> Verifier<'a> {
    /// Parses `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1).
    ///
    /// # Errors
    /// `invalid_request` for any other length or character.
    pub(crate) fn parse(text: &'a str) -> Result<Self, OAuthError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text))
        } else {
            let rule = "code_verifier must be 43 to 128 unreserved characters";
            Err(OAuthError::invalid_request(rule).because(ErrorCause::Parameter("code_verifier", BrokenRule::Syntax)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_rfc7636_appendix_b_matches() {
        let challenge = Challenge::parse(CHALLENGE, Some("S256")).unwrap();
        assert!(challenge.matches(&Verifier::parse(VERIFIER).unwrap()));
        assert!(!challenge.matches(&Verifier::parse(CHALLENGE).unwrap()), "the challenge is not its own verifier");
    }

    #[test]
    fn plain_missing_and_unknown_methods_are_refused() {
        for method in [None, Some("plain"), Some("s256"), Some("S512")] {
            assert!(Challenge::parse(CHALLENGE, method).is_err());
        }
        assert!(Challenge::parse("short", Some("S256")).is_err());
    }
}
