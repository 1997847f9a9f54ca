//! The token that protects the admin API.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use hyper::header::{AUTHORIZATION, HeaderMap};
use subtle::ConstantTimeEq;

/// The admin token, known by its hash only. Clones share what [`AdminToken::replace`] changes.
#[derive(Clone)]
pub struct AdminToken {
    hash: Arc<ArcSwap<[u8; 32]>>,
    is_fixed: bool,
}

impl AdminToken {
    /// `token` until it is replaced.
    pub fn new(token: &str) -> Self {
        Self { hash: Arc::new(ArcSwap::from_pointee(sha256(token.as_bytes()))), is_fixed: false }
    }

    /// `token` for as long as the process lives, whatever a file says.
    pub fn fixed(token: &str) -> Self {
        Self { is_fixed: true, ..Self::new(token) }
    }

    /// From now on `token` is the one that counts, and the one before is worth nothing.
    pub fn replace(&self, token: &str) {
        if !self.is_fixed {
            self.hash.store(Arc::new(sha256(token.as_bytes())));
        }
    }

    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let presented = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
        // schemes have no case (RFC 9110 section 11.1)
        let token = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")).map(|(_, token)| token);
        token.is_some_and(|token| sha256(token.trim().as_bytes()).ct_eq(&**self.hash.load()).into())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
