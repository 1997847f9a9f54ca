//! Wire types of OAuth 2.0 and OpenID Connect: parsed once, checked on the way in, no I/O and no clock.

pub mod auth_method;
pub mod endpoint;
pub mod error;
pub mod form;
pub mod grant_type;
pub mod introspection;
pub mod metadata;
pub mod naming;
pub mod numeric_date;
pub mod pkce;
pub mod resource;
pub mod response;
pub mod scope;
pub mod segment;
pub mod uri;
