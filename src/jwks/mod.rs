//! Public keys of other parties as JWK Sets (RFC 7517 section 5): read, kept and fetched.

pub(crate) mod keyset;
pub(crate) mod remote;
