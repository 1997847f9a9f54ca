//! What may be registered, and what discovery says: nothing that the listener cannot see.

use serde_json::json;

use super::{World, named};
use crate::support::{Server, tls::Identity, tls::subject};

const DISCOVERY: &str = "/.well-known/oauth-authorization-server";

#[tokio::test(flavor = "multi_thread")]
async fn rfc8705_2_1_2_metadata_names_exactly_one_name_and_keys_fit_their_certificates() {
    let world = World::start().await;
    let register = async |metadata| {
        let answer = world.server.admin("POST", "/issuers/main/clients", metadata).await;
        (answer.status, answer.text())
    };
    let mut both = named("tls_client_auth_subject_dn", "CN=client");
    both["tls_client_auth_san_dns"] = json!("client.example");
    let identity = Identity::self_signed(&subject("client"));
    let mut foreign = Identity::self_signed(&subject("client")).jwk();
    foreign["x5c"] = json!([identity.base64()]);
    let self_signed = |keys| json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": keys });
    for (mut metadata, field) in [
        (json!({ "token_endpoint_auth_method": "tls_client_auth" }), "tls_client_auth_subject_dn"),
        (both, "tls_client_auth_san_dns"),
        (named("tls_client_auth_subject_dn", "client"), "tls_client_auth_subject_dn"),
        (named("tls_client_auth_san_ip", "10.0.0.0/8"), "tls_client_auth_san_ip"),
        (named("tls_client_auth_san_uri", ""), "tls_client_auth_san_uri"),
        (json!({ "tls_client_auth_san_dns": "client.example" }), "tls_client_auth_san_dns"),
        (json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" }), "jwks"),
        (self_signed(json!({ "keys": [foreign] })), "jwks"),
    ] {
        metadata["grant_types"] = json!(["client_credentials"]);
        let (status, text) = register(metadata.clone()).await;
        assert_eq!(status, 400, "{metadata}");
        assert!(text.contains(field), "{metadata}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_73_certificates_are_offered_only_where_they_are_seen() {
    let server = Server::start().await;
    let document = server.get(DISCOVERY).await.json();
    assert!(!document["token_endpoint_auth_methods_supported"].to_string().contains("tls_client_auth"));
    assert_eq!(document.get("tls_client_certificate_bound_access_tokens"), None);
    for metadata in [
        named("tls_client_auth_subject_dn", "CN=client"),
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" }),
        json!({ "tls_client_certificate_bound_access_tokens": true }),
    ] {
        let mut metadata = metadata;
        metadata["grant_types"] = json!(["client_credentials"]);
        let answer = server.admin("POST", "/issuers/main/clients", metadata).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("public listener must see client certificates"), "{}", answer.text());
    }
    // behind a proxy, without authorities
    let more = "[public.proxy]\ntrusted = [\"127.0.0.1\"]\nclient_certificate_header = \"x-client-cert\"\n";
    let server = Server::with(more).await;
    let document = server.get(DISCOVERY).await.json();
    let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("self_signed_tls_client_auth")) && !methods.contains(&json!("tls_client_auth")));
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(document["introspection_endpoint_auth_methods_supported"].as_array().unwrap().len(), methods.len() - 1);
}
