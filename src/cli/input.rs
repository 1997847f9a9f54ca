//! Input from a file or from standard input, so that it never stands in argv. A message names the flag that named the
//! file.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::failure::CommandFailure;
use crate::credential::shown_path;
use crate::secret_file;
use crate::strict_json;

/// Longest input that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Names the input for a person.
fn named(flag: &str, file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { format!("{flag} {}", shown_path(file)) }
}

/// Reads a file, or standard input for `-`.
fn text(flag: &str, file: &Path) -> Result<Zeroizing<String>, CommandFailure> {
    let mut text = Zeroizing::new(String::new());
    let read = if file == Path::new("-") {
        std::io::stdin().take(LIMIT).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LIMIT).read_to_string(&mut text))
    };
    read.map_err(|error| CommandFailure::usage(format!("cannot read {}: {error}", named(flag, file))))?;
    Ok(text)
}

/// Reads a secret or a token: one line.
pub(super) fn secret(flag: &str, file: &Path) -> Result<Zeroizing<String>, CommandFailure> {
    let text = text(flag, file)?;
    let line =
        secret_file::line(&text).map_err(|rule| CommandFailure::usage(format!("{} {rule}", named(flag, file))))?;
    Ok(Zeroizing::new(line.to_owned()))
}

/// Reads a JSON object.
pub(super) fn object(flag: &str, file: &Path) -> Result<Map<String, Value>, CommandFailure> {
    strict_json::from_slice(text(flag, file)?.as_bytes())
        .map_err(|error| CommandFailure::usage(format!("{}: not a JSON object: {error}", named(flag, file))))
}
