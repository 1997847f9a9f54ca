//! The registry: issuers and clients, as every request reads them and as files and the admin API change them.
//!
//! Clients of the configuration file are a snapshot that a reload swaps whole or not at all. Clients of the admin API
//! are documents of the store, changed one by one with compare-and-set; the file wins where both name an id.

mod change;
mod error;
mod live;
mod registered;
mod reload;
pub mod route;
mod snapshot;
mod stored;

pub use error::RegistryError;
pub use live::Registry;
pub use registered::Registered;
pub use reload::{ClientLoss, StoredClients};
pub use snapshot::Snapshot;
pub use stored::{StoredClient, resolve};

#[cfg(test)]
mod tests;
