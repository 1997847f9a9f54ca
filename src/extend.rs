//! What somebody who embeds jeton adds to it. In the repository itself a new grant is one file and one line in a list; here
//! it is one file and one line in a value.

use std::sync::Arc;

use crate::grant::{self, Grant};

/// Additions to what is built in.
#[derive(Clone, Default)]
pub struct Extensions {
    /// Grants. The type of each must be none that is built in; an issuer offers it once its `grant_types` name it.
    pub grants: Vec<Arc<dyn Grant>>,
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let grants = self.grants.iter().map(|grant| grant.grant_type());
        f.debug_struct("Extensions").field("grants", &grants.collect::<Vec<_>>()).finish()
    }
}

impl Extensions {
    /// Every grant: those that are built in, then these.
    pub fn all_grants(&self) -> Vec<Arc<dyn Grant>> {
        grant::built_in().into_iter().chain(self.grants.iter().cloned()).collect()
    }
}
