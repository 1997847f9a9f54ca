//! The successful token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).

use serde::Serialize;

/// The tokens that a grant issues (RFC 6749 section 5.1). No `Debug`, because it carries tokens.
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token, a signed JWT or an opaque string.
    pub access_token: String,
    /// `Bearer`; `pop` if the access token is bound to a key that the request named.
    pub token_type: &'static str,
    /// Algorithm of the bound key, if the request named one; no member of RFC 6749, but of a vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<&'static str>,
    /// Lifetime of the access token, in seconds.
    pub expires_in: u64,
    /// Expiry of the access token, seconds since the epoch; no member of RFC 6749, but of some vendors.
    #[serde(skip)]
    pub expires_at: u64,
    /// Type of an exchanged token (RFC 8693 section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// The refresh token, if the grant comes with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, if `openid` was granted to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The scope of the access token; absent if it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// A success at the endpoint of a grant. No `Debug`, because it carries codes.
pub struct StartResponse {
    /// A JSON object, as the RFC of the grant has it.
    pub body: Vec<u8>,
    /// Expiry of what the body carries, seconds since the epoch; no member of the RFCs, but of some vendors.
    pub expires_at: u64,
}

/// The answer of the device authorization endpoint (RFC 8628 section 3.2). No `Debug`, because it carries codes.
#[derive(Serialize)]
pub(crate) struct DeviceResponse {
    /// Device code, for polling.
    pub device_code: String,
    /// User code, for the person to type.
    pub user_code: String,
    /// URL where the person types it.
    pub verification_uri: String,
    /// URL with the user code in it, for a QR code.
    pub verification_uri_complete: String,
    /// Lifetime of both codes, in seconds.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
}
