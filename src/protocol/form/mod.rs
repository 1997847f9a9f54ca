//! The body of a token request: `application/x-www-form-urlencoded`, strictly decoded (RFC 6749 section 3.2,
//! appendix B). Each parameter occurs at most once; an empty value and a scope of blanks count as omitted (CHECKLIST 4, 6,
//! 10, 11).

mod vendor;

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::error::{BrokenRule, ErrorCause, OAuthError};
use super::uri::has_control;

/// Most parameters a form may have.
pub(crate) const MAX_PARAMETERS: usize = 64;
/// Longest parameter name, in bytes after decoding.
pub(crate) const MAX_NAME: usize = 128;
/// Longest parameter value, in bytes after decoding.
pub(crate) const MAX_VALUE: usize = 16 * 1024;

/// Parameters that may repeat: RFC 8707 section 2, RFC 8693 section 2.1.
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// A decoded form. No `Debug`: it carries secrets.
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// `invalid_request` for a bad percent-escape, invalid UTF-8, a control character in a name, a repeated
    /// parameter, or anything over the limits above.
    pub fn parse(body: &'a [u8]) -> Result<Self, OAuthError> {
        let mut form = Self { pairs: Vec::with_capacity(8) };
        for part in body.split(|&byte| byte == b'&').filter(|part| !part.is_empty()) {
            let (name, value) = match part.iter().position(|&byte| byte == b'=') {
                Some(at) => (&part[..at], &part[at + 1..]),
                None => (part, &part[part.len()..]),
            };
            form.push(decode(name)?, decode(value)?)?;
        }
        Ok(form.given())
    }

    /// Removes what counts as omitted: empty values, and a scope of nothing but blanks, which names none.
    fn given(mut self) -> Self {
        let blank = |value: &str| value.bytes().all(|byte| byte == b' ');
        self.pairs.retain(|(name, value)| !value.is_empty() && (name != "scope" || !blank(value)));
        self
    }

    /// Takes in one parameter, empty or not, if it breaks no rule.
    fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), OAuthError> {
        if self.pairs.len() == MAX_PARAMETERS {
            return Err(OAuthError::invalid_request("too many parameters"));
        }
        if name.len() > MAX_NAME || value.len() > MAX_VALUE {
            return Err(OAuthError::invalid_request("a parameter is too long"));
        }
        if value.contains('\0') {
            return Err(OAuthError::invalid_request("a parameter contains a NUL character"));
        }
        if has_control(&name) {
            return Err(OAuthError::invalid_request("the name of a parameter contains a control character"));
        }
        if !REPEATABLE.contains(&&*name) && self.pairs.iter().any(|(seen, _)| *seen == name) {
            return Err(OAuthError::invalid_request("a parameter is repeated"));
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// Returns the value of a parameter that occurs at most once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns the values of a parameter that may repeat, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// Returns the value of a parameter, or the error to answer if it is missing.
    ///
    /// # Errors
    /// `invalid_request` described by `missing`, if the parameter is absent or empty.
    pub fn require(&self, name: &'static str, missing: &'static str) -> Result<&str, OAuthError> {
        let cause = ErrorCause::Parameter(name, BrokenRule::Required);
        self.get(name).ok_or(OAuthError::invalid_request(missing).because(cause))
    }

    /// Returns the form with text of its own.
    pub fn into_owned(self) -> Form<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        Form { pairs: self.pairs.into_iter().map(|(name, value)| (own(name), own(value))).collect() }
    }
}

/// Decodes one name or value of a form; also used for the halves of HTTP Basic (RFC 6749 section 2.3.1).
///
/// # Errors
/// `invalid_request` for a bad percent-escape or invalid UTF-8.
pub(crate) fn decode(raw: &[u8]) -> Result<Cow<'_, str>, OAuthError> {
    const BAD: OAuthError = OAuthError::invalid_request("a parameter is not valid form encoding of UTF-8");
    if !raw.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| BAD);
    }
    let escapes_hold = raw
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b'%')
        .all(|(at, _)| raw.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    if !escapes_hold {
        return Err(BAD);
    }
    if raw.contains(&b'+') {
        let spaced: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        let text = percent_decode(&spaced).decode_utf8().map_err(|_| BAD)?;
        return Ok(Cow::Owned(text.into_owned()));
    }
    percent_decode(raw).decode_utf8().map_err(|_| BAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_parameter_occurs_at_most_once_but_resource_may_repeat() {
        assert!(Form::parse(b"a=1&a=1").is_err());
        assert!(Form::parse(b"a=&a=1").is_err(), "an empty first value does not hide a second");
        let form = Form::parse(b"resource=x&resource=y").ok().unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn an_empty_value_counts_as_omitted() {
        for blank in [&b"scope=&x=1"[..], b"scope=+&x=1", b"scope=%20+%20"] {
            assert_eq!(Form::parse(blank).ok().unwrap().get("scope"), None);
        }
        assert_eq!(Form::parse(b"x=+").ok().unwrap().get("x"), Some(" "), "only a scope is made of words");
    }

    #[test]
    fn broken_encoding_is_refused_not_repaired() {
        for body in [&b"a=%zz"[..], b"a=%4", b"a=%", b"a=%ff", b"a=\x80", b"a=%00", b"a%0a=1"] {
            assert!(Form::parse(body).is_err(), "{body:?}");
        }
        assert_eq!(Form::parse(b"a=%C3%A9+%2B").ok().unwrap().get("a"), Some("\u{e9} +"));
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(body in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn what_the_standard_encoder_wrote_is_read_back(value in "\\PC{1,64}") {
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("v", &value).finish();
            let form = Form::parse(body.as_bytes()).ok().unwrap();
            prop_assert_eq!(form.get("v"), Some(value.as_str()));
        }
    }
}
