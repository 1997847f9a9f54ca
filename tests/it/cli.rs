//! The commands that talk to a running daemon: the real binary on both sides.

mod doctor;
mod setup;
mod words;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{Dev, jeton};
use crate::support::{ADMIN_TOKEN, CALLBACK, CHALLENGE, free_port, http, secret};

/// Runs to the end with `input` on standard input.
fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    // a command that reads nothing may be gone already
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A daemon and a command line that knows where it is.
struct Operator {
    dir: TempDir,
    dev: Dev,
}

impl Operator {
    async fn start() -> Self {
        Self::dressed(|_| ()).await
    }

    /// With something more in the command of the daemon.
    async fn dressed(dress: impl FnOnce(&mut Command)) -> Self {
        let dir = TempDir::new().unwrap();
        let (public, admin, data) = (free_port(), free_port(), dir.path().join("data"));
        let dev = Dev::dressed(public, admin, &data, &dir.path().join("log"), dress).await;
        secret(&dir.path().join("admin.token"), ADMIN_TOKEN);
        Self { dir, dev }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = jeton();
        command
            .args(args)
            .env("JETON_ADMIN_URL", format!("http://{}", self.dev.admin))
            .env("JETON_ADMIN_TOKEN_FILE", self.dir.path().join("admin.token"));
        command
    }

    /// What a command says; it must succeed.
    fn says(&self, args: &[&str], input: &str) -> String {
        let output = run(self.command(args), input);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str], input: &str) -> Value {
        serde_json::from_str(&self.says(&[args, &["--json"]].concat(), input)).unwrap()
    }

    /// What a command complains of, and its exit code.
    fn complains(&self, args: &[&str], input: &str) -> (i32, String) {
        complaint(self.command(args), input)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        secret(&path, text);
        path.display().to_string()
    }

    /// An access token of a client of the client credentials grant.
    async fn access_token(&self, client: &Value) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client["client_id"].as_str().unwrap()),
            ("client_secret", client["client_secret"].as_str().unwrap()),
        ];
        http::post_form(self.dev.public, "/oauth2/token", &[], &fields).await.get("access_token")
    }
}

fn complaint(command: Command, input: &str) -> (i32, String) {
    let output = run(command, input);
    assert!(!output.status.success());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_live_their_life_on_the_command_line() {
    let operator = Operator::start().await;
    let create = ["client", "create", "--id", "batch", "--name", "Batch", "--grant", "client_credentials"];
    let said = operator.says(&create, "");
    assert!(said.contains("client_secret  ") && said.contains("not shown again"), "{said}");
    let (code, told) = operator.complains(&create, "");
    assert_eq!(code, 1);
    assert!(told.contains("POST http://") && told.contains(": 409: "), "{told}");

    let listed = operator.says(&["client", "list"], "");
    assert!(listed.starts_with("CLIENT ID") && listed.contains("batch") && listed.contains("demo-web"), "{listed}");
    let all = operator.json(&["client", "list"], "");
    assert_eq!(all.as_array().unwrap().len(), 4);

    let changed =
        operator.json(&["client", "update", "batch", "--scope", "api:read", "--access-token-alg", "ES256"], "");
    assert_eq!(changed["client_name"], "Batch", "what no flag names stays");
    assert_eq!(changed["jeton"]["access_token_signed_response_alg"], "ES256");
    let file = operator.file("metadata.json", r#"{"grant_types": ["client_credentials"]}"#);
    let replaced = operator.json(&["client", "update", "batch", "--file", &file], "");
    assert!(replaced["client_name"].is_null(), "a file replaces everything");

    let added = operator.json(&["client", "add-secret", "batch", "--expires-in", "1h"], "");
    let shown = operator.json(&["client", "show", "batch"], "");
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2);
    operator.says(&["client", "remove-secret", "batch", added["secret_id"].as_str().unwrap()], "");
    operator.says(&["client", "delete", "batch"], "");
    let (code, told) = operator.complains(&["client", "show", "batch"], "");
    assert_eq!(code, 1);
    assert!(told.contains(": 404: ") && told.contains("jeton client list"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_live_their_life_on_the_command_line() {
    let operator =
        Operator::dressed(|command| _ = command.env("JETON__ISSUERS__MAIN__USERS__SOURCE", "directory")).await;
    let put = ["user", "put", "ann@example.com", "--subject", "u-1"];
    let (code, told) = operator.complains(&put, "");
    assert_eq!(code, 1);
    assert!(told.contains(": 400: ") && told.contains("a new user needs one"), "{told}");
    let claims = operator.file("claims.json", r#"{"id_token": {"email": "ann@example.com"}}"#);
    let made = operator.json(&[&put[..], &["--password-file", "-", "--claims-file", &claims]].concat(), "horse\n");
    assert_eq!((&made["subject"], &made["claims"]["id_token"]["email"]), (&"u-1".into(), &"ann@example.com".into()));
    let said = operator.says(&[&put[..], &["--disabled"]].concat(), "");
    assert!(said.contains("disabled") && !said.contains("argon2"), "{said}");
    assert_eq!(operator.json(&["user", "get", "ann@example.com"], "")["disabled"], true);
    let hash = operator.says(&["client", "hash-secret"], "donkey");
    operator.says(&[&put[..], &["--password-hash", hash.trim()]].concat(), "");
    let (code, told) = operator.complains(&[&put[..], &["--password-hash", "donkey"]].concat(), "");
    assert!(code == 1 && told.contains("password_hash") && told.contains("argon2id"), "{told}");
    operator.says(&["user", "delete", "ann@example.com"], "");
    let (code, told) = operator.complains(&["user", "get", "ann@example.com"], "");
    assert!(code == 1 && told.contains(": 404: there is no such user"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_from_standard_input() {
    let operator = Operator::start().await;
    let metadata =
        r#"{"client_id": "spa", "token_endpoint_auth_method": "none", "redirect_uris": ["https://spa.example/"]}"#;
    let made = operator.json(&["client", "create", "--file", "-"], metadata);
    assert_eq!(made["client_id"], "spa");
    assert!(made["client_secret"].is_null());
    let (code, told) = operator.complains(&["client", "create", "--file", "-"], "{");
    assert_eq!(code, 64);
    assert!(told.contains("not a JSON object"), "{told}");
    let (code, told) = operator.complains(&["client", "create", "--file", "-"], r#"{"unknown": 1}"#);
    assert_eq!(code, 1);
    assert!(told.contains(": 400: ") && told.contains("unknown"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_and_rotated() {
    let operator = Operator::start().await;
    let listed = operator.says(&["key", "list"], "");
    assert!(listed.starts_with("KEY ID") && listed.contains("EdDSA") && listed.contains("signing"), "{listed}");
    let rotated = operator.json(&["key", "rotate", "--alg", "EdDSA", "--emergency"], "");
    let newest = rotated["keys"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&newest["generation"], &newest["state"]),
        (&2.into(), &"signing".into()),
        "an emergency waits for nobody"
    );
    assert!(operator.says(&["key", "list"], "").contains(newest["kid"].as_str().unwrap()));
    let (code, told) = operator.complains(&["key", "rotate", "--alg", "HS256"], "");
    assert_eq!(code, 1);
    assert!(told.contains(": 400: "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_issued_and_redeemed() {
    let operator = Operator::start().await;
    let create = ["client", "create", "--auth-method", "none", "--redirect-uri", CALLBACK, "--scope", "openid"];
    let client = operator.json(&create, "");
    let id = client["client_id"].as_str().unwrap();
    let wanted = ["--client", id, "--redirect-uri", CALLBACK, "--subject", "alice", "--scope", "openid"];
    let issued = operator.json(&[&["code", "issue", "--code-challenge", CHALLENGE][..], &wanted].concat(), "");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("redirect_uri", CALLBACK),
        ("code", issued["code"].as_str().unwrap()),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let answer = http::post_form(operator.dev.public, "/oauth2/token", &[], &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (code, told) = operator.complains(&[&["code", "issue"][..], &wanted].concat(), "");
    assert_eq!(code, 1);
    assert!(told.contains("code_challenge"), "{told}");
    let (code, _) = operator.complains(&["code", "issue", "--client", id], "");
    assert_eq!(code, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_introspected_revoked_and_decoded() {
    let operator = Operator::start().await;
    let client = operator.json(&["client", "create", "--grant", "client_credentials"], "");
    operator
        .says(&["client", "update", client["client_id"].as_str().unwrap(), "--auth-method", "client_secret_post"], "");
    let token = operator.access_token(&client).await;
    let decoded = operator.json(&["token", "decode"], &token);
    assert_eq!(decoded["claims"]["client_id"], client["client_id"]);
    assert!(operator.says(&["token", "decode"], &token).contains("not verified"));

    let gateway = operator.json(&["client", "create", "--grant", "client_credentials", "--introspection", "any"], "");
    let key = operator.file("gateway.secret", gateway["client_secret"].as_str().unwrap());
    let ask = ["--client", gateway["client_id"].as_str().unwrap(), "--client-secret-file", &key];
    let ask = [&["token", "introspect"][..], &ask].concat();
    assert_eq!(operator.json(&ask, &token)["active"], true);
    operator.says(&["token", "revoke", "--token-file", "-"], &token);
    assert_eq!(operator.json(&ask, &token)["active"], false);

    let token = operator.access_token(&client).await;
    operator.says(&["token", "revoke", "--client", client["client_id"].as_str().unwrap()], "");
    assert_eq!(operator.json(&ask, &token)["active"], false);

    assert_eq!(operator.complains(&["token", "revoke"], "").0, 64);
    assert_eq!(operator.complains(&["token", "revoke", "--all", "--subject", "alice"], "").0, 64);
    assert!(operator.complains(&["token", "decode"], "jrt_opaque").1.contains("no JWT"));
}

#[test]
fn a_hashed_secret_is_argon2id_and_needs_no_daemon() {
    let mut command = jeton();
    command.args(["client", "hash-secret"]);
    let output = run(command, "correct horse\n");
    let phc = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && phc.starts_with("$argon2id$v=19$"), "{phc}");
    jeton::internals::secret::check_phc(phc.trim()).unwrap();
    assert!(output.stderr.is_empty());
    // what Basic may spell in two ways is said to be so (RFC 6749 section 2.3.1)
    let mut command = jeton();
    command.args(["client", "hash-secret"]);
    let output = run(command, "correct+horse%\n");
    assert!(output.status.success() && String::from_utf8(output.stderr).unwrap().contains("+ or %"));
    let mut command = jeton();
    command.args(["client", "hash-secret"]);
    assert_eq!(complaint(command, "").0, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_says_what_to_do() {
    let bare = |url: &str| {
        let mut command = jeton();
        command.args(["key", "list", "--admin-url", url]).env_remove("JETON_ADMIN_TOKEN");
        command
    };
    let (code, told) = complaint(bare("http://127.0.0.1:1"), "");
    assert_eq!(code, 64);
    assert!(told.contains("no admin token") && told.contains("--admin-token-file"), "{told}");

    let with_token = |url: &str, token: &str| {
        let mut command = bare(url);
        command.env("JETON_ADMIN_TOKEN", token);
        command
    };
    let (code, told) = complaint(with_token(&format!("http://{}", free_port()), ADMIN_TOKEN), "");
    assert_eq!(code, 69);
    assert!(told.contains("cannot connect") && told.contains("jeton serve --config"), "{told}");
    let (code, told) = complaint(with_token("https://127.0.0.1:1", ADMIN_TOKEN), "");
    assert_eq!(code, 64);
    assert!(told.contains("--ca-file"), "{told}");

    let operator = Operator::start().await;
    let (code, told) = complaint(with_token(&format!("http://{}", operator.dev.admin), "wrong"), "");
    assert_eq!(code, 1);
    assert!(told.contains(": 401: ") && told.contains("JETON_ADMIN_TOKEN"), "{told}");
    let (code, told) = complaint(with_token(&format!("http://{}", operator.dev.public), ADMIN_TOKEN), "");
    assert_eq!(code, 1);
    assert!(told.contains("is --admin-url the admin listener?"), "{told}");
    let (_, told) = operator.complains(&["key", "list", "--issuer", "nobody"], "");
    assert!(told.contains("no such issuer") && told.contains("--issuer"), "{told}");
    assert!(!told.contains(ADMIN_TOKEN));
    exposed_token_files_are_refused(&operator);
}

fn exposed_token_files_are_refused(operator: &Operator) {
    use std::os::unix::fs::PermissionsExt;
    let file = operator.file("open.token", ADMIN_TOKEN);
    std::fs::set_permissions(Path::new(&file), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, told) = operator.complains(&["key", "list", "--admin-token-file", &file], "");
    assert_eq!(code, 64);
    assert!(told.contains("chmod 600"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_the_demo_application_of_dev_works_from_a_browser() {
    let operator = Operator::start().await;
    let origin = ("Origin", "http://localhost:5173");
    let asked = [origin, ("Access-Control-Request-Method", "POST")];
    let preflight = http::request(operator.dev.public, "OPTIONS", "/oauth2/token", &asked, b"").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some(origin.1)));
    let redirect_uri = "http://localhost:5173/callback";
    let code = serde_json::json!({
        "client_id": "demo-spa", "redirect_uri": redirect_uri, "subject": "alice", "scope": "openid api:read",
        "code_challenge": crate::support::CHALLENGE, "code_challenge_method": "S256",
    });
    let code = operator.dev.admin("POST", "/issuers/main/codes", code).await;
    assert_eq!(code.status, 201, "{}", code.text());
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-spa"),
        ("code", &code.get("code")),
        ("redirect_uri", redirect_uri),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let answer = http::post_form(operator.dev.public, "/oauth2/token", &[origin], &fields).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, Some(origin.1)),
        "{}",
        answer.text()
    );
}
