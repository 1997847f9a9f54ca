//! The method `none` (RFC 7591 section 2): a public client only says who it is, in `client_id`.

use super::{Case, Claim, Evidence, Method, Proof, Verdict};
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::error::OAuthError;

/// A `client_id` and nothing that could prove it.
pub(super) struct NoSecret;

impl Method for NoSecret {
    fn detect<'a>(&self, evidence: &Evidence<'a>) -> Result<Option<Claim<'a>>, OAuthError> {
        let client_id = evidence.bare_client_id();
        Ok(client_id.map(|id| Claim::new(AuthMethod::None, id, Proof::None)))
    }

    fn verify<'a>(&self, case: &'a Case<'a>, _proof: &'a Proof<'a>) -> Verdict<'a> {
        Box::pin(std::future::ready(case.judge(Ok(()))))
    }
}
