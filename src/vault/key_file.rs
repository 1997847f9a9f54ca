//! The master key file: one key a line, `<id 1-255> <32 bytes in base64>`, newest first, `#` comments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::master_key::{KEY_LEN, MasterKey};
use crate::id::random_bytes;
use crate::secret_file::{self, SecretFileError};

/// Most keys of a ring.
const MAX_KEYS: usize = 16;

/// A reason why the master key file cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("{source}; `jeton init` makes one")]
    Unreadable { source: SecretFileError },
    #[error(transparent)]
    Unusable(SecretFileError),
    #[error(
        "entry {id} has another key than the running one, which everything made with it needs; give the new key an id of its own"
    )]
    Changed { id: u8 },
    #[error("the master key file {path} is wrong at line {line}: {rule}")]
    Malformed { path: PathBuf, line: usize, rule: &'static str },
}

/// Reads the keys of the file at `path`.
///
/// # Errors
/// If the file cannot be used as a secret file, or has a malformed line.
pub(super) fn read(path: &Path) -> Result<Vec<Arc<MasterKey>>, VaultError> {
    let text = secret_file::read(path).map_err(|source| match source {
        SecretFileError::Unreadable { .. } => VaultError::Unreadable { source },
        SecretFileError::Exposed { .. } | SecretFileError::Content { .. } => VaultError::Unusable(source),
    })?;
    parse(&text).map_err(|(line, rule)| VaultError::Malformed { path: path.to_owned(), line, rule })
}

/// Returns the text of a new file with one random key.
pub(super) fn generate() -> Zeroizing<String> {
    let key = Zeroizing::new(random_bytes::<KEY_LEN>());
    Zeroizing::new(format!(
        "# jeton master keys: the first line makes new values, older lines stay valid. Keep this file secret.\n1 {}\n",
        STANDARD.encode(*key)
    ))
}

/// Parses the text of a file; the error is the number of the line, from 1, and its rule.
///
/// # Errors
/// The first malformed line.
pub(super) fn parse(text: &str) -> Result<Vec<Arc<MasterKey>>, (usize, &'static str)> {
    let mut keys: Vec<Arc<MasterKey>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, key) = line.split_once(' ').ok_or((line_number, "expected `<id> <key in base64>`"))?;
        let id: u8 = id.parse().map_err(|_| (line_number, "the id must be a number from 1 to 255"))?;
        let key = Zeroizing::new(STANDARD.decode(key.trim()).map_err(|_| (line_number, "the key is not base64"))?);
        if id == 0 || keys.iter().any(|other| other.id == id) {
            return Err((line_number, "the id must be from 1 to 255 and occur once"));
        }
        if key.len() != KEY_LEN {
            return Err((line_number, "the key must be 32 bytes long"));
        }
        if keys.len() == MAX_KEYS {
            return Err((line_number, "at most 16 master keys; remove those older than the longest lifetime"));
        }
        keys.push(Arc::new(MasterKey::derive(id, &key)));
    }
    if keys.is_empty() { Err((1, "no key in the file; `jeton init` makes one")) } else { Ok(keys) }
}
