//! The health and the end of the engine.

use super::Postgres;
use super::primary::Primary;
use crate::store::{Health, Lifecycle, Pending};

impl Lifecycle for Postgres {
    /// Never [`Health::Failed`]: another node, or a later moment, may find the servers in order.
    fn health(&self) -> Health {
        match self.links() {
            Err(error) => Health::Unavailable(error.to_string()),
            Ok(links) => match &*links.primary.borrow() {
                Primary::Found(_) => Health::Ready,
                Primary::Sought => Health::Unavailable("the primary is being looked for".to_owned()),
                Primary::Away { reason, .. } => Health::Unavailable(reason.clone()),
            },
        }
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn close(&self) -> Pending<'_, ()> {
        // the lanes end with their handles, and the connections in order with the lanes
        self.links.store(None);
        Box::pin(std::future::ready(Ok(())))
    }
}
