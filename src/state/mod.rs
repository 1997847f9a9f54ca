//! The state behind codes and tokens as pure functions: no I/O, no async, no clock of its own.
//!
//! One operation touches one row. Each is a type of its own, in a file of its own, that declares its results and
//! refusals. An engine reads the row, calls [`Op::step`], makes the change durable and only then answers; so
//! redemption, rotation, reuse detection and revocation are one atomic transition each. [`op`] is the only place that
//! lists all operations.

pub(crate) mod consume_device;
pub(crate) mod decide_device;
pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod family;
pub(crate) mod key;
pub(crate) mod miss;
pub(crate) mod name_user_code;
pub(crate) mod op;
pub(crate) mod raise_not_before;
pub(crate) mod redeem;
pub(crate) mod revoke_family;
pub(crate) mod revoke_token;
pub(crate) mod rotate;
pub(crate) mod row;
pub(crate) mod spend_assertion;
pub(crate) mod start_device;
pub(crate) mod transition;

#[cfg(test)]
mod tests;

pub(crate) use consume_device::{ConsumeDevice, ConsumeRefusal};
pub(crate) use decide_device::{DecideDevice, DecideRefusal, DeviceDecision};
pub(crate) use device::{Decision, Device};
pub use event::Event;
pub(crate) use event::RevocationCause;
pub use family::Lifetimes;
pub(crate) use family::{Family, SenderBinding};
pub use key::{Cell, Key};
pub(crate) use key::{NotBeforeOf, Placed};
pub(crate) use miss::CountMiss;
pub(crate) use name_user_code::{NameRefusal, NameUserCode};
pub use op::{Op, Outcome};
pub(crate) use raise_not_before::RaiseNotBefore;
pub use redeem::RedeemCode;
pub(crate) use redeem::RedeemRefusal;
pub(crate) use revoke_family::{RevokeFamily, RevokeRefusal};
pub(crate) use revoke_token::RevokeToken;
pub(crate) use rotate::{GRACE_AFTER_OUTAGE, RotateRefusal, Rotated};
pub use rotate::{Rotate, RotatePolicy};
pub use row::Row;
pub(crate) use spend_assertion::{SpendAssertion, SpendRefusal};
pub(crate) use start_device::{StartDevice, StartRefusal};
pub(crate) use transition::{Operation, Transition};
pub use transition::{Outage, Seen};
