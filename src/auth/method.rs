//! The parts of a client authentication method: what it declares, how a request uses it, when its proof holds.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::attempt::AuthAttempt;
use super::claim::{Claim, ClientProof};
use super::evidence::Evidence;
use super::failure::ClaimError;
use crate::client::Client;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;

/// A client authentication method. A new one is one file in `methods` and one line in the table there.
pub(super) trait Method: Sync {
    /// Declares the method.
    fn method(&self) -> AuthMethod;

    /// Returns the claim that a request makes by this method, if it uses it.
    ///
    /// # Errors
    /// The answer to a request that uses it in a malformed way.
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError>;

    /// Decides whether a detected claim holds. Does the same work whether the client exists or not.
    fn verify<'a>(&'a self, attempt: &'a AuthAttempt<'a>, proof: &'a ClientProof<'a>) -> VerifyFuture<'a>;
}

/// The client, or why it is not.
pub(super) type VerifyFuture<'a> = Pin<Box<dyn Future<Output = Result<Arc<Client>, ClaimError>> + Send + 'a>>;
