//! The method `none` (RFC 7591 section 2): a public client only says who it is, in `client_id`.

use super::{Claim, Method};
use crate::client::metadata::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;

/// A `client_id` and nothing that could prove it.
pub(super) struct NoSecret;

impl Method for NoSecret {
    fn detect(&self, authorization: Option<&[u8]>, form: &Form<'_>) -> Result<Option<Claim>, OAuthError> {
        let proof = authorization.is_some() || form.get("client_secret").is_some();
        let client_id = form.get("client_id").filter(|_| !proof);
        Ok(client_id.map(|id| Claim { method: AuthMethod::None, client_id: id.to_owned(), secret: None }))
    }
}
