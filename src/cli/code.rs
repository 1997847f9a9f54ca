//! `jeton code`: an authorization code as a login portal asks for it, through the admin API.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, json};

use super::admin::{AdminApi, AdminArgs};
use super::failure::{CommandFailure, finish};
use super::input;
use crate::http::client::Method;

#[derive(Args)]
pub(super) struct CodeArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: CodeCommand,
}

#[derive(Subcommand)]
enum CodeCommand {
    /// Issue a code for somebody who was authenticated elsewhere
    Issue(Box<Wanted>),
}

#[derive(Args)]
struct Wanted {
    /// The whole request as JSON, as the admin API takes it; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client", "redirect_uri", "subject"])]
    file: Option<PathBuf>,
    /// The client that may redeem it
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    client: Option<String>,
    /// The redirect URI that the code will be sent to: one that the client registered
    #[arg(long, value_name = "URI", required_unless_present = "file")]
    redirect_uri: Option<String>,
    /// Subject of the tokens: the person who was authenticated
    #[arg(long, required_unless_present = "file")]
    subject: Option<String>,
    /// Scope of the grant, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// The client's nonce, for the ID token
    #[arg(long)]
    nonce: Option<String>,
    /// The client's PKCE challenge (S256)
    #[arg(long, value_name = "CHALLENGE")]
    code_challenge: Option<String>,
    /// A resource the tokens are for; repeat for more
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// An audience the tokens are for; repeat for more
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
}

pub(super) fn code(args: &CodeArgs) -> ExitCode {
    let CodeCommand::Issue(wanted) = &args.command;
    finish(issue(&args.admin, wanted))
}

fn issue(args: &AdminArgs, wanted: &Wanted) -> Result<(), CommandFailure> {
    let answer = AdminApi::new(args)?.call(Method::POST, &["codes"], Some(wanted.body()?.into()))?;
    args.show(&answer);
    Ok(())
}

impl Wanted {
    fn body(&self) -> Result<Map<String, serde_json::Value>, CommandFailure> {
        if let Some(file) = &self.file {
            return input::object("--file", file);
        }
        let texts = [
            ("client_id", &self.client),
            ("redirect_uri", &self.redirect_uri),
            ("subject", &self.subject),
            ("scope", &self.scope),
            ("nonce", &self.nonce),
            ("code_challenge", &self.code_challenge),
        ];
        let given = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
        let mut body: Map<_, _> = given.collect();
        if self.code_challenge.is_some() {
            body.insert("code_challenge_method".to_owned(), json!("S256"));
        }
        if !self.resource.is_empty() {
            body.insert("resource".to_owned(), json!(self.resource));
        }
        if !self.audience.is_empty() {
            body.insert("audience".to_owned(), json!(self.audience));
        }
        Ok(body)
    }
}
