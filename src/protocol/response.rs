//! The successful token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).

use serde::Serialize;

/// What a grant hands out. No `Debug`: it carries tokens.
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token, a signed JWT or an opaque string.
    pub access_token: String,
    /// `Bearer`; `pop` if the access token is bound to a key that the request named.
    pub token_type: &'static str,
    /// What the holder of that key signs by, if the request said so; no member of RFC 6749, but of a vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<&'static str>,
    /// Lifetime of the access token, in seconds.
    pub expires_in: u64,
    /// When the access token expires, seconds since the epoch; no member of RFC 6749, but of some vendors.
    #[serde(skip)]
    pub expires_at: u64,
    /// What the access token is, if it was exchanged (RFC 8693 section 2.2.1).
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

/// What a device gets to begin with (RFC 8628 section 3.2). No `Debug`: it carries codes.
#[derive(Serialize)]
pub struct DeviceResponse {
    /// What the device polls with.
    pub device_code: String,
    /// What the person types.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the user code in it, for a QR code.
    pub verification_uri_complete: String,
    /// Lifetime of both codes, in seconds.
    pub expires_in: u64,
    /// When both expire, seconds since the epoch; no member of RFC 8628, but of some vendors.
    #[serde(skip)]
    pub expires_at: u64,
    /// Seconds between two polls.
    pub interval: u64,
}
