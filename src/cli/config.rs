//! `jeton config`: check it, print what is in effect, print the defaults.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::exit;
use super::output::{complain, say, warn};
use crate::config::{Source, load};
use crate::server::prepare;

/// The manual: every setting, its default and what it is for. A test keeps it equal to `Config::default()`.
const DEFAULTS: &str = include_str!("../../config/jeton.toml");

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration file and everything it names
    Check {
        /// The configuration file
        #[arg(long, short, env = "JETON_CONFIG", value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the settings in effect, with where each came from
    Print {
        /// The configuration file
        #[arg(long, short, env = "JETON_CONFIG", value_name = "FILE")]
        config: PathBuf,
    },
    /// Print every setting with its default and a comment
    Default,
}

pub(super) fn config(command: ConfigCommand) -> ExitCode {
    let source = |file| Source { file: Some(file), ..Source::default() };
    match command {
        ConfigCommand::Check { config } => match prepare(source(config)) {
            Ok(prepared) => {
                for warning in prepared.snapshot.warnings() {
                    warn(&warning);
                }
                let clients: usize = prepared.snapshot.clients.values().map(|clients| clients.len()).sum();
                say(format_args!("good: {} issuers, {clients} clients", prepared.snapshot.issuers.len()));
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        },
        ConfigCommand::Print { config } => match load(&source(config)) {
            Ok(loaded) => {
                say(format_args!("{:#}", loaded.describe()));
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        },
        ConfigCommand::Default => {
            say(DEFAULTS.trim_end());
            ExitCode::SUCCESS
        }
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    complain(exit::CONFIG, error)
}
