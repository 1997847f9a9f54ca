//! Rules that the JWTs of clients and of federated providers share.

use std::time::Duration;

use serde_json::Value;

use crate::clock::Time;
use crate::protocol::numeric_date::NumericDate;

/// Time that the client's clock may be ahead.
pub(super) const SKEW: Duration = Duration::from_secs(30);
/// Longest `jti`, in bytes.
pub(super) const MAX_JTI: usize = 256;

/// Reads the moment that a claim names (RFC 7519 section 2, NumericDate).
pub(super) fn instant(value: &Value) -> Option<Time> {
    NumericDate::read(value).map(NumericDate::time)
}
