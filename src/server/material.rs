//! Files that settings name: master keys, the admin token, certificates, and the authorities of clients.

use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::cause::chain;
use crate::config::{Config, ConfigError, TlsFiles, secret_line};
use crate::credential::shown_path;
use crate::http::tls::{Tls, TlsError};
use crate::secret_file;
use crate::vault::{MergedKeys, Vault, VaultError};
use crate::x509::Anchors;

/// Shortest admin token, in characters: 128 bits in base64url.
const MIN_ADMIN_TOKEN: usize = 22;

/// Longest part of the authorities' file that is read, in bytes: more than all public authorities of the world need.
const MAX_AUTHORITIES: u64 = 4 * 1024 * 1024;

/// The certificates of both listeners; `None` is clear text.
#[derive(Clone, Default)]
pub struct Certificates {
    /// Certificate of the public listener.
    pub public: Option<Tls>,
    /// Certificate of the admin listener.
    pub admin: Option<Tls>,
}

impl Certificates {
    /// Reads the certificates and keys of both listeners.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub(super) fn read(config: &Config) -> Result<Self, PrepareError> {
        Ok(Self { public: tls("public", &config.public.tls)?, admin: tls("admin", &config.admin.tls)? })
    }
}

/// A reason why the settings, or a file that they name, cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PrepareError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("secrets.master_key_file: {0}")]
    Vault(#[from] VaultError),
    #[error("secrets.admin_token_file: {0}")]
    AdminToken(String),
    #[error("public.client_ca_file: {}: {reason}", shown_path(path))]
    Authorities { path: PathBuf, reason: String },
    #[error("{listener}.tls: {}", chain(&**.source))]
    Tls { listener: &'static str, source: Box<TlsError> },
}

/// Reads the master keys again, for [`Vault::take_in`] of the running ones.
pub(super) fn master_keys(running: &Vault, config: &Config) -> Result<MergedKeys, PrepareError> {
    Ok(running.merged(Vault::read(&config.secrets.master_key_file)?)?)
}

/// Reads the admin token.
pub(super) fn admin_token(config: &Config) -> Result<Zeroizing<String>, PrepareError> {
    let token =
        secret_line(&config.secrets.admin_token_file, "`jeton init` makes one").map_err(PrepareError::AdminToken)?;
    check_admin_token(&token).map_err(|rule| PrepareError::AdminToken(format!("the token: {rule}")))?;
    Ok(token)
}

/// Checks an admin token by its characters and its length.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn check_admin_token(token: &str) -> Result<(), String> {
    // a header field carries no other (RFC 9110 section 5.5), and a blank ends a bearer token
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "has a blank or a character outside of ASCII, which no request could present; use only the visible \
                    characters of ASCII (0x21 to 0x7E), `jeton init` makes such a token"
                .to_owned(),
        );
    }
    if token.len() < MIN_ADMIN_TOKEN {
        return Err(format!("at least {MIN_ADMIN_TOKEN} characters, at random (it has {} characters)", token.len()));
    }
    Ok(())
}

/// Reads the authorities that issue certificates to clients.
pub(super) fn authorities(config: &Config) -> Result<Option<Anchors>, PrepareError> {
    let Some(path) = &config.public.client_ca_file else { return Ok(None) };
    let wrong = |reason: String| PrepareError::Authorities { path: path.clone(), reason };
    let mut pem = Vec::new();
    let read = secret_file::open(path).and_then(|file| file.take(MAX_AUTHORITIES).read_to_end(&mut pem));
    read.map_err(|error| wrong(error.to_string()))?;
    Anchors::from_pem(&pem).map(Some).map_err(|error| wrong(error.to_string()))
}

fn tls(listener: &'static str, files: &Option<TlsFiles>) -> Result<Option<Tls>, PrepareError> {
    let load = |files: &TlsFiles| Tls::load(&files.certificate, &files.key, files.client_certificates);
    files.as_ref().map(load).transpose().map_err(|source| PrepareError::Tls { listener, source: Box::new(source) })
}
