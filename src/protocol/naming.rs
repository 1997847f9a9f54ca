//! Where a request to the token endpoint names its client (RFC 6749 section 2.3.1).

/// Where a request names its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// In the `Authorization` header; perhaps in the form as well.
    InHeader,
    /// In the form, or by what proves it.
    InForm,
}
