//! `jeton init`: a configuration file, a master key and an admin token to start from. Never overwrites.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use super::exit;
use super::output::{fail, say};
use crate::id::random_bytes;
use crate::token::wire;
use crate::vault::Vault;

pub(super) fn init(dir: &Path) -> ExitCode {
    match write_all(dir) {
        Ok(()) => {
            let config = dir.join("jeton.toml");
            say(format_args!("wrote {}, master.key and admin.token in {}", config.display(), dir.display()));
            say("next:");
            say(format_args!("  1. set the issuer's url in {}", config.display()));
            say(format_args!("  2. jeton config check --config {}", config.display()));
            say(format_args!("  3. jeton serve --config {}", config.display()));
            say("keep a copy of master.key apart from the data: without it no stored key or token can be used");
            ExitCode::SUCCESS
        }
        Err(message) => fail(exit::FAILED, &message),
    }
}

fn write_all(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir).map_err(|error| format!("cannot make the directory {}: {error}", dir.display()))?;
    let absolute = std::fs::canonicalize(dir).map_err(|error| format!("cannot use {}: {error}", dir.display()))?;
    for name in ["jeton.toml", "master.key", "admin.token"] {
        if absolute.join(name).exists() {
            return Err(format!(
                "{} exists already; choose another --dir or move it away",
                absolute.join(name).display()
            ));
        }
    }
    write_secret(&absolute.join("master.key"), &Vault::generate())?;
    write_secret(&absolute.join("admin.token"), &new_admin_token())?;
    let shown = absolute.display();
    let config = format!(
        "# Every setting with its default: `jeton config default`\n\n\
         [secrets]\nmaster_key_file = \"{shown}/master.key\"\nadmin_token_file = \"{shown}/admin.token\"\n\n\
         [store]\npath = \"{shown}/data\"\n\n\
         [issuers.main]\n# what clients call; behind a proxy, the proxy's name\nurl = \"http://127.0.0.1:8080\"\n"
    );
    // no secret: a service under a user of its own must read it
    write_new(&absolute.join("jeton.toml"), &config, 0o644)
}

/// Makes a random admin token of 256 bits.
pub(super) fn new_admin_token() -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(wire::encode(wire::ADMIN_TOKEN, &random_bytes::<32>()))
}

/// Writes a new file that only its owner can read.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), String> {
    write_new(path, text, 0o600)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    // the name must survive a power cut as well: what is sealed with a key is worth nothing without it
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}
