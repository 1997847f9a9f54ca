//! The state behind codes and tokens as pure functions: no I/O, no async, no clock of its own.
//!
//! One operation touches one row. Each is a type of its own, in a file of its own, that declares its results and
//! refusals. An engine reads the row, calls [`Op::step`], makes the change durable and only then answers; so
//! redemption, rotation, reuse detection and revocation are one atomic transition each. [`op`] is the only place that
//! lists all operations.

pub mod consume_device;
pub mod decide_device;
pub mod device;
pub mod event;
pub mod family;
pub mod key;
pub mod miss;
pub mod name_user_code;
pub mod op;
pub mod raise_not_before;
pub mod redeem;
pub mod revoke_family;
pub mod revoke_token;
pub mod rotate;
pub mod row;
pub mod spend_assertion;
pub mod start_device;
pub mod transition;

#[cfg(test)]
mod tests;

pub use consume_device::{ConsumeDevice, ConsumeRefusal};
pub use decide_device::{DecideDevice, DecideRefusal, DeviceDecision};
pub use device::{Decision, Device};
pub use event::{Event, RevocationCause};
pub use family::{Family, Lifetimes, SenderBinding};
pub use key::{Cell, Key, NotBeforeOf, Placed};
pub use miss::{CountMiss, MissRefusal};
pub use name_user_code::{NameRefusal, NameUserCode};
pub use op::{Op, Outcome};
pub use raise_not_before::RaiseNotBefore;
pub use redeem::{RedeemCode, RedeemRefusal};
pub use revoke_family::{RevokeFamily, RevokeRefusal};
pub use revoke_token::RevokeToken;
pub use rotate::{Rotate, RotatePolicy, RotateRefusal, Rotated};
pub use row::Row;
pub use spend_assertion::{SpendAssertion, SpendRefusal};
pub use start_device::{StartDevice, StartRefusal};
pub use transition::{Operation, Seen, Transition};
