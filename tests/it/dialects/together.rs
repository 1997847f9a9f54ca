//! All dialects in one process on one listener, and their example files.

use jeton::extend::{Endpoint, Path};
use serde_json::json;
use tempfile::TempDir;

use super::VENDORS;
use crate::support::process::{Serve, jeton};
use crate::support::tools::repository;
use crate::support::{ADMIN_TOKEN, Server, secret};

#[tokio::test(flavor = "multi_thread")]
async fn six_issuers_of_six_dialects_share_a_process_and_a_listener() {
    let toml: Vec<&str> = VENDORS.iter().map(|vendor| vendor.toml).collect();
    let hook = super::hook::start().await;
    let toml = toml.join("\n").replace("@USERS@", "127.0.0.1:9").replace("@HOOK@", &hook.url());
    let server = Server::with(&toml).await;
    let mut seen = Vec::new();
    for issuer in ["main"].into_iter().chain(VENDORS.iter().map(|vendor| vendor.issuer)) {
        let registry = &server.daemon().service().registry;
        let found = registry.issuer(issuer).unwrap();
        let token_scope = VENDORS.iter().find(|vendor| vendor.issuer == issuer).map_or("api:read", |v| v.service_scope);
        let secret = super::secret("robot");
        let metadata = json!({
            "client_id": "robot", "client_secret": secret, "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"], "scope": token_scope,
        });
        let created = server.admin("POST", &format!("/issuers/{issuer}/clients"), metadata).await;
        assert_eq!(created.status, 201, "{issuer}: {}", created.text());
        let dialect = server.daemon().service().dialects.of(&found);
        let path = jeton::internals::full_paths(dialect, &found.settings, Endpoint::Token).remove(0);
        let fields = [("grant_type", "client_credentials"), ("client_id", "robot"), ("scope", token_scope)];
        let right = [&fields[..], &[("client_secret", secret.as_str())]].concat();
        let answer = server.post(&path, &[], &right).await;
        assert_eq!(answer.status, 200, "{issuer}: {}", answer.text());
        let token = answer.get("access_token");
        let iss = if token.starts_with("jat_") {
            let path = jeton::internals::full_paths(dialect, &found.settings, Endpoint::Introspection).remove(0);
            let own = [("token", token.as_str()), ("client_id", "robot"), ("client_secret", secret.as_str())];
            server.post(&path, &[], &own).await.json()["iss"].clone()
        } else {
            crate::support::claims(&token)["iss"].clone()
        };
        assert_eq!(iss, json!(found.url), "{issuer}");
        let wrong = [&fields[..], &[("client_secret", "wrong")]].concat();
        let refused = server.post(&path, &[], &wrong).await;
        seen.push((refused.status, refused.body.len()));
        // discovery names the endpoints of its dialect, and they answer
        let document = server.get(&format!("{}/.well-known/openid-configuration", found.path)).await.json();
        let base = format!("http://{}", server.public);
        assert_eq!(document["token_endpoint"], json!(format!("{base}{path}")), "{issuer}");
        let jwks = document["jwks_uri"].as_str().unwrap().strip_prefix(&base).unwrap();
        assert_eq!(server.get(jwks).await.status, 200, "{issuer}");
    }
    let mut different = seen.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 6, "six ways to refuse a client: {seen:?}");
}

#[test]
fn every_example_file_passes_config_check() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config/dialects")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let dir = TempDir::new().unwrap();
        secret(&dir.path().join("master.key"), &jeton::internals::Vault::generate());
        secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(text.contains(&format!("dialect = \"{name}\"")), "{name}");
        let file = dir.path().join("jeton.toml");
        std::fs::write(&file, text.replace("/etc/jeton/", &format!("{}/", dir.path().display()))).unwrap();
        let output = jeton().args(["config", "check", "--config"]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        found.push(name);
    }
    found.sort();
    let mut all: Vec<&str> =
        jeton::internals::ALL_DIALECTS.iter().map(|dialect| dialect.name()).filter(|name| *name != "rfc").collect();
    all.sort_unstable();
    assert_eq!(found, all);
}

/// The page of a dialect says what is true of it: its paths, and a client that can be registered as it stands there.
#[test]
fn every_dialect_has_a_page_on_moving_a_client_over() {
    for dialect in jeton::internals::ALL_DIALECTS.iter().copied().filter(|dialect| dialect.name() != "rfc") {
        let name = dialect.name();
        let read = |end: &str| std::fs::read_to_string(repository(&format!("config/dialects/{name}.{end}"))).unwrap();
        let (page, example) = (read("md"), read("toml"));
        for heading in ["## What to change", "## What stays", "## What differs, and why"] {
            assert!(page.contains(heading), "{name}: {heading}");
        }
        for path in dialect.paths(Endpoint::Token) {
            let (Path::Below(path) | Path::AtRoot(path)) = path;
            assert!(page.contains(path), "{name}: {path}");
        }
        assert!(example.contains(&format!("{name}.md")), "{name}: the example names its page");
        let source = jeton::Source { preset: Some(example), ..Default::default() };
        let config = jeton::internals::load(&source).unwrap().config;
        let snapshot =
            jeton::internals::snapshot(&config, &jeton::internals::Vault::ephemeral(), &jeton::Extensions::default())
                .unwrap();
        let issuer = snapshot.issuers.values().next().unwrap();
        let mut blocks = 0;
        for block in page.split("```json\n").skip(1) {
            let mut metadata: serde_json::Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
            let id = metadata.as_object_mut().unwrap().remove("client_id").unwrap();
            let metadata: jeton::internals::ClientMetadata = serde_json::from_value(metadata).unwrap();
            metadata.resolve(id.as_str().unwrap().to_owned(), Vec::new(), 0, issuer).unwrap();
            blocks += 1;
        }
        assert!(blocks > 0, "{name}: a client to copy");
    }
}

#[test]
fn what_the_file_says_stands_above_the_defaults_of_the_dialect() {
    let preset = r#"
        [issuers.a]
        url = "https://id.example/a"
        dialect = "xsolla-login"
        access_token_lifetime = "7m"
        [issuers.b]
        url = "https://id.example/b"
    "#;
    let source = jeton::Source { preset: Some(preset.to_owned()), ..Default::default() };
    let loaded = jeton::internals::load(&source).unwrap();
    let (a, b) = (&loaded.config.issuers["a"], &loaded.config.issuers["b"]);
    assert_eq!((a.access_token_lifetime.as_secs(), a.offline_scope.as_str()), (420, "offline"));
    assert_eq!((b.access_token_lifetime.as_secs(), b.offline_scope.as_str()), (600, "offline_access"));
    let origin = |name: &str| loaded.origins.iter().find(|(own, _)| own == name).map(|(_, origin)| origin.as_str());
    assert_eq!(origin("issuers.a.offline_scope"), Some("the dialect xsolla-login"));
}

#[test]
fn a_name_that_the_dialect_does_not_know_is_an_error() {
    for (vendor, rule) in [
        (r#"{ project = "1" }"#, "project_id, publisher_id"),
        (r#"{ project_id = "a/b" }"#, "1 to 128 letters"),
        (r#"{ project_id = "" }"#, "1 to 128 letters"),
    ] {
        let preset =
            format!("[issuers.a]\nurl = \"https://id.example\"\ndialect = \"xsolla-login\"\nvendor = {vendor}\n");
        let source = jeton::Source { preset: Some(preset), ..Default::default() };
        let config = jeton::internals::load(&source).unwrap().config;
        let vault = jeton::internals::Vault::ephemeral();
        let error = jeton::internals::snapshot(&config, &vault, &Default::default()).err().unwrap().to_string();
        assert!(error.contains("issuers.a.vendor") && error.contains(rule), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_75_parameters_in_the_query_stay_out_of_the_log() {
    let serve = Serve::start(
        r#"
        [log]
        filter = "trace"
        format = "json"
        [issuers.alibaba]
        url = "http://127.0.0.1:1/api/v2/iauths_system/oauth2"
        dialect = "aliyun-idaas"
        algorithms = ["EdDSA"]
        access_token_alg = "EdDSA"
        id_token_alg = "EdDSA"
        "#,
    )
    .await;
    let path =
        "/api/v2/iauths_system/oauth2/token?grant_type=client_credentials&client_id=a&client_secret=CanaryInTheQuery";
    let answer = crate::support::http::request(serve.public, "POST", path, &[], b"").await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"));
    let since = jeton::internals::Stopwatch::start();
    // the line of a later request is behind everything that this one wrote
    let answer =
        crate::support::http::request(serve.public, "POST", path, &[("Content-Type", "text/plain")], b"x").await;
    assert_eq!(answer.status, 413);
    let request_id = crate::support::http::request(serve.public, "POST", path, &[], b"").await.get("request_id");
    let mut text = serve.log();
    while !text.contains(&request_id) && since.elapsed() < std::time::Duration::from_secs(20) {
        tokio::task::yield_now().await;
        text = serve.log();
    }
    assert!(text.contains(&request_id), "the id of a refusal is in the log");
    let leak = text.lines().find(|line| line.contains("CanaryInTheQuery"));
    assert_eq!(leak, None);
}
