//! Tokens and the state behind them, as pure functions: no I/O, no async, no clock of their own.

pub mod access;
pub mod code;
pub mod device;
pub mod device_code;
pub mod family;
pub mod granted;
pub mod id_token;
pub mod key;
pub mod op;
pub mod opaque;
pub mod proof_key;
pub mod refresh;
pub mod state;
pub mod wire;

pub use device::{Consume, Decide, Decision, Device, StartDevice, Verdict};
pub use family::{Family, Lifetimes, Redeem, Rotate, RotatePolicy, Rotated};
pub use granted::Granted;
pub use key::{Fence, Key, MarkKind};
pub use op::Op;
pub use state::{Done, Outcome, Refusal, Row, step};
