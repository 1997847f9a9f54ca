//! Tokens and the state behind them, as pure functions: no I/O, no async, no clock of their own.

pub mod access;
pub mod code;
pub mod device_code;
pub mod granted;
pub mod id_token;
pub mod opaque;
pub mod proof_key;
pub mod refresh;
pub mod wire;

pub use granted::Granted;
