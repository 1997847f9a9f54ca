//! The names of grant types (RFC 6749 sections 4.1.3, 4.4.2, 6). The list of those this service knows is the list
//! of registered grants, not an enum.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A grant type, as it stands in `grant_type`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantType(Cow<'static, str>);

impl GrantType {
    /// `authorization_code`, RFC 6749 section 4.1.3.
    pub const AUTHORIZATION_CODE: Self = Self(Cow::Borrowed("authorization_code"));
    /// `refresh_token`, RFC 6749 section 6.
    pub const REFRESH_TOKEN: Self = Self(Cow::Borrowed("refresh_token"));
    /// `client_credentials`, RFC 6749 section 4.4.2.
    pub const CLIENT_CREDENTIALS: Self = Self(Cow::Borrowed("client_credentials"));
    /// `password`, RFC 6749 section 4.3.2.
    pub const PASSWORD: Self = Self(Cow::Borrowed("password"));
    /// `urn:ietf:params:oauth:grant-type:device_code`, RFC 8628 section 3.4.
    pub const DEVICE_CODE: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:grant-type:device_code"));
    /// `urn:ietf:params:oauth:grant-type:token-exchange`, RFC 8693 section 2.1.
    pub const TOKEN_EXCHANGE: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:grant-type:token-exchange"));
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`, RFC 7523 section 2.1.
    pub const JWT_BEARER: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:grant-type:jwt-bearer"));

    /// Returns the name on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for GrantType {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl std::borrow::Borrow<str> for GrantType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for GrantType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
