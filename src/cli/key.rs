//! `jeton key`: the signing keys of an issuer, through the admin API.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::admin::{AdminApi, AdminArgs};
use super::failure::{CommandFailure, finish};
use super::table;
use crate::http::client::Method;

#[derive(Args)]
pub(super) struct KeyArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// List the keys and where each is in its life
    List,
    /// Announce a new key; it signs once verifiers have had time to fetch it
    Rotate {
        /// Only the keys of this algorithm
        #[arg(long)]
        alg: Option<String>,
        /// Sign with the new key at once; old ones stay published until their tokens have expired
        #[arg(long)]
        emergency: bool,
        /// Like --emergency, and stop publishing the old keys: for a key that was stolen. All that they signed becomes
        /// void
        #[arg(long)]
        withdraw: bool,
    },
}

pub(super) fn key(args: &KeyArgs) -> ExitCode {
    finish(run(&args.admin, &args.command))
}

fn run(args: &AdminArgs, command: &KeyCommand) -> Result<(), CommandFailure> {
    let admin = AdminApi::new(args)?;
    let answer = match command {
        KeyCommand::List => admin.get(&["keys"], &[])?,
        KeyCommand::Rotate { alg, emergency, withdraw } => {
            let mut body = Map::new();
            if let Some(alg) = alg {
                body.insert("alg".to_owned(), json!(alg));
            }
            body.insert("emergency".to_owned(), json!(emergency));
            body.insert("withdraw".to_owned(), json!(withdraw));
            admin.call(Method::POST, &["keys", "rotate"], Some(body.into()))?
        }
    };
    args.show_all(&answer, ["KEY ID", "ALG", "GEN", "STATE", "SIGNS FROM", "UNTIL"], row);
    Ok(())
}

/// Returns the row of a key; a retired key ends when it is forgotten, another one when its successor should sign.
fn row(key: &Value) -> [String; 6] {
    let cell = |name: &str| table::text(&key[name]);
    let until = if key["drop_at"].is_string() { cell("drop_at") } else { cell("rotate_at") };
    [cell("kid"), cell("alg"), cell("generation"), cell("state"), cell("sign_from"), until]
}
