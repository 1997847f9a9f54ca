//! The reason why the registry could not be changed.

use crate::client::metadata::MetadataError;
use crate::store::StoreError;

/// The reason why the registry could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The metadata breaks a rule.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The id is taken.
    #[error("a client with this id exists already")]
    Exists,
    /// There is no such client.
    #[error("there is no such client")]
    NotFound,
    /// The client has no such secret.
    #[error("the client has no such secret")]
    NoSecret,
    /// The client has as many secrets as it may have.
    #[error("the client has 8 secrets; delete one it no longer uses")]
    TooManySecrets,
    /// The client stands in the configuration file.
    #[error("this client stands in the configuration file; change it there and reload")]
    InFile,
    /// Somebody else changed the client at the same time.
    #[error("somebody else changed this client at the same time; read it again")]
    Conflict,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
