//! Everything that can go wrong before anything is bound: settings, secret files, certificates, clients.

use std::sync::Arc;

use super::operator::Certificates;
use crate::client::registry::Snapshot;
use crate::config::{ConfigError, Loaded, Source, TlsFiles, load, secret_file, snapshot};
use crate::http::admin::AdminToken;
use crate::http::tls::{Tls, TlsError};
use crate::vault::{Vault, VaultError};

/// Shortest admin token, in characters: 128 bits in base64url.
pub const MIN_ADMIN_TOKEN: usize = 22;

/// Checked settings with everything they name.
pub struct Prepared {
    /// The settings.
    pub loaded: Loaded,
    /// Where they came from, for a reload.
    pub source: Source,
    /// The master keys.
    pub vault: Arc<Vault>,
    /// Issuers and clients.
    pub snapshot: Snapshot,
    /// Who may use the admin surface.
    pub admin_token: AdminToken,
    /// Certificates of both listeners.
    pub tls: Certificates,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PrepareError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("secrets.master_key_file: {0}")]
    Vault(#[from] VaultError),
    #[error("secrets.admin_token_file: {0}")]
    AdminToken(String),
    #[error("{listener}.tls: {}", chain(&**.source))]
    Tls { listener: &'static str, source: Box<TlsError> },
}

/// Reads and checks everything that `source` names.
///
/// # Errors
/// The first thing that cannot be used.
pub fn prepare(source: Source) -> Result<Prepared, PrepareError> {
    let loaded = load(&source)?;
    let config = &loaded.config;
    let vault = Arc::new(Vault::read(&config.secrets.master_key_file)?);
    let snapshot = snapshot(config, &vault, &source.extensions)?;
    let token = secret_file(&config.secrets.admin_token_file).map_err(PrepareError::AdminToken)?;
    if token.len() < MIN_ADMIN_TOKEN {
        let rule = format!("the token has {} characters; at least {MIN_ADMIN_TOKEN} random ones", token.len());
        return Err(PrepareError::AdminToken(rule));
    }
    let tls = Certificates { public: tls("public", &config.public.tls)?, admin: tls("admin", &config.admin.tls)? };
    let admin_token = AdminToken::new(&token);
    Ok(Prepared { loaded, source, vault, snapshot, admin_token, tls })
}

fn tls(listener: &'static str, files: &Option<TlsFiles>) -> Result<Option<Tls>, PrepareError> {
    let load = |files: &TlsFiles| Tls::load(&files.certificate, &files.key);
    files.as_ref().map(load).transpose().map_err(|source| PrepareError::Tls { listener, source: Box::new(source) })
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
