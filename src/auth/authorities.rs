//! Authorities that issue certificates to clients (RFC 8705 section 2.1).

use std::fmt;

use arc_swap::ArcSwapOption;

use crate::clock::Time;
use crate::x509::{Anchors, Chain, Usage};

/// The trusted authorities; they can be replaced while serving.
#[derive(Default)]
pub struct Authorities(ArcSwapOption<Anchors>);

impl Authorities {
    /// Makes those of `anchors`, or none.
    pub fn new(anchors: Option<Anchors>) -> Self {
        Self(ArcSwapOption::from_pointee(anchors))
    }

    /// Replaces the authorities.
    pub fn replace(&self, anchors: Option<Anchors>) {
        self.0.store(anchors.map(Into::into));
    }

    /// Returns whether one of them issued the certificate, for clients and for now.
    pub(super) fn trust(&self, chain: &Chain, now: Time) -> bool {
        let anchors = self.0.load();
        anchors.as_ref().is_some_and(|anchors| chain.verify(anchors, Usage::ClientAuth, now).is_ok())
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.load().fmt(f)
    }
}
