//! The transitions of a family: redeem, miss, rotate, revoke. Each sees one row and says what becomes of it.

use super::{Beginning, Family, Redeem, RevocationReason, Rotate, RotatePolicy, SLACK};
use crate::clock::Time;
use crate::id::Id;
use crate::state::step::{Change, Done, Outcome, Refusal, Row};

pub(in crate::state) fn redeem(row: Option<&Row>, op: &Redeem, fence: Time, now: Time) -> (Change, Outcome) {
    match row {
        Some(Row::Family(family)) => return begun_again(family, op.attempt, fence, now),
        Some(Row::MissedCode { misses: u8::MAX, .. }) => return (Change::Keep, Err(Refusal::Missed)),
        // the ids of codes and devices are random and never meet
        Some(Row::Device(_)) => return (Change::Keep, Err(Refusal::Unknown)),
        _ => {}
    }
    if now >= op.code_expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    if op.code_issued_at <= fence {
        return (Change::Keep, Err(Refusal::Revoked));
    }
    let family = Family::begin(Beginning {
        issuer: &op.issuer,
        client: &op.client,
        subject: &op.subject,
        grant: &op.grant,
        authorized_at: op.code_issued_at,
        key: op.key,
        attempt: op.attempt,
        lifetimes: op.lifetimes,
        now,
        code_expires_at: op.code_expires_at,
    });
    (Change::Put(Row::Family(Box::new(family))), Ok(Done::Redeemed))
}

/// A second redemption: our own retry, or a replay that revokes what the first one produced.
pub(in crate::state) fn begun_again(family: &Family, attempt: Id, fence: Time, now: Time) -> (Change, Outcome) {
    let own_retry = family.attempt == attempt && family.generation == 0;
    if own_retry {
        // what ended in between stays ended, but it was no replay
        let outcome = if family.is_alive(fence) { Ok(Done::Redeemed) } else { Err(Refusal::Revoked) };
        return (Change::Keep, outcome);
    }
    (family.revoked_by(RevocationReason::CodeReplayed, now), Err(Refusal::Replayed))
}

pub(in crate::state) fn miss(row: Option<&Row>, limit: u8, code_expires_at: Time, now: Time) -> (Change, Outcome) {
    let misses = match row {
        // a code that was redeemed already has nothing left to protect
        Some(Row::Family(_) | Row::Device(_)) => return (Change::Keep, Err(Refusal::Replayed)),
        Some(Row::MissedCode { misses, .. }) => *misses,
        _ => 0,
    };
    if now >= code_expires_at {
        return (Change::Keep, Err(Refusal::Expired));
    }
    let misses = misses.saturating_add(1);
    // a voided code is remembered as u8::MAX misses, so that a later change of the limit cannot revive it
    let misses = if misses >= limit { u8::MAX } else { misses };
    (Change::Put(Row::MissedCode { misses, keep_until: code_expires_at }), Ok(Done::Missed))
}

pub(in crate::state) fn rotate(row: Option<&Row>, op: &Rotate, fence: Time, now: Time) -> (Change, Outcome) {
    let Some(Row::Family(family)) = row else {
        return (Change::Keep, Err(Refusal::Unknown));
    };
    if let Some(refusal) = family.refuses(op, fence, now) {
        return (Change::Keep, Err(refusal));
    }
    let own_retry = family.attempt == op.attempt && family.generation == op.generation.wrapping_add(1);
    match (op.policy, family.generation.checked_sub(op.generation)) {
        (_, None) => (Change::Keep, Err(Refusal::Regressed)),
        (RotatePolicy::Keep, Some(0)) => {
            // a sixteenth of the idle time is not worth a write for every use, but what is promised must be kept:
            // without a write the answer is the stored idle time, and the row outlives every access token
            let idle_until = family.expires_at.min(now + op.lifetimes.idle);
            let worth_a_write = idle_until.since(family.idle_until) > op.lifetimes.idle / 16
                || family.keep_until < now + op.lifetimes.access + SLACK;
            if !worth_a_write {
                return (Change::Keep, Ok(Done::Rotated(family.rotated(false))));
            }
            let used = family.extended(op, now);
            let rotated = used.rotated(false);
            (Change::Put(Row::Family(Box::new(used))), Ok(Done::Rotated(rotated)))
        }
        (RotatePolicy::Rotate { .. }, Some(0)) => {
            let Some(generation) = family.generation.checked_add(1) else {
                return (Change::Keep, Err(Refusal::Expired));
            };
            let next = Family {
                generation,
                key: op.key,
                replays: 0,
                attempt: op.attempt,
                rotated_at: now,
                ..family.extended(op, now)
            };
            let rotated = next.rotated(false);
            (Change::Put(Row::Family(Box::new(next))), Ok(Done::Rotated(rotated)))
        }
        (_, Some(1)) if own_retry => (Change::Keep, Ok(Done::Rotated(family.rotated(false)))),
        (RotatePolicy::Rotate { grace, replays }, Some(1))
            if now < family.rotated_at + grace && family.replays < replays =>
        {
            let again = Family {
                replays: family.replays + 1,
                keep_until: family.keep_until.max(now + op.lifetimes.access + SLACK),
                ..Family::clone(family)
            };
            let rotated = again.rotated(true);
            (Change::Put(Row::Family(Box::new(again))), Ok(Done::Rotated(rotated)))
        }
        (_, Some(_)) => (family.revoked_by(RevocationReason::TokenReused, now), Err(Refusal::Reused)),
    }
}

pub(in crate::state) fn revoke(row: Option<&Row>, issuer: &str, client: Option<&str>, now: Time) -> (Change, Outcome) {
    let Some(Row::Family(family)) = row else {
        return (Change::Keep, Ok(Done::Revoked));
    };
    if &*family.issuer != issuer || client.is_some_and(|client| client != &*family.client) {
        return (Change::Keep, Err(Refusal::WrongClient));
    }
    (family.revoked_by(RevocationReason::Requested, now), Ok(Done::Revoked))
}
