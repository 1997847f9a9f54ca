//! `jeton token`: what a token is worth, its end, and what it says. Tokens come from a file or standard input: what
//! stands in argv, everybody on the machine can read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::admin::{Admin, AdminArgs, Failure, finish};
use super::{exit, input, say, table};
use crate::http::client::Method;

#[derive(Args)]
pub(super) struct TokenArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Ask the issuer what a token is worth, as a resource server does
    Introspect {
        /// The file of the token; standard input if it is not given
        #[arg(long, value_name = "FILE", default_value = "-")]
        token_file: PathBuf,
        /// The client that asks: one with a secret, and `introspection = "any"` for tokens of others
        #[arg(long, value_name = "ID")]
        client: String,
        /// The file of its secret
        #[arg(long, value_name = "FILE")]
        client_secret_file: PathBuf,
        /// The issuer's URL from here; else as the daemon is configured
        #[arg(long, value_name = "URL")]
        url: Option<url::Url>,
    },
    /// Revoke one token, or everything of a subject, of a client, or of the issuer
    Revoke {
        #[command(flatten)]
        what: Revoked,
    },
    /// Print what a JWT says, without verifying it; asks no daemon
    Decode {
        /// The file of the token; standard input if it is not given
        #[arg(long, value_name = "FILE", default_value = "-")]
        token_file: PathBuf,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Revoked {
    /// The token in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Everything this subject was ever given
    #[arg(long)]
    subject: Option<String>,
    /// Everything this client was ever given
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Everything the issuer ever gave: everybody logs in again
    #[arg(long)]
    all: bool,
}

pub(super) fn token(args: &TokenArgs) -> ExitCode {
    finish(match &args.command {
        TokenCommand::Introspect { token_file, client, client_secret_file, url } => {
            introspect(&args.admin, token_file, (client, client_secret_file), url.clone())
        }
        TokenCommand::Revoke { what } => revoke(&args.admin, what),
        TokenCommand::Decode { token_file } => decode(&args.admin, token_file),
    })
}

fn introspect(
    args: &AdminArgs,
    token: &Path,
    (client, secret): (&str, &Path),
    url: Option<url::Url>,
) -> Result<(), Failure> {
    let (token, secret) = (input::secret(token)?, input::secret(secret)?);
    let mut url = url.map_or_else(|| Admin::new(args)?.issuer_url(), Ok)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["oauth2", "introspect"]);
    }
    // each half is form-encoded before they are joined (RFC 6749 section 2.3.1)
    let half = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", half(client), half(&secret))));
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", &token).finish();
    let reply = args.send(Method::POST, &url, &basic, Some(("application/x-www-form-urlencoded", form)))?;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match reply.status {
        200 => {
            print(args, &answer);
            Ok(())
        }
        status => {
            let detail = answer["error_description"].as_str().or(answer["error"].as_str()).unwrap_or("no reason given");
            let advice = if status == 401 {
                "; check --client and --client-secret-file; the client must send a secret"
            } else {
                "; is this the issuer's URL? set --url"
            };
            Err(Failure::new(exit::FAILED, format!("POST {url}: {status}: {detail}{advice}")))
        }
    }
}

fn revoke(args: &AdminArgs, what: &Revoked) -> Result<(), Failure> {
    let (body, line) = match what {
        Revoked { token_file: Some(file), .. } => {
            (json!({ "token": input::secret(file)?.as_str() }), "revoked the token".to_owned())
        }
        Revoked { subject: Some(subject), .. } => {
            (json!({ "subject": subject }), format!("revoked everything of subject {subject}"))
        }
        Revoked { client: Some(client), .. } => {
            (json!({ "client_id": client }), format!("revoked everything of client {client}"))
        }
        Revoked { .. } => (json!({ "all": true }), "revoked everything of the issuer".to_owned()),
    };
    Admin::new(args)?.call(Method::POST, &["revocations"], Some(body))?;
    if !args.json {
        say(line);
    }
    Ok(())
}

fn decode(args: &AdminArgs, file: &Path) -> Result<(), Failure> {
    let token = input::secret(file)?;
    let parts: Vec<&str> = token.split('.').collect();
    let part = |index: usize| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.get(index)?).ok()?).ok()
    };
    match (parts.len(), part(0), part(1)) {
        (3, Some(header), Some(claims)) => {
            let note = "not verified: anybody can write this; ask `jeton token introspect`";
            print(args, &json!({ "header": header, "claims": claims, "note": note }));
            Ok(())
        }
        _ => Err(Failure::new(
            exit::FAILED,
            "this is no JWT; codes, refresh tokens and jat_ access tokens are opaque: ask `jeton token introspect`",
        )),
    }
}

fn print(args: &AdminArgs, answer: &Value) {
    if args.json { say(format_args!("{answer:#}")) } else { table::members(answer) }
}
