//! Counting of presentations of an authorization code with a wrong proof, so that a code does not survive guessing
//! (CHECKLIST 46).

use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The count of one presentation of a code with a wrong proof.
#[derive(Clone, Debug)]
pub struct CountMiss {
    /// Id in the code.
    pub family: Id,
    /// Number of wrong presentations that voids the code.
    pub limit: u8,
    /// Time at which the code expires.
    pub code_expires_at: Time,
}

/// The reasons for which a wrong presentation is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissRefusal {
    /// The code was redeemed: nothing is left to protect.
    #[error("redeemed")]
    Redeemed,
    /// The code has expired.
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
