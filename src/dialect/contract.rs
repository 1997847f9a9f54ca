//! The trait that each dialect implements, and what it is given.

use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::protocol::error::{ExtensionError, OAuthError};
use crate::protocol::form::Form;
use crate::protocol::response::{StartResponse, TokenResponse};
use crate::token::access::ClaimStyle;

/// The shape of endpoints, requests, answers and errors.
pub trait Dialect: Send + Sync {
    /// The name in the configuration.
    fn name(&self) -> &'static str;

    /// The paths of an endpoint; discovery names the first.
    fn paths(&self, endpoint: Endpoint) -> &'static [Path];

    /// Names in the issuer's `vendor` table that it understands, such as the ids in its paths.
    fn settings(&self) -> &'static [&'static str] {
        &[]
    }

    /// The vendor's defaults for settings of the issuer, as they would stand in the file.
    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The format of the access tokens of `issuer`.
    fn style(&self, _settings: &IssuerSettings) -> ClaimStyle {
        ClaimStyle::default()
    }

    /// The places that the parameters of a request to `endpoint` may arrive in.
    fn carrier(&self, _endpoint: Endpoint) -> Carrier {
        Carrier::Form
    }

    /// Translates a request for a token, or to the endpoint of a grant, to the names of the RFCs.
    ///
    /// # Errors
    /// If the request says the same thing in both.
    fn read<'a>(&self, form: Form<'a>) -> Result<Form<'a>, OAuthError> {
        Ok(form)
    }

    /// Checks what the vendor asks of a request for a token, or to the endpoint of a grant, beyond the RFCs; for a client
    /// that may use the grant.
    ///
    /// # Errors
    /// The error for what is missing.
    fn check(&self, _endpoint: Endpoint, _form: &Form<'_>) -> Result<(), OAuthError> {
        Ok(())
    }

    /// The headers of its answers.
    fn headers(&self) -> Headers {
        Headers { content_type: "application/json", cache_control: "no-store" }
    }

    /// The id of a refusal, if the vendor's refusals have one; it is also in the log.
    fn request_id(&self) -> Option<String> {
        None
    }

    /// The keys as they look at `path`, if that is not how RFC 7517 has them; `jwks` is how.
    fn keys(&self, _path: &str, _jwks: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// The body of a successful token response.
    fn success(&self, response: &TokenResponse) -> Vec<u8>;

    /// The body of a success at the endpoint of a grant.
    fn started(&self, response: &StartResponse) -> Vec<u8> {
        response.body.clone()
    }

    /// Returns whether `hint` is a known `token_type_hint` of a revocation. RFC 7009 section 2.1 lets a server ignore
    /// it, and so does this one but for a vendor that refuses what it does not know.
    fn knows_hint(&self, _hint: &str) -> bool {
        true
    }

    /// The body of the answer to a revocation, which RFC 7009 section 2.2 lets a client ignore.
    fn revoked(&self) -> &'static str {
        ""
    }

    /// Returns whether the revocation of another client's token is refused with `invalid_client` (RFC 7009 section
    /// 2.1), which says that the token is good. Otherwise the answer is that to an unknown token; neither revokes it.
    fn tells_whose(&self) -> bool {
        false
    }

    /// Status and body of a refusal.
    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>);
}

/// The places that the parameters of a request may arrive in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In a form, as the RFCs have it.
    Form,
    /// In a form, or in the query of a POST without body.
    FormOrQuery,
    /// In a form, or as members of a flat JSON object.
    FormOrJson,
}

/// The headers of a dialect's answers at endpoints that take a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Cache-Control` of a success; always with `no-store` (CHECKLIST 7).
    pub cache_control: &'static str,
}

/// A refusal, with what dialects tell apart.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Code, description and cause.
    pub error: &'a OAuthError,
    /// The endpoint that refused.
    pub endpoint: Endpoint,
    /// The path that was asked.
    pub path: &'a str,
    /// The grant type, if the service knows it.
    pub grant: &'a str,
    /// The id from [`Dialect::request_id`].
    pub request_id: Option<&'a str>,
    /// The message of the operator's user service to the person: printable ASCII, bounded.
    pub message: Option<&'a str>,
    /// The error that a custom grant defines, instead of `error`.
    pub extension: Option<&'a ExtensionError>,
}

impl Refused<'_> {
    /// The error code on the wire and the status.
    pub fn wire(&self) -> (&str, u16) {
        let (name, status) = self.error.code.wire();
        (self.extension.map_or(name, ExtensionError::name), status)
    }

    /// The description on the wire.
    pub fn description(&self) -> &str {
        self.extension.and_then(ExtensionError::description).unwrap_or(self.error.description)
    }
}
