//! mod_auth_openidc of Debian in an Apache of the test's own: a login by code through the portal up to a protected page.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::browser::Browser;
use super::portal::{self, Portal};
use crate::support::free_port;
use crate::support::tools::{Running, bounded, installed, skip};

/// The site: what an Apache needs to run at all, then the quick start of mod_auth_openidc's README.
const SITE: &str = r#"
    ServerRoot "@DIR@"
    ServerName 127.0.0.1
    Listen @LISTEN@
    PidFile "@DIR@/pid"
    DefaultRuntimeDir "@DIR@"
    ErrorLog "@DIR@/error.log"
    User nobody
    Group nogroup
    DocumentRoot "@DIR@/html"
    LoadModule mpm_event_module "@MODULES@/mod_mpm_event.so"
    LoadModule authn_core_module "@MODULES@/mod_authn_core.so"
    LoadModule authz_core_module "@MODULES@/mod_authz_core.so"
    LoadModule authz_user_module "@MODULES@/mod_authz_user.so"
    LoadModule headers_module "@MODULES@/mod_headers.so"
    LoadModule auth_openidc_module "@MODULES@/mod_auth_openidc.so"

    OIDCProviderMetadataURL @ISSUER@/.well-known/openid-configuration
    OIDCClientID @CLIENT_ID@
    OIDCClientSecret @CLIENT_SECRET@
    OIDCRedirectURI http://@LISTEN@/secure/redirect_uri
    OIDCCryptoPassphrase of-nothing

    <Location /secure>
        AuthType openid-connect
        Require valid-user
        Header always set X-Remote-User "expr=%{REMOTE_USER}"
    </Location>
"#;

/// The program and its modules: the system's own, or those that `ops/install` unpacked.
fn apache() -> Option<(Command, PathBuf)> {
    let own = installed("apache").map(|root| (root.join("usr/sbin/apache2"), root.join("usr/lib")));
    let system = (PathBuf::from("/usr/sbin/apache2"), PathBuf::from("/usr/lib"));
    let (program, libraries) = own.into_iter().chain([system]).find(|(program, libraries)| {
        program.is_file() && libraries.join("apache2/modules/mod_auth_openidc.so").is_file()
    })?;
    let mut command = bounded(program);
    // an unpacked Apache has its libraries beside it, in the one directory of this machine's architecture
    let shared = std::fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path());
    let shared: Vec<PathBuf> = shared.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect();
    command.env("LD_LIBRARY_PATH", std::env::join_paths(shared).unwrap());
    Some((command, libraries.join("apache2/modules")))
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Starts the site for a client.
async fn start(dir: &Path, listen: SocketAddr, issuer: &str, client: &(String, String)) -> Option<Running> {
    let (mut command, modules) = apache()?;
    // Apache gives root up before it reads a page
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    write(&dir.join("html/secure/page.txt"), "protected");
    let mut site = SITE.to_owned();
    for (name, value) in [
        ("@DIR@", dir.to_str().unwrap()),
        ("@MODULES@", modules.to_str().unwrap()),
        ("@LISTEN@", &listen.to_string()),
        ("@ISSUER@", issuer),
        ("@CLIENT_ID@", &client.0),
        ("@CLIENT_SECRET@", &client.1),
    ] {
        site = site.replace(name, value);
    }
    write(&dir.join("site.conf"), &site);
    // -X: one process, which stays in the foreground
    command.arg("-X").arg("-f").arg(dir.join("site.conf"));
    Some(Running::start(command, listen, dir.join("log")).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc() {
    if apache().is_none() {
        return skip("apache2 with mod_auth_openidc");
    }
    let portal = Portal::start().await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let dir = TempDir::new().unwrap();
        let listen = free_port();
        let client = portal::register(
            portal.jeton.admin,
            portal::ISSUER,
            json!({
                "token_endpoint_auth_method": method,
                "grant_types": ["authorization_code"], "scope": "openid",
                "redirect_uris": [format!("http://{listen}/secure/redirect_uri")],
            }),
        )
        .await;
        let _running = start(dir.path(), listen, &portal.url(), &client).await;
        let mut browser = Browser::default();
        let page = browser.page(&format!("http://{listen}/secure/page.txt")).await;
        let log = || std::fs::read_to_string(dir.path().join("error.log")).unwrap();
        assert_eq!((page.status, page.text().as_str()), (200, "protected"), "{method}: {}", log());
        assert!(page.header("x-remote-user").is_some_and(|user| user.starts_with("alice")), "{:?}", page.headers);
    }
}
