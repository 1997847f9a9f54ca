//! Wire types of OAuth 2.0 and OpenID Connect: parsed once, checked on the way in, no I/O and no clock.

pub(crate) mod auth_method;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod grant_type;
pub(crate) mod introspection;
pub(crate) mod metadata;
pub(crate) mod naming;
pub(crate) mod numeric_date;
pub(crate) mod pkce;
pub(crate) mod resource;
pub(crate) mod response;
pub(crate) mod scope;
pub(crate) mod segment;
pub(crate) mod uri;
