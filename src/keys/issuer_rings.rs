//! The rings that issuers need, and how an operator wants them rotated.

use super::ring::Policy;
use crate::jose::Algorithm;

/// The rings that an issuer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerRings {
    /// The issuer's id: the first part of its rings' names.
    pub issuer: String,
    /// What it signs with: a ring for each.
    pub algorithms: Vec<Algorithm>,
    /// When its keys change.
    pub policy: Policy,
}

/// How an operator wants new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationKind {
    /// Announced first: no verifier notices. Nothing happens if a successor is announced already.
    Planned,
    /// Signs at once, because the old key should sign no more; what it signed stays good.
    Emergency,
    /// Signs at once, and the old keys are forgotten with all that they signed, because one is in wrong hands.
    Withdrawal,
}
