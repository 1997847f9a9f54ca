//! Reasons why a secret file cannot be used.

use std::path::PathBuf;

use crate::credential::shown_path;

/// A reason why a secret file cannot be used. Each message names the file and the rule, never the content.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// Other users can read or change the file.
    #[error("{path} {found}; {fix}", path = shown_path(.path))]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Owner, group or mode, and the rule.
        found: String,
        /// Advice.
        fix: String,
    },
    /// The content breaks a rule.
    #[error("{path} {rule}", path = shown_path(.path))]
    Content {
        /// The file.
        path: PathBuf,
        /// The rule.
        rule: &'static str,
    },
}
