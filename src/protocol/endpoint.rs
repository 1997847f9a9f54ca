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
    /// RFC 7517 section 5.
    Jwks,
    /// OpenID Connect Discovery section 4.
    OpenIdConfiguration,
    /// RFC 8414 section 3.
    AuthorizationServerMetadata,
    /// The endpoint at which a grant begins; there only if the grant is offered.
    OfGrant(GrantEndpoint),
}

/// The endpoint at which a grant begins: an authenticated client gets there what it brings to the token endpoint later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantEndpoint {
    /// The label in metrics and logs.
    pub name: &'static str,
    /// The paths, unless a dialect has others; discovery names the first.
    pub paths: &'static [Path],
    /// The member of the metadata that is its URL (RFC 8414 section 2).
    pub metadata: &'static str,
}

/// A path of an endpoint. `{name}` stands for a value of the issuer's `vendor` table; without it the path is left
/// out. `{client_id}` is a segment that names the client of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// Below the issuer's path.
    Below(&'static str),
    /// At the root of the host, whatever the issuer's path.
    AtRoot(&'static str),
}

impl Endpoint {
    /// The endpoints that every issuer has.
    pub const COMMON: [Self; 6] = [
        Self::Token,
        Self::Introspection,
        Self::Revocation,
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
            Self::Jwks => "jwks",
            Self::OpenIdConfiguration => "openid_configuration",
            Self::AuthorizationServerMetadata => "oauth_metadata",
            Self::OfGrant(own) => own.name,
        }
    }

    /// Returns whether the endpoint takes a form by POST; the others are documents for GET.
    pub const fn takes_form(self) -> bool {
        match self {
            Self::Token | Self::Introspection | Self::Revocation | Self::OfGrant(_) => true,
            Self::Jwks | Self::OpenIdConfiguration | Self::AuthorizationServerMetadata => false,
        }
    }
}
