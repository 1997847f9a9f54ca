//! The trait that each grant implements.

use std::future::Future;
use std::pin::Pin;

use super::{Context, Error, Issue, TokenRequest};
use crate::protocol::endpoint::GrantEndpoint;
use crate::protocol::grant_type::GrantType;
use crate::protocol::response::StartResponse;

/// The future of a decision.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Result<Issue, Error>> + Send + 'a>>;

/// The future of an answer at the grant's own endpoint.
pub type Starting<'a> = Pin<Box<dyn Future<Output = Result<StartResponse, Error>> + Send + 'a>>;

/// A grant type.
pub trait Grant: Send + Sync + 'static {
    /// Returns the grant's name in `grant_type`.
    fn grant_type(&self) -> GrantType;

    /// Decides the request.
    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a>;

    /// Returns the endpoint at which the grant begins, if it does not begin with the portal or the client alone.
    fn endpoint(&self) -> Option<GrantEndpoint> {
        None
    }

    /// Answers a request to that endpoint, of a client that may use the grant.
    fn start<'a>(&'a self, _request: &'a TokenRequest, _context: &'a Context) -> Starting<'a> {
        Box::pin(std::future::ready(Err(Error::Gone)))
    }
}
