//! The endpoints of an issuer's public surface.

/// An endpoint; where it lives is the dialect's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// RFC 6749 section 3.2.
    Token,
    /// RFC 7662.
    Introspection,
    /// RFC 7009.
    Revocation,
    /// RFC 8628 section 3.1; there only if its grant is offered.
    DeviceAuthorization,
    /// RFC 7517 section 5.
    Jwks,
    /// OpenID Connect Discovery section 4.
    OpenIdConfiguration,
    /// RFC 8414 section 3.
    AuthorizationServerMetadata,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 7] = [
        Self::Token,
        Self::Introspection,
        Self::Revocation,
        Self::DeviceAuthorization,
        Self::Jwks,
        Self::OpenIdConfiguration,
        Self::AuthorizationServerMetadata,
    ];

    /// Returns the label in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspection => "introspect",
            Self::Revocation => "revoke",
            Self::DeviceAuthorization => "device_authorization",
            Self::Jwks => "jwks",
            Self::OpenIdConfiguration => "openid_configuration",
            Self::AuthorizationServerMetadata => "oauth_metadata",
        }
    }

    /// Returns whether the endpoint takes a form by POST; the others are documents for GET.
    pub const fn takes_form(self) -> bool {
        match self {
            Self::Token | Self::Introspection | Self::Revocation | Self::DeviceAuthorization => true,
            Self::Jwks | Self::OpenIdConfiguration | Self::AuthorizationServerMetadata => false,
        }
    }
}
