//! Dialects: how a vendor spells the same endpoints. A dialect decides paths and shapes, never a security rule. A new
//! one is one file and one line in [`ALL`].

mod rfc;

use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::OAuthError;
use crate::protocol::response::TokenResponse;

/// How endpoints, answers and errors look.
pub trait Dialect: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &'static str;

    /// Where an endpoint lives, below the issuer's path.
    fn path(&self, endpoint: Endpoint) -> &'static str;

    /// The body of a successful token response.
    fn success(&self, response: &TokenResponse) -> Vec<u8>;

    /// Status and body of an error.
    fn error(&self, error: &OAuthError) -> (u16, Vec<u8>);
}

/// Every dialect.
pub const ALL: [&dyn Dialect; 1] = [&rfc::Rfc];

/// The dialect with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| dialect.name() == name)
}

/// The dialect of an issuer whose settings were checked.
pub fn of(issuer: &crate::client::Issuer) -> &'static dyn Dialect {
    by_name(&issuer.settings.dialect).unwrap_or(default())
}

/// The dialect of an answer that belongs to no issuer.
pub fn default() -> &'static dyn Dialect {
    &rfc::Rfc
}

/// Full path of an endpoint of an issuer at `issuer_path`. RFC 8414 section 3.1 puts its well-known part *before* the
/// issuer's path; OpenID Connect Discovery section 4 puts its own behind it.
pub fn full_path(dialect: &dyn Dialect, issuer_path: &str, endpoint: Endpoint) -> String {
    let own = dialect.path(endpoint);
    if endpoint == Endpoint::AuthorizationServerMetadata {
        format!("{own}{issuer_path}")
    } else {
        format!("{issuer_path}{own}")
    }
}
