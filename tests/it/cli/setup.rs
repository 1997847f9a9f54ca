//! What surrounds a start: credentials from systemd, TLS on the admin listener, the doctor.

use tempfile::TempDir;

use super::{Operator, complaint, run};
use crate::support::process::{Dev, jeton};
use crate::support::{free_port, say, secret};

/// systemd hands credentials over with group bits that are no group's.
#[test]
fn credentials_from_systemd_are_accepted_and_nothing_else_that_a_group_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    let dir = dir.path().canonicalize().unwrap();
    for name in ["master.key", "admin.token"] {
        // a group that nobody here is in: only root can give a file to it
        if std::os::unix::fs::chown(dir.join(name), None, Some(4242)).is_err() {
            return say(format_args!("skipped: needs root to give a file away"));
        }
        std::fs::set_permissions(dir.join(name), std::fs::Permissions::from_mode(0o440)).unwrap();
    }
    let check = || {
        let mut command = jeton();
        command.args(["config", "check", "--config"]).arg(dir.join("jeton.toml")).env_remove("CREDENTIALS_DIRECTORY");
        command
    };
    let (code, told) = complaint(check(), "");
    assert_eq!(code, 64);
    assert!(told.contains("chmod 600"), "{told}");
    let mut handed_over = check();
    handed_over.env("CREDENTIALS_DIRECTORY", &dir);
    let output = run(handed_over, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::set_permissions(dir.join("admin.token"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let mut world = check();
    world.env("CREDENTIALS_DIRECTORY", &dir);
    assert_eq!(complaint(world, "").0, 64);
}

/// The unit's user (ops/jeton.service, DynamicUser) is neither the one that ran `jeton init` nor of its group.
#[test]
fn what_init_writes_can_be_read_by_the_service_unless_it_is_a_secret() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    for (name, others) in [("jeton.toml", 0o4), ("master.key", 0), ("admin.token", 0)] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7, others, "{name}: {mode:o}");
    }
}

#[test]
fn advice_about_the_configuration_file_fits_what_is_wrong_with_it() {
    let dir = TempDir::new().unwrap();
    let told = |path: &std::path::Path| {
        let mut check = jeton();
        check.args(["config", "check", "--config"]).arg(path);
        complaint(check, "").1
    };
    assert!(told(&dir.path().join("none.toml")).contains("`jeton init` makes one"));
    // a directory can be opened and not read, even by root
    let told = told(dir.path());
    assert!(!told.contains("jeton init") && told.contains("must be a file"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_https_admin_listener_is_trusted_by_its_certificate_only() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    secret(&path("tls.pem"), &own.cert.pem());
    secret(&path("tls.key"), &own.signing_key.serialize_pem());
    secret(&path("other.pem"), &other.cert.pem());
    let (public, admin) = (free_port(), free_port());
    let mut serve = jeton();
    serve
        .args(["serve", "--config"])
        .arg(path("jeton.toml"))
        .env("JETON__PUBLIC__LISTEN", public.to_string())
        .env("JETON__ADMIN__LISTEN", admin.to_string())
        .env("JETON__ADMIN__TLS__CERTIFICATE", path("tls.pem"))
        .env("JETON__ADMIN__TLS__KEY", path("tls.key"))
        .stderr(std::fs::File::create(path("log")).unwrap());
    // killed when dropped, as a `Dev` is
    let _daemon = Dev { child: serve.spawn().unwrap(), public, admin };
    let list = |ca: &str| {
        let mut command = jeton();
        command.args(["key", "list", "--admin-url", &format!("https://{admin}"), "--ca-file"]).arg(path(ca));
        command.arg("--admin-token-file").arg(path("admin.token"));
        command
    };
    let serves = async {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
        while tokio::net::TcpStream::connect(admin).await.is_err() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), serves).await.expect("it serves");
    let output = run(list("tls.pem"), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, told) = complaint(list("other.pem"), "");
    assert_eq!(code, 69);
    assert!(told.contains("TLS handshake") && told.contains("--ca-file"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_files_ports_and_the_daemon() {
    let dir = TempDir::new().unwrap();
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    let operator = Operator::start().await;
    let doctor = |public: String, admin: String| {
        let mut command = jeton();
        command.args(["doctor", "--config"]).arg(dir.path().join("jeton.toml"));
        command.env("JETON__ISSUERS__MAIN__URL", format!("http://{public}"));
        command.env("JETON__PUBLIC__LISTEN", public).env("JETON__ADMIN__LISTEN", &admin);
        // the settings of the daemon that runs: with others the doctor says that they differ
        if admin == operator.dev.admin.to_string() {
            command.env("JETON__SECRETS__ADMIN_TOKEN_FILE", operator.dir.path().join("admin.token"));
            command.env("JETON__STORE__PATH", operator.dir.path().join("data/store"));
        }
        let output = run(command, "");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = doctor(free_port().to_string(), free_port().to_string());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("files can be made") && said.contains("jeton serve --config"), "{said}");

    let (code, said) = doctor(operator.dev.public.to_string(), operator.dev.admin.to_string());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("/readyz: ready"), "{said}");
    let (code, said) = doctor(operator.dev.public.to_string(), free_port().to_string());
    assert_eq!(code, 69, "{said}");
    assert!(said.contains("BAD   public.listen") && said.contains("stop who has it"), "{said}");

    std::fs::remove_file(dir.path().join("master.key")).unwrap();
    let (code, said) = doctor(free_port().to_string(), free_port().to_string());
    assert_eq!(code, 64);
    assert!(said.contains("master_key_file") && said.contains("jeton init"), "{said}");
}

#[test]
fn rfc8414_2_codes_without_an_authorization_endpoint_are_worth_a_warning() {
    let dir = TempDir::new().unwrap();
    let mut init = jeton();
    init.args(["init", "--dir"]).arg(dir.path());
    assert!(run(init, "").status.success());
    let file = dir.path().join("jeton.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let check = |more: &str| {
        std::fs::write(&file, format!("{written}\n[issuers.extra]\nurl = \"https://extra.example/x\"\n{more}\n"))
            .unwrap();
        let mut check = jeton();
        check.args(["config", "check", "--config"]).arg(&file);
        let output = run(check, "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    let told = check("");
    assert!(told.contains("warning") && told.contains("issuers.extra.authorization_endpoint"), "{told}");
    for quiet in
        ["authorization_endpoint = \"https://portal.example/authorize\"", "grant_types = [\"client_credentials\"]"]
    {
        let told = check(quiet);
        assert!(!told.contains("issuers.extra"), "{told}");
    }
}
