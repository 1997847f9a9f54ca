//! Reasons why a secret file cannot be used.

use std::path::PathBuf;

use crate::credential::shown_path;

/// A reason why a secret file cannot be used. Each message names the file and the rule, never the content.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}", path = shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else can read or change it.
    #[error("{path} {found}; {fix}", path = shown_path(.path))]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Owner, group or mode, and the rule.
        found: String,
        /// What to do.
        fix: String,
    },
    /// What is in it is not what it should be.
    #[error("{path} {rule}", path = shown_path(.path))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        rule: &'static str,
    },
}
