//! `jeton token`: what a token is worth, its end, and what it says. Tokens come from a file or standard input: what
//! stands in argv, everybody on the machine can read.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::admin::{AdminApi, AdminArgs};
use super::failure::{CommandFailure, finish};
use super::output::say;
use super::{exit, input};
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
        /// Do not ask before everything of the issuer is revoked
        #[arg(long, requires = "all")]
        yes: bool,
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
    /// Everything this subject was ever given: tokens, codes and devices
    #[arg(long)]
    subject: Option<String>,
    /// Everything this client was ever given: tokens, codes and devices
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
        TokenCommand::Revoke { what, yes } => revoke(&args.admin, what, *yes),
        TokenCommand::Decode { token_file } => decode(&args.admin, token_file),
    })
}

fn introspect(
    args: &AdminArgs,
    token: &Path,
    (client, secret): (&str, &Path),
    url: Option<url::Url>,
) -> Result<(), CommandFailure> {
    let (token, secret) = (input::secret("--token-file", token)?, input::secret("--client-secret-file", secret)?);
    let mut url = url.map_or_else(|| AdminApi::new(args)?.issuer_url(), Ok)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["oauth2", "introspect"]);
    }
    // each half is form-encoded before they are joined (RFC 6749 section 2.3.1)
    let half = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", half(client), half(&secret))));
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", &token).finish();
    let reply = args.send("--url", Method::POST, &url, &basic, Some(("application/x-www-form-urlencoded", form)))?;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match reply.status {
        200 => {
            args.show(&answer);
            Ok(())
        }
        status => {
            let detail = answer["error_description"].as_str().or(answer["error"].as_str()).unwrap_or("no reason given");
            let advice = if status == 401 {
                "; check --client and --client-secret-file; the client must send a secret"
            } else {
                "; is this the issuer's URL? set --url"
            };
            Err(CommandFailure::new(exit::FAILED, format!("POST {url}: {status}: {detail}{advice}")))
        }
    }
}

/// Most pages of the directory that are looked through for a subject: a thousand users each.
const MAX_PAGES: usize = 20;

fn revoke(args: &AdminArgs, what: &Revoked, yes: bool) -> Result<(), CommandFailure> {
    let (body, mut line) = match what {
        Revoked { token_file: Some(file), .. } => {
            (json!({ "token": input::secret("--token-file", file)?.as_str() }), "revoked the token".to_owned())
        }
        Revoked { subject: Some(subject), .. } => {
            (json!({ "subject": subject }), format!("revoked everything of subject {subject}"))
        }
        Revoked { client: Some(client), .. } => {
            (json!({ "client_id": client }), format!("revoked everything of client {client}"))
        }
        Revoked { .. } => {
            confirm(args, yes)?;
            (json!({ "all": true }), "revoked everything of the issuer".to_owned())
        }
    };
    let admin = AdminApi::new(args)?;
    admin.call(Method::POST, &["revocations"], Some(body))?;
    let known = what.subject.as_deref().map(|subject| is_known(&admin, subject)).transpose()?.flatten();
    if args.json {
        say(format_args!("{:#}", json!({ "revoked": line, "known": known })));
        return Ok(());
    }
    if what.subject.is_some() {
        line.push_str(match known {
            Some(true) => "",
            Some(false) => "; no user of the directory has this subject: check how it is written",
            None => "; whether anybody has this subject is not known here: check how it is written",
        });
    }
    say(line);
    Ok(())
}

/// Returns whether a user of the directory has this subject; `None` if the issuer has no directory, or a very large
/// one.
fn is_known(admin: &AdminApi<'_>, subject: &str) -> Result<Option<bool>, CommandFailure> {
    if admin.issuer_settings()?["users"]["source"] != "directory" {
        return Ok(None);
    }
    let (users, all) = admin.list("users", MAX_PAGES)?;
    let found = users.iter().any(|user| user["subject"] == subject);
    Ok((found || all).then_some(found))
}

/// Asks for confirmation that everybody shall log in again.
fn confirm(args: &AdminArgs, yes: bool) -> Result<(), CommandFailure> {
    if yes {
        return Ok(());
    }
    let issuer = args.issuer();
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        let rule = "--all voids everything that the issuer ever gave, which a person is asked about at a terminal; without \
                    one, give --yes";
        return Err(CommandFailure::usage(rule));
    }
    let _ =
        write!(stderr, "everything that issuer {issuer} ever gave becomes void, and everybody logs in again. yes? ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let _ = stdin.lock().take(64).read_line(&mut answer);
    if matches!(answer.trim(), "y" | "yes") {
        Ok(())
    } else {
        Err(CommandFailure::new(exit::FAILED, "nothing was revoked"))
    }
}

fn decode(args: &AdminArgs, file: &Path) -> Result<(), CommandFailure> {
    let token = input::secret("--token-file", file)?;
    let parts: Vec<&str> = token.split('.').collect();
    let part = |index: usize| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.get(index)?).ok()?).ok()
    };
    match (parts.len(), part(0), part(1)) {
        (3, Some(header), Some(claims)) => {
            let note = "not verified: anybody can write this; ask `jeton token introspect`";
            args.show(&json!({ "header": header, "claims": claims, "note": note }));
            Ok(())
        }
        _ => Err(CommandFailure::new(
            exit::FAILED,
            "this is no JWT; codes, refresh tokens and jat_ access tokens are opaque: ask `jeton token introspect`",
        )),
    }
}
