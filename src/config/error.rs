//! Reasons why a configuration cannot be used.

use std::path::PathBuf;

use crate::issuer::IssuerError;
use crate::setting::SettingError;

/// A reason why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}; {advice}", path = .path.display(), advice = advice(source))]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is not TOML: {message}", path = .path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("the configuration is wrong: {0}")]
    Value(String),
    #[error(transparent)]
    Rule(#[from] SettingError),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    #[error("clients: {client} of issuer {issuer}: {rule}")]
    Client { issuer: String, client: String, rule: String },
}

fn advice(unreadable: &std::io::Error) -> &'static str {
    match unreadable.kind() {
        std::io::ErrorKind::NotFound => "`jeton init` makes one",
        std::io::ErrorKind::PermissionDenied => "let the user that jeton runs as read it",
        _ => "it must be a file of UTF-8 text",
    }
}
