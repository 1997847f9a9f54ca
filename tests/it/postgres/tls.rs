//! TLS to the server, with a password that is bound to it (SCRAM-SHA-256-PLUS, RFC 5929), and with a certificate.

use std::os::unix::fs::MetadataExt;

use jeton::internals::Stopwatch;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::{TestServer, command};
use crate::support::{free_port, secret};

/// The members of `store` for a server by TCP.
fn store(host: &str, user: &str, more: &str) -> String {
    format!(
        r#"engine = "postgres", postgres = {{ deployment = "test", allow_unsafe_engine = "always", cells = [{{ id = 0, hosts = ["{host}"], database = "postgres", user = "{user}", {more} }}] }}"#
    )
}

/// Writes a file into the directory of the data, for the server alone.
fn put(server: &TestServer, name: &str, text: &str) {
    let data = server.directory.join("data");
    let (path, owner) = (data.join(name), std::fs::metadata(&data).unwrap());
    secret(&path, text);
    std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
}

#[test]
fn a_node_knows_the_server_and_the_server_the_node() {
    let port = free_port().port();
    let server = TestServer::with(&["listen_addresses=127.0.0.1", &format!("port={port}")]);
    let dir = tempfile::TempDir::new().unwrap();
    let (authority_key, server_key, node_key) =
        (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let named = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&server_key, &issuer).unwrap();
    let mut node = CertificateParams::new(Vec::new()).unwrap();
    node.distinguished_name.push(rcgen::DnType::CommonName, "node");
    node.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let node = node.signed_by(&node_key, &issuer).unwrap();
    for (name, text) in [
        ("root.pem", root.pem()),
        ("node.pem", node.pem()),
        ("node.key", node_key.serialize_pem()),
        ("password", "correct horse\n".to_owned()),
        ("wrong", "battery staple\n".to_owned()),
    ] {
        secret(&dir.path().join(name), &text);
    }
    put(&server, "server.crt", &named.pem());
    put(&server, "server.key", &server_key.serialize_pem());
    put(&server, "root.crt", &root.pem());
    put(
        &server,
        "pg_hba.conf",
        "local all all trust\nhostssl all jeton 127.0.0.1/32 scram-sha-256\nhostssl all node 127.0.0.1/32 cert\n",
    );
    for role in ["jeton PASSWORD 'correct horse'", "node"] {
        server.sql(&format!("CREATE ROLE {role} LOGIN"));
        let name = role.split(' ').next().unwrap_or_default();
        server.sql(&format!("GRANT CREATE ON DATABASE postgres TO {name}"));
    }
    server.sql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    server.sql("ALTER SYSTEM SET ssl = on");
    server.sql("SELECT pg_reload_conf()");
    let end = Stopwatch::start();
    while server.sql("SHOW ssl") != "on" {
        assert!(end.elapsed().as_secs() < 10, "the server takes its settings in");
    }
    let path = |name: &str| dir.path().join(name).display().to_string();
    let tls =
        |mode: &str, more: &str| format!("tls = \"{mode}\", root_certificate_file = \"{}\", {more}", path("root.pem"));
    let password = |name: &str| format!("password_file = \"{}\"", path(name));
    let certificate =
        format!("client_certificate_file = \"{}\", client_key_file = \"{}\"", path("node.pem"), path("node.key"));
    let (by_name, by_address) = (format!("localhost:{port}"), format!("127.0.0.1:{port}"));
    let run = |store: &str| {
        let output = command(store, &["migrate"]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let refused = |store: &str, says: &str| {
        let (good, told) = run(store);
        assert!(!good && told.contains(says), "{says}: {told}");
        assert!(!told.contains("battery") && !told.contains("horse"), "{told}");
    };
    let good = store(&by_name, "jeton", &tls("verify-full", &password("password")));
    assert_eq!(run(&good), (true, String::new()), "the name, the authority and the password fit");
    refused(&store(&by_name, "jeton", &tls("verify-full", &password("wrong"))), "password authentication failed");
    refused(&store(&by_address, "jeton", &tls("verify-full", &password("password"))), "not valid for name");
    assert_eq!(run(&store(&by_address, "jeton", &tls("verify-ca", &password("password")))), (true, String::new()));
    refused(&store(&by_name, "jeton", &format!("tls = \"verify-full\", {}", password("password"))), "UnknownIssuer");
    refused(&store(&by_name, "jeton", &format!("tls = \"verify-ca\", {}", password("password"))), "UnknownIssuer");
    // a node by its certificate, on tables that another role owns: it connects, and may not look
    refused(&store(&by_name, "node", &tls("verify-full", &certificate)), "no schema has been selected to create in");
    refused(&store(&by_name, "node", &tls("verify-full", &password("password"))), "certificate");
    refused(&store(&by_name, "jeton", &format!("tls = \"off\", {}", password("password"))), "no pg_hba.conf entry");
}
