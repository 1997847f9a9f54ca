//! Custom grants that an operator's hook decides: any name as `grant_type`, its declared parameters to the hook, the
//! hook's answer to tokens (RFC 6749 section 4.5).
//!
//! Invariants: the hook is asked only for an authenticated client that may use the grant and whose request keeps the
//! declared rules; the granted scope is never wider than the client asked for and may have; without a usable answer
//! there is no token; a guess is counted before the hook sees it. With a subject the result is a login like any other;
//! without one it is the client's own token.

mod wire;

use std::net::IpAddr;
use std::time::Duration;

use super::{Context, Deciding, DirectLogin, Error, Grant, Issue, Lineage, TokenRequest};
use crate::clock::Time;
use crate::issuer::CustomGrant;
use crate::limit::bucket::Quota;
use crate::limit::node_count::NodeCount;
use crate::limit::throttle::{Throttle, ThrottleCharge};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::grant_type::GrantType;
use crate::protocol::resource;
use crate::token::Granted;
use wire::{GrantAnswer, GrantQuestion};

const MISSING: OAuthError = OAuthError::invalid_request("a parameter of this grant is missing");
const LONG: OAuthError = OAuthError::invalid_request("a parameter of this grant is too long");
const SCOPE: OAuthError = OAuthError::new(ErrorCode::InvalidScope, "the client may not have this scope");

/// Quota of refusals of one client and address, the same as that of logins: the address may be an application's server
/// with all its users.
const REFUSALS: Quota = Quota { every: Duration::from_millis(200), burst: 200 };

/// The custom grants of one name, of all issuers that have one.
pub(crate) struct Webhook {
    grant_type: GrantType,
    throttle: Throttle,
}

impl Webhook {
    /// Creates the grant for custom grants of this name, on one of `nodes`.
    pub(crate) fn new(grant_type: GrantType, nodes: &NodeCount) -> Self {
        Self { grant_type, throttle: Throttle::new(REFUSALS).among(nodes) }
    }

    /// Counts a request as a guess of the credentials it carries, before they are looked at.
    fn admit(&self, issuer: &str, client: &str, peer: IpAddr, now: Time) -> Result<ThrottleCharge<'_>, Error> {
        self.throttle.enter(issuer, client, peer, now).map_err(Error::Throttled)
    }
}

impl Grant for Webhook {
    fn grant_type(&self) -> GrantType {
        self.grant_type.clone()
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        // a reload may have taken it away meanwhile
        let custom = request.issuer.custom_grant(self.grant_type.as_str());
        Box::pin(async move { decide(self, custom.ok_or(Error::Gone)?, request, context).await })
    }
}

async fn decide(
    grant: &Webhook,
    custom: &CustomGrant,
    request: &TokenRequest,
    context: &Context,
) -> Result<Issue, Error> {
    let client = &request.client;
    let scope = request.scope()?;
    let resources = resource::asked(&request.form, &client.settings.resources)?;
    let question = GrantQuestion {
        issuer: &request.issuer.url,
        client_id: &client.id,
        peer: request.peer,
        grant_type: custom.grant_type.as_str(),
        parameters: declared(custom, &request.form)?,
        scope: scope.as_str(),
    };
    // what the hook decides is no newer than this: a logout meanwhile is one of it too
    let since = context.clock.now();
    let guess = grant.admit(&request.issuer.id, &client.id, request.peer, since)?;
    let called = custom.hook.call(question.encode(), &context.clock, &context.metrics).await;
    let answer = called.map_err(Error::Hook).and_then(|(status, body)| {
        GrantAnswer::read(status, &body)
            .map_err(Error::HookAnswer)?
            .map_err(|extension| Error::Extension(Box::new(extension)))
    });
    let no_guess = match &answer {
        Ok(_) | Err(Error::Hook(_)) => true,
        Err(Error::Extension(extension)) => says_no_guess(extension.name()),
        Err(_) => false,
    };
    if no_guess {
        guess.give_back(context.clock.now());
    }
    let person = answer?;
    let granted = Granted { scope: person.narrow(&scope).ok_or(SCOPE)?, resources, ..person.granted };
    match person.subject {
        Some(subject) => DirectLogin { subject, granted, since }.begin(request, context).await,
        None => own(request, request.form.get("scope").is_some(), granted),
    }
}

/// Returns whether a refusal says that the request was no wrong guess, by a code that means something else. A code of
/// the hook's own does not say so.
fn says_no_guess(name: &str) -> bool {
    let known = ErrorCode::ALL.into_iter().find(|code| code.name() == name);
    known.is_some_and(|code| !matches!(code, ErrorCode::InvalidGrant | ErrorCode::AccessDenied))
}

/// Returns the declared parameters that are in the request.
fn declared<'a>(custom: &'a CustomGrant, form: &'a Form<'_>) -> Result<Vec<(&'a str, &'a str)>, OAuthError> {
    let mut found = Vec::with_capacity(custom.parameters.len());
    for parameter in &custom.parameters {
        match form.get(&parameter.name) {
            Some(value) if value.len() > parameter.max_length => return Err(LONG),
            Some(value) => found.push((parameter.name.as_str(), value)),
            None if parameter.required => return Err(MISSING),
            None => {}
        }
    }
    Ok(found)
}

/// Issues a token for the client itself, as the client credentials grant does.
fn own(request: &TokenRequest, asked: bool, granted: Granted) -> Result<Issue, Error> {
    if request.client.is_public() {
        return Err(Error::HookAnswer("no subject, and the client is a public one"));
    }
    let access_scope = granted.scope.without(&request.issuer.login_scopes());
    if asked && access_scope != granted.scope {
        return Err(SCOPE.into());
    }
    Ok(Issue {
        subject: request.client.id.clone(),
        access_scope,
        access_resources: granted.resources.clone(),
        granted: Granted { access_token_claims: granted.access_token_claims, ..Granted::default() },
        lineage: Lineage::Client,
    })
}
