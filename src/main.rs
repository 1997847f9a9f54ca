//! The `jeton` command: settings, run, drain. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    jeton::cli::run()
}
