//! Redemption of an authorization code (RFC 6749 section 4.1.3): the insertion of its family is the one redemption.

use super::event::RevocationCause;
use super::family::{Beginning, Family, Lifetimes, SecondRedemption, SenderBinding};
use super::key::Key;
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The redemption of an authorization code.
#[derive(Clone, Debug)]
pub struct RedeemCode {
    /// Id in the code.
    pub family: Id,
    /// Id of the issuer.
    pub issuer: Box<str>,
    /// Id of the client, already authenticated and bound to the code.
    pub client: Box<str>,
    /// Subject of the grant.
    pub subject: Box<str>,
    /// The sealed grant.
    pub grant: Box<[u8]>,
    /// Number of the vault's current master key.
    pub key: u8,
    /// Id of the request.
    pub attempt: Id,
    /// Time of issue of the code.
    pub code_issued_at: Time,
    /// Time at which the code expires.
    pub code_expires_at: Time,
    /// Lifetimes of the tokens that the family will issue.
    pub lifetimes: Lifetimes,
    /// Key of which the sender must prove possession to use the refresh tokens, if any.
    pub binding: Option<SenderBinding>,
}

/// The reasons for which a code is not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RedeemRefusal {
    /// The id names a device: the ids of codes and devices are random and never collide.
    #[error("unknown")]
    Unknown,
    /// The code has expired.
    #[error("expired")]
    Expired,
    /// The authorization was revoked, by itself or with its issuer, client or subject.
    #[error("revoked")]
    Revoked,
    /// The code was used before; its family is now revoked.
    #[error("replayed")]
    Replayed,
    /// The code was presented with a wrong proof too often.
    #[error("missed too often")]
    Missed,
}

impl Operation for RedeemCode {
    type Done = ();
    type Refusal = RedeemRefusal;

    const NAME: &'static str = "redeem";
    const BEGINS: bool = true;

    fn key(&self) -> Key {
        Key::Family(self.family)
    }

    fn not_before(&self, _: Option<&Row>) -> Option<[Key; 3]> {
        Some(Key::all_not_before(&self.issuer, &self.client, &self.subject))
    }

    fn size(&self) -> usize {
        self.issuer.len() + self.client.len() + self.subject.len() + self.grant.len()
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), RedeemRefusal>> {
        match row {
            Some(Row::Family(family)) => {
                return match family.redeemed_again(self.attempt, seen.not_before) {
                    SecondRedemption::OwnRetry => Transition::keep(Ok(())),
                    SecondRedemption::Ended => Transition::keep(Err(RedeemRefusal::Revoked)),
                    SecondRedemption::Replay => {
                        let refusal = Err(RedeemRefusal::Replayed);
                        Transition::revoke(family, self.family, RevocationCause::CodeReplayed, seen.now, refusal)
                    }
                };
            }
            Some(Row::MissedCode { misses: u8::MAX, .. }) => return Transition::keep(Err(RedeemRefusal::Missed)),
            Some(Row::Device(_)) => return Transition::keep(Err(RedeemRefusal::Unknown)),
            _ => {}
        }
        if seen.now >= self.code_expires_at {
            return Transition::keep(Err(RedeemRefusal::Expired));
        }
        if self.code_issued_at <= seen.not_before {
            return Transition::keep(Err(RedeemRefusal::Revoked));
        }
        let family = Family::begin(Beginning {
            issuer: &self.issuer,
            client: &self.client,
            subject: &self.subject,
            grant: &self.grant,
            authorized_at: self.code_issued_at,
            key: self.key,
            attempt: self.attempt,
            lifetimes: self.lifetimes,
            now: seen.now,
            code_expires_at: self.code_expires_at,
            binding: self.binding,
        });
        Transition::put(Row::Family(Box::new(family)), Ok(()))
    }
}
