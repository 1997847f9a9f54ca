use super::*;
use crate::jose::{Algorithm, Owner, PublicJwk};

impl Jws<'_> {
    /// Checks the signature with a key that is parsed for it.
    pub(crate) fn verify(&self, key: &PublicJwk, alg: impl Into<Scheme>) -> Result<(), JwsError> {
        self.verify_with(&VerifyingKey::new(key, Owner::SomebodyElse).map_err(JwsError::Key)?, alg)
    }
}

const KEY_8037: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const JWS_8037: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const KEY_7515_A3: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const JWS_7515_A3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const KEY_7515_A2: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const JWS_7515_A2: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn key(json: &str) -> PublicJwk {
    PublicJwk::parse(json.as_bytes()).unwrap()
}

fn with_header(header: &str) -> String {
    format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn the_examples_of_rfc_8037_a_4_and_rfc_7515_a_2_and_a_3_verify() {
    let jws = Jws::parse(JWS_8037).unwrap();
    jws.verify(&key(KEY_8037), Algorithm::EdDsa).unwrap();
    assert_eq!(jws.payload(), b"Example of Ed25519 signing");
    Jws::parse(JWS_7515_A2).unwrap().verify(&key(KEY_7515_A2), Algorithm::Rs256).unwrap();
    Jws::parse(JWS_7515_A3).unwrap().verify(&key(KEY_7515_A3), Algorithm::Es256).unwrap();
}

#[test]
fn what_debug_prints_of_a_jws_is_its_header_and_cannot_be_used() {
    assert_eq!(
        format!("{:?}", Jws::parse(JWS_8037).unwrap()),
        "Jws { header: Header { alg: EdDsa, kid: None, typ: None }, .. }"
    );
}

#[test]
fn the_expected_algorithm_must_be_the_headers_and_fit_the_key_rfc_8725_section_3_1() {
    let samples = [(JWS_8037, KEY_8037), (JWS_7515_A2, KEY_7515_A2), (JWS_7515_A3, KEY_7515_A3)];
    for (jws, own) in samples {
        let jws = Jws::parse(jws).unwrap();
        for alg in Scheme::SIGNATURES.into_iter().filter(|&alg| alg != jws.header().alg) {
            assert!(matches!(jws.verify(&key(own), alg), Err(JwsError::WrongAlgorithm)), "{alg}");
        }
        for (_, other) in samples.iter().filter(|(_, other)| *other != own) {
            assert!(matches!(jws.verify(&key(other), jws.header().alg), Err(JwsError::WrongKey)));
        }
    }
}

#[test]
fn none_and_unknown_algorithms_are_refused() {
    for alg in ["none", "None", "nOnE", "hs256", "ES256K", ""] {
        let jws = with_header(&format!(r#"{{"alg":"{alg}"}}"#));
        assert!(matches!(Jws::parse(&jws), Err(JwsError::UnknownAlgorithm)), "{alg}");
    }
    // an HMAC is read, and no public key is its secret (RFC 8725 section 2.1)
    let hmac = with_header(r#"{"alg":"HS256"}"#);
    let hmac = Jws::parse(&hmac).unwrap();
    assert!(matches!(hmac.verify(&key(KEY_7515_A2), Algorithm::Rs256), Err(JwsError::WrongAlgorithm)));
    assert!(matches!(hmac.verify(&key(KEY_7515_A2), Scheme::Hs256), Err(JwsError::WrongKey)));
    assert!(matches!(hmac.verify_mac(&[0; 31], Scheme::Hs256), Err(JwsError::WrongKey)));
    assert!(matches!(hmac.verify_mac(&[0; 32], Scheme::Hs256), Err(JwsError::WrongSignature)));
    let unsigned = format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#));
    let wrong = Jws::parse(&unsigned).unwrap().verify(&key(KEY_8037), Algorithm::EdDsa);
    assert!(matches!(wrong, Err(JwsError::WrongSignature)));
}

#[test]
fn anything_critical_is_refused_rfc_7515_section_4_1_11() {
    for member in [r#""crit":["exp"]"#, r#""crit":[]"#, r#""crit":null"#, r#""b64":false"#, r#""b64":true"#] {
        let jws = with_header(&format!(r#"{{"alg":"EdDSA",{member}}}"#));
        assert!(matches!(Jws::parse(&jws), Err(JwsError::Critical)), "{member}");
    }
}

#[test]
fn a_header_must_be_one_object_without_duplicates() {
    for header in [
        r#"["EdDSA"]"#,
        r#""EdDSA""#,
        "{}",
        r#"{"alg":1}"#,
        r#"{"alg":"EdDSA","alg":"ES256"}"#,
        r#"{"alg":"EdDSA"}x"#,
        "",
    ] {
        assert!(matches!(Jws::parse(&with_header(header)), Err(JwsError::Header(_))), "{header}");
    }
    let jws = with_header(
        r#" {"alg":"Ed25519","kid":"k","typ":"Application/AT+jwt","jwk":{"kty":"OKP"},"jku":"https://evil"}"#,
    );
    let jws = Jws::parse(&jws).unwrap();
    assert_eq!((jws.header().alg, jws.header().kid.as_deref()), (Scheme::EdDsa, Some("k")));
    assert!(jws.header().is_typ("at+jwt") && !jws.header().is_typ("jwt"));
}

#[test]
fn parts_must_be_three_and_canonical() {
    let (input, signature) = JWS_8037.rsplit_once('.').unwrap();
    for wrong in [
        input.to_owned(),
        format!("{JWS_8037}.e30"),
        format!("{JWS_8037}="),
        format!("{JWS_8037} "),
        format!(" {JWS_8037}"),
        format!("{input}.{}h", &signature[..signature.len() - 1]),
        String::new(),
        "..".to_owned(),
    ] {
        assert!(matches!(Jws::parse(&wrong), Err(JwsError::Malformed | JwsError::Header(_))), "{wrong}");
    }
    let long = format!("{}.{}.AA", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#), "A".repeat(MAX_JWS));
    assert!(matches!(Jws::parse(&long), Err(JwsError::TooLong)));
}

#[test]
fn every_flipped_bit_of_the_signature_and_a_malleable_s_are_refused_rfc_8032_section_5_1_7() {
    let (input, signature) = JWS_8037.rsplit_once('.').unwrap();
    let genuine = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verify = |signature: &[u8]| {
        let jws = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        Jws::parse(&jws).unwrap().verify(&key(KEY_8037), Algorithm::EdDsa)
    };
    verify(&genuine).unwrap();
    for bit in 0..512 {
        let mut bent = genuine.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&bent).is_err(), "bit {bit}");
    }
    // S + L is the same scalar, but not in its canonical form
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut malleable = genuine.clone();
    let mut carry = 0_u16;
    for (byte, add) in malleable[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + add + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert!(verify(&malleable).is_err());
    assert!(verify(&genuine[..63]).is_err() && verify(&[&genuine[..], &[0]].concat()).is_err());
}
