//! The method `none` (RFC 7591 section 2): a public client only says who it is, in `client_id`.

use super::{Case, Claim, Method, Proof, Verdict};
use crate::client::metadata::AuthMethod;
use crate::protocol::error::OAuthError;
use crate::protocol::form::Form;

/// A `client_id` and nothing that could prove it.
pub(super) struct NoSecret;

impl Method for NoSecret {
    fn detect<'a>(&self, authorization: Option<&[u8]>, form: &'a Form<'_>) -> Result<Option<Claim<'a>>, OAuthError> {
        let proofs = ["client_secret", "client_assertion", "client_assertion_type"];
        let proof = authorization.is_some() || proofs.iter().any(|name| form.get(name).is_some());
        let client_id = form.get("client_id").filter(|_| !proof);
        Ok(client_id.map(|id| Claim { method: AuthMethod::None, client_id: id.to_owned(), proof: Proof::None }))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, _proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(std::future::ready(case.judge(Ok(()))))
    }
}
