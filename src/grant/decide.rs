//! The trait that each grant implements.

use std::future::Future;
use std::pin::Pin;

use super::{Context, Error, Issue, TokenRequest};
use crate::protocol::grant_type::GrantType;

/// The future of a decision.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Result<Issue, Error>> + Send + 'a>>;

/// A grant type.
pub trait Grant: Send + Sync + 'static {
    /// Returns the grant's name in `grant_type`.
    fn grant_type(&self) -> GrantType;

    /// Decides the request.
    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a>;
}
