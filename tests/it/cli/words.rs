//! Issue 8, number 33: what the commands say when something is wrong, and when they ask.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Operator, complaint, run};
use crate::support::process::jeton;
use crate::support::{ADMIN_TOKEN, free_port, say, secret};

/// What follows `jeton: `, cut at colons: none of it may stand there twice.
fn has_no_doubled_cause(told: &str) -> bool {
    let parts: Vec<&str> = told.trim().split(": ").collect();
    let twice = |(index, part): (usize, &&str)| part.len() > 8 && parts[index + 1..].contains(part);
    !parts.iter().enumerate().any(twice)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_names_what_the_command_has_and_each_cause_once() {
    let operator = Operator::start().await;
    let data = operator.dir.path().join("data");
    let dir = TempDir::new().unwrap();
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    let mut serve = jeton();
    serve.args(["serve", "--config"]).arg(dir.path().join("jeton.toml")).env("JETON__STORE__PATH", data.join("store"));
    serve.env("JETON__PUBLIC__LISTEN", free_port().to_string()).env("JETON__ADMIN__LISTEN", free_port().to_string());
    let (code, told) = complaint(serve, "");
    assert_eq!(code, 69, "{told}");
    assert!(told.contains("another jeton uses the data directory") && told.contains("store.path"), "{told}");
    assert!(!told.contains("--data-dir") && has_no_doubled_cause(&told), "{told}");
    let mut dev = jeton();
    dev.args(["dev", "--data-dir"]).arg(&data).args(["--listen", &free_port().to_string()]);
    dev.args(["--admin-listen", &free_port().to_string()]);
    let (code, told) = complaint(dev, "");
    assert!(code == 69 && told.contains("--data-dir") && !told.contains("store.path"), "{told}");
    assert!(has_no_doubled_cause(&told), "{told}");

    // introspection asks the issuer's URL, not the admin listener
    let file = operator.file("token", "jat_x");
    let nowhere = format!("http://{}", free_port());
    let asked = ["token", "introspect", "--token-file", &file, "--client", "c", "--client-secret-file", &file];
    let (code, told) = operator.complains(&[&asked[..], &["--url", &nowhere]].concat(), "");
    assert_eq!(code, 69);
    assert!(told.contains("--url") && !told.contains("--admin-url") && has_no_doubled_cause(&told), "{told}");
    // a file is named by the flag that named it
    let claims = ["user", "put", "ann", "--subject", "u-1", "--claims-file", "/nowhere"];
    assert!(operator.complains(&claims, "").1.contains("--claims-file"), "the flag");
    let token = ["token", "revoke", "--token-file", "/nowhere"];
    assert!(operator.complains(&token, "").1.contains("--token-file"), "the flag");
    let metadata = ["client", "create", "--file", "/nowhere"];
    assert!(operator.complains(&metadata, "").1.contains("--file /nowhere"), "the flag");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for words in [&["completions", "bash"][..], &["config", "default"], &["--help"]] {
        let mut command = jeton();
        let mut child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() && told.is_empty(), "{words:?}: {status}: {told}");
    }
}

/// On standard error, one line: standard output stays what the command gives.
fn error_of(command: Command) -> (i32, Value) {
    let output = run(command, "");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let told = String::from_utf8(output.stderr).unwrap();
    let error: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    (output.status.code().unwrap(), error["error"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_an_error_is_json_too() {
    let operator = Operator::start().await;
    for (args, code) in [
        (&["client", "show", "nobody", "--json"][..], 1),
        (&["token", "revoke", "--json"], 64),
        (&["key", "list", "--json", "--unheard-of"], 64),
        (&["token", "decode", "--token-file", "/nowhere", "--json"], 64),
        (&["key", "list", "--json", "--admin-url", "http://127.0.0.1:1"], 69),
    ] {
        let (status, error) = error_of(operator.command(args));
        assert_eq!((status, &error["exit_code"]), (code, &Value::from(code)), "{args:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{args:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_everything_asks_first() {
    let operator = Operator::start().await;
    let (code, told) = operator.complains(&["token", "revoke", "--all"], "yes\n");
    assert_eq!(code, 64, "nobody is asked without a terminal: {told}");
    assert!(told.contains("--yes") && told.contains("terminal"), "{told}");
    let client = operator
        .json(&["client", "create", "--grant", "client_credentials", "--auth-method", "client_secret_post"], "");
    let token = operator.access_token(&client).await;
    let gateway = operator.json(&["client", "create", "--grant", "client_credentials", "--introspection", "any"], "");
    let key = operator.file("gateway.secret", gateway["client_secret"].as_str().unwrap());
    let ask = ["--client", gateway["client_id"].as_str().unwrap(), "--client-secret-file", &key];
    let ask = [&["token", "introspect"][..], &ask].concat();
    assert_eq!(operator.json(&ask, &token)["active"], true, "nothing was done");
    // a terminal of its own
    let terminal = |typed: &str| {
        let line = format!("{} token revoke --all", env!("CARGO_BIN_EXE_jeton"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]);
        command
            .env("JETON_ADMIN_URL", format!("http://{}", operator.dev.admin))
            .env("JETON_ADMIN_TOKEN_FILE", operator.dir.path().join("admin.token"));
        let output = run(command, typed);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if run(
        {
            let mut c = Command::new("script");
            c.args(["-qec", "true", "/dev/null"]);
            c
        },
        "",
    )
    .status
    .success()
    {
        let (code, said) = terminal("n\n");
        assert!(code == Some(1) && said.contains("issuer main"), "{code:?} {said}");
        assert_eq!(operator.json(&ask, &token)["active"], true, "nothing was done");
        let (code, said) = terminal("yes\n");
        assert!(code == Some(0) && said.contains("revoked everything"), "{code:?} {said}");
        assert_eq!(operator.json(&ask, &token)["active"], false);
    } else {
        say(format_args!("skipped: there is no `script`"));
    }
    let said = operator.says(&["token", "revoke", "--all", "--yes"], "");
    assert!(said.contains("revoked everything"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_or_subject_is_said() {
    let operator =
        Operator::dressed(|command| _ = command.env("JETON__ISSUERS__MAIN__USERS__SOURCE", "directory")).await;
    let (code, told) = operator.complains(&["token", "revoke", "--client", "demo-wep"], "");
    assert!(code == 1 && told.contains(": 404: ") && told.contains("jeton client list"), "{told}");
    assert!(operator.says(&["token", "revoke", "--client", "demo-web"], "").contains("of client demo-web"));
    // nobody keeps a list of subjects but the directory
    operator.says(&["user", "put", "ann", "--subject", "u-1", "--password-file", "-"], "horse\n");
    let said = operator.says(&["token", "revoke", "--subject", "u-1"], "");
    assert!(said.contains("revoked everything of subject u-1") && !said.contains("no user"), "{said}");
    let said = operator.says(&["token", "revoke", "--subject", "u-2"], "");
    assert!(said.contains("revoked everything of subject u-2") && said.contains("no user of the directory"), "{said}");
    let json = operator.json(&["token", "revoke", "--subject", "u-2"], "");
    assert_eq!(json["known"], false, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_a_directory_are_listed_page_by_page() {
    let operator =
        Operator::dressed(|command| _ = command.env("JETON__ISSUERS__MAIN__USERS__SOURCE", "directory")).await;
    assert_eq!(operator.json(&["user", "list"], ""), Value::Array(Vec::new()));
    for name in ["ann/x", "bob", "ann"] {
        operator.says(&["user", "put", name, "--subject", &format!("of-{name}"), "--password-file", "-"], "horse\n");
    }
    operator.says(&["user", "put", "gone", "--subject", "of-gone", "--password-file", "-"], "horse\n");
    operator.says(&["user", "delete", "gone"], "");
    let said = operator.says(&["user", "list"], "");
    assert!(said.starts_with("USERNAME") && said.contains("of-bob") && !said.contains("argon2"), "{said}");
    let all = operator.json(&["user", "list"], "");
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["ann", "ann/x", "bob"]);
    let page =
        async |query: &str| operator.dev.admin("GET", &format!("/issuers/main/users?{query}"), Value::Null).await;
    let first = page("limit=2").await.json();
    assert_eq!((first["users"].as_array().unwrap().len(), first["next"].as_str()), (2, Some("ann/x")));
    let second = page("limit=2&after=ann%2Fx").await.json();
    assert_eq!((second["users"][0]["username"].as_str(), second["next"].as_str()), (Some("bob"), None));
    assert_eq!(page("limit=0").await.status, 400);
    assert_eq!(page("limit=1001").await.status, 400);
    assert!(page("limit=2").await.json()["users"][0].get("hash").is_none());
}

#[test]
fn a_failed_json_secret_is_not_repeated() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    secret(&file, &format!("{ADMIN_TOKEN}\nsecond"));
    let mut command = jeton();
    command.args(["key", "list", "--json", "--admin-token-file"]).arg(&file);
    let (code, error) = error_of(command);
    assert!(code == 64 && !error.to_string().contains(ADMIN_TOKEN), "{error}");
}
