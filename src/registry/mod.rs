//! The registry: issuers and clients, as every request reads them and as files and the admin API change them.
//!
//! Clients of the configuration file are a snapshot that a reload swaps whole or not at all. Clients of the admin API
//! are documents of the store, changed one by one with compare-and-set; the file wins where both name an id.

mod catch_up;
mod change;
mod error;
mod live;
mod look_budget;
mod registered;
mod reload;
pub(crate) mod route;
mod snapshot;
mod stored;

pub(crate) use error::RegistryError;
pub(crate) use live::Registry;
pub(crate) use registered::Registered;
pub(crate) use reload::ClientLoss;
pub(crate) use snapshot::Snapshot;
pub use stored::StoredClient;
pub(crate) use stored::resolve;

#[cfg(test)]
mod tests;
