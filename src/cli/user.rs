//! `jeton user`: the users of an issuer's directory, through the admin API. Passwords are read from a file or standard
//! input, never from the command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::admin::{AdminApi, AdminArgs};
use super::failure::{CommandFailure, finish};
use super::{input, table};
use crate::http::client::Method;

#[derive(Args)]
pub(super) struct UserArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Create a user, or replace one
    Put {
        /// The name that the user types
        username: String,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// List the users of the directory
    List,
    /// Show a user
    Get {
        /// The name that the user types
        username: String,
    },
    /// Remove a user; everything the subject holds ends
    Delete {
        /// The name that the user types
        username: String,
    },
}

#[derive(Args)]
struct Wanted {
    /// `sub` of the user's tokens
    #[arg(long)]
    subject: String,
    /// A file with the password; `-` is standard input. A user that exists keeps the password without it
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The argon2id hash of the password in PHC format (`jeton client hash-secret` makes one)
    #[arg(long, value_name = "HASH", conflicts_with = "password_file")]
    password_hash: Option<String>,
    /// A file with further claims: {"access_token": {}, "id_token": {}}
    #[arg(long, value_name = "FILE")]
    claims_file: Option<PathBuf>,
    /// Refuse the user's logins, and end what the subject holds
    #[arg(long)]
    disabled: bool,
}

pub(super) fn user(args: &UserArgs) -> ExitCode {
    finish(run(&args.admin, &args.command))
}

fn run(args: &AdminArgs, command: &UserCommand) -> Result<(), CommandFailure> {
    let admin = AdminApi::new(args)?;
    match command {
        UserCommand::Put { username, wanted } => {
            let body = wanted.body()?;
            args.show(&admin.call(Method::PUT, &["users", username], Some(body.into()))?);
        }
        UserCommand::List => {
            args.show_all(&admin.list("users", usize::MAX)?.0.into(), ["USERNAME", "SUBJECT", "DISABLED"], row);
        }
        UserCommand::Get { username } => args.show(&admin.get(&["users", username], &[])?),
        UserCommand::Delete { username } => {
            admin.call(Method::DELETE, &["users", username], None)?;
            args.remark(format_args!("deleted user {username}; the subject's tokens no longer work"));
        }
    }
    Ok(())
}

impl Wanted {
    fn body(&self) -> Result<Map<String, Value>, CommandFailure> {
        let mut body = Map::new();
        body.insert("subject".to_owned(), json!(self.subject));
        body.insert("disabled".to_owned(), json!(self.disabled));
        if let Some(file) = &self.password_file {
            body.insert("password".to_owned(), json!(input::secret("--password-file", Path::new(file))?.as_str()));
        }
        if let Some(hash) = &self.password_hash {
            body.insert("password_hash".to_owned(), json!(hash));
        }
        if let Some(file) = &self.claims_file {
            body.insert("claims".to_owned(), Value::Object(input::object("--claims-file", file)?));
        }
        Ok(body)
    }
}

fn row(user: &Value) -> [String; 3] {
    ["username", "subject", "disabled"].map(|name| table::text(&user[name]))
}
