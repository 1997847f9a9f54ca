//! The section `secrets`: the secret files of the installation.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret_file::{self, SecretFileError};

/// Files that hold secrets, see [`crate::secret_file`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// The master key ring.
    pub master_key_file: PathBuf,
    /// The admin token, one line.
    pub admin_token_file: PathBuf,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self {
            master_key_file: PathBuf::from("/etc/jeton/master.key"),
            admin_token_file: PathBuf::from("/etc/jeton/admin.token"),
        }
    }
}

/// Reads the secret in a file that holds one line; `advice` says where such a file comes from.
///
/// # Errors
/// The reason why the file cannot be used, with `advice` if it cannot be read.
pub(crate) fn secret_line(path: &Path, advice: &str) -> Result<Zeroizing<String>, String> {
    secret_file::read_line(path).map_err(|error| match &error {
        SecretFileError::Unreadable { .. } => format!("{error}; {advice}"),
        SecretFileError::Exposed { .. } | SecretFileError::Content { .. } => error.to_string(),
    })
}
