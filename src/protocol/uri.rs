//! Canonical forms of URIs and names in registrations and settings. They are compared byte for byte (RFC 3986 section
//! 6.2.1, RFC 6749 section 3.1.2.3), and URL parsers repair a lot, so each is its own canonical form or an error that
//! shows the right one.

use std::fmt::Write as _;

use url::Url;

/// A reason why a URI is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UriError {
    /// Not an absolute URI.
    #[error("must be an absolute URL")]
    Relative,
    /// A user name or a password in the URI.
    #[error("must not name a user")]
    User,
    /// A percent sign does not begin an escape.
    #[error("has a percent sign without two hexadecimal digits behind it")]
    Escape,
    /// A control character, or a blank at an end.
    #[error("must have no control character, and no blank at its ends")]
    Unclean,
    /// Parsers read it as something that is written differently.
    #[error("is compared byte for byte, so write it in its canonical form: `{0}`")]
    Form(String),
}

/// Reads a URI that is its own canonical form: host and scheme in lower case (but for a private-use scheme, which has a
/// dot, and is compared as it is), no default port, no user, no dot segments,
/// nothing but the characters of RFC 3986. An empty path may stay empty.
///
/// # Errors
/// The rule, with the canonical form if there is one.
pub(crate) fn canonical(text: &str) -> Result<Url, UriError> {
    let url = Url::parse(text).map_err(|_| UriError::Relative)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UriError::User);
    }
    let written = written(&url, text);
    if !escapes_hold(&written) {
        return Err(UriError::Escape);
    }
    if written == text { Ok(url) } else { Err(UriError::Form(written)) }
}

/// Checks that the text is the canonical form of an origin such as `https://app.example` or `capacitor://localhost`.
///
/// # Errors
/// As [`canonical`].
pub(crate) fn origin(text: &str) -> Result<(), UriError> {
    let url = Url::parse(text).map_err(|_| UriError::Relative)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UriError::Relative)?;
    // a browser leaves out the port that is the scheme's default, and so does the parser
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let written = format!("{}://{}{port}", url.scheme(), host.to_ascii_lowercase());
    if written == text { Ok(()) } else { Err(UriError::Form(written)) }
}

/// Checks an identifier of another party, such as an `iss`: a URL in its canonical form, or any clean name.
///
/// # Errors
/// As [`canonical`]; [`UriError::Unclean`] for what is no URL.
pub(crate) fn identifier(text: &str) -> Result<(), UriError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => canonical(text).map(|_| ()),
        _ if is_clean(text) => Ok(()),
        _ => Err(UriError::Unclean),
    }
}

/// Returns whether the text has a control character, which could break out of a header, a log line or a `Location`.
pub(crate) fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

/// Returns whether the text can be a name that people read and machines compare: no control character, no blank at its
/// ends.
pub(crate) fn is_clean(text: &str) -> bool {
    !has_control(text) && text.trim().len() == text.len()
}

/// Returns the text as a message shows it: control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Returns the canonical form of the URL: the parser's form with an empty path where the text has one, a private-use
/// scheme as the text has it, and with every character escaped that RFC 3986 does not know.
fn written(url: &Url, text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    form.push_str(own_scheme(url, text).unwrap_or(url.scheme()));
    // brackets stand around an address
    escape(&url[url::Position::AfterScheme..url::Position::BeforePath], b"", &mut form);
    let after_host = text.trim().split_once("//").map_or("", |(_, rest)| rest);
    let has_path = after_host.split(['?', '#']).next().is_some_and(|rest| rest.contains(['/', '\\']));
    if url.path() != "/" || has_path || url.host_str().is_none() {
        escape(url.path(), b"[]", &mut form);
    }
    escape(&url[url::Position::AfterPath..], b"[]", &mut form);
    form
}

/// Returns the scheme of a private-use URI (RFC 8252 section 7.1) as it was registered: apps are named with capitals,
/// and send their names so.
fn own_scheme<'a>(url: &Url, text: &'a str) -> Option<&'a str> {
    let (scheme, _) = text.trim().split_once(':')?;
    (scheme.contains('.') && scheme.eq_ignore_ascii_case(url.scheme())).then_some(scheme)
}

/// Appends the text with every character escaped that RFC 3986 does not know, and `more`.
fn escape(text: &str, more: &[u8], form: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=b' ' | 0x7f.. => {
                _ = write!(form, "%{byte:02X}");
            }
            byte if more.contains(&byte) => _ = write!(form, "%{byte:02X}"),
            byte => form.push(char::from(byte)),
        }
    }
}

fn escapes_hold(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    bytes.iter().enumerate().all(|(at, byte)| *byte != b'%' || is_escape(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_canonical_is_taken_as_it_is() {
        for good in [
            "https://a.example",
            "https://a.example/",
            "https://a.example?x=1",
            "https://a.example:8443/x%2Fy?z=%20#f",
            "http://[::1]:8080/",
            "http://127.0.0.1",
            "com.example.app:/cb",
            "com.example.app:cb",
            "com.MyCompany.App:/cb",
            "COM.example.app://cb?x",
            "com.example.app://cb",
            "urn:api",
        ] {
            assert_eq!(canonical(good).map(|_| ()), Ok(()), "{good}");
        }
    }

    #[test]
    fn everything_else_is_shown_its_canonical_form() {
        for (bad, right) in [
            (" https://a.example", "https://a.example"),
            ("https://a.example\n", "https://a.example"),
            ("https:a.example/", "https://a.example"),
            ("HTTPS://A.example/x", "https://a.example/x"),
            ("https://a.example:443", "https://a.example"),
            ("https://a.example/b/../c", "https://a.example/c"),
            ("https:\\\\a.example\\c", "https://a.example/c"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("https://a.example/a b|c", "https://a.example/a%20b%7Cc"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
            (" com.MyCompany.App:/c b", "com.MyCompany.App:/c%20b"),
            ("http://a{b", "http://a%7Bb"),
            ("http://a{b?x", "http://a%7Bb?x"),
            ("https://a.example/x[]?y[]=z#[", "https://a.example/x%5B%5D?y%5B%5D=z#%5B"),
            ("http://[::1]/[", "http://[::1]/%5B"),
        ] {
            assert_eq!(canonical(bad).map(|_| ()), Err(UriError::Form(right.to_owned())), "{bad}");
            assert!(canonical(right).is_ok(), "{right}");
        }
        assert_eq!(canonical("a/b").map(|_| ()), Err(UriError::Relative));
        assert_eq!(canonical("https://a@b.example").map(|_| ()), Err(UriError::User));
        assert_eq!(canonical("https://b.example/%zz").map(|_| ()), Err(UriError::Escape));
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in
            ["https://a.example", "http://localhost:3000", "capacitor://localhost", "app://com.example", "http://[::1]"]
        {
            assert_eq!(origin(good), Ok(()), "{good}");
        }
        for (bad, right) in [
            ("https://a.example/", "https://a.example"),
            ("https://A.example:443/x?y", "https://a.example"),
            ("capacitor://LOCALHOST/", "capacitor://localhost"),
        ] {
            assert_eq!(origin(bad), Err(UriError::Form(right.to_owned())), "{bad}");
        }
        for none in ["", "null", "*", "a.example", "file://", "urn:a"] {
            assert_eq!(origin(none), Err(UriError::Relative), "{none}");
        }
    }
}
