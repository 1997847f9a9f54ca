//! Issue 8, number 32: what the doctor sees.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use jeton::Clock;
use serde_json::Value;
use tempfile::TempDir;

use super::run;
use crate::support::http::request;
use crate::support::process::jeton;
use crate::support::{free_port, secret};

/// What `jeton init` made, with ports of its own.
struct Home {
    dir: TempDir,
    public: SocketAddr,
    admin: SocketAddr,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Home {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut init = jeton();
        init.args(["init", "--dir"]).arg(dir.path());
        assert!(run(init, "").status.success());
        Self { dir, public: free_port(), admin: free_port() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, word: &str) -> Command {
        let mut command = jeton();
        command.args([word, "--config"]).arg(self.path("jeton.toml"));
        command.env("JETON__PUBLIC__LISTEN", self.public.to_string());
        command.env("JETON__ADMIN__LISTEN", self.admin.to_string());
        command.env("JETON__ISSUERS__MAIN__URL", format!("http://{}", self.public));
        command.env("JETON__ISSUERS__MAIN__ALGORITHMS", "EdDSA").env("JETON__ISSUERS__MAIN__ID_TOKEN_ALG", "EdDSA");
        command
    }

    async fn serve(&self) -> Running {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let child = self.command("serve").stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let serves = async {
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                tick.tick().await;
                let Ok(stream) = tokio::net::TcpStream::connect(self.admin).await else { continue };
                drop(stream);
                if request(self.admin, "GET", "/readyz", &[], b"").await.status == 200 {
                    return;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), serves).await.expect("it serves");
        Running(child)
    }

    /// Exit code and findings, asked for as JSON.
    fn ask(&self, dress: impl FnOnce(&mut Command)) -> (i32, Vec<Value>) {
        let mut command = self.command("doctor");
        command.arg("--json");
        dress(&mut command);
        let output = run(command, "");
        let said = String::from_utf8(output.stdout).unwrap();
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|error| {
            panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr));
        });
        assert_eq!(told["exit_code"], output.status.code().unwrap());
        (output.status.code().unwrap(), told["findings"].as_array().unwrap().clone())
    }
}

/// What this machine's clock says.
fn now() -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(Clock::system().now().as_millis())
}

/// The only finding of a name.
fn finding<'a>(findings: &'a [Value], check: &str) -> (&'a str, &'a str) {
    let mut found = findings.iter().filter(|finding| finding["check"] == check);
    let one = found.next().unwrap_or_else(|| panic!("no {check} in {findings:#?}"));
    assert!(found.next().is_none(), "{check} twice in {findings:#?}");
    (one["status"].as_str().unwrap(), one["message"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_knows_whether_the_lock_of_the_store_is_held_by_our_daemon() {
    let home = Home::new();
    let (code, findings) = home.ask(|_| ());
    assert_eq!((code, finding(&findings, "store_lock").0), (0, "good"), "{findings:#?}");
    let running = home.serve().await;
    let (code, findings) = home.ask(|_| ());
    assert_eq!(code, 0, "{findings:#?}");
    let (status, told) = finding(&findings, "store_lock");
    assert!(status == "good" && told.contains("the daemon that runs"), "{told}");
    // the same data directory from another configuration
    let (code, findings) = home.ask(|command| {
        command.env("JETON__ADMIN__LISTEN", free_port().to_string());
        command.env("JETON__PUBLIC__LISTEN", free_port().to_string());
    });
    let (status, told) = finding(&findings, "store_lock");
    assert!(code == 69 && status == "bad" && told.contains("store.path"), "{told}");
    assert!(told.contains(&format!("process {}", running.0.id())), "{told}");
    // another data directory than the daemon's
    let (code, findings) = home.ask(|command| _ = command.env("JETON__STORE__PATH", home.path("other")));
    let (status, told) = finding(&findings, "store_lock");
    assert!(code == 69 && status == "bad" && told.contains("another data directory"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_sees_an_issuer_url_that_does_not_lead_here() {
    let home = Home::new();
    let other = Home::new();
    let (_, findings) = home.ask(|_| ());
    assert!(findings.iter().all(|finding| finding["check"] != "issuer_url"), "no daemon runs: {findings:#?}");
    let (_running, _others) = (home.serve().await, other.serve().await);
    let (code, findings) = home.ask(|_| ());
    assert_eq!(code, 0, "{findings:#?}");
    let (status, told) = finding(&findings, "issuer_url");
    assert!(status == "good" && told.contains("main"), "{told}");
    for (url, why) in [
        (format!("http://{}", free_port()), "cannot connect"),
        (format!("http://{}", other.public), "another daemon"),
        (format!("http://{}/nobody", home.public), "404"),
    ] {
        let (code, findings) = home.ask(|command| _ = command.env("JETON__ISSUERS__MAIN__URL", &url));
        let (status, told) = finding(&findings, "issuer_url");
        assert!(code == 69 && status == "bad", "{findings:#?}");
        assert!(told.contains(&url) && told.contains(why) && told.contains("issuers.main.url"), "{told}");
    }
}

/// The daemon is in a container, or its admin listener behind another address.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_given_admin_url_also_if_nothing_listens_at_the_configured_one() {
    let home = Home::new();
    let elsewhere = |command: &mut Command, admin: SocketAddr| {
        command.env("JETON__ADMIN__LISTEN", free_port().to_string());
        command.env("JETON__PUBLIC__LISTEN", free_port().to_string());
        command.args(["--admin-url", &format!("http://{admin}")]);
    };
    let nobody = free_port();
    let (code, findings) = home.ask(|command| elsewhere(command, nobody));
    let (status, told) = finding(&findings, "readiness");
    assert!(code == 69 && status == "bad" && told.contains(&nobody.to_string()), "{told}");
    assert!(told.contains("--admin-url"), "{told}");
    let _running = home.serve().await;
    let (code, findings) = home.ask(|command| elsewhere(command, home.admin));
    assert_eq!(code, 0, "{findings:#?}");
    for check in ["readiness", "admin_token", "store_lock", "issuer_url", "public_listener", "admin_listener"] {
        assert_eq!(finding(&findings, check).0, "good", "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_sees_certificates_that_end_soon() {
    let home = Home::new();
    let certificate = |days: i64| {
        let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let today = now();
        params.not_before = (today - std::time::Duration::from_secs(86_400 * 90)).into();
        params.not_after = match u64::try_from(days) {
            Ok(days) => (today + std::time::Duration::from_secs(86_400 * days + 3_600)).into(),
            Err(_) => (today - std::time::Duration::from_secs(86_400)).into(),
        };
        let key = rcgen::KeyPair::generate().unwrap();
        secret(&home.path("tls.pem"), &params.self_signed(&key).unwrap().pem());
        secret(&home.path("tls.key"), &key.serialize_pem());
    };
    let ask = || {
        home.ask(|command| {
            command.env("JETON__PUBLIC__TLS__CERTIFICATE", home.path("tls.pem"));
            command.env("JETON__PUBLIC__TLS__KEY", home.path("tls.key"));
        })
    };
    for (days, status, code, words) in
        [(60, "good", 0, "60 days"), (29, "warning", 0, "29 days"), (-1, "bad", 69, "expired")]
    {
        certificate(days);
        let (exit, findings) = ask();
        let (found, told) = finding(&findings, "certificate");
        assert_eq!((found, exit), (status, code), "{told}");
        assert!(told.contains(words) && told.contains("tls.pem") && told.contains("public.tls"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_clock_logs_and_hooks() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://{}/check", listener.local_addr().unwrap());
    let with_hook = |command: &mut Command, url: &str| {
        let grant = format!(r#"[{{"grant_type": "urn:x:otp", "hook": {{"url": "{url}"}}}}]"#);
        command.env("JETON__ISSUERS__MAIN__CUSTOM_GRANTS", grant);
    };
    let running = home.serve().await;
    let (code, findings) = home.ask(|command| with_hook(command, &hook));
    assert_eq!(code, 0, "{findings:#?}");
    assert_eq!(finding(&findings, "hook").0, "good");
    assert_eq!(finding(&findings, "clock").0, "good");
    assert_eq!(finding(&findings, "log").0, "good");
    let nobody = format!("http://{}/check", free_port());
    let (code, findings) = home.ask(|command| with_hook(command, &nobody));
    let (status, told) = finding(&findings, "hook");
    assert!(code == 69 && status == "bad", "{told}");
    assert!(told.contains("issuers.main.custom_grants[0].hook") && told.contains(&nobody), "{told}");
    // a store that was written in the future: this machine's clock went back, or it was ahead
    drop(running);
    let ahead = now() + std::time::Duration::from_secs(3_600);
    let log = std::fs::File::options().write(true).open(home.path("data/db")).unwrap();
    log.set_modified(ahead).unwrap();
    let (code, findings) = home.ask(|_| ());
    let (status, told) = finding(&findings, "clock");
    assert!(code == 69 && status == "bad" && told.contains("store"), "{told}");
}

#[test]
fn a_doctor_that_cannot_read_the_configuration_says_so_in_json_too() {
    let home = Home::new();
    std::fs::remove_file(home.path("master.key")).unwrap();
    let (code, findings) = home.ask(|_| ());
    let (status, told) = finding(&findings, "configuration");
    assert!(code == 64 && status == "bad" && told.contains("master_key_file"), "{told}");
}
