//! Dialects: how a vendor spells the same endpoints. A dialect decides paths, names, shapes,
//! statuses and defaults, never a security rule: what a vendor does that CHECKLIST.md forbids is not copied. A new one
//! is one file and one line in [`ALL`], or, outside of this crate, in `Extensions`.

mod aliyun_idaas;
mod huawei_oneaccess;
mod identityserver3;
mod rfc;
mod tencent_ciam;
mod xsolla_login;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::issuer::{Issuer, IssuerSettings};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{OAuthError, Worded};
use crate::protocol::form::Form;
use crate::protocol::response::{DeviceResponse, TokenResponse};
use crate::registry::route::ANY_CLIENT;
use crate::token::access::ClaimStyle;

/// How endpoints, requests, answers and errors look.
pub trait Dialect: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &'static str;

    /// Where an endpoint answers; the first place is the one that discovery names.
    fn paths(&self, endpoint: Endpoint) -> &'static [Path];

    /// Names in the issuer's `vendor` table that it understands, such as the ids in its paths.
    fn settings(&self) -> &'static [&'static str] {
        &[]
    }

    /// The vendor's defaults for settings of the issuer, as they would stand in the file.
    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// How the access tokens of `issuer` look.
    fn style(&self, _settings: &IssuerSettings) -> ClaimStyle {
        ClaimStyle::default()
    }

    /// How the parameters of a request to `endpoint` may arrive.
    fn carrier(&self, _endpoint: Endpoint) -> Carrier {
        Carrier::Form
    }

    /// A request for a token or a device code in our names and words.
    ///
    /// # Errors
    /// If it says the same thing in both.
    fn read<'a>(&self, form: Form<'a>) -> Result<Form<'a>, OAuthError> {
        Ok(form)
    }

    /// What the vendor asks of a request for a token or a device code beyond the RFCs; for a client that may use the
    /// grant.
    ///
    /// # Errors
    /// What is missing.
    fn check(&self, _endpoint: Endpoint, _form: &Form<'_>) -> Result<(), OAuthError> {
        Ok(())
    }

    /// The headers of its answers.
    fn headers(&self) -> Headers {
        Headers { content_type: "application/json", cache_control: "no-store" }
    }

    /// The id of a refusal, if the vendor's have one; it is also in the log.
    fn request_id(&self) -> Option<String> {
        None
    }

    /// The keys as they look at `path`, if that is not how RFC 7517 has them; `jwks` is how.
    fn keys(&self, _path: &str, _jwks: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// The body of a successful token response.
    fn success(&self, response: &TokenResponse) -> Vec<u8>;

    /// The body of a successful device authorization response.
    fn device(&self, response: &DeviceResponse) -> Vec<u8> {
        // strings and numbers always serialise
        serde_json::to_vec(response).unwrap_or_default()
    }

    /// Whether `hint` is a `token_type_hint` of a revocation. RFC 7009 section 2.1 lets a server ignore it, and so does
    /// this one but for a vendor that refuses what it does not know.
    fn knows_hint(&self, _hint: &str) -> bool {
        true
    }

    /// The body of the answer to a revocation, which RFC 7009 section 2.2 lets a client ignore.
    fn revoked(&self) -> &'static str {
        ""
    }

    /// Whether the revocation of another client's token is refused with `invalid_client` (RFC 7009 section 2.1), which
    /// says that the token is good. Otherwise the answer is that to an unknown token; neither revokes it.
    fn tells_whose(&self) -> bool {
        false
    }

    /// Status and body of a refusal.
    fn error(&self, refused: &Refused<'_>) -> (u16, Vec<u8>);
}

/// Where an endpoint answers. `{name}` stands for a value of the issuer's `vendor` table; without it the path is left
/// out. `{client_id}` is a segment that names the client of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Below the issuer's path.
    Below(&'static str),
    /// At the root of the host, whatever the issuer's path.
    AtRoot(&'static str),
}

/// How the parameters of a request may arrive.
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
    /// Code, description and occasion.
    pub error: &'a OAuthError,
    /// The endpoint that refused.
    pub endpoint: Endpoint,
    /// The path that was asked.
    pub path: &'a str,
    /// The grant type, if the service knows it.
    pub grant: &'a str,
    /// What [`Dialect::request_id`] made.
    pub request_id: Option<&'a str>,
    /// What a user service of the operator's says to the person: printable ASCII, bounded.
    pub message: Option<&'a str>,
    /// The words of a custom grant, instead of those of `error`.
    pub worded: Option<&'a Worded>,
}

impl Refused<'_> {
    /// The error code on the wire and the status.
    pub fn wire(&self) -> (&str, u16) {
        let (name, status) = self.error.code.wire();
        (self.worded.map_or(name, Worded::name), status)
    }

    /// The description on the wire.
    pub fn description(&self) -> &str {
        self.worded.and_then(Worded::description).unwrap_or(self.error.description)
    }
}

/// Where paths of metadata begin (RFC 8615).
const WELL_KNOWN: &str = "/.well-known/";

/// Every dialect that is built in.
pub const ALL: &[&dyn Dialect] = &[
    &rfc::Rfc,
    &aliyun_idaas::AliyunIdaas,
    &xsolla_login::XsollaLogin,
    &identityserver3::IdentityServer3,
    &huawei_oneaccess::HuaweiOneAccess,
    &tencent_ciam::TencentCiam,
];

/// The dialects there are: those that are built in, and those that the embedding program brought.
#[derive(Clone, Default)]
pub struct Dialects {
    brought: Vec<&'static dyn Dialect>,
}

impl Dialects {
    /// Those that are built in, and these.
    pub fn with(brought: Vec<&'static dyn Dialect>) -> Self {
        Self { brought }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Dialect> {
        ALL.iter().copied().chain(self.brought.iter().copied())
    }

    /// The dialect with this name.
    pub fn by_name(&self, name: &str) -> Option<&'static dyn Dialect> {
        self.iter().find(|dialect| dialect.name() == name)
    }

    /// The dialect of an issuer whose settings were checked.
    pub fn of(&self, issuer: &Issuer) -> &'static dyn Dialect {
        self.by_name(&issuer.settings.dialect).unwrap_or(default())
    }
}

/// The dialect of an answer that belongs to no issuer.
pub fn default() -> &'static dyn Dialect {
    &rfc::Rfc
}

/// Every path of an endpoint of an issuer, the canonical one first. RFC 8414 section 3.1 puts its well-known part
/// *before* the issuer's path; OpenID Connect Discovery section 4 puts its own behind it. Clients mix the two up, so each
/// document is at both places.
pub fn full_paths(dialect: &dyn Dialect, issuer: &IssuerSettings, endpoint: Endpoint) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for path in dialect.paths(endpoint) {
        let (Path::Below(own) | Path::AtRoot(own)) = path;
        let Some(own) = filled(own, issuer) else { continue };
        let (before, behind) = (format!("{own}{}", issuer.path()), format!("{}{own}", issuer.path()));
        let places = match (path, endpoint) {
            (Path::AtRoot(_), _) => vec![own],
            (Path::Below(_), Endpoint::AuthorizationServerMetadata) => vec![before, behind],
            (Path::Below(_), Endpoint::OpenIdConfiguration) if own.starts_with(WELL_KNOWN) => vec![behind, before],
            (Path::Below(_), _) => vec![behind],
        };
        for place in places {
            if !paths.contains(&place) {
                paths.push(place);
            }
        }
    }
    paths
}

/// The URL of an endpoint, for discovery.
pub fn url(dialect: &dyn Dialect, issuer: &IssuerSettings, endpoint: Endpoint) -> String {
    urls(dialect, issuer, endpoint).into_iter().next().unwrap_or_default()
}

/// Every URL of an endpoint of `issuer`, the one that discovery names first; none that names a client.
pub fn urls(dialect: &dyn Dialect, issuer: &IssuerSettings, endpoint: Endpoint) -> Vec<String> {
    let host = issuer.url.strip_suffix(issuer.path()).unwrap_or(&issuer.url);
    let common = full_paths(dialect, issuer, endpoint).into_iter().filter(|path| !path.contains(ANY_CLIENT));
    common.map(|path| format!("{host}{path}")).collect()
}

/// The path with the values of the issuer's `vendor` table; `None` if one is missing.
fn filled(path: &str, issuer: &IssuerSettings) -> Option<String> {
    let mut parts = path.split('{');
    let mut full = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        full.push_str(if name == "client_id" { ANY_CLIENT } else { issuer.vendor.get(name)? });
        full.push_str(rest);
    }
    Some(full)
}

/// The members of a successful answer as its RFC has them, for a dialect to change.
fn members(response: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(response) {
        Ok(Value::Object(members)) => members,
        // a struct of strings and numbers always serialises to an object
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A JSON value as bytes.
fn bytes(value: impl Into<Value>) -> Vec<u8> {
    value.into().to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::access::PROTOCOL_CLAIMS;

    #[test]
    fn checklist_7_no_dialect_lets_answers_be_stored() {
        for dialect in ALL {
            assert!(dialect.headers().cache_control.contains("no-store"), "{}", dialect.name());
        }
    }

    #[test]
    fn no_dialect_sets_a_claim_of_the_protocol_to_a_constant() {
        for dialect in ALL {
            let vendor = dialect.settings().iter().map(|name| ((*name).to_owned(), "7".to_owned())).collect();
            let claims = dialect.style(&IssuerSettings { vendor, ..IssuerSettings::default() }).constant;
            assert!(!claims.keys().any(|claim| PROTOCOL_CLAIMS.contains(&claim.as_str())), "{}", dialect.name());
        }
    }

    #[test]
    fn a_path_without_its_value_is_left_out() {
        let settings = |vendor: &[(&str, &str)]| IssuerSettings {
            url: "https://id.example/t".to_owned(),
            dialect: "aliyun-idaas".to_owned(),
            vendor: vendor.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..IssuerSettings::default()
        };
        let paths = |vendor| full_paths(&aliyun_idaas::AliyunIdaas, &settings(vendor), Endpoint::Token);
        assert_eq!(paths(&[]), ["/t/token"]);
        let all = paths(&[("instance_id", "idaas_1"), ("authorization_server_id", "iauths_system")]);
        let server = "/v2/idaas_1/authorizationServer/iauths_system/oauth2/token";
        assert_eq!(all, ["/t/token", server, "/v2/idaas_1/*/oauth2/token"]);
    }
}
