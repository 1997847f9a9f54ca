//! `jeton dev`: everything at once, on the embedded store, with a demo issuer and demo clients. A second start on the
//! same data directory keeps its state.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::init::{new_admin_token, write_secret};
use super::output::{complain, fail, say};
use super::serve::{self, SettingNames};
use crate::client::secret;
use crate::config::Source;
use crate::http::admin::AdminToken;
use crate::secret_file::{line, read_line};
use crate::server::{Daemon, check_admin_token, prepare};
use crate::vault::Vault;

#[derive(Args)]
pub(super) struct DevArgs {
    /// Address for clients
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address for operators
    #[arg(long, default_value = "127.0.0.1:9080", value_name = "ADDRESS")]
    admin_listen: SocketAddr,
    /// Directory of state and demo secrets
    #[arg(long, default_value = "jeton-dev", value_name = "DIR")]
    data_dir: PathBuf,
    /// The admin token of this run; without it, the one that is kept in the data directory
    #[arg(long, env = "JETON_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// Lines that are logged: a level, or levels of parts
    #[arg(long, default_value = "info,access=warn,refused=debug,ractor=warn", value_name = "FILTER")]
    log: String,
}

/// Ports that development servers of single-page applications use: Vite, webpack, Angular and others.
const BROWSERS: [u16; 6] = [3000, 4200, 5173, 8000, 8081, 9000];

const FLAGS: SettingNames = SettingNames { public: "--listen", admin: "--admin-listen", directory: "--data-dir" };

/// The demo clients that have a secret.
const SECRETS: [&str; 2] = ["demo-web", "demo-service"];

pub(super) fn dev(args: DevArgs) -> ExitCode {
    let admin_token = match args.admin_token.as_deref().map(admin_token).transpose() {
        Ok(token) => token,
        Err(rule) => return fail(exit::CONFIG, &rule),
    };
    let dir = match furnish(&args) {
        Ok(dir) => dir,
        Err(message) => return fail(exit::UNAVAILABLE, &message),
    };
    let source = Source { preset: Some(preset(&args, &dir)), ..Source::default() };
    match prepare(source) {
        Ok(mut prepared) => {
            if let Some(token) = admin_token {
                prepared.admin_token = AdminToken::fixed(token);
            }
            serve::run(prepared, &FLAGS, |daemon| introduce(daemon, &dir, admin_token))
        }
        Err(error) => complain(exit::CONFIG, &error),
    }
}

/// Returns the admin token in the value of the flag, which is one line.
fn admin_token(given: &str) -> Result<&str, String> {
    let token = line(given).map_err(|rule| format!("--admin-token {rule}"))?;
    check_admin_token(token).map_err(|rule| format!("--admin-token: {rule}; or leave it out and one is made"))?;
    Ok(token)
}

/// Makes the data directory and whatever of its secrets is missing.
fn furnish(args: &DevArgs) -> Result<PathBuf, String> {
    let shown = args.data_dir.display();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.data_dir)
        .map_err(|error| format!("cannot make the data directory {shown}: {error}; choose another --data-dir"))?;
    let dir = std::fs::canonicalize(&args.data_dir).map_err(|error| format!("cannot use {shown}: {error}"))?;
    keep(&dir.join("master.key"), Vault::generate)?;
    for client in SECRETS {
        keep(&dir.join(format!("{client}.secret")), secret::generate)?;
    }
    keep(&dir.join("admin.token"), new_admin_token)?;
    Ok(dir)
}

fn keep(path: &Path, make: impl FnOnce() -> zeroize::Zeroizing<String>) -> Result<(), String> {
    if path.exists() { Ok(()) } else { write_secret(path, &make()) }
}

fn preset(args: &DevArgs, dir: &Path) -> String {
    let (listen, admin) = (settle(args.listen), settle(args.admin_listen));
    let quote = |text: &str| toml::Value::from(text).to_string();
    let path = |name: &str| quote(&dir.join(name).display().to_string());
    let origins = BROWSERS.map(|port| format!(r#""http://localhost:{port}", "http://127.0.0.1:{port}""#)).join(", ");
    // an issuer on every interface is reached by name; on this machine that is the loopback address
    let host = if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen };
    format!(
        r#"
[public]
listen = "{listen}"
[admin]
listen = "{admin}"
[secrets]
master_key_file = {master}
admin_token_file = {token}
[store]
path = {store}
[log]
filter = {filter}
[shutdown]
drain_delay = "0s"
[issuers.main]
url = "http://{host}"
scopes = "openid profile email offline_access api:read api:write"
resources = ["https://api.example.com", "https://files.example.com"]
allowed_origins = [{origins}]
[[clients]]
issuer = "main"
client_id = "demo-web"
secrets = [{{ file = {web} }}]
[clients.metadata]
client_name = "Demo web application"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["http://127.0.0.1:3000/callback", "https://web.example.com/callback"]
scope = "openid profile email offline_access api:read api:write"
[[clients]]
issuer = "main"
client_id = "demo-spa"
[clients.metadata]
client_name = "Demo single-page application"
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["http://localhost:3000/callback", "http://127.0.0.1:3000/callback", "https://spa.example.com/callback"]
scope = "openid profile email offline_access api:read"
[[clients]]
issuer = "main"
client_id = "demo-service"
secrets = [{{ file = {service} }}]
[clients.metadata]
client_name = "Demo service"
grant_types = ["client_credentials"]
scope = "api:read api:write"
[clients.metadata.jeton]
introspection = "any"
"#,
        master = path("master.key"),
        token = path("admin.token"),
        store = path("store"),
        filter = quote(&args.log),
        web = path("demo-web.secret"),
        service = path("demo-service.secret"),
    )
}

/// Returns the address with a free port instead of port 0: the issuer's URL needs it before anything listens.
fn settle(address: SocketAddr) -> SocketAddr {
    if address.port() != 0 {
        return address;
    }
    TcpListener::bind(address).and_then(|listener| listener.local_addr()).unwrap_or(address)
}

/// Prints requests that work when pasted.
fn introduce(daemon: &Daemon, dir: &Path, admin_token: Option<&str>) {
    let read = |name: String| read_line(&dir.join(name)).unwrap_or_default();
    let text = INTRODUCTION
        .replace("{public}", &format!("http://{}", daemon.public))
        .replace("{admin}", &format!("http://{}", daemon.admin))
        .replace("{browsers}", &BROWSERS.map(|port| port.to_string()).join(", "))
        .replace("{token}", &admin_token.map_or_else(|| read("admin.token".to_owned()).to_string(), str::to_owned))
        .replace("{web}", &read("demo-web.secret".to_owned()))
        .replace("{service}", &read("demo-service.secret".to_owned()));
    say(text);
}

/// The verifier and its challenge are those of RFC 7636 appendix B.
const INTRODUCTION: &str = r#"jeton serves at {public} (admin: {admin}). For trying out only: secrets are on this screen.

# a service gets a token
ACCESS=$(curl -sS -u demo-service:{service} -d grant_type=client_credentials {public}/oauth2/token | sed -E 's/.*"access_token":"([^"]+)".*/\1/'); echo "$ACCESS"

# a resource server asks what it is worth
curl -sS -u demo-service:{service} -d token="$ACCESS" {public}/oauth2/introspect; echo

# a login portal asks for a code, the web application redeems it (PKCE) and refreshes
CODE=$(curl -sS -H 'Authorization: Bearer {token}' -d '{"client_id":"demo-web","redirect_uri":"http://127.0.0.1:3000/callback","subject":"alice","scope":"openid offline_access api:read","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","code_challenge_method":"S256"}' {admin}/admin/v1/issuers/main/codes | sed -E 's/.*"code":"([^"]+)".*/\1/')
REFRESH=$(curl -sS -u demo-web:{web} -d grant_type=authorization_code -d code="$CODE" -d redirect_uri=http://127.0.0.1:3000/callback -d code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk {public}/oauth2/token | sed -E 's/.*"refresh_token":"([^"]+)".*/\1/'); echo "$REFRESH"
curl -sS -u demo-web:{web} -d grant_type=refresh_token -d refresh_token="$REFRESH" {public}/oauth2/token; echo

# a single-page application redeems it in the browser: served at http://localhost or http://127.0.0.1, port {browsers}
CODE=$(curl -sS -H 'Authorization: Bearer {token}' -d '{"client_id":"demo-spa","redirect_uri":"http://localhost:5173/callback","subject":"alice","scope":"openid api:read","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","code_challenge_method":"S256"}' {admin}/admin/v1/issuers/main/codes | sed -E 's/.*"code":"([^"]+)".*/\1/')
curl -sS -D - -H 'Origin: http://localhost:5173' -d client_id=demo-spa -d grant_type=authorization_code -d code="$CODE" -d redirect_uri=http://localhost:5173/callback -d code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk {public}/oauth2/token; echo

# keys, metadata, metrics, rotation
curl -sS {public}/oauth2/jwks; echo
curl -sS {public}/.well-known/openid-configuration; echo
curl -sS {admin}/metrics | grep -v '^#' | sed -n 1,10p
curl -sS -X POST -H 'Authorization: Bearer {token}' {admin}/admin/v1/issuers/main/keys/rotate; echo
"#;

#[cfg(test)]
mod tests {
    use super::admin_token;

    #[test]
    fn a_line_end_behind_the_admin_token_is_not_part_of_it() {
        let token = "admin-token-0123456789";
        assert_eq!(admin_token(&format!("{token}\n")), Ok(token));
        assert!(admin_token(&"\u{e4}".repeat(40)).unwrap_err().contains("ASCII"));
        assert!(admin_token("short").unwrap_err().contains("at least 22"));
        assert!(admin_token(&format!("{token}\nsecond")).unwrap_err().contains("more than one line"));
    }
}
