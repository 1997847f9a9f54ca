//! Files that hold secrets: access to one, and the form of a line in one. Every secret file that the settings or
//! `--admin-token-file` name is read here. Other input of commands (a password, a token, the secret of a client) comes
//! from the person at the terminal, from a pipe as well, and is only held to the rule of a line.
//!
//! A secret file belongs to root or to the user that runs jeton, nobody else may write to it, and nobody else may read
//! it but a group that this user is in: what `chmod 600` makes, and what Kubernetes (`fsGroup`) and Docker mount. One
//! that everybody may read is accepted on a mount that only this container has (see [`mount`]).

mod access;
mod error;
pub(crate) mod mount;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

pub(crate) use error::SecretFileError;

/// Longest secret file, in bytes.
const MAX_LEN: u64 = 64 * 1024;
/// Mark that some editors put before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Opens a file that settings name, secret or not: a regular one only. A pipe would wait for its writer, and a device may
/// never end.
///
/// # Errors
/// If it cannot be opened, or is something else.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(at_once).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidInput,
        "it is no regular file, but a directory, a pipe or a device",
    ))
}

/// Reads the whole text of a secret file.
///
/// # Errors
/// If others can read or change it, or it is no UTF-8 text of at most 64 KiB without a byte order mark.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let unreadable = |source| SecretFileError::Unreadable { path: path.to_owned(), source };
    let content = |rule| SecretFileError::Content { path: path.to_owned(), rule };
    let file = open(path).map_err(unreadable)?;
    access::check(path, &file.metadata().map_err(unreadable)?)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(content("is longer than 64 KiB: this is no secret"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| content("is no UTF-8 text; save it as UTF-8"))?;
    if text.starts_with(BYTE_ORDER_MARK) {
        return Err(content(MARKED));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the secret of a file that holds one, on one line.
///
/// # Errors
/// As [`read()`] and [`line()`].
pub(crate) fn read_line(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let text = read(path)?;
    let one = line(&text).map_err(|rule| SecretFileError::Content { path: path.to_owned(), rule })?;
    Ok(Zeroizing::new(one.to_owned()))
}

const MARKED: &str = "begins with a byte order mark; save it as UTF-8 without one";

/// Returns the secret in `text`: one line, with or without an end.
///
/// # Errors
/// The rule that a leftover of a shell or an editor breaks, such as a second line or a blank at an end.
pub(crate) fn line(text: &str) -> Result<&str, &'static str> {
    if text.starts_with(BYTE_ORDER_MARK) {
        return Err(MARKED);
    }
    let one = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if one.is_empty() {
        return Err("is empty; write the secret there, on one line");
    }
    if one.contains(['\n', '\r']) {
        return Err("has more than one line; leave only the secret, on one line");
    }
    if one.starts_with(char::is_whitespace) {
        return Err("has a blank at the beginning; remove it");
    }
    if one.ends_with(char::is_whitespace) {
        return Err("has a blank at the end; remove it");
    }
    if one.contains(char::is_control) {
        return Err("has a control character; leave only the secret, on one line");
    }
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_at_most_its_own_end() {
        for good in ["secret", "secret\n", "secret\r\n", "two words\n"] {
            assert_eq!(line(good).unwrap(), good.trim_end(), "{good:?}");
        }
        for (bad, rule) in [
            ("", "empty"),
            ("\n", "empty"),
            ("\u{feff}secret", "byte order mark"),
            ("secret\n\n", "more than one line"),
            ("secret\rmore", "more than one line"),
            (" secret", "at the beginning"),
            ("secret \n", "at the end"),
            ("secret\u{a0}", "at the end"),
            ("sec\0ret", "control character"),
        ] {
            assert!(line(bad).unwrap_err().contains(rule), "{bad:?}");
        }
    }
}
