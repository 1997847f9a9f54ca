//! Public keys of other parties as JWK Sets (RFC 7517 section 5): read, kept and fetched.

pub mod keyset;
pub mod remote;
