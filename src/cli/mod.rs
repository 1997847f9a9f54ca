//! The command line. Every message says what to do next; exit codes are those of [`exit`]. Results go to standard output,
//! errors to standard error: with `--json` as `{"error": {"message": ..., "exit_code": ...}}`.

mod admin;
mod client;
mod code;
mod config;
mod dev;
mod doctor;
pub(crate) mod exit;
mod failure;
mod init;
mod input;
mod key;
mod log;
mod migrate;
mod output;
mod runtime;
mod serve;
mod table;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::check_environment;
use output::{fail, say, wants_json};

/// jeton, an OAuth 2.0 / OpenID Connect token service.
#[derive(Parser)]
#[command(name = "jeton", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon with a configuration file
    Serve {
        /// The configuration file
        #[arg(long, short, env = "JETON_CONFIG", value_name = "FILE")]
        config: PathBuf,
    },
    /// Run everything at once for trying out: embedded store, demo issuer, demo clients
    Dev(dev::DevArgs),
    /// Write a configuration file, a master key and an admin token to start from
    Init {
        /// The directory to write to; existing files are never overwritten
        #[arg(long, default_value = ".", value_name = "DIR")]
        dir: PathBuf,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Look at what a start needs and at the daemon that runs, and say what to do
    Doctor {
        #[command(flatten)]
        args: doctor::DoctorArgs,
    },
    /// Lead the tables of a shared engine to the schema of this version
    Migrate(migrate::MigrateArgs),
    /// Manage the clients of a running daemon
    Client(client::ClientArgs),
    /// Manage the users of a running daemon's directory, for the password grant
    User(user::UserArgs),
    /// Look at and rotate the signing keys of a running daemon
    Key(key::KeyArgs),
    /// Issue authorization codes, as a login portal does
    Code(code::CodeArgs),
    /// Introspect, revoke and decode tokens
    Token(token::TokenArgs),
    /// Print the completions of a shell
    Completions {
        /// Name of the shell
        shell: clap_complete::Shell,
    },
}

/// Parses the command line and carries it out.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json() => {
            return fail(exit::CONFIG, error.render().to_string().trim_end());
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::CONFIG } else { 0 });
        }
    };
    // a shell that starts wants its completions, whatever stands in its environment
    if let (Err(unknown), false) = (check_environment(), matches!(cli.command, Command::Completions { .. })) {
        return fail(exit::CONFIG, &unknown);
    }
    match cli.command {
        Command::Serve { config } => serve::serve(config),
        Command::Dev(args) => dev::dev(args),
        Command::Init { dir } => init::init(&dir),
        Command::Config(command) => config::config(command),
        Command::Doctor { args } => doctor::doctor(args),
        Command::Migrate(args) => migrate::migrate(args),
        Command::Client(args) => client::client(&args),
        Command::User(args) => user::user(&args),
        Command::Key(args) => key::key(&args),
        Command::Code(args) => code::code(&args),
        Command::Token(args) => token::token(&args),
        Command::Completions { shell } => {
            // it panics where it cannot write, and a reader may leave
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "jeton", &mut text);
            say(String::from_utf8_lossy(&text).trim_end());
            ExitCode::SUCCESS
        }
    }
}
