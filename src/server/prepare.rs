//! Preparation of a start: whatever can be wrong with settings, secret files, certificates and clients shows before
//! anything is bound.

use std::sync::Arc;

use super::material::{Certificates, PrepareError, admin_token, authorities};
use crate::config::{FileDigests, Loaded, Source, digests, load, snapshot};
use crate::http::admin::AdminToken;
use crate::registry::Snapshot;
use crate::vault::Vault;
use crate::x509::Anchors;

/// Checked settings with everything they name.
pub struct Prepared {
    /// The settings.
    pub loaded: Loaded,
    /// Digests of the files that they name.
    pub files: FileDigests,
    /// Sources of the settings, for a reload.
    pub source: Source,
    /// The master keys.
    pub vault: Arc<Vault>,
    /// Issuers and clients.
    pub snapshot: Snapshot,
    /// The token that the admin surface asks for.
    pub admin_token: AdminToken,
    /// Certificates of both listeners.
    pub tls: Certificates,
    /// Authorities that issue certificates to clients.
    pub authorities: Option<Anchors>,
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
    let tls = Certificates::read(config)?;
    let authorities = authorities(config)?;
    Ok(Prepared { loaded, files, source, vault, snapshot, admin_token, tls, authorities })
}
