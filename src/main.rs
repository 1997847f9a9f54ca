//! The `jeton` command: settings, run, drain. Everything else is in the library.

use std::process::ExitCode;

/// Tokens are made of many small strings on several threads: this allocator makes and frees them with less CPU.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    jeton::run()
}
