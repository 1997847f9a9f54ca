//! The errors that may leave the service: one table from code to wire name and status (RFC 6749 section 5.2).

mod cause;
mod extension;

pub(crate) use cause::{BrokenRule, ErrorCause};
pub(crate) use extension::ExtensionError;

/// A registered OAuth error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request is malformed. RFC 6749 section 5.2.
    InvalidRequest,
    /// Client authentication failed. RFC 6749 section 5.2.
    InvalidClient,
    /// The code or refresh token is invalid, expired, revoked or another client's. RFC 6749 section 5.2.
    InvalidGrant,
    /// The client may not use this grant type. RFC 6749 section 5.2.
    UnauthorizedClient,
    /// The service does not know this grant type. RFC 6749 section 5.2.
    UnsupportedGrantType,
    /// The scope is unknown, malformed or exceeds the grant. RFC 6749 section 5.2.
    InvalidScope,
    /// The resource or audience is unknown or not allowed. RFC 8707 section 2.
    InvalidTarget,
    /// The token type cannot be revoked. RFC 7009 section 2.2.1.
    UnsupportedTokenType,
    /// Too many requests, or too many that failed: 429 (RFC 6585 section 4), `temporarily_unavailable` on the wire, which
    /// says "try again later". It is never `slow_down`, which clients read as RFC 8628 has it and poll on.
    TooManyRequests,
    /// The person has not decided about the device yet. RFC 8628 section 3.5.
    AuthorizationPending,
    /// `slow_down`: the device polls too often and must wait five seconds longer from now on. RFC 8628 section 3.5; a
    /// 400, because it answers this poll, unlike [`ErrorCode::TooManyRequests`].
    DeviceSlowDown,
    /// The person said no. RFC 8628 section 3.5.
    AccessDenied,
    /// The device code expired. RFC 8628 section 3.5.
    ExpiredToken,
    /// Overloaded, or the engine is out of reach; try again.
    TemporarilyUnavailable,
    /// The service failed.
    ServerError,
    /// An additional code that a custom grant defines, see [`ExtensionError`]. RFC 6749 section 8.5.
    Extension,
}

impl ErrorCode {
    /// Every code, for metrics and tests.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::InvalidTarget,
        Self::UnsupportedTokenType,
        Self::TooManyRequests,
        Self::AuthorizationPending,
        Self::DeviceSlowDown,
        Self::AccessDenied,
        Self::ExpiredToken,
        Self::TemporarilyUnavailable,
        Self::ServerError,
        Self::Extension,
    ];

    /// Wire name and HTTP status: the one table.
    pub const fn wire(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", 400),
            Self::InvalidClient => ("invalid_client", 401),
            Self::InvalidGrant => ("invalid_grant", 400),
            Self::UnauthorizedClient => ("unauthorized_client", 400),
            Self::UnsupportedGrantType => ("unsupported_grant_type", 400),
            Self::InvalidScope => ("invalid_scope", 400),
            Self::InvalidTarget => ("invalid_target", 400),
            Self::UnsupportedTokenType => ("unsupported_token_type", 400),
            Self::TooManyRequests => ("temporarily_unavailable", 429),
            Self::AuthorizationPending => ("authorization_pending", 400),
            Self::DeviceSlowDown => ("slow_down", 400),
            Self::AccessDenied => ("access_denied", 400),
            Self::ExpiredToken => ("expired_token", 400),
            Self::TemporarilyUnavailable => ("temporarily_unavailable", 503),
            Self::ServerError => ("server_error", 500),
            // the name of the metrics; on the wire stands the grant's own
            Self::Extension => ("custom_error", 400),
        }
    }

    /// The wire name.
    pub const fn name(self) -> &'static str {
        self.wire().0
    }

    /// The name in metrics, where what is throttled and what is overload are two things.
    pub const fn outcome(self) -> &'static str {
        if matches!(self, Self::TooManyRequests) { "too_many_requests" } else { self.name() }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.wire().1
    }
}

/// The error that a client receives: a code and a fixed sentence. Nothing in it is dynamic, so nothing can leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// The code, which decides wire name and status.
    pub code: ErrorCode,
    /// `error_description`: printable ASCII without `"` and `\` (RFC 6749 section 5.2).
    pub description: &'static str,
    /// The fact behind the code, where one is known.
    pub cause: Option<ErrorCause>,
}

impl OAuthError {
    /// An error with its description.
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description, cause: None }
    }

    /// The same error with the fact behind it.
    #[must_use]
    pub const fn because(self, cause: ErrorCause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// `invalid_request` with a description.
    pub const fn invalid_request(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// The one `invalid_client`, the same whatever was wrong (CHECKLIST 16).
    pub const INVALID_CLIENT: Self = Self::new(ErrorCode::InvalidClient, "client authentication failed");

    /// `authorization_pending`: the person has not decided yet (RFC 8628 section 3.5).
    pub const AUTHORIZATION_PENDING: Self =
        Self::new(ErrorCode::AuthorizationPending, "the person has not decided yet; ask again after the interval");
    /// The person said no (RFC 8628 section 3.5).
    pub const ACCESS_DENIED: Self = Self::new(ErrorCode::AccessDenied, "the person denied the request");

    /// The one `invalid_grant`, the same whatever was wrong.
    pub const INVALID_GRANT: Self =
        Self::new(ErrorCode::InvalidGrant, "the grant is invalid, expired, revoked or was issued to another client");
}
