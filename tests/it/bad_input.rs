//! What a person can get wrong: settings, files, ports, directories. Every refusal names what is wrong and says what to
//! do, exits with its code, and leaves everything as it was.

mod secret_files;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use jeton::internals::Stopwatch;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{Dev, jeton};
use crate::support::{ADMIN_TOKEN, free_port, say, secret};

const CONFIG: i32 = 64;
const UNAVAILABLE: i32 = 69;

/// Runs to the end, which must come soon.
fn run(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (done, ended) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        output
    });
    if ended.recv_timeout(Duration::from_secs(20)).is_err() {
        let _ = Command::new("kill").arg("-9").arg(id.to_string()).status();
        panic!("{command:?} did not end: {:?}", waiter.join());
    }
    waiter.join().unwrap()
}

/// The message of a command that must end with `code`: one sentence of jeton's, without the ways of its insides.
fn refusal(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {message}");
    assert!(message.starts_with("jeton: ") && !message.contains("panicked"), "{message}");
    message
}

/// `jeton init` in a fresh directory, with ports of its own.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(TempDir::new().unwrap());
        assert!(run(jeton().args(["init", "--dir"]).arg(home.dir())).status.success());
        let (public, admin) = (free_port(), free_port());
        home.write(&format!(
            "public.listen = \"{public}\"\nadmin.listen = \"{admin}\"\n{}",
            home.text().replace("http://127.0.0.1:8080", &format!("http://{public}"))
        ));
        home
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> PathBuf {
        self.dir().join("jeton.toml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    fn write(&self, text: &str) {
        secret(&self.config(), text);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = jeton();
        command.args(words).arg("--config").arg(self.config());
        command
    }
}

/// Every file below `dir` with what is in it and who may read it.
fn everything(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode();
        if path.is_dir() {
            all.extend(everything(&path));
            all.insert(path, (mode, Vec::new()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(path, (mode, bytes));
        }
    }
    all
}

#[test]
fn a_wrong_setting_is_named_with_its_value_and_the_rule() {
    // what is added to a good file, and what the message must name
    let issuer = |line: &str| format!("[issuers.x]\nurl = \"https://x.example/x\"\n{line}\n");
    let client = |lines: &str| format!("[[clients]]\nissuer = \"main\"\nclient_id = \"batch\"\n{lines}\n");
    let cases: Vec<(String, &[&str])> = vec![
        ("[log]\nlevel = \"info\"\n".into(), &["log", "level", "unknown field", "filter"]),
        ("[publick]\nlisten = \"127.0.0.1:1\"\n".into(), &["publick", "unknown field"]),
        ("[store.sled]\nshards = \"many\"\n".into(), &["store.sled.shards", "many"]),
        ("[store.sled]\nshards = 65\n".into(), &["store.sled.shards", "65", "1 to 64"]),
        ("[store]\nengine = \"oracle\"\n".into(), &["store.engine", "oracle", "sled"]),
        ("[tokens]\ndeadline = \"soon\"\n".into(), &["tokens.deadline", "soon"]),
        ("[tokens]\nmax_in_flight_per_grant = 0\n".into(), &["tokens.max_in_flight_per_grant", "0", "at least 1"]),
        ("[hashing]\nworkers = 0\n".into(), &["hashing.workers", "0", "at least 1"]),
        ("[log]\nfilter = \"info,=[=\"\n".into(), &["log.filter", "info,=[="]),
        ("[public.limits]\nmax_headers = 0\n".into(), &["public.limits.max_headers", "0", "between 1 and 100"]),
        (
            "[admin.tls]\ncertificate = \"/nowhere/tls.pem\"\nkey = \"/nowhere/tls.key\"\n".into(),
            &["admin.tls", "/nowhere/tls.pem"],
        ),
        ("[admin.tls]\ncertificate = \"/nowhere/tls.pem\"\n".into(), &["admin.tls", "key"]),
        ("[shutdown]\ndeadline = 5\n".into(), &["shutdown.deadline", "5"]),
        ("[issuers.x]\nurl = \"http://id.example\"\n".into(), &["issuers.x.url", "http://id.example", "https"]),
        (
            "[issuers.x]\nurl = \"https://x.example/\"\n".into(),
            &["issuers.x.url", "https://x.example/", "no slash at the end"],
        ),
        (
            "[issuers.x]\nurl = \"https://x.example\"\n".into(),
            &["issuers.", "url", "https://x.example", "answers at", "another path"],
        ),
        ("[issuers.\"a b\"]\nurl = \"https://x.example/x\"\n".into(), &["a b", "1 to 64 letters"]),
        (issuer("dialect = \"vogon\""), &["issuers.x.dialect", "vogon", "must be one of", "rfc"]),
        (issuer("grant_types = [\"implicit\"]"), &["issuers.x.grant_types", "implicit", "must be one of"]),
        (issuer("grant_types = [\"password\"]"), &["issuers.x.users.source", "none", "directory"]),
        ("[passwords]\nworkers = 0\n".into(), &["passwords.workers", "0", "1 to 64"]),
        ("[passwords]\nqueue = 0\n".into(), &["passwords.queue", "0", "1 to 4096"]),
        ("[passwords]\ncost = { passes = 17 }\n".into(), &["passwords.cost", "t=17", "1 to 16 passes"]),
        (issuer("access_token_lifetime = \"10 parsecs\""), &["issuers.x.access_token_lifetime", "parsecs"]),
        (issuer("access_token_lifetime = 600"), &["issuers.x.access_token_lifetime", "600"]),
        (issuer("code_lifetime = \"10m\""), &["issuers.x.code_lifetime", "10m", "1s to 60s"]),
        (issuer("code_misses = -1"), &["issuers.x.code_misses", "-1"]),
        (issuer("access_token_alg = \"HS256\""), &["issuers.x.access_token_alg", "HS256", "EdDSA"]),
        (issuer("algorithms = [\"ES256\"]"), &["issuers.x.access_token_alg", "EdDSA", "`algorithms`"]),
        (issuer("resources = [\"files\"]"), &["issuers.x.resources", "files", "absolute"]),
        (
            issuer("allowed_origins = [\"https://a.example/x\"]"),
            &["issuers.x.allowed_origins", "https://a.example/x", "without path"],
        ),
        (client("").replace("main", "nobody"), &["clients", "batch", "nobody", "no such issuer"]),
        (client("") + &client(""), &["clients", "batch", "listed twice"]),
        (client("secrets = [{ file = \"/nowhere/batch.secret\" }]"), &["batch", "/nowhere/batch.secret"]),
        (client("secrets = [{ argon2 = \"hunter2\" }]"), &["batch", "secrets[0].argon2", "argon2"]),
        (client("secrets = [{ plain = \"hunter2\" }]"), &["clients", "secrets", "plain", "argon2"]),
        (
            client("[clients.metadata]\nredirect_uris = [\"javascript:alert(1)\"]"),
            &["batch", "redirect_uris", "javascript:"],
        ),
        (client("[clients.metadata]\ngrant_type = []"), &["clients", "grant_type", "unknown field"]),
        (
            client("[clients.metadata]\ngrant_types = [\"client_credentials\"]\nscope = \"root\""),
            &["batch", "scope", "root"],
        ),
    ];
    let home = Home::new();
    let good = home.text();
    let before = everything(home.dir());
    for (more, named) in &cases {
        match more.strip_prefix("[store]\n") {
            Some(line) => home.write(&good.replace("[store]\n", &format!("[store]\n{line}"))),
            None => home.write(&format!("{good}\n{more}")),
        }
        for words in [&["config", "check"][..], &["serve"]] {
            let message = refusal(&mut home.command(words), CONFIG);
            for name in *named {
                assert!(message.contains(name), "{name:?} is not named for\n{more}\n{message}");
            }
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
    home.write(&good);
    assert_eq!(everything(home.dir()), before, "a failed start changes nothing");
    assert!(run(&mut home.command(&["config", "check"])).status.success());
}

#[test]
fn a_url_in_the_settings_is_its_own_canonical_form_or_the_right_one_is_shown() {
    let issuer = |line: &str| format!("[issuers.x]\nurl = \"https://x.example/x\"\n{line}\n");
    let url = |url: &str| format!("[issuers.x]\nurl = \"{url}\"\n");
    let device = |uri: &str| {
        let grants = "grant_types = [\"urn:ietf:params:oauth:grant-type:device_code\"]";
        issuer(&format!("{grants}\nverification_uri = \"{uri}\""))
    };
    let hook = |uri: &str| {
        issuer(&format!(
            "grant_types = [\"password\"]\nusers = {{ source = \"webhook\", hook = {{ url = \"{uri}\" }} }}"
        ))
    };
    let custom = |uri: &str| {
        issuer("")
            + &format!(
                "[[issuers.x.custom_grants]]\ngrant_type = \"otp\"\n[issuers.x.custom_grants.hook]\nurl = \"{uri}\"\n"
            )
    };
    let trusted = |line: &str| {
        let jwks = "jwks = { keys = [{ kty = \"OKP\", crv = \"Ed25519\", alg = \"EdDSA\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }] }";
        issuer("") + &format!("[[issuers.x.trusted_issuers]]\n{line}\n{jwks}\n")
    };
    let provider = |line: &str| {
        issuer("") + &format!("[[issuers.x.federated_providers]]\ntype = \"oidc\"\nname = \"p\"\n{line}\n")
    };
    let client = |line: &str| {
        format!(
            "[[clients]]\nissuer = \"main\"\nclient_id = \"batch\"\n[clients.metadata]\nredirect_uris = [\"https://app.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\n{line}\n"
        )
    };
    // what is added to a good file, and what the message must name: the setting and the right form
    let cases: Vec<(String, &[&str])> = vec![
        (url(" https://x.example/x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://x.example/x "), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://x.example/x\\n"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://x.exa\\tmple/x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("http:127.0.0.1/x"), &["issuers.x.url", "`http://127.0.0.1/x`"]),
        (url("http://127.1/x"), &["issuers.x.url", "`http://127.0.0.1/x`"]),
        (url("HTTPS://x.example/x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://X.example/x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://x.example:443/x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://X.example"), &["issuers.x.url", "`https://x.example`"]),
        (url("https://x.example/y/../x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url(r"https:\\\\x.example\\x"), &["issuers.x.url", "`https://x.example/x`"]),
        (url("https://x.example/a b"), &["issuers.x.url"]),
        (url("https://bücher.example/x"), &["issuers.x.url", "`https://xn--bcher-kva.example/x`"]),
        (url("https://user@x.example/x"), &["issuers.x.url", "user"]),
        (
            issuer("authorization_endpoint = \"HTTPS://portal.example/login\""),
            &["issuers.x.authorization_endpoint", "`https://portal.example/login`"],
        ),
        (issuer("authorization_endpoint = \"portal\""), &["issuers.x.authorization_endpoint", "portal"]),
        (
            issuer("authorization_endpoint = \"http://portal.example/login\""),
            &["issuers.x.authorization_endpoint", "https"],
        ),
        (
            device("https://portal.example:443/device"),
            &["issuers.x.verification_uri", "`https://portal.example/device`"],
        ),
        (
            issuer("verification_uri = \" https://portal.example/device\""),
            &["issuers.x.verification_uri", "`https://portal.example/device`"],
        ),
        (issuer("resources = [\"https://API.example\"]"), &["issuers.x.resources", "`https://api.example`"]),
        (issuer("resources = [\"https://api.example/ \"]"), &["issuers.x.resources", "`https://api.example/`"]),
        (issuer("audiences = [\" orders\"]"), &["issuers.x.audiences"]),
        (issuer("default_audience = \" https://api.example\""), &["issuers.x.default_audience"]),
        (issuer("default_audience = \"a\\nb\""), &["issuers.x.default_audience"]),
        (trusted("issuer = \"https://PARTNER.example\""), &["issuers.x.trusted_issuers", "`https://partner.example`"]),
        (trusted("issuer = \"partner \""), &["issuers.x.trusted_issuers", "partner"]),
        (trusted("issuer = \"partner\"\naudience = \" x\""), &["issuers.x.trusted_issuers", "audience"]),
        (hook("https://HOOK.example/x"), &["issuers.x.users.hook.url", "`https://hook.example/x`"]),
        (custom("https://hook.example:443/x"), &["issuers.x.custom_grants[0].hook.url", "`https://hook.example/x`"]),
        (
            provider("issuer = \"https://cluster.example\"\njwks_uri = \"https://cluster.example/./jwks\""),
            &["federated_providers", "`https://cluster.example/jwks`"],
        ),
        (
            provider("issuer = \"https://CLUSTER.example\"\njwks_uri = \"https://cluster.example/jwks\""),
            &["federated_providers", "`https://cluster.example`"],
        ),
        (
            provider(
                "issuer = \"https://cluster.example\"\naudiences = [\"x \"]\njwks_uri = \"https://cluster.example/jwks\"",
            ),
            &["federated_providers", "audiences"],
        ),
        (client("client_uri = \"https://APP.example\""), &["batch", "client_uri", "`https://app.example`"]),
        (client("jwks_uri = \"https://APP.example/jwks\""), &["batch", "jwks_uri", "`https://app.example/jwks`"]),
        (client("client_name = \"Batch \""), &["batch", "client_name"]),
        (client("").replace("/cb", "/./cb"), &["batch", "redirect_uris", "`https://app.example/cb`"]),
        (
            issuer("allowed_origins = [\"https://*.example.com\"]"),
            &["issuers.x.allowed_origins", "https://*.example.com", "each origin"],
        ),
        (issuer("allowed_origins = [\"*\"]"), &["issuers.x.allowed_origins", "each origin"]),
        (issuer("allowed_origins = [\"null\"]"), &["issuers.x.allowed_origins", "null"]),
        (
            issuer("allowed_origins = [\"https://app.example/\"]"),
            &["issuers.x.allowed_origins", "`https://app.example`"],
        ),
        (
            issuer("allowed_origins = [\"https://app.example/x?y\"]"),
            &["issuers.x.allowed_origins", "`https://app.example`"],
        ),
        (
            issuer("allowed_origins = [\"https://APP.example:443\"]"),
            &["issuers.x.allowed_origins", "`https://app.example`"],
        ),
        (
            issuer("allowed_origins = [\" https://app.example\"]"),
            &["issuers.x.allowed_origins", "`https://app.example`"],
        ),
        (
            issuer("allowed_origins = [\"capacitor://localhost/\"]"),
            &["issuers.x.allowed_origins", "`capacitor://localhost`"],
        ),
        (
            issuer("allowed_origins = [\"Capacitor://localhost\"]"),
            &["issuers.x.allowed_origins", "`capacitor://localhost`"],
        ),
        (issuer("allowed_origins = [\"app.example\"]"), &["issuers.x.allowed_origins", "app.example"]),
    ];
    let home = Home::new();
    let good = home.text();
    for (more, named) in &cases {
        home.write(&format!("{good}\n{more}"));
        let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
        for name in *named {
            assert!(message.contains(name), "{name:?} is not named for\n{more}\n{message}");
        }
        assert!(message.trim_end().chars().all(|c| !c.is_control()), "{message:?}");
    }
    for fine in [
        url("https://x.example/x"),
        url("http://[::1]:8080/x"),
        device("https://portal.example/device?a=b"),
        issuer("authorization_endpoint = \"https://portal.example\""),
        issuer("resources = [\"urn:api\", \"https://api.example\", \"https://api.example/\"]"),
        issuer("default_audience = \"{issuer}/{client_id}\""),
        trusted("issuer = \"accounts.partner.example\""),
        trusted("issuer = \"https://partner.example/\""),
        hook("http://127.0.0.1:8081/x"),
        issuer(
            "allowed_origins = [\"https://app.example\", \"http://localhost:3000\", \"capacitor://localhost\", \"ionic://localhost\", \"app://com.example\", \"http://[::1]:3000\"]",
        ),
    ] {
        home.write(&format!("{good}\n{fine}"));
        let output = run(&mut home.command(&["config", "check"]));
        assert!(output.status.success(), "{fine}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_not_toml_is_pointed_at_by_line_and_column() {
    let home = Home::new();
    home.write("[public]\nlisten = \"127.0.0.1:8080\"\n[admin\nlisten = 1\n");
    let message = refusal(&mut home.command(&["serve"]), CONFIG);
    let path = home.config().display().to_string();
    assert!(message.contains("line 3, column 7") && message.contains(&path), "{message}");
    home.write("issuers = {}\n");
    let message = refusal(&mut home.command(&["serve"]), CONFIG);
    assert!(message.contains("issuers") && message.contains("at least one issuer"), "{message}");
    std::fs::remove_file(home.config()).unwrap();
    let message = refusal(&mut home.command(&["serve"]), CONFIG);
    assert!(message.contains(&path) && message.contains("jeton init"), "{message}");
}

#[test]
fn a_wrong_secret_file_is_named_with_what_to_do() {
    let home = Home::new();
    let (key, token) = (home.dir().join("master.key"), home.dir().join("admin.token"));
    let (good_key, good_token) = (std::fs::read_to_string(&key).unwrap(), std::fs::read_to_string(&token).unwrap());
    let check = |named: &[&str]| {
        let message = refusal(&mut home.command(&["serve"]), CONFIG);
        for name in named {
            assert!(message.contains(name), "{name:?} is not named in {message}");
        }
        for text in [&good_key, &good_token] {
            let word = text.split_whitespace().last().unwrap();
            assert!(!message.contains(word), "{message}");
        }
    };
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    for (path, setting) in [(&key, "secrets.master_key_file"), (&token, "secrets.admin_token_file")] {
        let shown = path.display().to_string();
        for exposed in [0o644, 0o660, 0o604] {
            mode(path, exposed);
            check(&[setting, &shown, &format!("mode {exposed:03o}"), "chmod 600"]);
        }
        mode(path, 0o600);
        let aside = home.dir().join("aside");
        std::fs::rename(path, &aside).unwrap();
        check(&[setting, &shown, "jeton init"]);
        std::fs::create_dir(path).unwrap();
        check(&[setting, &shown]);
        std::fs::remove_dir(path).unwrap();
        std::fs::rename(&aside, path).unwrap();
    }
    for (text, rule) in [
        ("nonsense", "line 1"),
        ("# only a comment\n", "key"),
        ("1 not/base64!", "not base64"),
        ("0 AAAA", "1 to 255"),
        ("1 QUFBQQ==", "32 bytes"),
        ("\u{fffd}", "line 1"),
    ] {
        secret(&key, text);
        check(&["secrets.master_key_file", "master.key", rule]);
    }
    secret(&key, &good_key);
    secret(&token, "hunter2");
    check(&["secrets.admin_token_file", "7 characters", "at least 22"]);
    secret(&token, &good_token);
    assert!(run(&mut home.command(&["config", "check"])).status.success());
}

#[test]
fn the_environment_overrides_and_is_named() {
    let home = Home::new();
    for (name, value, named) in [
        ("JETON__STORE__SLED__SHARDS", "0", ["store.sled.shards", "0"]),
        ("JETON__PUBLIC__LISTEN", "nowhere", ["public.listen", "nowhere"]),
        ("JETON__LOG__LEVEL", "info", ["level", "unknown field"]),
        ("JETON__PUBLIK__LISTEN", "127.0.0.1:1", ["publik", "unknown field"]),
        ("JETON__TOKENS__DEADLINE", "soon", ["tokens.deadline", "soon"]),
    ] {
        let message = refusal(home.command(&["serve"]).env(name, value), CONFIG);
        assert!(named.iter().all(|named| message.contains(named)), "{name}: {message}");
    }
    let output = run(home.command(&["config", "print"]).env("JETON__TOKENS__DEADLINE", "7s"));
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["config"]["tokens"]["deadline"], "7s");
    let origin = printed["origins"]["tokens.deadline"].as_str().unwrap();
    assert!(origin.contains("environment"), "{origin}");
    let origin = printed["origins"]["store.path"].as_str().unwrap();
    assert!(origin.contains("jeton.toml"), "{origin}");
    assert!(printed["origins"].get("tokens.max_in_flight_per_grant").is_none(), "a default has no origin");
}

#[test]
fn config_print_shows_no_secret_and_default_is_the_manual() {
    let home = Home::new();
    let file = home.dir().join("batch.secret");
    let made = format!("jcs_{}", "A".repeat(43));
    secret(&file, &made);
    let phc = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$4h5Yc0nYkHnmOoUhBhnLBXmqSY9a8CqRPkP5nl1pPoQ";
    home.write(&format!(
        "{}\n[[clients]]\nissuer = \"main\"\nclient_id = \"batch\"\nsecrets = [{{ file = \"{}\" }}, {{ argon2 = \"{phc}\" }}]\n\
         [clients.metadata]\ngrant_types = [\"client_credentials\"]\n",
        home.text(),
        file.display()
    ));
    let output = run(&mut home.command(&["config", "check"]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 issuers, 1 clients"), "{said}");
    let output = run(&mut home.command(&["config", "print"]));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let read = |name: &str| std::fs::read_to_string(home.dir().join(name)).unwrap();
    let (key, token) = (read("master.key"), read("admin.token"));
    for hidden in [key.split_whitespace().last().unwrap(), token.trim(), &made, phc, "c2FsdHNhbHRzYWx0"] {
        assert!(!printed.contains(hidden), "{hidden} in {printed}");
    }
    assert!(printed.contains("redacted") && printed.contains("batch.secret"), "{printed}");
    let output = run(jeton().args(["config", "default"]));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), include_str!("../../config/jeton.toml"));
}

#[test]
fn init_never_overwrites() {
    let home = Home::new();
    for name in ["jeton.toml", "master.key", "admin.token"] {
        let before = everything(home.dir());
        let message = refusal(jeton().args(["init", "--dir"]).arg(home.dir()), 1);
        assert!(message.contains("exists already") && message.contains("--dir"), "{message}");
        assert_eq!(everything(home.dir()), before);
        // also not if only one of them is there
        let other = TempDir::new().unwrap();
        secret(&other.path().join(name), "mine");
        let message = refusal(jeton().args(["init", "--dir"]).arg(other.path()), 1);
        assert!(message.contains(name), "{message}");
        assert_eq!(everything(other.path()).len(), 1);
    }
    // the configuration has no secret, and the service that reads it runs as somebody else
    let modes: Vec<_> = ["admin.token", "jeton.toml", "master.key"].into();
    let expected = modes.into_iter().map(|name| if name == "jeton.toml" { 0o644 } else { 0o600 });
    assert!(everything(home.dir()).values().map(|(mode, _)| mode & 0o777).eq(expected));
    let file = home.config().join("below");
    assert!(refusal(jeton().args(["init", "--dir"]).arg(&file), 1).contains("cannot make the directory"));
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_touched() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_at = taken.local_addr().unwrap().to_string();
    let before = everything(home.dir());
    for (listener, setting) in [("JETON__PUBLIC__LISTEN", "public.listen"), ("JETON__ADMIN__LISTEN", "admin.listen")] {
        let message = refusal(home.command(&["serve"]).env(listener, &taken_at), UNAVAILABLE);
        assert!(message.contains(&format!("(set by {setting})")) && !message.contains("--"), "{message}");
        assert!(message.contains(&format!("another process listens on {taken_at}")), "{message}");
        assert!(message.contains("stop it or choose another address"), "{message}");
    }
    assert_eq!(everything(home.dir()), before, "not even a data directory was made");
    let both = free_port().to_string();
    let mut command = home.command(&["serve"]);
    let message = refusal(command.env("JETON__PUBLIC__LISTEN", &both).env("JETON__ADMIN__LISTEN", &both), CONFIG);
    assert!(message.contains("admin.listen") && message.contains("must differ from public.listen"), "{message}");
    let message = refusal(home.command(&["serve"]).env("JETON__PUBLIC__LISTEN", "192.0.2.1:8080"), UNAVAILABLE);
    assert!(message.contains("192.0.2.1:8080 is not an address of this machine"), "{message}");
}

/// `jeton dev` on `data`, on ports of its own.
fn dev(data: &Path, more: &[&str]) -> Command {
    let mut command = jeton();
    command.args(["dev", "--listen", &free_port().to_string(), "--admin-listen", &free_port().to_string()]);
    command.args(more).arg("--data-dir").arg(data);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_has_one_jeton_and_a_second_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut first = Dev::start(&data, &dir.path().join("log")).await.settled().await;
    let before = everything(&data);
    let watch = Stopwatch::start();
    for more in [&["--admin-token", "another-admin-token-0123456789"][..], &[]] {
        let message = refusal(&mut dev(&data, more), UNAVAILABLE);
        assert!(message.contains("another jeton uses the data directory"), "{message}");
        assert!(message.contains(data.to_str().unwrap()) && message.contains("--data-dir"), "{message}");
    }
    assert!(watch.elapsed() < Duration::from_secs(10));
    assert_eq!(everything(&data), before);
    let taken = [("--listen", first.public), ("--admin-listen", first.admin)];
    for (flag, address) in taken {
        let mut command = jeton();
        let (free, address) = (free_port().to_string(), address.to_string());
        let other = if flag == "--listen" { "--admin-listen" } else { "--listen" };
        command.args(["dev", flag, &address, other, &free, "--data-dir"]).arg(&data);
        let message = refusal(&mut command, UNAVAILABLE);
        assert!(message.contains(&format!("another process listens on {address}")), "{message}");
        assert!(message.contains(&format!("(set by {flag})")), "{message}");
    }
    assert_eq!(everything(&data), before);
    // the first one never noticed
    assert_eq!(first.admin("GET", "/config", Value::Null).await.status, 200);
    assert!(first.terminate().await.success());
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let message = refusal(&mut dev(&file, &[]), UNAVAILABLE);
    assert!(message.contains(file.to_str().unwrap()) && message.contains("choose another --data-dir"), "{message}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let home = Home::new();
    let message = refusal(home.command(&["serve"]).env("JETON__STORE__PATH", &file), UNAVAILABLE);
    assert!(message.contains(file.to_str().unwrap()) && message.contains("is not a directory"), "{message}");
    // root writes everywhere but where nobody can
    let message = refusal(home.command(&["serve"]).env("JETON__STORE__PATH", "/proc/jeton/data"), UNAVAILABLE);
    assert!(message.contains("/proc/jeton/data"), "{message}");
    let message = refusal(&mut dev(Path::new("/proc/jeton"), &[]), UNAVAILABLE);
    assert!(message.contains("/proc/jeton") && message.contains("choose another --data-dir"), "{message}");
    let message = refusal(&mut dev(&dir.path().join("data"), &["--admin-token", "short"]), CONFIG);
    assert!(message.contains("--admin-token: at least 22 characters"), "{message}");
    assert!(!dir.path().join("data").exists(), "nothing was made");
}

/// Whoever is not root cannot write to another's directory.
#[test]
fn a_data_directory_of_somebody_else_is_named() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    // a copy where nobody can run it, whatever the modes of the build directory
    let binary = dir.path().join("jeton");
    // written by a process of its own: one that another test forks meanwhile would keep the file open, and busy
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_jeton")).arg(&binary).status().unwrap().success());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary).args(["dev", "--data-dir"]);
    if !run(Command::new("setpriv").args(["--reuid=65534", "true"])).status.success() {
        say(format_args!("skipped: needs root to become somebody else"));
        return;
    }
    let message = refusal(command.arg(&data), UNAVAILABLE);
    assert!(message.contains(data.to_str().unwrap()) && message.contains("Permission denied"), "{message}");
    assert!(everything(&data).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_named_and_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut first = Dev::start(&data, &dir.path().join("log")).await;
    for _ in 0..20 {
        first.client(crate::support::web_metadata()).await;
    }
    assert!(first.terminate().await.success());
    let good = everything(&data);
    let restore = || {
        for (path, (mode, bytes)) in good.iter().filter(|(path, _)| path.is_file()) {
            std::fs::write(path, bytes).unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(*mode)).unwrap();
        }
        for path in everything(&data).keys().filter(|path| !good.contains_key(*path)) {
            let _ = std::fs::remove_file(path);
        }
    };
    let store = data.join("store");
    let db = store.join("db");
    type Damage<'a> = Box<dyn Fn() + 'a>;
    let damages: [(&str, Damage<'_>); 3] = [
        ("emptied", Box::new(|| std::fs::write(&db, b"").unwrap())),
        ("overwritten", Box::new(|| std::fs::write(&db, vec![0xa5; good[&db].1.len()]).unwrap())),
        ("cut", Box::new(|| std::fs::write(&db, &good[&db].1[..4096]).unwrap())),
    ];
    for (what, damage) in damages {
        restore();
        // what sled knows beside the log must not hide the damage of the log
        for entry in std::fs::read_dir(&store).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("snap") {
                std::fs::remove_file(path).unwrap();
            }
        }
        damage();
        let message = refusal(&mut dev(&data, &["--admin-token", ADMIN_TOKEN]), UNAVAILABLE);
        assert!(message.contains(store.to_str().unwrap()), "{what}: {message}");
        assert!(message.contains("restore it from a backup, or move it away"), "{what}: {message}");
    }
    restore();
    // its own settings can be lost without harm
    std::fs::write(store.join("conf"), b"garbage").unwrap();
    let mut dev = Dev::start(&data, &dir.path().join("log")).await;
    let clients = dev.admin("GET", "/issuers/main/clients", Value::Null).await.json();
    assert_eq!(clients["clients"].as_array().unwrap().len(), 20 + 3);
    assert!(dev.terminate().await.success());
}
