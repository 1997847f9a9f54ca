//! Rules that every dialect keeps.

use super::aliyun_idaas::AliyunIdaas;
use super::*;
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::Endpoint;
use crate::token::access::PROTOCOL_CLAIMS;

#[test]
fn checklist_7_no_dialect_lets_answers_be_stored() {
    for dialect in ALL {
        assert!(dialect.headers().cache_control.contains("no-store"), "{}", dialect.name());
    }
}

#[test]
fn no_dialect_sets_a_claim_of_the_protocol_to_a_constant() {
    for dialect in ALL {
        let vendor = dialect.settings().iter().map(|name| ((*name).to_owned(), "7".to_owned())).collect();
        let claims = dialect.style(&IssuerSettings { vendor, ..IssuerSettings::default() }).constant;
        assert!(!claims.keys().any(|claim| PROTOCOL_CLAIMS.contains(&claim.as_str())), "{}", dialect.name());
    }
}

#[test]
fn a_path_without_its_value_is_left_out() {
    let settings = |vendor: &[(&str, &str)]| IssuerSettings {
        url: "https://id.example/t".to_owned(),
        dialect: "aliyun-idaas".to_owned(),
        vendor: vendor.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..IssuerSettings::default()
    };
    let paths = |vendor| full_paths(&AliyunIdaas, &settings(vendor), Endpoint::Token);
    assert_eq!(paths(&[]), ["/t/token"]);
    let all = paths(&[("instance_id", "idaas_1"), ("authorization_server_id", "iauths_system")]);
    let server = "/v2/idaas_1/authorizationServer/iauths_system/oauth2/token";
    assert_eq!(all, ["/t/token", server, "/v2/idaas_1/*/oauth2/token"]);
}
