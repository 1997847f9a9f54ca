//! Failures of commands.

use std::process::ExitCode;

use super::exit;
use super::output::fail;

/// The reason why a command failed, with advice on what to do, and its exit code.
pub(super) struct CommandFailure {
    message: String,
    code: u8,
}

impl CommandFailure {
    /// Makes a failure that ends with `code`.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }

    /// Makes a failure of a command line that asks for something impossible.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::CONFIG, message)
    }
}

/// Ends a command: reports its failure, if it has one.
pub(super) fn finish(result: Result<(), CommandFailure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(failure.code, &failure.message),
    }
}
