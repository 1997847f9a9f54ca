//! The files that the settings name, by what is in them: a reload says that something changed although no setting did.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::Config;
use crate::secret_file;

/// Longest part of a file that is read, in bytes: more than any of them may have.
const MAX_LEN: u64 = 4 * 1024 * 1024;

/// The SHA-256 of each file; `None` if it cannot be read.
pub(crate) type FileDigests = BTreeMap<PathBuf, Option<[u8; 32]>>;

/// Reads every file that `config` names.
pub(crate) fn digests(config: &Config) -> FileDigests {
    let mut named = Vec::new();
    collect("", &serde_json::to_value(config).unwrap_or_default(), &mut named);
    named.into_iter().map(|path| (path.clone(), digest(path))).collect()
}

/// Settings that name files are called so, wherever they stand: `..._file`, and the members of `tls` and of secrets of
/// clients.
fn collect(name: &str, value: &Value, named: &mut Vec<PathBuf>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| collect(name, value, named)),
        Value::Array(values) => values.iter().for_each(|value| collect(name, value, named)),
        Value::String(text) if name.ends_with("_file") || matches!(name, "file" | "certificate" | "key") => {
            named.push(PathBuf::from(text));
        }
        _ => {}
    }
}

fn digest(path: PathBuf) -> Option<[u8; 32]> {
    let mut file = secret_file::open(&path).ok()?.take(MAX_LEN);
    let (mut context, mut part) = (Context::new(&SHA256), zeroize::Zeroizing::new([0; 4096]));
    loop {
        match file.read(&mut part[..]).ok()? {
            0 => break,
            len => context.update(&part[..len]),
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Some(digest)
}
