//! The place of the client's id in a request to the token endpoint (RFC 6749 section 2.3.1).

/// The place of the client's id in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// In the `Authorization` header; perhaps in the form as well.
    InHeader,
    /// In the form, or by what proves it.
    InForm,
}
