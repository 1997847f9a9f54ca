//! Options of the commands that talk to a running daemon, and one request of theirs.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::cause::chain;
use crate::cli::failure::CommandFailure;
use crate::cli::output::say;
use crate::cli::{exit, runtime, table};
use crate::config::secret_line;
use crate::http::client::{Call, ClientError, ConnectError, Method, Reply, ServerTrust, send};
use crate::secret_file;

/// Options of every command that talks to a running daemon.
#[derive(Args)]
pub(in crate::cli) struct AdminArgs {
    /// The admin listener of the daemon
    #[arg(long, env = "JETON_ADMIN_URL", default_value = "http://127.0.0.1:9080", value_name = "URL", global = true)]
    pub(super) admin_url: String,
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
    pub(in crate::cli) json: bool,
}

impl AdminArgs {
    /// Reads the admin token from the file or the environment.
    pub(super) fn token(&self) -> Result<Zeroizing<String>, CommandFailure> {
        match &self.admin_token_file {
            Some(file) => {
                secret_line(file, "`jeton init` wrote admin.token, `jeton dev` keeps one in its data directory")
                    .map_err(|error| CommandFailure::usage(format!("--admin-token-file: {error}")))
            }
            None => token_of_environment(),
        }
    }

    /// Parses the URL of the admin listener.
    pub(super) fn base(&self) -> Result<Url, CommandFailure> {
        let url = &self.admin_url;
        Url::parse(url).map_err(|error| CommandFailure::usage(format!("--admin-url {url}: {error}")))
    }

    /// Returns the id of the issuer to work on.
    pub(in crate::cli) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Prints an answer: as JSON if that was asked for, or its members for a person.
    pub(in crate::cli) fn show(&self, answer: &Value) {
        if self.json { say(format_args!("{answer:#}")) } else { table::members(answer) }
    }

    /// Prints a list: as JSON if that was asked for, or a row for each member.
    pub(in crate::cli) fn show_all<const N: usize>(
        &self,
        found: &Value,
        header: [&str; N],
        row: impl Fn(&Value) -> [String; N],
    ) {
        if self.json {
            return say(format_args!("{found:#}"));
        }
        let list = found.as_array().or(found["keys"].as_array());
        table::rows(header, &list.into_iter().flatten().map(row).collect::<Vec<_>>());
    }

    /// Says a line to a person: nothing in JSON.
    pub(in crate::cli) fn remark(&self, line: impl std::fmt::Display) {
        if !self.json {
            say(line);
        }
    }

    /// Sends one request and returns the reply, whatever its status; `flag` is the option that names the server.
    pub(in crate::cli) fn send(
        &self,
        flag: &str,
        method: Method,
        url: &Url,
        authorization: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<Reply, CommandFailure> {
        let name = format!("{method} {url}");
        let trust = self.ca_file.as_deref().map_or(ServerTrust::Nobody, ServerTrust::File);
        let call = Call {
            method,
            url,
            authorization: Some(authorization),
            body: body.map(|(kind, text)| (kind, text.into())),
        };
        runtime::small()?.block_on(send(call, trust)).map_err(|error| unanswered(flag, &name, &error))
    }
}

fn unanswered(flag: &str, name: &str, error: &ClientError) -> CommandFailure {
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
    CommandFailure::new(code, format!("{name}: {}; {advice}", chain(error)))
}

fn token_of_environment() -> Result<Zeroizing<String>, CommandFailure> {
    let text = Zeroizing::new(std::env::var("JETON_ADMIN_TOKEN").unwrap_or_default());
    if text.is_empty() {
        return Err(CommandFailure::usage(
            "no admin token; give --admin-token-file FILE or set JETON_ADMIN_TOKEN \
             (`jeton init` wrote admin.token, `jeton dev` keeps one in jeton-dev/admin.token)",
        ));
    }
    let token = secret_file::line(&text).map_err(|rule| CommandFailure::usage(format!("JETON_ADMIN_TOKEN {rule}")))?;
    Ok(Zeroizing::new(token.to_owned()))
}
