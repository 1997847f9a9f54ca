//! Everything that can go wrong before anything is bound: settings, secret files, certificates, clients.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::operator::Certificates;
use crate::cause::chain;
use crate::client::registry::Snapshot;
use crate::config::{Config, ConfigError, FileDigests, Loaded, Source, TlsFiles, digests, load, secret_line, snapshot};
use crate::http::admin::AdminToken;
use crate::http::tls::{Tls, TlsError};
use crate::vault::{Merged, Vault, VaultError};
use crate::x509::Anchors;

/// Shortest admin token, in characters: 128 bits in base64url.
pub const MIN_ADMIN_TOKEN: usize = 22;

/// Checked settings with everything they name.
pub struct Prepared {
    /// The settings.
    pub loaded: Loaded,
    /// What was in the files that they name.
    pub files: FileDigests,
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
    /// Who issues certificates to clients.
    pub authorities: Option<Anchors>,
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
    #[error("public.client_ca_file: {}: {reason}", path.display())]
    Authorities { path: PathBuf, reason: String },
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
    // before they are read for use: what changes in between is then seen by the next reload
    let files = digests(config);
    let vault = Arc::new(Vault::read(&config.secrets.master_key_file)?);
    let snapshot = snapshot(config, &vault, &source.extensions)?;
    let admin_token = AdminToken::new(&admin_token(config)?);
    let tls = Certificates { public: tls("public", &config.public.tls)?, admin: tls("admin", &config.admin.tls)? };
    let authorities = authorities(config)?;
    Ok(Prepared { loaded, files, source, vault, snapshot, admin_token, tls, authorities })
}

/// Reads the master keys again, for [`Vault::take_in`] of the running ones.
pub(super) fn master_keys(running: &Vault, config: &Config) -> Result<Merged, PrepareError> {
    Ok(running.merged(Vault::read(&config.secrets.master_key_file)?)?)
}

/// Reads the admin token.
pub(super) fn admin_token(config: &Config) -> Result<Zeroizing<String>, PrepareError> {
    let token =
        secret_line(&config.secrets.admin_token_file, "`jeton init` makes one").map_err(PrepareError::AdminToken)?;
    if token.len() < MIN_ADMIN_TOKEN {
        let rule = format!("the token has {} characters; at least {MIN_ADMIN_TOKEN} random ones", token.len());
        return Err(PrepareError::AdminToken(rule));
    }
    Ok(token)
}

/// Reads the authorities that issue certificates to clients.
pub(super) fn authorities(config: &Config) -> Result<Option<Anchors>, PrepareError> {
    let Some(path) = &config.public.client_ca_file else { return Ok(None) };
    let wrong = |reason: String| PrepareError::Authorities { path: path.clone(), reason };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    Anchors::from_pem(&pem).map(Some).map_err(|error| wrong(error.to_string()))
}

fn tls(listener: &'static str, files: &Option<TlsFiles>) -> Result<Option<Tls>, PrepareError> {
    let load = |files: &TlsFiles| Tls::load(&files.certificate, &files.key, files.client_certificates);
    files.as_ref().map(load).transpose().map_err(|source| PrepareError::Tls { listener, source: Box::new(source) })
}
