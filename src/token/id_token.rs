//! The claims of ID tokens (OpenID Connect Core sections 2, 3.1.3.6 and 12.2).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::jose::alg::Algorithm;

/// The claims of an ID token.
#[derive(Debug, Serialize)]
pub(crate) struct IdClaims<'a> {
    /// Issuer, byte for byte the one of discovery.
    pub iss: &'a str,
    /// The person, at most 255 ASCII characters.
    pub sub: &'a str,
    /// The client.
    pub aud: &'a str,
    /// The client again: the party the token was issued to.
    pub azp: &'a str,
    /// Expiry, seconds since the epoch.
    pub exp: u64,
    /// Issue, seconds since the epoch.
    pub iat: u64,
    /// Time of the person's authentication, seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// `nonce` of the authentication request; only in the answer to the code (section 12.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// Authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// Authentication methods.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub amr: &'a [String],
    /// Ties the access token of the same answer to this token, see [`at_hash`].
    pub at_hash: String,
    /// Further claims; never one of the above.
    #[serde(flatten)]
    pub extra: &'a Map<String, Value>,
}

/// `at_hash`: base64url of the left half of the hash of the access token, with the hash of `alg` (section 3.1.3.6);
/// SHA-512 for Ed25519, which is what it hashes with inside (RFC 8032 section 5.1).
pub(crate) fn at_hash(access_token: &str, alg: Algorithm) -> String {
    let hash = match alg {
        Algorithm::EdDsa => digest::digest(&digest::SHA512, access_token.as_bytes()),
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => {
            digest::digest(&digest::SHA256, access_token.as_bytes())
        }
    };
    let hash = hash.as_ref();
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_matches_the_example_of_the_openid_specification() {
        // OpenID Connect Core, appendix A.4: the access token and at_hash of the hybrid example
        assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", Algorithm::Rs256), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
