//! Exit codes, as sysexits.h has them.

/// The command failed.
pub(crate) const FAILED: u8 = 1;
/// The configuration or the command line is wrong (`EX_USAGE`).
pub(crate) const CONFIG: u8 = 64;
/// Something the daemon needs is not there: a port, the store (`EX_UNAVAILABLE`).
pub(crate) const UNAVAILABLE: u8 = 69;
/// The daemon could not go on (`EX_SOFTWARE`).
pub(crate) const INTERNAL: u8 = 70;
