//! `jeton client`: the clients of an issuer, through the admin API. Secrets are shown once and read from standard input.

mod metadata;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::admin::{AdminApi, AdminArgs};
use super::failure::{CommandFailure, finish};
use super::output::say;
use super::{exit, input, table};
use crate::client::secret::{SecretHash, advice, import};
use crate::http::client::Method;
use metadata::MetadataArgs;

#[derive(Args)]
pub(super) struct ClientArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Subcommand)]
enum ClientCommand {
    /// Register a client; its secret is shown once
    Create {
        /// The client id; made if it is not given
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        metadata: MetadataArgs,
    },
    /// List the clients
    List,
    /// Show a client
    Show {
        /// The client id
        id: String,
    },
    /// Change what the flags name, or replace everything by --file
    Update {
        /// The client id
        id: String,
        #[command(flatten)]
        metadata: MetadataArgs,
    },
    /// Remove a client; everything it holds ends
    Delete {
        /// The client id
        id: String,
    },
    /// Add a secret, so that a fleet can change over; it is shown once
    AddSecret {
        /// The client id
        id: String,
        /// Lifetime, such as 30d; for ever if it is not given
        #[arg(long, value_name = "SPAN", value_parser = humantime_serde::re::humantime::parse_duration)]
        expires_in: Option<Duration>,
    },
    /// Remove a secret
    RemoveSecret {
        /// The client id
        id: String,
        /// The secret's id, as `jeton client show` has it
        secret_id: String,
    },
    /// Hash a secret from standard input with argon2id, for a configuration file; asks no daemon
    HashSecret,
}

pub(super) fn client(args: &ClientArgs) -> ExitCode {
    finish(run(&args.admin, &args.command))
}

fn run(args: &AdminArgs, command: &ClientCommand) -> Result<(), CommandFailure> {
    if matches!(command, ClientCommand::HashSecret) {
        return hash_secret();
    }
    let admin = AdminApi::new(args)?;
    match command {
        ClientCommand::Create { id, metadata } => {
            let mut body = metadata.apply(Map::new())?;
            if let Some(id) = id {
                body.insert("client_id".to_owned(), json!(id));
            }
            let answer = admin.call(Method::POST, &["clients"], Some(body.into()))?;
            show(args, &answer);
            if answer["client_secret"].is_string() {
                args.remark("keep client_secret now: it is not shown again");
            }
        }
        ClientCommand::List => {
            let header = ["CLIENT ID", "NAME", "AUTHENTICATES BY", "SECRETS", "GRANT TYPES"];
            args.show_all(&admin.list("clients", usize::MAX)?.0.into(), header, row);
        }
        ClientCommand::Show { id } => show(args, &admin.get(&["clients", id], &[])?),
        ClientCommand::Update { id, metadata } => {
            let body = match metadata.file {
                Some(_) => metadata.apply(Map::new())?,
                None => metadata.apply(current(&admin, id)?)?,
            };
            show(args, &admin.call(Method::PUT, &["clients", id], Some(body.into()))?);
        }
        ClientCommand::Delete { id } => {
            admin.call(Method::DELETE, &["clients", id], None)?;
            args.remark(format_args!("deleted client {id}; its tokens no longer work"));
        }
        ClientCommand::AddSecret { id, expires_in } => {
            let body = expires_in.map_or_else(|| json!({}), |span| json!({ "expires_in": span.as_secs() }));
            show(args, &admin.call(Method::POST, &["clients", id, "secrets"], Some(body))?);
            args.remark("keep client_secret now: it is not shown again");
        }
        ClientCommand::RemoveSecret { id, secret_id } => {
            admin.call(Method::DELETE, &["clients", id, "secrets", secret_id], None)?;
            args.remark(format_args!("removed secret {secret_id} of client {id}"));
        }
        ClientCommand::HashSecret => {}
    }
    Ok(())
}

fn row(client: &Value) -> [String; 5] {
    let secrets = client["secrets"].as_array().map_or(0, Vec::len).to_string();
    let cell = |name: &str| table::text(&client[name]);
    [cell("client_id"), cell("client_name"), cell("token_endpoint_auth_method"), secrets, cell("grant_types")]
}

/// Gets the client's present metadata, without the members that are not metadata.
fn current(admin: &AdminApi<'_>, id: &str) -> Result<Map<String, Value>, CommandFailure> {
    let Value::Object(mut members) = admin.get(&["clients", id], &[])? else {
        return Err(CommandFailure::new(exit::FAILED, "the daemon gave no metadata"));
    };
    members.remove("client_id");
    members.remove("secrets");
    Ok(members)
}

fn show(args: &AdminArgs, answer: &Value) {
    if args.json {
        return say(format_args!("{answer:#}"));
    }
    let mut answer = answer.clone();
    for name in ["expires_at", "client_secret_expires_at"] {
        if answer[name].is_number() {
            answer[name] = table::time(&answer[name]).into();
        }
    }
    let secrets = answer.as_object_mut().and_then(|members| members.remove("secrets"));
    table::members(&answer);
    for secret in secrets.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let (made, ends) = (table::time(&secret["created_at"]), table::time(&secret["expires_at"]));
        say(format_args!("secret {}  made {made}, expires {ends}", table::text(&secret["secret_id"])));
    }
}

fn hash_secret() -> Result<(), CommandFailure> {
    let secret = input::secret("", Path::new("-"))?;
    if let Some(advice) = advice(&secret) {
        let _ = writeln!(std::io::stderr(), "jeton: {advice}");
    }
    match import(&secret) {
        Ok(SecretHash::Argon2(phc)) => {
            say(phc);
            Ok(())
        }
        Ok(SecretHash::Keyed { .. }) => Err(CommandFailure::new(exit::INTERNAL, "the secret was hashed with a key")),
        Err(rule) => Err(CommandFailure::usage(format!("{rule}; write it to standard input"))),
    }
}
