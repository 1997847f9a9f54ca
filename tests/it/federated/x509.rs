//! Assertions under certificates of a private CA (CHECKLIST 26-34, M2M method 7).

use rcgen::{ExtendedKeyUsagePurpose, SanType};

use super::pki::{Ca, Leaf};
use super::*;
use crate::support::race;
use crate::timing::{Bench, Guess, samples};

const X509_JWT: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:x509-jwt-bearer";

const PROVIDER: &str = r#"
[[issuers.main.federated_providers]]
type = "x509"
name = "pki"
certificates_file = "@DIR@/root.pem"
condition = "Equals(cert.issuer.O, \"Example\")"
"#;

/// An issuer that trusts a root, with an intermediate CA below it.
struct Pki {
    server: Server,
    root: Ca,
    middle: Ca,
    _dir: TempDir,
}

/// What a request sends besides `client_id`.
#[derive(Clone)]
struct Sent {
    credential: &'static str,
    assertion: String,
    certificate: String,
    chain: String,
}

impl Pki {
    async fn start() -> Self {
        Self::build(async |toml| Server::with(&toml).await).await
    }

    async fn build(start: impl AsyncFnOnce(String) -> Server) -> Self {
        let dir = TempDir::new().unwrap();
        let root = Ca::root("root");
        let middle = root.below("middle");
        std::fs::write(dir.path().join("root.pem"), &root.pem).unwrap();
        let server = start(PROVIDER.replace("@DIR@", &dir.path().display().to_string())).await;
        Self { server, root, middle, _dir: dir }
    }

    async fn client(&self, conditions: &[(&str, &str)], more: Value) -> String {
        let credentials: Vec<Value> =
            conditions.iter().map(|(name, condition)| credential(name, "pki", condition)).collect();
        let mut metadata = json!({
            "token_endpoint_auth_method": "x509_jwt_bearer", "grant_types": ["client_credentials"],
            "scope": "api:read", "jeton": { "federated_credentials": credentials },
        });
        merge(&mut metadata["jeton"], more);
        self.server.client(metadata).await.0
    }

    fn claims(&self, client: &str) -> Value {
        let now = self.server.clock.now().as_secs();
        let aud = format!("http://{}/oauth2/token", self.server.public);
        let jti = encode(jeton::Id::random().0);
        json!({ "iss": client, "sub": client, "aud": aud, "jti": jti, "iat": now, "exp": now + 600 })
    }

    /// What the vendor's SDK sends: certificate and intermediate CA, `aud` the token endpoint, ten minutes.
    fn sent(&self, client: &str, leaf: &Leaf) -> Sent {
        self.sent_with(client, leaf, json!({}))
    }

    fn sent_with(&self, client: &str, leaf: &Leaf, change: Value) -> Sent {
        let mut claims = self.claims(client);
        merge(&mut claims, change);
        let alg = if matches!(leaf.key, Signer::Rsa(_)) { "RS256" } else { "ES256" };
        Sent {
            credential: "pca",
            assertion: leaf.key.jws(&json!({ "alg": alg, "typ": "JWT" }), &claims),
            certificate: leaf.pem.clone(),
            chain: self.middle.pem.clone(),
        }
    }

    async fn ask(&self, client: &str, sent: &Sent) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("application_federated_credential_name", sent.credential),
            ("client_assertion_type", X509_JWT),
            ("client_assertion", sent.assertion.as_str()),
            ("client_x509", sent.certificate.as_str()),
            ("client_x509_chain", sent.chain.as_str()),
        ];
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.server.token(&fields).await
    }

    async fn fails(&self, client: &str, sent: &Sent, what: &str) {
        refused(&self.server, &self.ask(client, sent).await, what);
    }
}

const API: (&str, &str) = ("pca", "Equals(cert.subject.CN,\"api\")");

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_an_assertion_under_a_certificate_gets_a_token_once() {
    let pki = Pki::start().await;
    let id = pki.client(&[API], json!({})).await;
    for leaf in [pki.middle.leaf("api"), pki.middle.rsa_leaf("api")] {
        let mut sent = pki.sent(&id, &leaf);
        works(&pki.ask(&id, &sent).await, "as the SDK sends it");
        pki.fails(&id, &sent, "the same jti").await;
        // the only credential need not be named; roots and strangers in the chain do no harm
        sent = pki.sent(&id, &leaf);
        sent.credential = "";
        sent.chain = [&pki.root.pem[..], &Ca::root("stranger").pem, &pki.middle.pem].concat();
        works(&pki.ask(&id, &sent).await, "with a long chain");
    }
    let direct = pki.root.leaf("api");
    let mut sent = pki.sent(&id, &direct);
    sent.chain.clear();
    works(&pki.ask(&id, &sent).await, "without a chain, where none is needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_30_an_assertion_is_remembered_over_a_restart_and_has_one_winner() {
    let mut pki = Pki::build(async |toml| Server::durable(&toml).await).await;
    let id = pki.client(&[API], json!({})).await;
    let leaf = pki.middle.leaf("api");
    let sent = pki.sent(&id, &leaf);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_assertion_type", X509_JWT),
        ("client_assertion", sent.assertion.as_str()),
        ("client_x509", sent.certificate.as_str()),
        ("client_x509_chain", sent.chain.as_str()),
    ];
    let won = race(pki.server.public, 16, &fields).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    pki.server.clock.advance(Duration::from_secs(30));
    pki.server.restart().await;
    pki.fails(&id, &sent, "after a restart").await;
    works(&pki.ask(&id, &pki.sent(&id, &leaf)).await, "another");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_5280_section_6_only_a_leaf_that_a_trusted_authority_vouches_for_now_is_believed() {
    let pki = Pki::start().await;
    let id = pki.client(&[API], json!({})).await;
    let good = pki.middle.leaf("api");
    let sent = |leaf: &Leaf, change: &dyn Fn(&mut Sent)| {
        let mut sent = pki.sent(&id, leaf);
        change(&mut sent);
        sent
    };
    let as_is = |_: &mut Sent| ();
    let other = Ca::root("root");
    let (stranger, below) = (
        other.below("middle"),
        pki.middle.leaf_with("api", |params| {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }),
    );
    let expired = pki.middle.leaf_with("api", |params| params.not_after = rcgen::date_time_ymd(2029, 1, 1));
    let early = pki.middle.leaf_with("api", |params| params.not_before = rcgen::date_time_ymd(2031, 1, 1));
    let server =
        pki.middle.leaf_with("api", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let nephew = pki.middle.leaf("api");
    let foreign = stranger.leaf("api");
    let bad = [
        ("no intermediate", sent(&good, &|sent| sent.chain.clear())),
        ("an intermediate of another root with the same name", sent(&good, &|sent| sent.chain = stranger.pem.clone())),
        ("an untrusted root", sent(&foreign, &|sent| sent.chain = [&stranger.pem[..], &other.pem].concat())),
        ("an expired leaf", sent(&expired, &as_is)),
        ("a leaf of the future", sent(&early, &as_is)),
        ("a leaf for servers only", sent(&server, &as_is)),
        ("an authority as leaf", sent(&below, &as_is)),
        ("the certificate of another key", sent(&good, &|sent| sent.certificate = nephew.pem.clone())),
        ("no certificate", sent(&good, &|sent| sent.certificate.clear())),
        ("two certificates", sent(&good, &|sent| sent.certificate = [&good.pem[..], &pki.middle.pem].concat())),
        ("the chain where the leaf belongs", sent(&good, &|sent| sent.certificate = pki.middle.pem.clone())),
        ("no PEM", sent(&good, &|sent| sent.certificate = "MIIB".to_owned())),
        ("no PEM in the chain", sent(&good, &|sent| sent.chain = "-----BEGIN CERTIFICATE-----".to_owned())),
        ("too many", sent(&good, &|sent| sent.chain = pki.middle.pem.repeat(8))),
    ];
    for (what, sent) in &bad {
        pki.fails(&id, sent, what).await;
    }
    works(&pki.ask(&id, &sent(&good, &as_is)).await, "the good one");
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_rules_are_on_the_certificate_and_on_the_claims() {
    let pki = Pki::start().await;
    let mesh = "And(StartsWith(cert.san.uri, \"spiffe://prod.example/ns/payments/\"), \
        Equals(cert.serialNumber, \"008001\"), Equals(jwt.header.typ, \"JWT\"))";
    let id = pki.client(&[API, ("mesh", mesh), ("none", "Equals(cert.subject.CN, \"nobody\")")], json!({})).await;
    let (api, web) = (pki.middle.leaf("api"), pki.middle.leaf("web"));
    let named = |leaf: &Leaf, credential| Sent { credential, ..pki.sent(&id, leaf) };
    works(&pki.ask(&id, &named(&api, "pca")).await, "by name");
    works(&pki.ask(&id, &named(&web, "mesh")).await, "by SPIFFE id and serial number");
    pki.fails(&id, &named(&web, "pca"), "another common name").await;
    pki.fails(&id, &named(&api, "none"), "a condition that does not hold").await;
    pki.fails(&id, &named(&api, "unknown"), "an unknown credential").await;
    pki.fails(&id, &named(&api, ""), "none named of several").await;
    let two = pki.middle.leaf_with("web", |params| {
        params.subject_alt_names.push(SanType::URI("spiffe://other.example/admin".try_into().unwrap()));
    });
    pki.fails(&id, &named(&two, "mesh"), "two URIs are not one that begins so").await;
    pki.fails("nobody", &pki.sent("nobody", &api), "an unknown client").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_26_to_32_34_the_assertion_keeps_the_rules_of_any_client_assertion() {
    let pki = Pki::start().await;
    let id = pki.client(&[API], json!({})).await;
    let leaf = pki.middle.leaf("api");
    let now = pki.server.clock.now().as_secs();
    let old = pki.sent(&id, &leaf);
    for change in [
        json!({ "iss": null }),
        json!({ "sub": "other" }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": null }),
        json!({ "exp": null }),
        json!({ "exp": now - 1 }),
        json!({ "exp": now + 7200 }),
        json!({ "jti": null }),
        json!({ "nbf": now + 3600 }),
    ] {
        pki.fails(&id, &pki.sent_with(&id, &leaf, change.clone()), &change.to_string()).await;
    }
    let claims = pki.claims(&id);
    let body = encode(claims.to_string());
    let stranger = Signer::new("ES256");
    let mut forged: Vec<String> =
        ["none", "None", ""].map(|alg| format!("{}.{body}.", encode(json!({ "alg": alg }).to_string()))).to_vec();
    forged.push(Signer::Secret(leaf.pem.clone().into_bytes()).jws(&json!({ "alg": "HS256" }), &claims));
    forged.push(stranger.jws(&json!({ "alg": "ES256", "x5c": ["MIIB"] }), &claims));
    forged.push(stranger.jws(&json!({ "alg": "ES256", "jwk": stranger.jwk() }), &claims));
    forged.push(leaf.key.jws(&json!({ "alg": "RS256" }), &claims));
    forged.push(leaf.key.jws(&json!({ "alg": "ES384" }), &claims));
    forged.push(leaf.key.jws(&json!({ "alg": "ES256", "crit": ["exp"] }), &claims));
    forged.push(leaf.key.jws(&json!({ "alg": "ES256", "typ": "at+jwt" }), &claims));
    for assertion in forged {
        let sent = Sent { assertion: assertion.clone(), ..old.clone() };
        pki.fails(&id, &sent, &assertion).await;
    }
    let strict = pki.client(&[API], json!({ "assertion_audience": "issuer" })).await;
    pki.fails(&strict, &pki.sent(&strict, &leaf), "the token endpoint at a strict client").await;
    let issuer = json!({ "aud": format!("http://{}", pki.server.public) });
    works(&pki.ask(&strict, &pki.sent_with(&strict, &leaf, issuer)).await, "the issuer");
    // under the type of RFC 7523 there is no registered key for it
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &pki.sent(&id, &leaf).assertion),
    ];
    refused(&pki.server, &pki.server.token(&fields).await, "another type");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_31_a_registered_algorithm_is_the_only_one() {
    let pki = Pki::start().await;
    let metadata = json!({
        "token_endpoint_auth_method": "x509_jwt_bearer", "token_endpoint_auth_signing_alg": "ES256",
        "grant_types": ["client_credentials"], "scope": "api:read",
        "jeton": { "federated_credentials": [credential("pca", "pki", API.1)] },
    });
    let (id, _) = pki.server.client(metadata).await;
    works(&pki.ask(&id, &pki.sent(&id, &pki.middle.leaf("api"))).await, "ES256");
    pki.fails(&id, &pki.sent(&id, &pki.middle.rsa_leaf("api")), "RS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_whose_providers_a_client_has_does_not_show_by_time() {
    let dir = TempDir::new().unwrap();
    let authorities = ["one", "two"].map(Ca::root);
    let mut toml = String::new();
    for (name, authority) in ["one", "two"].into_iter().zip(&authorities) {
        let path = dir.path().join(format!("{name}.pem"));
        std::fs::write(&path, &authority.pem).unwrap();
        toml += "[[issuers.main.federated_providers]]\ntype = \"x509\"\n";
        toml += &format!("name = \"{name}\"\ncertificates_file = \"{}\"\n", path.display());
    }
    let bench = Bench::with(&toml).await;
    let friend = "Equals(cert.subject.CN, \"friend\")";
    for (id, providers) in [("client-number-one", &["two"][..]), ("client-number-two", &["one", "two"])] {
        let credentials: Vec<Value> = providers.iter().map(|provider| credential(provider, provider, friend)).collect();
        let metadata = json!({
            "client_id": id, "token_endpoint_auth_method": "x509_jwt_bearer", "grant_types": ["client_credentials"],
            "scope": "api:read", "jeton": { "federated_credentials": credentials },
        });
        bench.server.client(metadata).await;
    }
    let leaf = authorities[1].leaf("stranger");
    let (now, aud) = (bench.server.clock.now().as_secs(), format!("http://{}/oauth2/token", bench.server.public));
    let guess = |id: &str| {
        let claims = json!({ "iss": id, "sub": id, "aud": aud, "jti": "one", "iat": now, "exp": now + 3600 });
        let assertion = leaf.key.jws(&json!({ "alg": "ES256" }), &claims);
        Guess::of(&[
            ("client_id", id),
            ("client_assertion_type", X509_JWT),
            ("client_assertion", &assertion),
            ("client_x509", &leaf.pem),
        ])
    };
    for id in ["client-number-one", "client-number-two"] {
        bench.alike(id, samples() / 20, guess("client-number-xxx"), guess(id)).await;
    }
}
