//! A login without a code: a person was authenticated in this very request, and a family begins with it.

use super::{Context, Error, Issue, Lineage, TokenRequest};
use crate::clock::Time;
use crate::id::Id;
use crate::state::RedeemCode;
use crate::token::Granted;
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;

/// Time within which the family must be written.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A person authenticated in a token request, with the grant.
pub struct DirectLogin {
    /// The person.
    pub subject: String,
    /// The whole grant: never more than the client may have.
    pub granted: Granted,
    /// The moment of the decision, or one before it: a later revocation voids the login.
    pub since: Time,
}

impl DirectLogin {
    /// Begins the family, durably, as the redemption of a code does; its id is new, so nobody can have used it.
    ///
    /// # Errors
    /// If the subject, the client or the issuer was logged out since, or the store fails.
    pub async fn begin(self, request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
        let Self { subject, granted, since } = self;
        // nobody authenticates later than now, whoever says so
        let now = context.clock.now().as_secs();
        let auth_time = granted.auth_time.map(|time| time.min(now));
        let binding = request.client.refresh_binding()?;
        let granted = request.kept(Granted { auth_time, ..granted });
        let (issuer, client) = (&request.issuer, &request.client);
        let (offline, lifetimes) = request.lifetimes(&granted);
        let head = Head { key: context.vault.current(), cell: context.shards.place(), family: Id::random() };
        let redeem = RedeemCode {
            family: head.family,
            issuer: issuer.id.as_str().into(),
            client: client.id.as_str().into(),
            subject: subject.as_str().into(),
            grant: granted.seal(&head.family, &issuer.id, &context.vault),
            key: head.key,
            attempt: Id::random(),
            code_issued_at: since,
            code_expires_at: since + PATIENCE,
            lifetimes,
            binding,
        };
        context.shards.ask(head.cell, redeem).await??;
        let refresh = offline.then_some(RefreshToken { head, generation: 0 });
        Ok(Issue {
            subject,
            access_scope: granted.scope.clone(),
            access_resources: granted.resources.clone(),
            granted,
            lineage: Lineage::Login { family: head.cell.place(head.family), refresh },
        })
    }
}
