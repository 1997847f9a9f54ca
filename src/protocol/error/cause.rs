//! The facts behind an error. RFC 6749 section 5.2 puts many of them under one code; a dialect may turn one into the
//! code of its vendor. Nothing else depends on them.

/// The subject of an error, with the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCause {
    /// A parameter of the request, by its name.
    Parameter(&'static str, BrokenRule),
    /// The credentials of the client.
    Credential(BrokenRule),
    /// An earlier grant: the one behind a refresh token or a device code.
    EarlierGrant(BrokenRule),
    /// The scope. Only one that the issuer offers and that is not about a login.
    Scope(BrokenRule),
    /// A grant type that the issuer's operator defined.
    CustomGrant(BrokenRule),
}

/// A rule that a request broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// Required, and absent.
    Required,
    /// Longer than any valid value.
    Length,
    /// Not of the syntax that its specification defines.
    Syntax,
    /// Different from another statement about the same thing, such as the redirect URI that a code was issued for.
    Agreement,
    /// Not registered, or not for this client.
    Registration,
    /// Issued to another client.
    Ownership,
}
