//! Attested documents, signed by the real OpenSSL (M2M method 6). OpenSSL stamps them with the time of this machine, so the
//! server's clock begins there.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jeton::Clock;

use super::*;
use crate::support::tools::{bounded, program, skip, succeeds};
use crate::timing::{Bench, Guess, samples};

const PKCS7: &str = "urn:cloud:idaas:params:oauth:client-assertion-type:pkcs7-bearer";
const AUDIENCE: &str = "idaas_ue2jvisn35ea5lmthk267";

/// The first cloud has authorities, the second publishes the certificates of its signers.
const PROVIDERS: &str = r#"
[[issuers.main.federated_providers]]
type = "pkcs7"
name = "cloud"
certificates_file = "@DIR@/root.pem"
audience = "idaas_ue2jvisn35ea5lmthk267"
condition = "Equals(pkcs7.document.owner-account-id, \"1234\")"

[[issuers.main.federated_providers]]
type = "pkcs7"
name = "pinned"
verification = "cert"
certificates_file = "@DIR@/alone.pem"
audience = "idaas_ue2jvisn35ea5lmthk267"
signature_effective_time = "5m"
"#;

/// A cloud: its signers as files.
struct Cloud {
    server: Server,
    dir: TempDir,
}

/// How a document is signed.
struct Sign {
    signer: &'static str,
    options: &'static [&'static str],
}

const PLAIN: Sign = Sign { signer: "ec", options: &["-nodetach", "-md", "sha256", "-certfile", "middle.pem"] };

impl Cloud {
    /// `None` if there is no OpenSSL.
    async fn start() -> Option<Self> {
        if program("openssl").is_none() {
            skip("openssl");
            return None;
        }
        let dir = TempDir::new().unwrap();
        let cloud = async |arguments: &str| openssl(&dir, arguments).await;
        for (name, kind, by, more) in [
            ("root", "ec", None, "basicConstraints=critical,CA:TRUE"),
            ("middle", "ec", Some("root"), "basicConstraints=critical,CA:TRUE"),
            ("ec", "ec", Some("middle"), "basicConstraints=CA:FALSE"),
            ("rsa", "rsa", Some("middle"), "basicConstraints=CA:FALSE"),
            ("small", "small", Some("middle"), "basicConstraints=CA:FALSE"),
            ("other", "ec", None, "basicConstraints=critical,CA:TRUE"),
            ("foreign", "ec", Some("other"), "basicConstraints=CA:FALSE"),
            ("alone", "rsa", None, "basicConstraints=critical,CA:TRUE"),
            ("double", "rsa", None, "basicConstraints=critical,CA:TRUE"),
        ] {
            let kind = match kind {
                "ec" => "ec -pkeyopt ec_paramgen_curve:P-256",
                "rsa" => "rsa:2048",
                _ => "rsa:1024",
            };
            // another holder of the same name and number is nobody
            let subject = if name == "double" { "alone" } else { name };
            let by = by.map(|by| format!("-CA {by}.pem -CAkey {by}.key")).unwrap_or_default();
            cloud(&format!(
                "req -x509 -newkey {kind} -nodes -keyout {name}.key -out {name}.pem -days 3650 -set_serial 7 \
                -subj /CN={subject} -addext {more} {by}"
            ))
            .await;
        }
        let providers = PROVIDERS.replace("@DIR@", &dir.path().display().to_string());
        let server = Server::starting_at(Clock::system().now(), &providers).await;
        Some(Self { server, dir })
    }

    async fn client(&self, credentials: Value) -> String {
        let metadata = json!({
            "token_endpoint_auth_method": "pkcs7_bearer", "grant_types": ["client_credentials"], "scope": "api:read",
            "jeton": { "federated_credentials": credentials },
        });
        self.server.client(metadata).await.0
    }

    /// The document of an instance, with what the workload asked to have in it.
    fn document(&self, instance: &str, change: Value) -> Value {
        let mut statement = json!({ "aud": AUDIENCE, "signingTime": self.server.clock.now().as_secs() });
        merge(&mut statement, change);
        json!({
            "zone-id": "cn-hangzhou-j", "serial-number": "4ad71f2c", "instance-id": instance,
            "region-id": "cn-hangzhou", "private-ipv4": "192.168.0.7", "owner-account-id": "1234",
            "mac": "00:16:3e:0f:21:1c", "image-id": "aliyun_3_x64", "instance-type": "ecs.g7.large",
            "audience": statement.to_string(),
        })
    }

    /// The document, signed, in base64 as a metadata service gives it.
    async fn sign(&self, sign: &Sign, document: &Value) -> String {
        self.sign_text("cms", sign, &document.to_string()).await
    }

    async fn sign_text(&self, command: &str, sign: &Sign, text: &str) -> String {
        STANDARD.encode(self.signed(command, sign, text).await)
    }

    async fn signed(&self, command: &str, sign: &Sign, text: &str) -> Vec<u8> {
        std::fs::write(self.path("document"), text).unwrap();
        let (signer, options) = (sign.signer, sign.options.join(" "));
        let arguments = format!(
            "{command} -sign -binary -in document -outform DER -out signed -signer {signer}.pem -inkey {signer}.key {options}"
        );
        openssl(&self.dir, &arguments).await;
        std::fs::read(self.path("signed")).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn ask(&self, client: &str, name: &str, assertion: &str) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("application_federated_credential_name", name),
            ("client_assertion_type", PKCS7),
            ("client_assertion", assertion),
        ];
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.server.token(&fields).await
    }

    async fn fails(&self, client: &str, assertion: &str, what: &str) {
        refused(&self.server, &self.ask(client, "ecs", assertion).await, what);
    }
}

async fn openssl(dir: &TempDir, arguments: &str) {
    let mut command = bounded("openssl");
    command.args(arguments.split_whitespace()).current_dir(dir.path());
    succeeds("openssl", command).await;
}

fn instance() -> Value {
    credential("ecs", "cloud", "In(pkcs7.document.instance-id, \"i-bp1one\", \"i-bp1two\")")
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_a_document_that_openssl_signed_gets_a_token() {
    let Some(cloud) = Cloud::start().await else { return };
    let id = cloud.client(json!([instance()])).await;
    let document = cloud.document("i-bp1one", json!({}));
    const RSA: Sign = Sign { signer: "rsa", ..PLAIN };
    const SHA512: Sign = Sign { signer: "rsa", options: &["-nodetach", "-md", "sha512", "-certfile", "middle.pem"] };
    const STREAM: Sign = Sign { signer: "ec", options: &["-nodetach", "-stream", "-certfile", "middle.pem"] };
    const KEY_ID: Sign = Sign { signer: "ec", options: &["-nodetach", "-keyid", "-certfile", "middle.pem"] };
    for (what, command, sign) in [
        ("ECDSA", "cms", &PLAIN),
        ("RSA", "cms", &RSA),
        ("SHA-512", "cms", &SHA512),
        ("BER", "cms", &STREAM),
        ("by key identifier", "cms", &KEY_ID),
        ("PKCS#7 1.5", "smime", &RSA),
    ] {
        let signed = cloud.sign_text(command, sign, &document.to_string()).await;
        works(&cloud.ask(&id, "ecs", &signed).await, what);
    }
    let signed = cloud.sign(&PLAIN, &document).await;
    let lines: Vec<&str> = signed.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    works(&cloud.ask(&id, "", &lines.join("\r\n")).await, "in lines, unnamed");
    works(&cloud.ask(&id, "ecs", signed.trim_end_matches('=')).await, "without padding, and again");
    cloud.server.clock.advance(Duration::from_secs(1150));
    works(&cloud.ask(&id, "ecs", &signed).await, "as the SDK keeps it");
    cloud.server.clock.advance(Duration::from_secs(60));
    cloud.fails(&id, &signed, "too old").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_the_certificates_of_signers_may_be_known_themselves() {
    let Some(cloud) = Cloud::start().await else { return };
    let condition = "And(StartsWith(pkcs7.document.instance-id, \"i-\"), Equals(cert.subject.CN, \"alone\"))";
    let id = cloud.client(json!([credential("ecs", "pinned", condition)])).await;
    let document = cloud.document("i-bp1one", json!({}));
    const ALONE: Sign = Sign { signer: "alone", options: &["-nodetach", "-nocerts"] };
    const INSIDE: Sign = Sign { signer: "alone", options: &["-nodetach"] };
    const DOUBLE: Sign = Sign { signer: "double", options: &["-nodetach"] };
    const HIDDEN: Sign = Sign { signer: "double", options: &["-nodetach", "-nocerts"] };
    for (what, sign) in [("not in it", &ALONE), ("in it", &INSIDE)] {
        works(&cloud.ask(&id, "ecs", &cloud.sign(sign, &document).await).await, what);
    }
    for (what, sign) in [("another of the same name", &DOUBLE), ("another, hidden", &HIDDEN), ("a stranger", &PLAIN)] {
        cloud.fails(&id, &cloud.sign(sign, &document).await, what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_5652_section_5_forged_documents_are_refused() {
    let Some(cloud) = Cloud::start().await else { return };
    let id = cloud.client(json!([instance()])).await;
    let text = cloud.document("i-bp1one", json!({})).to_string();
    const FOREIGN: Sign = Sign { signer: "foreign", options: &["-nodetach", "-certfile", "other.pem"] };
    const GRAFTED: Sign = Sign { signer: "foreign", options: &["-nodetach", "-certfile", "middle.pem"] };
    const DETACHED: Sign = Sign { signer: "ec", options: &["-certfile", "middle.pem"] };
    const BARE: Sign = Sign { signer: "ec", options: &["-nodetach", "-noattr", "-certfile", "middle.pem"] };
    const SHA1: Sign = Sign { signer: "rsa", options: &["-nodetach", "-md", "sha1", "-certfile", "middle.pem"] };
    const SMALL: Sign = Sign { signer: "small", options: &["-nodetach", "-certfile", "middle.pem"] };
    const CHAINLESS: Sign = Sign { signer: "ec", options: &["-nodetach"] };
    const NOBODY: Sign = Sign { signer: "ec", options: &["-nodetach", "-nocerts"] };
    const TWO: Sign = Sign {
        signer: "ec",
        options: &["-nodetach", "-certfile", "middle.pem", "-signer", "rsa.pem", "-inkey", "rsa.key"],
    };
    const OTHER_TYPE: Sign =
        Sign { signer: "ec", options: &["-nodetach", "-econtent_type", "1.2.3.4", "-certfile", "middle.pem"] };
    for (what, sign) in [
        ("an untrusted signer", &FOREIGN),
        ("an untrusted signer beside a trusted authority", &GRAFTED),
        ("content elsewhere", &DETACHED),
        ("no signed attributes", &BARE),
        ("SHA-1", &SHA1),
        ("RSA of 1024 bits", &SMALL),
        ("no intermediate", &CHAINLESS),
        ("no certificate", &NOBODY),
        ("two signers, each of them trusted", &TWO),
        ("another content type", &OTHER_TYPE),
    ] {
        cloud.fails(&id, &cloud.sign_text("cms", sign, &text).await, what).await;
    }
    let good = cloud.signed("cms", &PLAIN, &text).await;
    let at = good.windows(8).position(|window| window == b"i-bp1one").unwrap();
    let mut tampered = good.clone();
    tampered[at + 5..at + 8].copy_from_slice(b"two");
    cloud.fails(&id, &STANDARD.encode(&tampered), "another instance").await;
    let mut swapped = good.clone();
    *swapped.last_mut().unwrap() ^= 1;
    cloud.fails(&id, &STANDARD.encode(&swapped), "another signature").await;
    for (what, text) in [("no base64", "%%%"), ("nothing", "AA=="), ("JSON", "e30="), ("long", &"A".repeat(16_000))] {
        cloud.fails(&id, text, what).await;
    }
    works(&cloud.ask(&id, "ecs", &STANDARD.encode(&good)).await, "the good one");
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_000_a_document_is_for_one_audience_fresh_and_of_the_right_machine() {
    let Some(cloud) = Cloud::start().await else { return };
    let id = cloud.client(json!([instance()])).await;
    let now = cloud.server.clock.now().as_secs();
    for change in [
        json!({ "aud": "idaas_other" }),
        json!({ "aud": [AUDIENCE] }),
        json!({ "aud": null }),
        json!({ "signingTime": null }),
        json!({ "signingTime": now.to_string() }),
        json!({ "signingTime": now - 1300 }),
        json!({ "signingTime": now + 3600 }),
    ] {
        let signed = cloud.sign(&PLAIN, &cloud.document("i-bp1one", change.clone())).await;
        cloud.fails(&id, &signed, &change.to_string()).await;
    }
    let mut cases = vec![("another machine", cloud.document("i-bp1three", json!({})))];
    for (what, member, value) in [
        ("another account", "owner-account-id", json!("1235")),
        ("no account", "owner-account-id", Value::Null),
        ("no statement", "audience", Value::Null),
        ("a statement that is none", "audience", json!("now")),
    ] {
        let mut document = cloud.document("i-bp1one", json!({}));
        document[member] = value;
        cases.push((what, document));
    }
    cases.push(("a list", json!([cloud.document("i-bp1one", json!({}))])));
    for (what, document) in cases {
        cloud.fails(&id, &cloud.sign(&PLAIN, &document).await, what).await;
    }
    let good = cloud.sign(&PLAIN, &cloud.document("i-bp1two", json!({}))).await;
    let named = cloud.ask(&id, "other", &good).await;
    refused(&cloud.server, &named, "an unknown credential");
    let nobody = cloud.ask("nobody", "ecs", &good).await;
    refused(&cloud.server, &nobody, "an unknown client");
    works(&cloud.ask(&id, "ecs", &good).await, "the good one");
    // asked for ahead of time: the workload says later what the cloud signed now
    cloud.server.clock.advance(Duration::from_secs(1300));
    let later = cloud.server.clock.now().as_secs();
    let ahead = cloud.sign(&PLAIN, &cloud.document("i-bp1one", json!({ "signingTime": later }))).await;
    cloud.fails(&id, &ahead, "signed long before the time it names").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_30_a_document_for_one_use_is_used_once() {
    let Some(cloud) = Cloud::start().await else { return };
    let mut once = instance();
    once["single_use"] = json!(true);
    let id = cloud.client(json!([once])).await;
    let document = cloud.document("i-bp1one", json!({}));
    let (first, again) = (cloud.sign(&PLAIN, &document).await, cloud.sign(&PLAIN, &document).await);
    assert_ne!(first, again);
    works(&cloud.ask(&id, "ecs", &first).await, "once");
    cloud.fails(&id, &first, "twice").await;
    cloud.fails(&id, &again, "the same content under another signature").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_who_has_a_credential_for_a_document_does_not_show_by_time() {
    let Some(cloud) = Cloud::start().await else { return };
    let rule = "Equals(pkcs7.document.instance-id, \"i-friend\")";
    for (id, providers) in [("client-number-one", &["pinned"][..]), ("client-number-two", &["cloud", "pinned"])] {
        let credentials: Vec<Value> = providers.iter().map(|provider| credential(provider, provider, rule)).collect();
        let metadata = json!({
            "client_id": id, "token_endpoint_auth_method": "pkcs7_bearer", "grant_types": ["client_credentials"],
            "scope": "api:read", "jeton": { "federated_credentials": credentials },
        });
        cloud.server.client(metadata).await;
    }
    let document = cloud.sign(&PLAIN, &cloud.document("i-stranger", json!({}))).await;
    let guess =
        |id: &str| Guess::of(&[("client_id", id), ("client_assertion_type", PKCS7), ("client_assertion", &document)]);
    let bench = Bench::of(cloud.server);
    for id in ["client-number-one", "client-number-two"] {
        bench.alike(id, samples() / 20, guess("client-number-xxx"), guess(id)).await;
    }
}
