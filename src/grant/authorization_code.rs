//! The authorization code grant (RFC 6749 section 4.1.3, RFC 7636, RFC 9700 section 2.1.1).
//!
//! Everything that can be checked without the store is checked on the opened code first; a wrong proof is counted,
//! so that a code does not survive guessing (CHECKLIST 46); inserting the family is the one redemption.

use subtle::ConstantTimeEq;

use super::{Context, Deciding, Error, Grant, Issue, Lineage, TokenRequest};
use crate::client::metadata::CodeRedirect;
use crate::id::Id;
use crate::protocol::error::{BrokenRule, ErrorCause, OAuthError};
use crate::protocol::grant_type::GrantType;
use crate::protocol::pkce::Verifier;
use crate::protocol::resource;
use crate::state::{CountMiss, RedeemCode};
use crate::token::Granted;
use crate::token::code::{self, Code};
use crate::token::refresh::RefreshToken;
use crate::token::wire::Head;

/// `authorization_code`.
pub(crate) struct AuthorizationCode;

impl Grant for AuthorizationCode {
    fn grant_type(&self) -> GrantType {
        GrantType::AUTHORIZATION_CODE
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(decide(request, context))
    }
}

async fn decide(request: &TokenRequest, context: &Context) -> Result<Issue, Error> {
    let text = request.form.require("code", "code is missing")?;
    if text.len() > code::MAX_LEN {
        let error = OAuthError::invalid_request("code is too long");
        return Err(error.because(ErrorCause::Parameter("code", BrokenRule::Length)).into());
    }
    let verifier = request.form.get("code_verifier").map(Verifier::parse).transpose()?;
    let redirect_uri = request.form.get("redirect_uri");
    if redirect_uri.is_none() && request.client.settings.code_redirect == CodeRedirect::Required {
        let error = OAuthError::invalid_request("redirect_uri is missing");
        return Err(error.because(ErrorCause::Parameter("redirect_uri", BrokenRule::Required)).into());
    }
    let (head, code) = Code::open(text, &request.issuer.id, &context.vault).ok_or(Error::Forged)?;
    if code.client_id != request.client.id {
        // not a wrong proof of the owner's: it must not void the owner's code (CHECKLIST 41)
        tracing::warn!(target: "audit", event = "code_of_another_client", client = request.client.id, owner = code.client_id);
        return Err(Error::CodeOfAnother);
    }
    if let Err(mismatch) = check_proof(&code, redirect_uri, verifier.as_ref(), request.client.is_public()) {
        let limit = request.issuer.settings.code_misses;
        let miss = CountMiss { family: head.family, limit, code_expires_at: code.expires_at };
        let _counted_or_refused = context.shards.ask(head.cell, miss).await?;
        return Err(mismatch);
    }
    let granted = request.still_granted(code.granted.clone())?;
    let resources = resource::asked(&request.form, &granted.resources)?;
    redeem(request, context, head, code, granted, resources).await
}

fn check_proof(
    code: &Code,
    redirect_uri: Option<&str>,
    verifier: Option<&Verifier<'_>>,
    is_public: bool,
) -> Result<(), Error> {
    let same_uri = |uri: &str| bool::from(uri.as_bytes().ct_eq(code.redirect_uri.as_bytes()));
    if !redirect_uri.is_none_or(same_uri) {
        return Err(Error::OtherRedirectUri);
    }
    match (&code.challenge, verifier) {
        (Some(challenge), Some(verifier)) if challenge.matches(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(Error::Mismatch("code_verifier")),
        (Some(_), None) => Err(Error::Mismatch("no code_verifier")),
        // a verifier without a challenge is a downgrade attack (RFC 9700 section 4.8.2)
        (None, Some(_)) => Err(Error::Mismatch("code_verifier without code_challenge")),
        // it was confidential when the code was issued
        (None, None) if is_public => Err(Error::Mismatch("no code_challenge, and the client is public")),
        (None, None) => Ok(()),
    }
}

async fn redeem(
    request: &TokenRequest,
    context: &Context,
    head: Head,
    code: Code,
    granted: Granted,
    resources: Vec<String>,
) -> Result<Issue, Error> {
    let (issuer, client) = (&request.issuer, &request.client);
    let (offline, lifetimes) = request.lifetimes(&granted);
    let key = context.vault.current();
    let redeem = RedeemCode {
        family: head.family,
        issuer: issuer.id.as_str().into(),
        client: client.id.as_str().into(),
        subject: code.subject.as_str().into(),
        grant: request.kept(code.granted).seal(&head.family, &issuer.id, &context.vault),
        key,
        attempt: Id::random(),
        code_issued_at: code.issued_at,
        code_expires_at: code.expires_at,
        lifetimes,
        binding: client.refresh_binding()?,
    };
    context.shards.ask(head.cell, redeem).await??;
    let successor = offline.then_some(RefreshToken { head: Head { key, ..head }, generation: 0 });
    Ok(Issue {
        subject: code.subject,
        access_scope: granted.scope.clone(),
        access_resources: if resources.is_empty() { granted.resources.clone() } else { resources },
        granted,
        lineage: Lineage::Login { family: head.cell.place(head.family), refresh: successor },
    })
}
