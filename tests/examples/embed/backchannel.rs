//! A grant of an embedding program that begins at an endpoint of its own, after the poll mode of CIBA (OpenID Connect
//! Client-Initiated Backchannel Authentication): a client names a person, who agrees on another device, and polls
//! meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jeton::extend::{
    Context, Deciding, DirectLogin, Grant, GrantEndpoint, GrantType, Granted, OAuthError, Path, StartResponse,
    Starting, TokenRequest,
};
use jeton::{Id, Time};
use serde_json::json;

/// Time that the person has.
const LIFETIME: Duration = Duration::from_secs(120);

pub(crate) struct Backchannel {
    /// Returns whether the person has agreed.
    agrees: fn(&str) -> bool,
    /// The requests that wait, in the memory of this process.
    waiting: Mutex<HashMap<String, Asked>>,
}

struct Asked {
    client: String,
    subject: String,
    expires_at: Time,
}

impl Backchannel {
    pub(crate) fn asking(agrees: fn(&str) -> bool) -> Self {
        Self { agrees, waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the person of a request that was agreed to: once, because it is one step.
    fn take(&self, id: &str, client: &str, now: Time) -> Result<String, OAuthError> {
        let mut waiting = self.waiting();
        match waiting.get(id).filter(|asked| asked.client == client && now < asked.expires_at) {
            None => Err(OAuthError::INVALID_GRANT),
            Some(asked) if !(self.agrees)(&asked.subject) => Err(OAuthError::AUTHORIZATION_PENDING),
            Some(_) => waiting.remove(id).map(|asked| asked.subject).ok_or(OAuthError::INVALID_GRANT),
        }
    }
}

impl Grant for Backchannel {
    fn grant_type(&self) -> GrantType {
        "urn:openid:params:grant-type:ciba".to_owned().into()
    }

    fn endpoint(&self) -> Option<GrantEndpoint> {
        let (name, metadata) = ("backchannel_authentication", "backchannel_authentication_endpoint");
        Some(GrantEndpoint { name, paths: &[Path::Below("/backchannel")], metadata })
    }

    fn start<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Starting<'a> {
        Box::pin(async move {
            let subject = request.form.require("login_hint", "login_hint is missing")?.to_owned();
            let (id, client) = (URL_SAFE_NO_PAD.encode(Id::random().0), request.client.id.clone());
            let expires_at = context.clock.now() + LIFETIME;
            let mut waiting = self.waiting();
            waiting.retain(|_, asked| context.clock.now() < asked.expires_at);
            waiting.insert(id.clone(), Asked { client, subject, expires_at });
            let body = json!({ "auth_req_id": id, "expires_in": LIFETIME.as_secs(), "interval": 5 });
            Ok(StartResponse { body: body.to_string().into_bytes(), expires_at: expires_at.as_secs() })
        })
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(async move {
            let (scope, since) = (request.scope()?, context.clock.now());
            let id = request.form.require("auth_req_id", "auth_req_id is missing")?;
            let subject = self.take(id, &request.client.id, since)?;
            DirectLogin { subject, granted: Granted { scope, ..Granted::default() }, since }
                .begin(request, context)
                .await
        })
    }
}
