//! The limits of one listener: sizes, counts and times, each with its default (CHECKLIST 10, 13, E9-E11).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The smallest header block hyper can be told to allow, in bytes.
const LEAST_HEADER_BYTES: usize = 8 * 1024;

/// The limits of one listener. Durations are written as `10s`, `1m 30s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Requests being answered at once; further ones get 503 at once.
    pub max_in_flight: usize,
    /// TLS handshakes under way at once; further ones wait within `handshake_timeout`.
    pub max_handshakes: usize,
    /// Bytes of a request line with its headers; more is answered 431.
    pub max_header_bytes: usize,
    /// Header lines of a request (at most 100); more is answered 431.
    pub max_headers: usize,
    /// Bytes held for bodies that have begun and not ended, over all connections; more is answered 503.
    pub max_pending_body_bytes: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub max_streams: u32,
    /// Requests after which a connection is closed; absent means no limit.
    pub max_requests: Option<u32>,
    /// Age after which a connection is closed once its request is answered, give or take 10 %.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// From accept (or the end of the TLS handshake) to the first byte of a request.
    #[serde(with = "humantime_serde")]
    pub first_byte_timeout: Duration,
    /// From accept to the end of the TLS handshake.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// From the first byte of a request to the end of its headers.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// From the end of the headers to the end of the body; later is answered 408.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// Longest time a peer may leave bytes of an answer unread.
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
    /// Longest time a connection stays open between requests.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Idle time after which an HTTP/1 connection gives its buffers back until the next request.
    #[serde(with = "humantime_serde")]
    pub park_after: Duration,
    /// Time for which the rest of a refused request is read and thrown away, so that the answer is not lost to a reset.
    #[serde(with = "humantime_serde")]
    pub linger_timeout: Duration,
    /// Time between HTTP/2 pings.
    #[serde(with = "humantime_serde")]
    pub ping_interval: Duration,
    /// Longest time an HTTP/2 ping may stay unanswered.
    #[serde(with = "humantime_serde")]
    pub ping_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_in_flight: 4096,
            max_handshakes: 256,
            max_header_bytes: 16 * 1024,
            max_headers: 64,
            max_pending_body_bytes: 256 * 1024 * 1024,
            max_streams: 128,
            max_requests: None,
            max_age: Duration::from_secs(600),
            first_byte_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(75),
            park_after: Duration::from_secs(1),
            linger_timeout: Duration::from_secs(1),
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

/// A limit that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}, it must be {rule}")]
pub struct LimitError {
    /// The name of the setting.
    pub setting: &'static str,
    /// The value as read.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl Limits {
    /// Checks every value; the error names the first setting that breaks its rule, its value and the rule.
    pub fn validate(&self) -> Result<(), LimitError> {
        count("max_connections", self.max_connections, 1, 1_000_000, "between 1 and 1000000")?;
        count("max_in_flight", self.max_in_flight, 1, usize::MAX, "at least 1")?;
        count("max_handshakes", self.max_handshakes, 1, 1_000_000, "between 1 and 1000000")?;
        let block = (LEAST_HEADER_BYTES, 1024 * 1024);
        count("max_header_bytes", self.max_header_bytes, block.0, block.1, "between 8192 and 1048576")?;
        count("max_headers", self.max_headers, 1, 100, "between 1 and 100")?;
        count("max_pending_body_bytes", self.max_pending_body_bytes, 1, usize::MAX, "at least 1")?;
        let streams = usize::try_from(self.max_streams).unwrap_or(usize::MAX);
        count("max_streams", streams, 1, 1000, "between 1 and 1000")?;
        if self.max_requests == Some(0) {
            return Err(LimitError { setting: "max_requests", value: "0".into(), rule: "at least 1, or absent" });
        }
        for (setting, span) in self.spans() {
            if span.is_zero() || span > Duration::from_secs(24 * 3600) {
                let value = format!("{span:?}");
                return Err(LimitError { setting, value, rule: "more than zero and at most one day" });
            }
        }
        Ok(())
    }

    fn spans(&self) -> [(&'static str, Duration); 11] {
        [
            ("max_age", self.max_age),
            ("first_byte_timeout", self.first_byte_timeout),
            ("handshake_timeout", self.handshake_timeout),
            ("header_timeout", self.header_timeout),
            ("body_timeout", self.body_timeout),
            ("write_timeout", self.write_timeout),
            ("idle_timeout", self.idle_timeout),
            ("park_after", self.park_after),
            ("linger_timeout", self.linger_timeout),
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
        ]
    }
}

fn count(setting: &'static str, n: usize, least: usize, most: usize, rule: &'static str) -> Result<(), LimitError> {
    if n < least || n > most { Err(LimitError { setting, value: n.to_string(), rule }) } else { Ok(()) }
}
