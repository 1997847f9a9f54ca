//! The rings that issuers need, and the ways in which an operator can have them rotated.

use super::ring::Policy;
use crate::jose::Algorithm;

/// The rings that an issuer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerRings {
    /// Id of the issuer: the first part of its rings' names.
    pub issuer: String,
    /// Signing algorithms of the issuer, with a ring for each.
    pub algorithms: Vec<Algorithm>,
    /// Rotation policy of its keys.
    pub policy: Policy,
}

/// The ways in which an operator can introduce new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationKind {
    /// The key is announced first, so no verifier is affected. Nothing happens if a successor is announced already.
    Planned,
    /// The key signs at once, because the old one should sign no more; the old one's signatures stay valid.
    Emergency,
    /// The key signs at once, and the old keys are deleted, which voids everything they signed, because one of them is
    /// compromised.
    Withdrawal,
}
