//! Formats of tokens and codes on the wire, as pure functions: no I/O, no async, no clock.

pub mod access;
mod access_format;
mod claim_style;
pub mod code;
mod confirmation;
pub mod device_code;
pub mod granted;
pub mod id_token;
pub mod opaque;
pub mod proof_key;
pub mod refresh;
mod scope_claim;
mod sealed;
mod signed;
pub mod user_code;
pub mod wire;

pub use granted::Granted;
