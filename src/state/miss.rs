//! Count a presentation of an authorization code with wrong proof, so that a code does not survive guessing
//! (CHECKLIST 46).

use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// Count a presentation of a code with wrong proof.
#[derive(Clone, Debug)]
pub struct CountMiss {
    /// The id in the code.
    pub family: Id,
    /// How many wrong presentations void the code.
    pub limit: u8,
    /// When the code expires.
    pub code_expires_at: Time,
}

/// Why a wrong presentation is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissRefusal {
    /// The code was redeemed: nothing is left to protect.
    #[error("redeemed")]
    Redeemed,
    /// The code is over.
    #[error("expired")]
    Expired,
}

impl Operation for CountMiss {
    type Done = ();
    type Refusal = MissRefusal;

    const NAME: &'static str = "miss";

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), MissRefusal>> {
        let misses = match row {
            Some(Row::Family(_) | Row::Device(_)) => return Transition::keep(Err(MissRefusal::Redeemed)),
            Some(Row::MissedCode { misses, .. }) => *misses,
            _ => 0,
        };
        if seen.now >= self.code_expires_at {
            return Transition::keep(Err(MissRefusal::Expired));
        }
        let misses = misses.saturating_add(1);
        // a voided code is remembered as u8::MAX misses, so that a later change of the limit cannot revive it
        let misses = if misses >= self.limit { u8::MAX } else { misses };
        Transition::put(Row::MissedCode { misses, keep_until: self.code_expires_at }, Ok(()))
    }
}
