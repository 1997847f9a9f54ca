//! CHECKLIST 16, E18: what fails alike takes alike. Dudect (Reparaz, Balasch, Verbauwhede 2017): the times of two kinds
//! of request, taken in random order in this process, must not differ by Welch's t-test, whole and cropped at
//! percentiles, for the noise of a shared machine is all in the tail.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jeton::extend::Form;
use jeton::internals::{Chain, Evidence, Issuer, Service, Stopwatch};
use rcgen::DnType;
use serde_json::json;

use crate::support::assertion::{JWT_BEARER, Signer};
use crate::support::tls::{Authority, Identity, subject};
use crate::support::{Server, form};

/// Dudect's threshold: below it there is no evidence of a difference.
const THRESHOLD: f64 = 4.5;
/// A difference must show in each of so many runs to count: chance and neighbours do not repeat themselves.
const RUNS: usize = 5;

/// Samples of each kind in one run.
pub(crate) fn samples() -> usize {
    if std::env::var_os("JETON_FULL").is_some() { 100_000 } else { 20_000 }
}

/// A small generator, so that the order of kinds is random and the same in every run of a test.
struct Coin(u64);

impl Coin {
    fn flip(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 & 1 == 1
    }
}

/// The largest |t| over croppings of the slowest part, which is the same part of both kinds.
fn largest_t(times: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let croppings = [0.5, 0.7, 0.8, 0.9, 0.95].map(|share| all[(all.len() as f64 * share) as usize]);
    croppings.into_iter().map(|limit| welch(times, limit).abs()).fold(0.0, f64::max)
}

fn welch(times: &[Vec<f64>; 2], limit: f64) -> f64 {
    let [one, two] = times.each_ref().map(|times| {
        let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= limit).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (one.0 - two.0) / (one.1 + two.1).sqrt().max(f64::MIN_POSITIVE)
}

/// The smallest |t| of up to [`RUNS`] runs; a pair that is alike needs one quiet run, one that differs has none.
async fn measure(mut run: impl AsyncFnMut(u64) -> [Vec<f64>; 2]) -> f64 {
    let mut smallest = f64::MAX;
    for seed in 1..=RUNS as u64 {
        smallest = smallest.min(largest_t(&run(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).await));
        if smallest < THRESHOLD {
            break;
        }
    }
    smallest
}

pub(crate) struct Bench {
    pub(crate) server: Server,
    service: Arc<Service>,
    issuer: Arc<Issuer>,
}

/// One request that fails: its body and perhaps its header.
#[derive(Clone)]
pub(crate) struct Guess {
    authorization: Option<Vec<u8>>,
    body: Vec<u8>,
    certificate: Option<Arc<Chain>>,
}

impl Bench {
    async fn start() -> Self {
        Self::with("").await
    }

    pub(crate) async fn with(more: &str) -> Self {
        Self::of(Server::with(more).await)
    }

    /// One that trusts an authority of clients' certificates.
    async fn with_authority() -> (Self, Authority) {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("ca"));
        std::fs::write(dir.path().join("ca.pem"), &authority.pem).unwrap();
        let settings = format!(
            r#"
            public.client_ca_file = "{}/ca.pem"
            public.proxy = {{ trusted = ["127.0.0.1"], client_certificate_header = "x-client-cert" }}
            "#,
            dir.path().display()
        );
        (Self::with(&settings).await, authority)
    }

    pub(crate) fn of(server: Server) -> Self {
        let service = server.daemon().service().clone();
        let issuer = service.registry.issuer("main").unwrap();
        Self { server, service, issuer }
    }

    /// Times of two guesses in random order; every one from another address, a second after the one before.
    async fn times(&self, guesses: &[Guess; 2], samples: usize, seed: u64) -> [Vec<f64>; 2] {
        let mut times = [Vec::new(), Vec::new()];
        let mut coin = Coin(seed);
        let (mut source, warm) = (0u32, samples / 50);
        while times.iter().any(|times| times.len() < samples) {
            let kind = usize::from(coin.flip());
            source += 1;
            self.server.clock.advance(Duration::from_secs(1));
            let guess = &guesses[kind];
            let form = Form::parse(&guess.body).ok().unwrap();
            let peer = IpAddr::V4(Ipv4Addr::from_bits(source));
            let (authorization, certificate) = (guess.authorization.as_deref(), guess.certificate.as_deref());
            let evidence = Evidence::new(authorization, &form, certificate, peer);
            let watch = Stopwatch::start();
            let verdict = self.service.authenticator.authenticate(&self.issuer, &evidence).await;
            let taken = watch.elapsed();
            assert_eq!(black_box(verdict).err().unwrap().error.code.name(), "invalid_client");
            // the first ones warm the caches
            if source as usize > warm {
                times[kind].push(taken.as_nanos() as f64);
            }
        }
        times
    }

    pub(crate) async fn alike(&self, what: &str, samples: usize, one: Guess, two: Guess) {
        let guesses = [one, two];
        let t = measure(async |seed| self.times(&guesses, samples, seed).await).await;
        assert!(t < THRESHOLD, "{what}: the times differ, |t| = {t:.1} in every one of {RUNS} runs");
    }
}

impl Guess {
    pub(crate) fn of(fields: &[(&str, &str)]) -> Self {
        Self { authorization: None, body: form(fields).into_bytes(), certificate: None }
    }
}

fn post(id: &str, secret: &str) -> Guess {
    Guess::of(&[("client_id", id), ("client_secret", secret)])
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_unknown_client_wrong_secret_and_disabled_client_take_alike() {
    let bench = Bench::start().await;
    let server = &bench.server;
    let metadata = |more: serde_json::Value| {
        let mut metadata = json!({
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"], "scope": "api:read",
        });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        metadata
    };
    // ids and secrets of one length each, for the length of what is sent is no secret
    let known = server.client(metadata(json!({ "client_id": "client-number-one" }))).await;
    let disabled = metadata(json!({ "client_id": "client-number-two", "jeton": { "disabled": true } }));
    let disabled = server.client(disabled).await;
    let rotating = server.client(metadata(json!({ "client_id": "client-number-six" }))).await;
    for _ in 0..7 {
        server.admin("POST", &format!("/issuers/main/clients/{}/secrets", rotating.0), json!({})).await;
    }
    let basic = metadata(json!({
        "client_id": "client-number-ten", "token_endpoint_auth_method": "client_secret_basic",
        "jeton": { "secret_transport": "registered" },
    }));
    let basic = server.client(basic).await;
    let wrong = jeton::internals::secret::generate();
    let mut prefix = known.1.clone();
    // another end than it has: one secret in 1,024 ends with AA
    prefix.replace_range(prefix.len() - 2.., if known.1.ends_with("AA") { "BA" } else { "AA" });
    let reference = post(&known.0, &wrong);
    for (what, guess) in [
        ("unknown client", post("client-number-xxx", &wrong)),
        ("right prefix", post(&known.0, &prefix)),
        ("disabled client, right secret", post(&disabled.0, &disabled.1)),
        ("the other way than the registered one, right secret", post(&basic.0, &basic.1)),
        ("eight secrets", post(&rotating.0, &wrong)),
    ] {
        bench.alike(what, samples(), reference.clone(), guess).await;
    }
    // an id and a secret that Basic may mean in two ways: both are looked for, and both are hashed
    let by_basic = |name: &str| Guess {
        authorization: Some(format!("Basic {}", STANDARD.encode(format!("{name}:a%2Bb+c"))).into_bytes()),
        body: b"grant_type=client_credentials".to_vec(),
        certificate: None,
    };
    let unknown = by_basic("client%2Dnumber%2Dxxx");
    bench.alike("two spellings", samples() / 2, unknown, by_basic("client%2Dnumber%2Dten")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_a_wrong_signature_of_a_client_takes_as_long_as_an_unknown_client() {
    let bench = Bench::start().await;
    let metadata = json!({
        "client_id": "client-number-one", "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [Signer::new("ES256").jwk()] }, "grant_types": ["client_credentials"], "scope": "api:read",
    });
    bench.server.client(metadata).await;
    let wrong = Signer::new("ES256");
    let guess = |id: &str| {
        let claims = json!({
            "iss": id, "sub": id, "aud": bench.issuer.url, "jti": "a", "exp": bench.server.clock.now().as_secs() + 60,
        });
        let assertion = wrong.jws(&json!({ "alg": "ES256" }), &claims);
        Guess::of(&[("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)])
    };
    let (unknown, known) = (guess("client-number-xxx"), guess("client-number-one"));
    bench.alike("private_key_jwt", samples() / 5, unknown, known).await;
}

/// An outside token is checked before anybody asks whose it is; a client's own rules are as long as its operator made them.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_a_right_token_of_a_provider_shows_no_client_either() {
    let key = Signer::new("ES256");
    let jwks = toml::Value::try_from(json!({ "keys": [key.jwk()] })).unwrap();
    let provider = format!(
        "[[issuers.main.federated_providers]]\ntype = \"oidc\"\nname = \"p\"\nissuer = \"https://p.example\"\n\
        longest_lifetime = \"300days\"\njwks = {jwks}"
    );
    let server = Server::with(&provider).await;
    let service = server.daemon().service().clone();
    let issuer = service.registry.issuer("main").unwrap();
    let bench = Bench { server, service, issuer };
    let now = bench.server.clock.now().as_secs();
    let claims = json!({
        "iss": "https://p.example", "sub": "stranger", "aud": bench.issuer.url, "exp": now + 200 * 86_400,
    });
    let token = key.jws(&json!({ "alg": "ES256" }), &claims);
    for (id, disabled) in [("client-number-one", false), ("client-number-two", true)] {
        let rule = json!([{ "name": "a", "provider": "p", "condition": "Equals(jwt.claims.sub, \"friend\")" }]);
        let metadata = json!({
            "client_id": id, "token_endpoint_auth_method": "id_token_bearer", "grant_types": ["client_credentials"],
            "scope": "api:read", "jeton": { "federated_credentials": rule, "disabled": disabled },
        });
        bench.server.client(metadata).await;
    }
    let guess = |id| {
        let fields = [("client_id", id), ("client_assertion_type", JWT_BEARER), ("client_assertion", token.as_str())];
        Guess { authorization: None, body: form(&fields).into_bytes(), certificate: None }
    };
    for (what, id) in [("unknown client", "client-number-xxx"), ("disabled client", "client-number-two")] {
        bench.alike(what, samples() / 4, guess("client-number-one"), guess(id)).await;
    }
}

/// A chain to an authority costs two signatures, whoever shows it: fewer samples.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_who_registered_a_certificate_does_not_show() {
    let (bench, authority) = Bench::with_authority().await;
    let shown = authority.issue(&subject("somebody"));
    let register = async |id: &str, more: serde_json::Value| {
        let mut metadata = json!({ "client_id": id, "grant_types": ["client_credentials"], "scope": "api:read" });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bench.server.client(metadata).await;
    };
    let method = "token_endpoint_auth_method";
    register("client-number-one", json!({ method: "tls_client_auth", "tls_client_auth_subject_dn": "CN=a,O=b" })).await;
    let keys = json!({ "keys": [Identity::self_signed(&subject("client")).jwk()] });
    register("client-number-two", json!({ method: "self_signed_tls_client_auth", "jwks": keys })).await;
    register("client-number-six", json!({ method: "client_secret_post" })).await;
    let chain = Arc::new(Chain::from_pem(shown.pem.as_bytes()).unwrap());
    let guess = |id: &str| Guess {
        authorization: None,
        body: form(&[("client_id", id)]).into_bytes(),
        certificate: Some(chain.clone()),
    };
    for other in ["client-number-one", "client-number-two", "client-number-six"] {
        bench.alike(other, samples() / 5, guess("client-number-xxx"), guess(other)).await;
    }
}

/// Reading a name takes as long as whoever made the certificate likes.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_a_strangers_certificate_of_many_names_does_not_show_who_registered_one() {
    let (bench, _) = Bench::with_authority().await;
    let mut params = subject("stranger");
    for number in 0..400 {
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 1000 + number]), "A");
    }
    let shown = Identity::self_signed(&params);
    let metadata = json!({
        "client_id": "client-number-one", "grant_types": ["client_credentials"], "scope": "api:read",
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=a,O=b",
    });
    bench.server.client(metadata).await;
    let chain = Arc::new(Chain::from_pem(shown.pem.as_bytes()).unwrap());
    let guess = |id: &str| Guess {
        authorization: None,
        body: form(&[("client_id", id)]).into_bytes(),
        certificate: Some(chain.clone()),
    };
    bench.alike("a registered name", samples() / 5, guess("client-number-xxx"), guess("client-number-one")).await;
}

/// With an imported secret that nobody has used yet, each failure costs one argon2id hash: fewer samples, of 20 ms.
#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_a_cold_imported_secret_does_not_show_either() {
    let bench = Bench::start().await;
    let metadata = |id: &str, secret: Option<&str>| {
        json!({
            "client_id": id, "client_secret": secret, "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"], "scope": "api:read",
        })
    };
    bench.server.client(metadata("client-number-one", Some("correct horse battery staple"))).await;
    bench.server.client(metadata("client-number-two", None)).await;
    let samples = samples() / 500;
    let cold = post("client-number-one", "wrong horse battery staple");
    let unknown = post("client-number-xxx", "wrong horse battery staple");
    bench.alike("cold client", samples, unknown.clone(), cold).await;
    bench.alike("client without imported secrets", samples, unknown, post("client-number-two", "wrong horse")).await;
}

/// The harness finds what it looks for: a tenth more work, some tens of nanoseconds.
#[tokio::test(flavor = "multi_thread")]
async fn the_harness_sees_a_planted_difference() {
    let mut spin = 1u64;
    let mut planted = async |seed: u64| {
        let mut coin = Coin(seed);
        let mut times = [Vec::new(), Vec::new()];
        while times.iter().any(|times| times.len() < samples()) {
            let kind = usize::from(coin.flip());
            let watch = Stopwatch::start();
            for _ in 0..400 + 40 * kind {
                spin = black_box(spin.wrapping_mul(3));
            }
            times[kind].push(watch.elapsed().as_nanos() as f64);
        }
        times
    };
    assert!(measure(&mut planted).await > THRESHOLD);
}
