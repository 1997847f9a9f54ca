//! Client authentication at every endpoint that asks for it (RFC 6749 section 2.3): exactly one method, the registered
//! one, in constant time, with one answer for whatever was wrong (CHECKLIST 16-22).
//!
//! A claim is detected and verified by its method, one file each in `methods`. Whatever the claim, the work is done before
//! anybody asks whether the client exists, and a failure is told no sooner than a floor after the claim was looked at,
//! which hides what is left: how many secrets were compared, whether a map had the client.

mod assertion;
mod assertion_rules;
mod attempt;
mod audience;
mod audit_line;
mod authenticated;
mod authenticator;
mod authorities;
mod claim;
mod claimed_name;
mod counts;
mod detect;
mod evidence;
mod external;
mod failure;
mod federated;
mod guesses;
mod jwt;
mod method;
mod methods;
mod password;
mod pending;
mod pool;
mod sender;
mod services;
mod signature;
mod spellings;

pub(crate) use authenticated::AuthenticatedClient;
pub(crate) use authenticator::{Authenticator, AuthenticatorParts};
pub(crate) use authorities::Authorities;
pub(crate) use claimed_name::ClaimedName;
pub use evidence::Evidence;
pub use external::{Claimed, ClientAuth, Verifying};
pub(crate) use failure::AuthFailure;
pub use methods::built_in;
pub(crate) use pool::HashPool;
