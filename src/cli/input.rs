//! What is read from a file or from standard input, so that it never stands in argv.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::admin::Failure;
use crate::protocol::strict_json;

/// More than any input of a command, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// A file, or standard input for `-`.
pub(super) fn text(file: &Path) -> Result<String, Failure> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())));
    }
    let mut text = String::new();
    std::io::stdin()
        .take(LIMIT)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

/// A secret or a token: the text without its line end.
pub(super) fn secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(text(file)?);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A JSON object.
pub(super) fn object(file: &Path) -> Result<Map<String, Value>, Failure> {
    strict_json::from_slice(text(file)?.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: not a JSON object: {error}", file.display())))
}
