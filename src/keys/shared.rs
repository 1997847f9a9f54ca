//! The state that requests and the rotation share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::issuer_rings::IssuerRings;
use super::published::Published;
use super::round::Keeper;
use super::waiting::KeyWaiters;

/// The state that outlives the rotation actor, which goes on from here when it is restarted.
pub(super) struct Shared {
    pub(super) keeper: Arc<Keeper>,
    pub(super) settings: ArcSwap<Vec<IssuerRings>>,
    pub(super) published: ArcSwap<Published>,
    /// Changes whenever `published` does, to wake requests that wait for a first key.
    pub(super) rounds: watch::Sender<()>,
    pub(super) waiting: KeyWaiters,
}

impl Shared {
    pub(super) fn publish(&self, published: Published) {
        self.keeper.report(&published);
        self.published.store(Arc::new(published));
        self.rounds.send_replace(());
    }
}
