use std::sync::Arc;

use serde_json::json;

use super::token::trust_domain;
use super::*;

const URL: &str = "https://id.example";

fn provider(more: serde_json::Value) -> Result<Provider, String> {
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let mut settings =
        json!({ "type": "oidc", "name": "k8s", "issuer": "https://k8s.example", "jwks": { "keys": [key] } });
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            settings.as_object_mut().unwrap().remove(name);
        } else {
            settings[name] = value.clone();
        }
    }
    let settings: FederatedProvider = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    Provider::new(&settings, URL)
}

#[test]
fn a_provider_that_breaks_a_rule_names_it() {
    assert!(provider(json!({})).is_ok());
    assert!(provider(json!({ "issuer": null, "trust_domain": "prod.example" })).is_ok());
    for (more, rule) in [
        (json!({ "name": "K8S" }), "name:"),
        (json!({ "name": "k".repeat(65) }), "name:"),
        (json!({ "issuer": URL }), "issuer:"),
        (json!({ "issuer": null }), "exactly one of issuer and trust_domain"),
        (json!({ "trust_domain": "prod.example" }), "exactly one of issuer and trust_domain"),
        (json!({ "issuer": null, "trust_domain": "spiffe://prod.example" }), "trust_domain:"),
        (json!({ "issuer": null, "trust_domain": "prod.example/ns" }), "trust_domain:"),
        (json!({ "audiences": [""] }), "audiences:"),
        (json!({ "longest_lifetime": "0s" }), "longest_lifetime:"),
        (json!({ "longest_lifetime": "2years" }), "longest_lifetime:"),
        (json!({ "jwks": null }), "exactly one of jwks"),
        (json!({ "jwks_uri": "https://k8s.example/keys" }), "exactly one of jwks"),
        (json!({ "jwks": null, "jwks_uri": "http://k8s.example/keys" }), "jwks_uri:"),
        (json!({ "jwks": { "keys": [] } }), "jwks:"),
        (json!({ "condition": "Equals(cert.serialNumber, \"1\")" }), "condition: character 8"),
        (json!({ "unknown": 1 }), "unknown field"),
        (json!({ "type": "saml" }), "unknown variant"),
    ] {
        let error = provider(more.clone()).unwrap_err();
        assert!(error.contains(rule), "{more}: {error}");
    }
}

#[test]
fn a_credential_needs_a_condition_and_a_provider_of_its_kind() {
    let providers = [Arc::new(provider(json!({})).unwrap())];
    let methods = crate::auth::built_in();
    let make = |own: serde_json::Value, method: &str| {
        let own = serde_json::from_value(own).map_err(|error| error.to_string())?;
        let method = *methods.iter().find(|known| known.name == method).unwrap();
        Credential::new(&own, method, &methods, &providers)
    };
    let good = json!({ "name": "api", "provider": "k8s", "condition": "Equals(jwt.claims.sub, \"x\")" });
    assert!(!make(good.clone(), "id_token_bearer").unwrap().single_use);
    for (name, value, rule) in [
        ("name", json!("a/b"), "name:"),
        ("provider", json!("other"), "provider:"),
        ("condition", json!(""), "condition: character 1"),
        ("condition", json!(null), "expected a string"),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let error = make(bad, "id_token_bearer").unwrap_err();
        assert!(error.contains(rule), "{name}: {error}");
    }
    assert!(make(good, "x509_jwt_bearer").unwrap_err().contains("id_token_bearer"));
}

#[test]
fn spiffe_id_section_2_only_well_formed_ids_have_a_trust_domain() {
    for good in ["spiffe://prod.example", "spiffe://prod.example/ns/payments/sa/api", "spiffe://a_b-c.1/A.b_c-d"] {
        assert!(trust_domain(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "spiffe://",
        "spiffe:///a",
        "SPIFFE://prod.example/a",
        "https://prod.example/a",
        "spiffe://Prod.example/a",
        "spiffe://prod.example/",
        "spiffe://prod.example//a",
        "spiffe://prod.example/a/../b",
        "spiffe://prod.example/./b",
        "spiffe://prod.example/a%2fb",
        "spiffe://prod.example/a?b",
        "spiffe://prod.example:1/a",
        "spiffe://user@prod.example/a",
    ] {
        assert_eq!(trust_domain(bad), None, "{bad}");
    }
}
