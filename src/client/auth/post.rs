//! client_secret_post (RFC 6749 section 2.3.1): `client_id` and `client_secret` in the body.

use zeroize::Zeroizing;

use super::{Claim, Method};
use crate::client::metadata::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;

/// A `client_secret` in the body.
pub(super) struct Post;

impl Method for Post {
    fn detect(&self, _authorization: Option<&[u8]>, form: &Form<'_>) -> Result<Option<Claim>, OAuthError> {
        let Some(secret) = form.get("client_secret") else { return Ok(None) };
        let client_id = form.get("client_id").unwrap_or_default().to_owned();
        let secret = Some(Zeroizing::new(secret.to_owned()));
        Ok(Some(Claim { method: AuthMethod::ClientSecretPost, client_id, secret }))
    }
}
