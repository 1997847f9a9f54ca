//! What the commands share that talk to a running daemon: where it is, who we are, one call, and what to do if it fails.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{exit, fail};
use crate::cause::chain;
use crate::config::secret_line;
use crate::http::client::{Call, ClientError, ConnectError, Method, Reply, ServerTrust, send};
use crate::secret_file;

/// Where the daemon is, and the right to ask.
#[derive(Args)]
pub(super) struct AdminArgs {
    /// The admin listener of the daemon
    #[arg(long, env = "JETON_ADMIN_URL", default_value = "http://127.0.0.1:9080", value_name = "URL", global = true)]
    admin_url: String,
    /// A file with the admin token (else the environment: JETON_ADMIN_TOKEN)
    #[arg(long, env = "JETON_ADMIN_TOKEN_FILE", value_name = "FILE", global = true)]
    admin_token_file: Option<PathBuf>,
    /// PEM certificates that an https admin listener is trusted by
    #[arg(long, value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
    /// The issuer to work on
    #[arg(long, env = "JETON_ISSUER", default_value = "main", value_name = "ID", global = true)]
    issuer: String,
    /// Print JSON, as the admin API gave it
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Why a command failed, in words that say what to do, and the exit code.
pub(super) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }

    /// The command line asks for something that cannot be.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::CONFIG, message)
    }
}

/// Ends a command.
pub(super) fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(failure.code, &failure.message),
    }
}

/// The admin API of one issuer.
pub(super) struct Admin<'a> {
    args: &'a AdminArgs,
    base: Url,
    token: Zeroizing<String>,
}

impl<'a> Admin<'a> {
    /// Finds the token; nothing is sent yet.
    pub(super) fn new(args: &'a AdminArgs) -> Result<Self, Failure> {
        let base = Url::parse(&args.admin_url)
            .map_err(|error| Failure::usage(format!("--admin-url {}: {error}", args.admin_url)))?;
        let token = match &args.admin_token_file {
            Some(file) => {
                secret_line(file, "`jeton init` wrote admin.token, `jeton dev` keeps one in its data directory")
                    .map_err(|error| Failure::usage(format!("--admin-token-file: {error}")))?
            }
            None => token_of_environment()?,
        };
        Ok(Self { args, base, token })
    }

    /// What is at `/admin/v1/issuers/{issuer}/...`.
    pub(super) fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.at(Method::GET, &self.of_issuer(segments), query, None)
    }

    /// A change there. An answer without content is `null`.
    pub(super) fn call(&self, method: Method, segments: &[&str], body: Option<Value>) -> Result<Value, Failure> {
        self.at(method, &self.of_issuer(segments), &[], body)
    }

    fn of_issuer<'b>(&'b self, segments: &[&'b str]) -> Vec<&'b str> {
        [&["issuers", self.args.issuer.as_str()], segments].concat()
    }

    fn at(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::usage(format!("--admin-url {}: not an http URL", self.args.admin_url)))?
            .pop_if_empty()
            .extend(["admin", "v1"])
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let name = format!("{method} {url}");
        let authorization = Zeroizing::new(format!("Bearer {}", self.token.as_str()));
        let body = body.map(|body| ("application/json", body.to_string()));
        let reply = self.args.send("--admin-url", method, &url, &authorization, body)?;
        read(&name, &reply)
    }

    /// Everything of a list there that is given page by page, at most `pages` of them, and whether that was all.
    pub(super) fn list(&self, what: &str, pages: usize) -> Result<(Vec<Value>, bool), Failure> {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..pages {
            let mut page = self.get(&[what], &[("limit", "1000"), ("after", &after)])?;
            found.extend(page[what].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return Ok((found, true)),
            }
        }
        Ok((found, false))
    }

    /// The issuer's settings, as the daemon has them.
    pub(super) fn issuer_settings(&self) -> Result<Value, Failure> {
        let issuer = &self.args.issuer;
        let mut config = self.at(Method::GET, &["config"], &[], None)?;
        match config["config"]["issuers"][issuer].take() {
            Value::Null => Err(Failure::new(exit::FAILED, format!("the daemon has no issuer {issuer}; see --issuer"))),
            settings => Ok(settings),
        }
    }

    /// The issuer's own URL.
    pub(super) fn issuer_url(&self) -> Result<Url, Failure> {
        let settings = self.issuer_settings()?;
        let url = settings["url"].as_str().and_then(|url| Url::parse(url).ok());
        url.ok_or_else(|| Failure::new(exit::FAILED, "the daemon gave no URL of the issuer; set --url"))
    }
}

fn token_of_environment() -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(std::env::var("JETON_ADMIN_TOKEN").unwrap_or_default());
    if text.is_empty() {
        return Err(Failure::usage(
            "no admin token; give --admin-token-file FILE or set JETON_ADMIN_TOKEN \
             (`jeton init` wrote admin.token, `jeton dev` keeps one in jeton-dev/admin.token)",
        ));
    }
    let token = secret_file::line(&text).map_err(|rule| Failure::usage(format!("JETON_ADMIN_TOKEN {rule}")))?;
    Ok(Zeroizing::new(token.to_owned()))
}

impl AdminArgs {
    /// The issuer to work on.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// One request, whatever is answered; `flag` is the one that says where it goes.
    pub(super) fn send(
        &self,
        flag: &str,
        method: Method,
        url: &Url,
        authorization: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<Reply, Failure> {
        let name = format!("{method} {url}");
        let trust = self.ca_file.as_deref().map_or(ServerTrust::Nobody, ServerTrust::File);
        let call = Call {
            method,
            url,
            authorization: Some(authorization),
            body: body.map(|(kind, text)| (kind, text.into())),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(exit::INTERNAL, format!("cannot start a runtime: {error}")))?;
        runtime.block_on(send(call, trust)).map_err(|error| unanswered(flag, &name, &error))
    }
}

fn unanswered(flag: &str, name: &str, error: &ClientError) -> Failure {
    let (code, advice) = match error {
        ClientError::Connect(ConnectError::Dial(_)) => (
            exit::UNAVAILABLE,
            format!("is the daemon running? start it with `jeton serve --config FILE` or `jeton dev`, or set {flag}"),
        ),
        ClientError::Connect(ConnectError::NoTrust) | ClientError::Trust(_) => {
            (exit::CONFIG, "give --ca-file FILE".to_owned())
        }
        ClientError::Connect(ConnectError::Handshake { .. }) => {
            (exit::UNAVAILABLE, format!("check --ca-file and the name in {flag}"))
        }
        ClientError::Connect(ConnectError::Url) | ClientError::Authorization => {
            (exit::CONFIG, format!("correct {flag}"))
        }
        ClientError::Broken(_) | ClientError::Answer | ClientError::Late => (
            exit::UNAVAILABLE,
            format!("check that {flag} is the right listener (http or https), and the daemon's log"),
        ),
    };
    Failure::new(code, format!("{name}: {}; {advice}", chain(error)))
}

/// The JSON of an answer, or what its problem document says.
fn read(name: &str, reply: &Reply) -> Result<Value, Failure> {
    let body: Option<Value> =
        if reply.body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&reply.body).ok() };
    match (reply.status, body) {
        (200..=299, Some(body)) => Ok(body),
        (status, body) => {
            let detail = body.as_ref().and_then(|body| body["detail"].as_str());
            let detail = detail.unwrap_or("not an answer of jeton's admin API; is --admin-url the admin listener?");
            let (code, advice) = match status {
                401 => (exit::FAILED, "; check --admin-token-file or JETON_ADMIN_TOKEN"),
                404 if name.contains("/clients") || name.ends_with("/revocations") => {
                    (exit::FAILED, "; check the id and --issuer (`jeton client list` shows what there is)")
                }
                404 if name.contains("/users") => {
                    (exit::FAILED, "; check the name and --issuer (`jeton user list` shows who there is)")
                }
                404 => (exit::FAILED, "; check the id and --issuer"),
                409 if name.contains("/clients") => (exit::FAILED, "; `jeton client show` says what is there now"),
                500..=599 => (exit::UNAVAILABLE, "; try again, and see the daemon's log"),
                _ => (exit::FAILED, ""),
            };
            Err(Failure::new(code, format!("{name}: {status}: {detail}{advice}")))
        }
    }
}
