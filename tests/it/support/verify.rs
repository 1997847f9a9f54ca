//! A verifier of JWTs that shares no code with the service: JSON and aws-lc-rs only, as a resource server would do it.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{claims, header};

/// The claims of `jwt` if exactly one key of `jwks` has its `kid`, that key is for its `alg`, and the signature is
/// right; the reason otherwise.
pub(crate) fn verify(jwt: &str, jwks: &Value) -> Result<Value, String> {
    let (input, signature) = jwt.rsplit_once('.').ok_or("no signature")?;
    let signature = bytes(signature);
    let head = header(jwt);
    let keys: Vec<&Value> =
        jwks["keys"].as_array().ok_or("no keys")?.iter().filter(|key| key["kid"] == head["kid"]).collect();
    let [key] = keys[..] else { return Err(format!("{} keys with kid {}", keys.len(), head["kid"])) };
    if key["alg"] != head["alg"] || key["use"] != "sig" {
        return Err(format!("the key is for {} {}, the token says {}", key["alg"], key["use"], head["alg"]));
    }
    let member = |name: &str| bytes(key[name].as_str().unwrap());
    let rsa = || RsaPublicKeyComponents { n: member("n"), e: member("e") };
    let checked = match (key["kty"].as_str(), key["crv"].as_str(), head["alg"].as_str()) {
        (Some("OKP"), Some("Ed25519"), Some("EdDSA")) => {
            UnparsedPublicKey::new(&ED25519, member("x")).verify(input.as_bytes(), &signature)
        }
        (Some("EC"), Some("P-256"), Some("ES256")) => {
            let point = [vec![4], member("x"), member("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input.as_bytes(), &signature)
        }
        (Some("RSA"), None, Some("RS256")) => rsa().verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &signature),
        (Some("RSA"), None, Some("PS256")) => rsa().verify(&RSA_PSS_2048_8192_SHA256, input.as_bytes(), &signature),
        other => return Err(format!("{other:?} is no key that fits")),
    };
    checked.map(|()| claims(jwt)).map_err(|_| "the signature is wrong".to_owned())
}

/// `at_hash` (OpenID Connect Core section 3.1.3.6).
pub(crate) fn at_hash(access_token: &str, alg: &str) -> String {
    let hash = digest(if alg == "EdDSA" { &SHA512 } else { &SHA256 }, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// Decoded base64url.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
