//! The floor by itself: `cargo bench --bench limit -- serve --listen 127.0.0.1:8090`, then
//! `cargo bench --bench load -- run client-credentials --target http://127.0.0.1:8090 --client-id a --client-secret b`.
//! `load suite` starts its own.

#![expect(clippy::print_stdout, reason = "says where it listens")]

use clap::{Parser, Subcommand};

#[path = "load/limit_server.rs"]
mod limit_server;

/// Bare hyper and one Ed25519 signature a request.
#[derive(Parser)]
#[command(name = "cargo bench --bench limit --")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Passed by cargo; means nothing.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until it is ended.
    Serve(limit_server::LimitOptions),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Some(Command::Serve(options)) => {
            println!("limit: serving on http://{}, pid {}", options.listen, std::process::id());
            limit_server::serve(&options)
        }
        None => {
            // `cargo bench` runs every bench; this one serves until it is ended
            println!("limit: `serve` serves; `cargo bench --bench limit -- --help` explains");
            Ok(())
        }
    }
}
