//! Operations for tests, with short lifetimes that are not whole seconds.

use std::time::Duration;

use crate::clock::Time;
use crate::id::Id;
use crate::state::{Lifetimes, RedeemCode, Rotate, RotatePolicy};

/// Lifetimes of the suite's families and their tokens.
pub const LIFETIMES: Lifetimes = Lifetimes {
    access: Duration::from_millis(5_500),
    idle: Duration::from_millis(30_250),
    absolute: Duration::from_millis(120_750),
};

/// A policy with three seconds of grace and two replays.
pub const GRACE: RotatePolicy = RotatePolicy::Rotate { grace: Duration::from_secs(3), replays: 2 };

/// Returns a family's id that lands in shard `n` of 256 or fewer.
pub fn family(n: u8) -> Id {
    let mut id = [n; 16];
    id[0] = 0;
    Id(id)
}

/// Returns the redemption of code `n` by the request `attempt`.
pub fn redeem(n: u8, attempt: u8, now: Time) -> RedeemCode {
    RedeemCode {
        family: family(n),
        issuer: "main".into(),
        client: "web".into(),
        subject: "alice".into(),
        grant: vec![n; 200].into(),
        key: 1,
        attempt: Id([attempt; 16]),
        code_issued_at: now,
        code_expires_at: now + Duration::from_secs(60),
        lifetimes: LIFETIMES,
        binding: None,
    }
}

/// Returns the exchange of a refresh token of family `n` by the request `attempt`.
pub fn rotate(n: u8, generation: u32, attempt: u8) -> Rotate {
    Rotate {
        family: family(n),
        generation,
        issuer: "main".into(),
        client: "web".into(),
        key: 1,
        attempt: Id([attempt; 16]),
        policy: GRACE,
        lifetimes: LIFETIMES,
        shown: None,
    }
}
