//! The trait that each grant implements.

use std::future::Future;
use std::pin::Pin;

use super::{Context, Error, Issue, TokenRequest};
use crate::protocol::grant_type::GrantType;

/// A decision on its way.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Result<Issue, Error>> + Send + 'a>>;

/// A grant type.
pub trait Grant: Send + Sync + 'static {
    /// Its name in `grant_type`.
    fn grant_type(&self) -> GrantType;

    /// Decides what the request gets.
    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a>;
}
