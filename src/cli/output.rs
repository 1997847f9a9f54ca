//! Lines for a person, and error messages: the first go to standard output, the second to standard error.

use std::io::Write;
use std::process::ExitCode;

use crate::cause::chain;

/// Writes a line for a person to standard output.
pub(super) fn say(line: impl std::fmt::Display) {
    // a closed pipe is the reader's choice
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a warning to standard error.
pub(super) fn warn(warning: &str) {
    let _ = writeln!(std::io::stderr(), "jeton: warning: {warning}");
}

/// Writes an error with its causes to standard error, and returns `code`.
pub(super) fn complain(code: u8, error: &dyn std::error::Error) -> ExitCode {
    fail(code, &chain(error))
}

/// Writes an error message to standard error, as JSON if `--json` was given, and returns `code`.
pub(super) fn fail(code: u8, message: &str) -> ExitCode {
    let _ = if wants_json() {
        let error = serde_json::json!({ "error": { "message": message, "exit_code": code } });
        writeln!(std::io::stderr(), "{error}")
    } else {
        writeln!(std::io::stderr(), "jeton: {message}")
    };
    ExitCode::from(code)
}

/// Returns whether `--json` was given, also on a command line that is wrong.
pub(super) fn wants_json() -> bool {
    std::env::args_os().any(|word| word == "--json")
}
