//! The state behind codes and tokens as pure functions: no I/O, no async, no clock of its own.

pub mod device;
pub mod family;
pub mod key;
pub mod op;
pub mod step;

pub use device::{Consume, Decide, Decision, Device, StartDevice, Verdict};
pub use family::{Family, Lifetimes, Redeem, Rotate, RotatePolicy, Rotated};
pub use key::{Fence, Key, MarkKind};
pub use op::Op;
pub use step::{Done, Outcome, Refusal, Row, step};
