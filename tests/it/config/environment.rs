//! Issue 8, number 22: what the environment says. Text stays text, lists can be given, a name that nobody knows is an
//! error with the nearest one.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process::jeton;
use crate::support::secret;

const CONFIG: i32 = 64;

/// A file with one issuer.
struct File(TempDir);

impl File {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        secret(&dir.path().join("jeton.toml"), "[issuers.main]\nurl = \"https://id.example\"\n");
        Self(dir)
    }

    fn output(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command: Command = jeton();
        command.args(words).arg("--config").arg(self.0.path().join("jeton.toml")).envs(variables.iter().copied());
        command.output().unwrap()
    }

    fn print(&self, variables: &[(&str, &str)]) -> Value {
        let output = self.output(&["config", "print"], variables);
        assert!(output.status.success(), "{variables:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let output = self.output(&["config", "print"], variables);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(CONFIG), "{variables:?}: {told}");
        told
    }
}

#[test]
fn text_from_the_environment_stays_text_and_the_rest_is_read_by_the_type_of_its_setting() {
    let printed = File::new().print(&[
        ("JETON__STORE__PATH", "007"),
        ("JETON__ISSUERS__MAIN__DEFAULT_AUDIENCE", "00123"),
        ("JETON__ISSUERS__MAIN__VENDOR__INSTANCE_ID", "0042"),
        ("JETON__ISSUERS__MAIN__OFFLINE_SCOPE", "TRUE"),
        ("JETON__SECRETS__ADMIN_TOKEN_FILE", "1e3"),
        ("JETON__STORE__SLED__SHARDS", "16"),
        ("JETON__ISSUERS__MAIN__CODE_MISSES", "7"),
        ("JETON__ISSUERS__MAIN__REQUIRE_PKCE", "true"),
        ("JETON__TOKENS__DEADLINE", "7s"),
        ("JETON__ISSUERS__MAIN__CLIENT_RATE_LIMIT", "5"),
    ]);
    let config = &printed["config"];
    assert_eq!(config["store"]["path"], "007");
    assert_eq!(config["issuers"]["main"]["default_audience"], "00123");
    assert_eq!(config["issuers"]["main"]["vendor"]["instance_id"], "0042");
    assert_eq!(config["issuers"]["main"]["offline_scope"], "TRUE");
    assert_eq!(config["secrets"]["admin_token_file"], "1e3");
    assert_eq!(config["store"]["sled"]["shards"], 16);
    assert_eq!(config["issuers"]["main"]["code_misses"], 7);
    assert_eq!(config["issuers"]["main"]["require_pkce"], true);
    assert_eq!(config["tokens"]["deadline"], "7s");
    assert_eq!(config["issuers"]["main"]["client_rate_limit"], 5);
    let origin = printed["origins"]["store.path"].as_str().unwrap();
    assert!(origin.contains("environment") && origin.contains("JETON__STORE__PATH"), "{origin}");
}

/// A parser that is glad of anything makes 1 of `true` and 8 of 7.9.
#[test]
fn what_is_no_number_is_refused_where_a_number_is_wanted() {
    for text in ["true", "yes", "7.9", "1e1", ""] {
        let told = File::new().refusal(&[("JETON__STORE__SLED__SHARDS", text)]);
        assert!(told.contains("store.sled.shards") && told.contains(text), "{text}: {told}");
    }
    for value in ["true", "7.9", "\"on\""] {
        let file = File::new();
        let text = format!("store.sled.shards = {value}\n[issuers.main]\nurl = \"https://id.example\"\n");
        std::fs::write(file.0.path().join("jeton.toml"), text).unwrap();
        let told = file.refusal(&[]);
        assert!(told.contains("store.sled.shards: must be a whole number"), "{value}: {told}");
    }
}

#[test]
fn lists_from_the_environment_are_separated_by_commas_or_json() {
    let grant = r#"[{"grant_type": "urn:x:otp", "parameters": [{"name": "007"}], "hook": {"url": "https://otp.example/", "max_in_flight": 7}}]"#;
    let printed = File::new().print(&[
        ("JETON__ISSUERS__MAIN__RESOURCES", "https://a.example, https://b.example"),
        ("JETON__ISSUERS__MAIN__ALLOWED_ORIGINS", r#"["https://a.example"]"#),
        ("JETON__ISSUERS__MAIN__AUDIENCES", "00123"),
        ("JETON__ISSUERS__MAIN__ALGORITHMS", "EdDSA,RS256"),
        ("JETON__ISSUERS__MAIN__CUSTOM_GRANTS", grant),
        ("JETON__PUBLIC__PROXY__TRUSTED", "10.0.0.0/8,127.0.0.1"),
        // no list: a bracket and a comma are text
        ("JETON__ISSUERS__MAIN__DEFAULT_AUDIENCE", r#"["a","b"]"#),
    ]);
    let issuer = &printed["config"]["issuers"]["main"];
    assert_eq!(issuer["resources"], json!(["https://a.example", "https://b.example"]));
    assert_eq!(issuer["allowed_origins"], json!(["https://a.example"]));
    assert_eq!(issuer["audiences"], json!(["00123"]));
    assert_eq!(issuer["algorithms"], json!(["EdDSA", "RS256"]));
    assert_eq!(issuer["custom_grants"][0]["parameters"][0]["name"], json!("007"));
    assert_eq!(issuer["custom_grants"][0]["hook"]["max_in_flight"], 7);
    assert_eq!(printed["config"]["public"]["proxy"]["trusted"], json!(["10.0.0.0/8", "127.0.0.1"]));
    assert_eq!(issuer["default_audience"], r#"["a","b"]"#);
    // an empty list can be given, too
    let printed = File::new().print(&[("JETON__ISSUERS__MAIN__SCOPES", ""), ("JETON__ISSUERS__MAIN__RESOURCES", "")]);
    assert_eq!(printed["config"]["issuers"]["main"]["resources"], json!([]));
    let told = File::new().refusal(&[("JETON__ISSUERS__MAIN__RESOURCES", "[\"https://a.example\"")]);
    assert!(told.contains("issuers.main.resources") && told.contains("JSON"), "{told}");
}

#[test]
fn a_name_in_the_environment_that_nobody_knows_is_an_error_with_the_nearest_one() {
    let file = File::new();
    for (name, nearest) in [
        ("JETON_STORE_PATH", "JETON__STORE__PATH"),
        ("JETON_PUBLIC_LISTEN", "JETON__PUBLIC__LISTEN"),
        ("JETON_ISSUERS_MAIN_URL", "JETON__ISSUERS__MAIN__URL"),
        ("JETON_ADMIN_TOKN", "JETON_ADMIN_TOKEN"),
        ("JETON_CONFIGG", "JETON_CONFIG"),
        ("JETON__STORE__PAHT", "path"),
        ("JETON__PUBLIK__LISTEN", "public"),
        ("JETON__ISSUERS__MAIN__DEFAULT_AUDIENZ", "default_audience"),
    ] {
        let told = file.refusal(&[(name, "x")]);
        assert!(told.contains(name) && told.contains(&format!("`{nearest}`")), "{name}: {told}");
    }
    // nothing is near
    let told = file.refusal(&[("JETON_QQQQQQQQQQQQ", "x")]);
    assert!(told.contains("jeton does not know. Settings are named like JETON__STORE__PATH"), "{told}");
    // the value may be a secret
    assert!(!file.refusal(&[("JETON_ADMIN_TOKN", "hunter2")]).contains("hunter2"));
    // the commands that talk to a daemon as well
    let output = jeton().args(["key", "list"]).env("JETON_ADMIN_ULR", "http://127.0.0.1:1").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(CONFIG) && told.contains("`JETON_ADMIN_URL`"), "{told}");
}

/// A Service named `jeton`, or `jeton-admin`, puts these into every pod of its namespace.
#[test]
fn variables_of_kubernetes_services_are_no_settings() {
    let file = File::new();
    let output = file.output(
        &["config", "check"],
        &[
            ("JETON_SERVICE_HOST", "10.0.0.1"),
            ("JETON_SERVICE_PORT", "8080"),
            ("JETON_SERVICE_PORT_HTTP", "8080"),
            ("JETON_PORT", "tcp://10.0.0.1:8080"),
            ("JETON_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("JETON_PORT_8080_TCP_PROTO", "tcp"),
            ("JETON_PORT_8080_TCP_PORT", "8080"),
            ("JETON_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("JETON_ADMIN_SERVICE_HOST", "10.0.0.2"),
            ("JETON_ADMIN_PORT", "tcp://10.0.0.2:9080"),
            ("JETON_ADMIN_PORT_9080_TCP_ADDR", "10.0.0.2"),
        ],
    );
    // the file names secrets that are not there: that is all
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("master_key_file") && !told.contains("JETON_"), "{told}");
    // a Service may be named by the words that the shape is made of
    for (name, value) in [
        ("JETON_SERVICE_SERVICE_HOST", "10.0.0.1"),
        ("JETON_SERVICE_SERVICE_PORT", "80"),
        ("JETON_SERVICE_SERVICE_PORT_HTTP", "80"),
        ("JETON_SERVICE_PORT", "tcp://10.0.0.1:80"),
        ("JETON_SERVICE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("JETON_PORT_SERVICE_HOST", "10.0.0.1"),
        ("JETON_PORT_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ] {
        let output = file.output(&["config", "print"], &[(name, value)]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // but a port that is none of a Service's is one that somebody wanted to set
    assert!(file.refusal(&[("JETON_PORT", "8080")]).contains("JETON_PORT"));
}

/// A value in a wrong place may be a secret, or the hash of one.
#[test]
fn checklist_75_a_secret_in_the_wrong_variable_is_not_repeated() {
    let token = "jad_0123456789abcdefghijklmnopqrstuv";
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
    let file = File::new();
    let client = format!(r#"{{"issuer": "main", "client_id": "batch", "secrets": [{{"argon2": "{hash}"}}]"#);
    for (name, value, setting) in [
        ("JETON__STORE__SLED__SHARDS", token.to_owned(), "store.sled.shards"),
        ("JETON__PUBLIC__LISTEN", token.to_owned(), "public.listen"),
        ("JETON__CLIENTS", format!("[{client}]"), "clients"),
        ("JETON__CLIENTS", format!("{client}}}"), "clients"),
        ("JETON__CLIENTS", hash.to_owned(), "clients"),
    ] {
        let told = file.refusal(&[(name, &value)]);
        assert!(told.contains(setting) && !told.contains(token) && !told.contains("$argon2id"), "{name}: {told}");
    }
    for name in ["ADMIN_TOKEN_FILE", "MASTER_KEY_FILE"] {
        let output = file.output(&["config", "check"], &[(&format!("JETON__SECRETS__{name}"), token)]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(CONFIG) && !told.contains(token), "{told}");
    }
    let mut list = jeton();
    let output = list.args(["key", "list", "--admin-token-file", token]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--admin-token-file") && !told.contains(token), "{told}");
}
