//! Format and `typ` of access tokens.

use serde::{Deserialize, Serialize};

/// The format of access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessTokenFormat {
    /// A signed JWT, which a resource server reads without asking (RFC 9068).
    #[default]
    Jwt,
    /// The claims, sealed: only introspection reads them (RFC 7662).
    Opaque,
}

/// The header `typ` of JWT access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessTokenTyp {
    /// `at+jwt` (RFC 9068 section 2.1).
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// `JWT`, as before RFC 9068: for resource servers that refuse any other.
    #[serde(rename = "JWT")]
    Jwt,
}
