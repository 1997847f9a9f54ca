//! What stands behind the federated methods of the Alibaba table: an OpenID Connect provider, a private CA, and a cloud
//! whose documents the real OpenSSL signs. OpenSSL stamps them with the time of this machine, so that the world begins
//! then.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::federated::pki::{Ca, Leaf};
use crate::support::assertion::{Signer, encode};
use crate::support::tools::{bounded, succeeds};

const INSTANCE: &str = "idaas_ue2jvisn35ea5lmthk267";
const PROVIDER: &str = "https://oidc.example/cluster";

/// Everything that is trusted, with the keys.
pub(super) struct Federation {
    provider: Signer,
    ca: Ca,
    middle: Ca,
    leaf: Leaf,
    cloud: TempDir,
}

impl Federation {
    pub(super) fn new() -> Self {
        let ca = Ca::root("root");
        let middle = ca.below("middle");
        let leaf = middle.leaf("robot");
        let (cloud, key) = (TempDir::new().unwrap(), KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        std::fs::write(cloud.path().join("cloud.pem"), certificate.pem()).unwrap();
        std::fs::write(cloud.path().join("cloud.key"), key.serialize_pem()).unwrap();
        Self { provider: Signer::new("RS256"), ca, middle, leaf, cloud }
    }

    /// The settings of an issuer that trusts it.
    pub(super) fn toml(&self, issuer: &str) -> String {
        let jwks = toml::Value::try_from(json!({ "keys": [self.provider.jwk()] })).unwrap();
        let (root, cloud) = (&self.ca.pem, self.cloud.path().join("cloud.pem"));
        let section = format!("[[issuers.{issuer}.federated_providers]]");
        format!(
            "{section}\ntype = \"oidc\"\nname = \"cluster\"\nissuer = \"{PROVIDER}\"\njwks = {jwks}\n\
            {section}\ntype = \"x509\"\nname = \"pca\"\ncertificates = '''\n{root}'''\n\
            {section}\ntype = \"pkcs7\"\nname = \"ecs\"\nverification = \"cert\"\naudience = \"{INSTANCE}\"\n\
            certificates_file = \"{}\"\n\
            # rows before this one make the clock run ahead of OpenSSL's\n\
            signature_effective_time = \"1day\"\n",
            cloud.display()
        )
    }

    /// The three clients: id, method and credential, which has the name of the client.
    pub(super) fn clients() -> [(&'static str, &'static str, Value); 3] {
        let client = |id, method, provider, condition| {
            (id, method, json!([{ "name": id, "provider": provider, "condition": condition }]))
        };
        [
            client("pod", "id_token_bearer", "cluster", "Equals(jwt.claims.sub, \"system:serviceaccount:a:b\")"),
            client("machine", "x509_jwt_bearer", "pca", "Equals(cert.subject.CN,\"robot\")"),
            client("instance", "pkcs7_bearer", "ecs", "Equals(pkcs7.document.instance-id, \"i-bp1one\")"),
        ]
    }

    /// The external token of method 5, for `aud`.
    pub(super) fn id_token(&self, aud: &str, now: u64) -> String {
        let claims = json!({
            "iss": PROVIDER, "sub": "system:serviceaccount:a:b", "aud": [aud], "iat": now, "exp": now + 3600,
        });
        self.provider.jws(&json!({ "alg": "RS256", "kid": "1" }), &claims)
    }

    /// The document of method 6.
    pub(super) async fn document(&self, now: u64) -> String {
        let statement = json!({ "aud": INSTANCE, "signingTime": now });
        let document = json!({ "instance-id": "i-bp1one", "audience": statement.to_string() });
        std::fs::write(self.cloud.path().join("document"), document.to_string()).unwrap();
        let mut command = bounded("openssl");
        command.current_dir(self.cloud.path()).args(["cms", "-sign", "-binary", "-nodetach", "-in", "document"]);
        command.args(["-signer", "cloud.pem", "-inkey", "cloud.key", "-outform", "DER", "-out", "signed"]);
        succeeds("openssl", command).await;
        STANDARD.encode(std::fs::read(self.cloud.path().join("signed")).unwrap())
    }

    /// The assertion of method 7, for the token endpoint, as the SDK makes it.
    pub(super) fn assertion(&self, client: &str, aud: &str, now: u64) -> String {
        let jti = encode(jeton::Id::random().0);
        let claims = json!({ "iss": client, "sub": client, "aud": aud, "jti": jti, "iat": now, "exp": now + 600 });
        self.leaf.key.jws(&json!({ "alg": "ES256", "typ": "JWT" }), &claims)
    }

    /// The key of the certificate, in PEM.
    pub(super) fn key(&self) -> &str {
        &self.leaf.key_pem
    }

    /// `client_x509` and `client_x509_chain`.
    pub(super) fn certificates(&self) -> (&str, &str) {
        (&self.leaf.pem, &self.middle.pem)
    }
}
