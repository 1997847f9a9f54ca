//! The subject of an admin call, for its audit line. Never the path, which has user codes of devices that still
//! wait and names of people; and what the caller chose only in the form that it may have.

use hyper::Method;
use serde::Deserialize;

use crate::auth::ClaimedName;
use crate::http::{Request, Response};
use crate::token::access::is_subject;

/// The holder of the admin token: there is one token today.
pub(super) const ACTOR: &str = "admin";

/// Ids that a call created, attached to its answer; the request could not name them.
#[derive(Clone, Default)]
pub(super) struct Created {
    pub(super) client: Option<String>,
    pub(super) secret: Option<String>,
}

/// Marks an answer whose call wrote an audit line of its own, which says more than the general one.
#[derive(Clone)]
pub(super) struct Audited;

impl Audited {
    pub(super) fn mark(mut response: Response) -> Response {
        response.extensions_mut().insert(Self);
        response
    }
}

/// The client, subject and secret that a call changed.
#[derive(Default)]
pub(super) struct AuditTarget {
    client: Option<String>,
    subject: Option<String>,
    secret: Option<String>,
}

/// Members that bodies of several calls share.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    client_id: Option<String>,
    subject: Option<String>,
}

impl AuditTarget {
    /// Finds the target of a call below `issuers/{issuer}` in its path, its body and its answer.
    pub(super) fn of(segments: &[&str], request: &Request, response: &Response) -> Self {
        let named: Named = serde_json::from_slice(&request.body).unwrap_or_default();
        let made = response.extensions().get::<Created>().cloned().unwrap_or_default();
        let (client, secret) = match segments.get(2..).unwrap_or_default() {
            ["clients", client, "secrets", secret] => (Some(*client), Some(*secret)),
            ["clients", client, ..] => (Some(*client), None),
            _ => (None, None),
        };
        let shown = |text: String| ClaimedName::new(&text).as_str().to_owned();
        Self {
            client: made.client.or_else(|| client.map(str::to_owned)).or(named.client_id).map(shown),
            subject: named.subject.filter(|subject| is_subject(subject)),
            secret: made.secret.or_else(|| secret.map(str::to_owned)).map(shown),
        }
    }

    /// Writes the line of a call that may have changed something.
    pub(super) fn audit(&self, call: &'static str, issuer: &str, request: &Request, response: &Response) {
        if request.method == Method::GET || response.extensions().get::<Audited>().is_some() {
            return;
        }
        let Self { client, subject, secret } = self;
        tracing::info!(
            target: "audit", event = "admin", actor = ACTOR, peer = %request.peer, method = %request.method, call, issuer,
            client, subject, secret_id = secret, status = response.status().as_u16()
        );
    }
}
