//! The style of access tokens: what an issuer adds to the claims of RFC 9068, or writes in another form.

use serde_json::{Map, Value};

use super::scope_claim::ScopeStyle;
use crate::clock::Time;
use crate::protocol::scope::Scope;

/// Style of an issuer's access tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimStyle {
    /// Form of `scope`.
    pub scope: ScopeStyle,
    /// True if a scope token like `orders|read` names the audience of the access token, when the request names none;
    /// `orders|.all` stands for all of them.
    pub scope_names_audience: bool,
    /// True if `nbf` repeats `iat`.
    pub nbf: bool,
    /// True if a request may name a key that its access token is bound to, see [`super::proof_key`].
    pub proof_keys: bool,
    /// Claims with the same value in every token; never one of [`PROTOCOL_CLAIMS`](super::access::PROTOCOL_CLAIMS).
    pub constant: Map<String, Value>,
}

impl ClaimStyle {
    /// Returns the audiences that `scope` names, once each; none unless that is the style.
    pub fn audiences(&self, scope: &Scope) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        if self.scope_names_audience {
            for (audience, _) in scope.tokens().filter_map(|token| token.split_once('|')) {
                if !audience.is_empty() && !named.iter().any(|seen| seen == audience) {
                    named.push(audience.to_owned());
                }
            }
        }
        named
    }

    /// Returns the further claims of a token issued at `now` whose grant has `granted`.
    pub fn extra(&self, granted: &Map<String, Value>, now: Time) -> Map<String, Value> {
        let mut extra = granted.clone();
        extra.extend(self.constant.clone());
        if self.nbf {
            extra.insert("nbf".to_owned(), Value::from(now.as_secs()));
        }
        extra
    }
}
