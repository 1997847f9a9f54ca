//! Formats of tokens and codes on the wire, as pure functions: no I/O, no async, no clock.

pub(crate) mod access;
mod access_format;
mod claim_style;
pub(crate) mod code;
mod confirmation;
pub(crate) mod device_code;
pub(crate) mod granted;
pub(crate) mod id_token;
pub(crate) mod opaque;
pub(crate) mod proof_key;
pub(crate) mod refresh;
mod scope_claim;
mod sealed;
mod signed;
pub(crate) mod user_code;
pub(crate) mod wire;

pub use granted::Granted;
