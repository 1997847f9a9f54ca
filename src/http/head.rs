//! Rules for the head of any request: a host that is none (RFC 9112 section 3.2), an
//! expectation that cannot be met (RFC 9110 section 10.1.1), a coding of the body that is not taken (section 8.4).

use std::net::Ipv6Addr;

use hyper::header::{CONTENT_ENCODING, EXPECT, HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use super::request::Fault;

/// Returns whether a server must answer the head with 400: HTTP/1.1 names its host exactly once, HTTP/2 has
/// `:authority`, and each host is one. Nobody is a tunnel here.
pub(super) fn is_malformed(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next();
    let missing = host.is_none() && head.version == Version::HTTP_11;
    let wrong = host.is_some_and(|host| !is_authority(host.as_bytes())) || hosts.next().is_some();
    let of_target = head.uri.authority().is_some_and(|authority| !is_authority(authority.as_str().as_bytes()));
    missing || wrong || of_target || head.method == Method::CONNECT
}

/// Returns the fault of a body that is not welcome.
pub(super) fn refusal(headers: &HeaderMap) -> Option<Fault> {
    let other_than = |name, known: &[u8]| {
        let mut members = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        members.any(|member| !member.trim_ascii().is_empty() && !member.trim_ascii().eq_ignore_ascii_case(known))
    };
    if other_than(EXPECT, b"100-continue") {
        Some(Fault::Expectation)
    } else if other_than(CONTENT_ENCODING, b"identity") {
        Some(Fault::Coding)
    } else {
        None
    }
}

/// Returns whether the text is `uri-host [":" port]`, without a user (RFC 3986 section 3.2, RFC 9110 section 7.2).
fn is_authority(text: &[u8]) -> bool {
    let (is_host, rest) = if let Some(literal) = text.strip_prefix(b"[") {
        let end = literal.iter().position(|byte| *byte == b']').unwrap_or(literal.len());
        let (address, rest) = literal.split_at(end);
        let address = std::str::from_utf8(address).ok().and_then(|address| address.parse::<Ipv6Addr>().ok());
        (address.is_some(), rest.get(1..))
    } else {
        let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        // nobody has no name and a port
        (is_name(name) && (!name.is_empty() || rest.is_empty()), Some(rest))
    };
    is_host && rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port))
}

/// A registered name or an IPv4 address.
fn is_name(mut name: &[u8]) -> bool {
    while let [first, rest @ ..] = name {
        name = match (first, rest) {
            (b'%', [a, b, rest @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            (b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=', _) => rest,
            (first, _) if first.is_ascii_alphanumeric() => rest,
            _ => return false,
        };
    }
    true
}

/// Digits that are at most 65535; none at all is the default port.
fn is_port(digits: &[u8]) -> bool {
    let add = |port: u32, digit: &u8| {
        digit.is_ascii_digit().then(|| port.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
    };
    digits.iter().try_fold(0, add).is_some_and(|port| port <= u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9112_3_2_a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in
            ["", "a", "a.", "a:", "a:0", "a:65535", "a:00080", "127.0.0.1:80", "[::1]", "[::1]:1", "a%2Db", "a_b"]
        {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b",
            "a@b",
            "@",
            "a:65536",
            "a:4294967376",
            "a:x",
            "a:1:2",
            ":",
            ":80",
            "::1",
            "[::1",
            "[::1]1",
            "[]",
            "[a]",
            "a/",
            "a%2",
            "\u{e9}",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
