//! Logins decided by a service of the operator's: what is sent to it, and what its answer means.
//!
//! ```text
//! POST {"issuer", "client_id", "peer", "username", "password", "idp"?, "tenant"?, "acr_values": [], "parameters": {}}
//! 200  {"verdict": "admitted", "subject", "claims"?, "auth_time"?, "acr"?, "amr"?}
//!      {"verdict": "refused", "message"?}
//!      {"verdict": "partial", "message"?}      the password was right, and more is needed
//! ```
//! Whatever else is answered decides nothing. A partial login is a refusal to the client, and counts as one; a service that
//! has a message for refusals has the same one for it, or that shows that the password was right.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::claims::UserClaims;
use super::login::LoginRequest;
use super::outcome::{LoginError, LoginOutcome};
use crate::clock::Clock;
use crate::hook::Hook;
use crate::issuer::Issuer;
use crate::metrics::Metrics;
use crate::protocol::numeric_date::NumericDate;
use crate::strict_json;
use crate::token::Granted;
use crate::token::access::is_subject;

/// Longest message to a person, in bytes.
const MAX_MESSAGE: usize = 200;

#[derive(Serialize)]
struct LoginQuestion<'a> {
    issuer: &'a str,
    client_id: &'a str,
    /// The address that the request came from, for whoever counts guesses.
    peer: IpAddr,
    username: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    idp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    acr_values: &'a [&'a str],
    parameters: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum LoginAnswer {
    Admitted {
        subject: String,
        #[serde(default)]
        claims: UserClaims,
        auth_time: Option<NumericDate>,
        acr: Option<String>,
        #[serde(default)]
        amr: Vec<String>,
    },
    Refused {
        message: Option<String>,
    },
    Partial {
        message: Option<String>,
    },
}

/// Has `hook` decide a login at `issuer`.
///
/// # Errors
/// If it gave no answer, or none that can be used.
pub(super) async fn ask(
    hook: &Hook,
    issuer: &Issuer,
    client: &str,
    login: &LoginRequest<'_>,
    peer: IpAddr,
    clock: &Clock,
    metrics: &Metrics,
) -> Result<LoginOutcome, LoginError> {
    let question = LoginQuestion {
        issuer: &issuer.url,
        client_id: client,
        peer,
        username: login.username,
        password: login.password,
        idp: login.acr.idp,
        tenant: login.acr.tenant,
        acr_values: &login.acr.values,
        parameters: login.parameters.iter().copied().collect(),
    };
    // strings always serialise
    let body = serde_json::to_vec(&question).unwrap_or_default();
    match hook.call(body, clock, metrics).await? {
        (200, body) => read(&body).map_err(LoginError::HookAnswer),
        _ => Err(LoginError::HookAnswer("its status is not 200")),
    }
}

fn read(body: &[u8]) -> Result<LoginOutcome, &'static str> {
    match strict_json::from_slice(body).map_err(|_| "no verdict: admitted, refused or partial, with its members")? {
        LoginAnswer::Refused { message } => {
            Ok(LoginOutcome::Refused { message: message.as_deref().and_then(printable) })
        }
        LoginAnswer::Partial { message } => {
            Ok(LoginOutcome::Partial { message: message.as_deref().and_then(printable) })
        }
        LoginAnswer::Admitted { subject, claims, auth_time, acr, amr } => {
            if !is_subject(&subject) {
                return Err("subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2)");
            }
            let auth_time = auth_time.map(|date| date.time().as_secs());
            let about = Box::new(Granted { auth_time, acr, amr, ..claims.into() });
            about.check()?;
            Ok(LoginOutcome::Admitted { subject, about })
        }
    }
}

/// Returns the part of a message that may stand in `error_description` (RFC 6749 section 5.2), and no more of it than fits.
fn printable(message: &str) -> Option<String> {
    let allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let text: String = message.chars().filter(allowed).take(MAX_MESSAGE).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_to_what_an_error_description_may_hold() {
        assert_eq!(printable("Locked: \"ask\"\r\n\u{e9}<us>\\\0").as_deref(), Some("Locked: ask<us>"));
        assert_eq!(printable(&"x".repeat(1000)).map(|text| text.len()), Some(200));
        assert_eq!(printable("\u{e9}\n"), None);
    }

    #[test]
    fn what_is_no_verdict_decides_nothing() {
        for bad in [
            "",
            "{}",
            "true",
            r#"{"subject":"u-1"}"#,
            r#"{"verdict":"ok","subject":"u-1"}"#,
            r#"{"verdict":"admitted"}"#,
            r#"{"verdict":"admitted","subject":""}"#,
            r#"{"verdict":"admitted","subject":"u-1","claims":{"access_token":{"iss":"me"}}}"#,
            r#"{"verdict":"admitted","subject":"u-1","auth_time":"now"}"#,
            r#"{"verdict":"admitted","verdict":"refused","subject":"u-1"}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(matches!(read(br#"{"verdict":"refused"}"#), Ok(LoginOutcome::Refused { message: None })));
        assert!(matches!(read(br#"{"verdict":"admitted","subject":"u-1"}"#), Ok(LoginOutcome::Admitted { .. })));
    }
}
