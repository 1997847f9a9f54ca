use super::*;

const RSA_7638: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
const OKP_8037: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const EC_7515: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

fn parse(json: &str) -> Result<PublicJwk, JwkError> {
    PublicJwk::parse(json.as_bytes())
}

#[test]
fn thumbprints_are_those_of_rfc_7638_section_3_1_and_rfc_8037_a_3() {
    assert_eq!(parse(RSA_7638).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(parse(OKP_8037).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_key_comes_back_as_it_went_out() {
    for json in [RSA_7638, OKP_8037, EC_7515] {
        let key = parse(json).unwrap();
        let out = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<PublicJwk>(&out).unwrap(), key);
        assert_eq!(serde_json::from_str::<PublicJwk>(json).unwrap(), key);
    }
    assert_eq!(serde_json::to_string(&parse(OKP_8037).unwrap()).unwrap(), OKP_8037);
}

#[test]
fn a_private_member_is_refused_even_if_null() {
    for name in PRIVATE {
        for value in ["\"AQ\"", "null"] {
            let json = OKP_8037.replace('}', &format!(",\"{name}\":{value}}}"));
            assert!(matches!(parse(&json), Err(JwkError::Private(found)) if found == name), "{name}");
        }
    }
}

#[test]
fn other_curves_other_types_and_arrays_are_refused() {
    assert!(matches!(parse(&OKP_8037.replace("Ed25519", "X25519")), Err(JwkError::Unsupported)));
    assert!(matches!(parse(&EC_7515.replace("P-256", "secp256k1")), Err(JwkError::Unsupported)));
    assert!(matches!(parse(&EC_7515.replace("P-256", "P-384")), Err(JwkError::Encoding("x"))));
    assert!(matches!(parse(r#"{"kty":"oct"}"#), Err(JwkError::Unsupported)));
    assert!(matches!(parse(r#"{"crv":"Ed25519"}"#), Err(JwkError::Missing("kty"))));
    assert!(matches!(
        parse(r#"["OKP","Ed25519","11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]"#),
        Err(JwkError::Malformed(_))
    ));
}

#[test]
fn wrong_lengths_and_sloppy_base64_are_refused() {
    for x in [
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
        "",
    ] {
        let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
        assert!(matches!(parse(&json), Err(JwkError::Encoding("x"))), "{x}");
    }
}

#[test]
fn short_rsa_keys_even_exponents_and_leading_zeros_are_refused() {
    let n = |bytes: usize| [vec![0x80], vec![0xff; bytes - 1]].concat();
    assert!(PublicJwk::rsa(n(256), vec![1, 0, 1]).is_ok());
    assert!(PublicJwk::rsa([vec![0x7f], vec![0xff; 255]].concat(), vec![1, 0, 1]).is_err(), "2047 bits");
    assert!(PublicJwk::rsa(n(128), vec![1, 0, 1]).is_err(), "1024 bits");
    assert!(PublicJwk::rsa(n(1025), vec![1, 0, 1]).is_err(), "8200 bits");
    assert!(PublicJwk::rsa([vec![0], n(256)].concat(), vec![1, 0, 1]).is_err(), "leading zero");
    for e in [vec![], vec![1], vec![2], vec![0, 3], vec![1, 0, 0, 0, 1]] {
        assert!(PublicJwk::rsa(n(256), e.clone()).is_err(), "{e:?}");
    }
}

#[test]
fn points_off_the_curve_and_of_small_order_are_refused() {
    let off = EC_7515.replace("x_FEzRu9", "x_FEzRu8");
    assert!(matches!(parse(&off), Err(JwkError::Point)));
    // the neutral element: y = 1
    let weak = URL_SAFE_NO_PAD.encode([&[1][..], &[0; 31]].concat());
    assert!(matches!(parse(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{weak}"}}"#)), Err(JwkError::Point)));
}
