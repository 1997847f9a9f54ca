//! Client metadata on the command line: by flags, or all of it from a file.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::failure::CommandFailure;
use crate::cli::input;

/// RFC 7591 metadata by flags or from a file.
#[derive(Args)]
pub(super) struct MetadataArgs {
    /// All of the metadata as JSON (RFC 7591 names and the `jeton` object); `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "auth_method", "grant", "redirect_uri", "scope", "id_token_alg", "access_token_alg", "introspection"])]
    pub(super) file: Option<PathBuf>,
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// Authentication method: client_secret_basic, client_secret_post, or none for a public client
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// A grant type it may use; repeat for more
    #[arg(long, value_name = "TYPE")]
    grant: Vec<String>,
    /// A URI that codes may be sent to; repeat for more
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// The scopes it may have, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// Algorithm of its ID tokens
    #[arg(long, value_name = "ALG")]
    id_token_alg: Option<String>,
    /// Algorithm of its access tokens
    #[arg(long, value_name = "ALG")]
    access_token_alg: Option<String>,
    /// Tokens that it may introspect: own or any
    #[arg(long, value_name = "REACH")]
    introspection: Option<String>,
}

impl MetadataArgs {
    /// `base` with what the flags say, or the file.
    pub(super) fn apply(&self, mut base: Map<String, Value>) -> Result<Map<String, Value>, CommandFailure> {
        if let Some(file) = &self.file {
            return input::object("--file", file);
        }
        let mut set = |name: &str, value: Value| base.insert(name.to_owned(), value);
        let texts = [
            ("client_name", &self.name),
            ("token_endpoint_auth_method", &self.auth_method),
            ("scope", &self.scope),
            ("id_token_signed_response_alg", &self.id_token_alg),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                set(name, json!(value));
            }
        }
        for (name, values) in [("grant_types", &self.grant), ("redirect_uris", &self.redirect_uri)] {
            if !values.is_empty() {
                set(name, json!(values));
            }
        }
        let extension =
            [("access_token_signed_response_alg", &self.access_token_alg), ("introspection", &self.introspection)];
        for (name, value) in extension {
            if let Some(value) = value {
                let own = base.entry("jeton").or_insert_with(|| json!({}));
                own[name] = json!(value);
            }
        }
        Ok(base)
    }
}
