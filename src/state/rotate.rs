//! Exchange of a refresh token for its successor (RFC 6749 section 6, RFC 9700 section 4.14.2).

use std::time::Duration;

use super::event::{Event, RevocationCause};
use super::family::{Family, Lifetimes, SLACK, SenderBinding};
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Outage, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// Shortest grace period after an outage of a shared engine: a failover takes 20 to 30 seconds, and a client that gave up
/// within it tries again after as long.
pub(crate) const GRACE_AFTER_OUTAGE: Duration = Duration::from_secs(30);

/// The exchange of a refresh token for its successor.
#[derive(Clone, Debug)]
pub struct Rotate {
    /// Id of the family in the token.
    pub family: Id,
    /// Generation in the token.
    pub generation: u32,
    /// Id of the issuer that received the request.
    pub issuer: Box<str>,
    /// Id of the client, already authenticated.
    pub client: Box<str>,
    /// Number of the vault's current master key.
    pub key: u8,
    /// Id of the request.
    pub attempt: Id,
    /// Rotation policy of the client.
    pub policy: RotatePolicy,
    /// Lifetimes of the tokens that will be issued.
    pub lifetimes: Lifetimes,
    /// Proof of possession that the sender presented, if any.
    pub shown: Option<SenderBinding>,
}

/// The treatment of a refresh token that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotatePolicy {
    /// The token is replaced. A retry within `grace` gets the same successor, at most `replays` times.
    Rotate {
        /// Grace period; zero is strict: any second use is reuse.
        grace: Duration,
        /// Number of retries that are answered within the grace period.
        replays: u16,
    },
    /// The token stays the same (FAPI 2.0 section 5.3.2.1-9, for sender-constrained clients).
    Keep,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Subject of the grant.
    pub subject: Box<str>,
    /// The sealed grant.
    pub grant: Box<[u8]>,
    /// Generation of the refresh token to hand out.
    pub generation: u32,
    /// Number of the master key that makes the token's MAC.
    pub key: u8,
    /// Time until which the token works if it is not used.
    pub idle_until: Time,
    /// True for a retry within the grace period: the successor was handed out before.
    pub replayed: bool,
}

/// The reasons for which a refresh token is not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RotateRefusal {
    /// No such family exists.
    #[error("unknown")]
    Unknown,
    /// The family belongs to another client.
    #[error("wrong client")]
    WrongClient,
    /// The family is bound to a key of which the sender presented no proof.
    #[error("wrong sender: the token is bound to another certificate")]
    WrongSender,
    /// The family was revoked, by itself or with its issuer, client or subject.
    #[error("revoked")]
    Revoked,
    /// The family or its idle time has expired.
    #[error("expired")]
    Expired,
    /// A spent token was presented after its grace period; the family is now revoked.
    #[error("reused")]
    Reused,
    /// The token proves a generation that the store has never seen: the store lost data.
    #[error("regressed")]
    Regressed,
}

impl Operation for Rotate {
    type Done = Box<Rotated>;
    type Refusal = RotateRefusal;

    const NAME: &'static str = "rotate";

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
        let Some(Row::Family(family)) = row else { return None };
        Some(Key::all_not_before(&family.issuer, &family.client, &family.subject))
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<Box<Rotated>, RotateRefusal>> {
        let Some(Row::Family(family)) = row else {
            return Transition::keep(Err(RotateRefusal::Unknown));
        };
        match self.refusal(family, seen) {
            Some(RotateRefusal::WrongClient) => {
                let (issuer, client) = (self.issuer.clone(), self.client.clone());
                Transition::keep(Err(RotateRefusal::WrongClient))
                    .telling(Event::RefreshTokenOfAnother { issuer, client })
            }
            Some(refusal) => Transition::keep(Err(refusal)),
            None => self.rotate(family, seen),
        }
    }
}

impl Rotate {
    /// Returns the reason for which the family refuses the token whatever its generation; `None` if there is none.
    fn refusal(&self, family: &Family, seen: Seen) -> Option<RotateRefusal> {
        if family.issuer != self.issuer || family.client != self.client {
            Some(RotateRefusal::WrongClient)
        } else if !SenderBinding::is_met(family.binding, self.shown) {
            Some(RotateRefusal::WrongSender)
        } else if !family.is_alive(seen.not_before) {
            Some(RotateRefusal::Revoked)
        } else if seen.now >= family.idle_until || seen.now >= family.expires_at {
            Some(RotateRefusal::Expired)
        } else {
            None
        }
    }

    fn rotate(&self, family: &Family, seen: Seen) -> Transition<Result<Box<Rotated>, RotateRefusal>> {
        let now = seen.now;
        let own_retry = family.attempt == self.attempt && family.generation == self.generation.wrapping_add(1);
        match (self.policy, family.generation.checked_sub(self.generation)) {
            (_, None) => {
                let (issuer, client) = (self.issuer.clone(), self.client.clone());
                Transition::keep(Err(RotateRefusal::Regressed)).telling(Event::StateRegressed { issuer, client })
            }
            (RotatePolicy::Keep, Some(0)) => {
                // a sixteenth of the idle time is not worth a write for every use, but what is promised must be kept:
                // without a write the answer is the stored idle time, and the row outlives every access token
                let idle_until = family.expires_at.min(now + self.lifetimes.idle);
                let worth_a_write = idle_until.since(family.idle_until) > self.lifetimes.idle / 16
                    || family.keep_until < now + self.lifetimes.access + SLACK;
                if worth_a_write {
                    handed_out(self.extended(family, now), false)
                } else {
                    Transition::keep(Ok(rotated(family, false)))
                }
            }
            (RotatePolicy::Rotate { .. }, Some(0)) => {
                let Some(generation) = family.generation.checked_add(1) else {
                    return Transition::keep(Err(RotateRefusal::Expired));
                };
                let (key, attempt) = (self.key, self.attempt);
                let extended = self.extended(family, now);
                handed_out(Family { generation, key, replays: 0, attempt, rotated_at: now, ..extended }, false)
            }
            (_, Some(1)) if own_retry => Transition::keep(Ok(rotated(family, false))),
            (RotatePolicy::Rotate { grace, replays }, Some(1))
                if family.replays < replays && now < grace_ends(family.rotated_at, grace, seen.outage) =>
            {
                let keep_until = family.keep_until.max(now + self.lifetimes.access + SLACK);
                handed_out(Family { replays: family.replays + 1, keep_until, ..family.clone() }, true)
            }
            (_, Some(_)) => Transition::revoke(
                family,
                self.family,
                RevocationCause::RefreshTokenReused,
                now,
                Err(RotateRefusal::Reused),
            ),
        }
    }

    /// Returns the family after a use at `now`: idle time starts again, within the absolute lifetime.
    fn extended(&self, family: &Family, now: Time) -> Family {
        let idle_until = family.expires_at.min(now + self.lifetimes.idle);
        let keep_until = family.keep_until.max(idle_until).max(now + self.lifetimes.access + SLACK);
        Family { idle_until, keep_until, ..family.clone() }
    }
}

/// Returns the end of the grace period of a rotation. If the engine went away within it, the answer may have been lost with
/// it and the client have come back in vain, so the period starts again when the engine is there.
fn grace_ends(rotated_at: Time, grace: Duration, outage: Option<Outage>) -> Time {
    let ends = rotated_at + grace;
    match outage {
        // a strict policy stays strict
        Some(Outage { began, ended }) if !grace.is_zero() && began < ends && rotated_at < ended => {
            ends.max(ended + grace.max(GRACE_AFTER_OUTAGE))
        }
        _ => ends,
    }
}

fn handed_out(family: Family, replayed: bool) -> Transition<Result<Box<Rotated>, RotateRefusal>> {
    let rotated = rotated(&family, replayed);
    Transition::put(Row::Family(Box::new(family)), Ok(rotated))
}

fn rotated(family: &Family, replayed: bool) -> Box<Rotated> {
    Box::new(Rotated {
        subject: family.subject.clone(),
        grant: family.grant.clone(),
        generation: family.generation,
        key: family.key,
        idle_until: family.idle_until,
        replayed,
    })
}
