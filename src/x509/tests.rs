use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, SerialNumber,
};

use super::{AltName, Anchors, Certificate, Chain, MAX_CERTIFICATE, MAX_CHAIN, Thumbprint, Usage, X509Error};
use crate::clock::Time;

/// 2026-01-01.
const NOW: Time = Time::from_secs(1_767_225_600);

fn params(cn: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.distinguished_name.push(DnType::CommonName, cn);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(cn: &str, by: Option<&Authority>) -> Authority {
    let mut params = params(cn);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(by) => params.signed_by(&key, &by.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Authority { pem: certificate.pem(), issuer: Issuer::new(params, key) }
}

fn leaf(by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = params("client");
    change(&mut params);
    params.signed_by(&KeyPair::generate().unwrap(), &by.issuer).unwrap().pem()
}

fn anchors(by: &Authority) -> Anchors {
    Anchors::from_pem(by.pem.as_bytes()).unwrap()
}

fn verify(pem: &str, by: &Authority, now: Time) -> Result<(), X509Error> {
    Chain::from_pem(pem.as_bytes()).unwrap().verify(&anchors(by), Usage::ClientAuth, now)
}

#[test]
fn a_certificate_says_what_it_was_given() {
    let ca = authority("ca", None);
    let pem = leaf(&ca, |params| {
        params.serial_number = Some(SerialNumber::from_slice(&[0x8f, 1, 2]));
        params.subject_alt_names = vec![
            SanType::DnsName("client.example".try_into().unwrap()),
            SanType::URI("spiffe://example/client".try_into().unwrap()),
            SanType::IpAddress([10, 0, 0, 1].into()),
            SanType::Rfc822Name("a@b.example".try_into().unwrap()),
        ];
    });
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=client,O=Example");
    assert_eq!(*certificate.subject(), "cn=Client, o=example".parse().unwrap());
    assert_eq!(certificate.issuer().texts("CN").collect::<Vec<_>>(), ["ca"]);
    assert_eq!(certificate.serial(), "008f0102");
    assert_eq!(certificate.alt_names().len(), 4);
    assert!(certificate.alt_names().contains(&AltName::Ip([10, 0, 0, 1].into())));
    assert_eq!(certificate.not_before(), Time::from_secs(1_735_689_600));
    assert!(certificate.is_current(NOW) && !certificate.is_current(NOW + Duration::from_secs(400 * 86_400)));
    assert_eq!(Thumbprint::parse(&certificate.thumbprint().encode()), Some(certificate.thumbprint()));
    assert_eq!(Certificate::from_der(certificate.der()).unwrap(), certificate);
    assert!(!format!("{certificate:?}").contains("serial"));
}

#[test]
fn a_chain_counts_with_its_authority_through_intermediates_and_in_its_time() {
    let root = authority("root", None);
    let middle = authority("middle", Some(&root));
    let pem = leaf(&middle, |_| ());
    assert_eq!(verify(&format!("{pem}{}", middle.pem), &root, NOW), Ok(()));
    assert_eq!(verify(&pem, &middle, NOW), Ok(()), "an intermediate can be trusted by itself");
    assert_eq!(verify(&pem, &root, NOW), Err(X509Error::Untrusted), "the intermediate is missing");
    assert_eq!(verify(&pem, &authority("middle", None), NOW), Err(X509Error::Untrusted), "another of that name");
    let later = NOW + Duration::from_secs(400 * 86_400);
    assert_eq!(verify(&format!("{pem}{}", middle.pem), &root, later), Err(X509Error::Expired));
}

#[test]
fn self_signed_certificates_authorities_and_leaves_that_sign_are_refused() {
    let root = authority("root", None);
    let own = params("client").self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert_eq!(verify(&own, &root, NOW), Err(X509Error::Untrusted));
    assert_eq!(verify(&root.pem, &root, NOW), Err(X509Error::Untrusted), "an authority is no client");
    // a client's certificate that signs another: CVE-2002-0862
    let (params, key) = (params("client"), KeyPair::generate().unwrap());
    let client = params.signed_by(&key, &root.issuer).unwrap().pem();
    let client = Authority { pem: client, issuer: Issuer::new(params, key) };
    let forged = leaf(&client, |params| params.distinguished_name.push(DnType::CommonName, "other"));
    assert_eq!(verify(&format!("{forged}{}", client.pem), &root, NOW), Err(X509Error::Untrusted));
}

#[test]
fn a_leaf_for_something_else_is_no_client() {
    let root = authority("root", None);
    let usage = |usage| leaf(&root, |params: &mut CertificateParams| params.extended_key_usages = vec![usage]);
    let server = usage(ExtendedKeyUsagePurpose::ServerAuth);
    assert_eq!(verify(&server, &root, NOW), Err(X509Error::Usage));
    assert_eq!(verify(&usage(ExtendedKeyUsagePurpose::ClientAuth), &root, NOW), Ok(()));
    let chain = Chain::from_pem(server.as_bytes()).unwrap();
    assert_eq!(chain.verify(&anchors(&root), Usage::Any, NOW), Ok(()));
}

#[test]
fn every_kind_of_key_becomes_a_jwk_and_others_do_not() {
    for (alg, kind) in [
        (&rcgen::PKCS_ED25519, "Ed25519"),
        (&rcgen::PKCS_ECDSA_P256_SHA256, "P-256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "P-384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "P-521"),
        (&rcgen::PKCS_RSA_SHA256, "RSA"),
    ] {
        let key = KeyPair::generate_for(alg).unwrap();
        let certificate = Certificate::from_der(params("client").self_signed(&key).unwrap().der()).unwrap();
        let jwk = serde_json::to_string(&certificate.public_key().unwrap()).unwrap();
        assert!(jwk.contains(kind), "{jwk}");
    }
}

#[test]
fn certificates_that_all_fit_each_other_are_refused_before_a_signature_is_verified() {
    let root = authority("root", None);
    let pem = leaf(&root, |_| ());
    let same = |count: usize| (0..count).map(|_| authority("root", None).pem).collect::<String>();
    assert_eq!(verify(&format!("{pem}{}", same(2)), &root, NOW), Ok(()), "an authority and its cross-signed self");
    let crowd = Chain::from_pem(format!("{pem}{}", same(3)).as_bytes());
    assert_eq!(crowd.map(|_| ()), Err(X509Error::Crowded));
}

#[test]
fn what_is_too_long_too_many_or_something_else_is_refused() {
    let root = authority("root", None);
    let one = leaf(&root, |_| ());
    let chain = |pem: &str| Chain::from_pem(pem.as_bytes()).map(|_| ());
    let long: String = (1..MAX_CHAIN).map(|n| authority(&n.to_string(), None).pem).collect();
    assert_eq!(chain(&format!("{one}{long}")), Ok(()));
    assert_eq!(chain(&format!("{one}{long}{one}")), Err(X509Error::TooMany));
    assert_eq!(chain(""), Err(X509Error::Empty));
    assert_eq!(chain(&format!("{one}{}", KeyPair::generate().unwrap().serialize_pem())), Err(X509Error::Pem));
    assert_eq!(chain(&one.replace("MII", "!!!")), Err(X509Error::Pem));
    assert_eq!(chain(&"x".repeat(1 << 20)), Err(X509Error::TooLarge));
    assert_eq!(Certificate::from_pem(one.repeat(2).as_bytes()), Err(X509Error::TooMany));
    assert_eq!(Certificate::from_der(&[0x30; MAX_CERTIFICATE + 1]), Err(X509Error::TooLarge));
    let der = Certificate::from_pem(one.as_bytes()).unwrap().der().to_vec();
    assert_eq!(Certificate::from_der(&der[..der.len() - 1]), Err(X509Error::Der));
    assert_eq!(Certificate::from_der(&[&der[..], &[0]].concat()), Err(X509Error::Der));
    let large = leaf(&root, |params| {
        params.subject_alt_names = vec![SanType::URI("x".repeat(MAX_CERTIFICATE).try_into().unwrap())];
    });
    assert_eq!(Certificate::from_pem(large.as_bytes()), Err(X509Error::TooLarge));
}
