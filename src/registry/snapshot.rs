//! Issuers and clients of the configuration file.

use std::collections::HashMap;
use std::sync::Arc;

use super::route::Routes;
use crate::client::Client;
use crate::issuer::Issuer;

/// Issuers and the clients of the configuration file.
#[derive(Default)]
pub struct Snapshot {
    /// Issuers by id.
    pub issuers: HashMap<String, Arc<Issuer>>,
    /// Clients by issuer id and client id.
    pub clients: HashMap<String, HashMap<String, Arc<Client>>>,
    /// Routes by the path of a request.
    pub routes: Routes,
}

impl Snapshot {
    /// Returns warnings about settings that are allowed and hardly meant, in the order of the issuers' ids.
    pub fn warnings(&self) -> Vec<String> {
        let mut issuers: Vec<&Arc<Issuer>> = self.issuers.values().collect();
        issuers.sort_by(|a, b| a.id.cmp(&b.id));
        issuers.into_iter().flat_map(|issuer| issuer.warnings()).collect()
    }

    /// Logs the keys of the settings that are passed over.
    pub fn report_skipped_keys(&self) {
        for key in self.issuers.values().flat_map(|issuer| issuer.skipped_keys()) {
            tracing::warn!(key, "a key in the settings cannot be used");
        }
    }
}
