//! The name of a client authentication method: short, and as cheap to copy as a number.

use serde::{Deserialize, Serialize};

/// Longest name, in bytes.
const MAX: usize = 32;

/// A client authentication method by name, as `token_endpoint_auth_method` has it: 1 to 32 lower-case letters, digits, `_`
/// and `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MethodName {
    bytes: [u8; MAX],
    length: u8,
}

impl MethodName {
    /// The method of a public client.
    pub const NONE: Self = Self::constant(b"none");
    /// The method of a client that registers none (RFC 7591 section 2).
    const BASIC: Self = Self::constant(b"client_secret_basic");

    const fn constant(name: &[u8]) -> Self {
        let (mut bytes, mut at) = ([0; MAX], 0);
        while at < name.len() {
            bytes[at] = name[at];
            at += 1;
        }
        Self { bytes, length: name.len() as u8 }
    }

    /// Reads a name; `None` if it is invalid.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let length = u8::try_from(name.len()).ok().filter(|_| name.bytes().all(plain))?;
        let mut bytes = [0; MAX];
        bytes.get_mut(..name.len()).filter(|place| !place.is_empty())?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, length })
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        // only ASCII goes in
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl Default for MethodName {
    fn default() -> Self {
        Self::BASIC
    }
}

impl std::fmt::Debug for MethodName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl TryFrom<String> for MethodName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name).ok_or("a method is 1 to 32 lower-case letters, digits, _ and -")
    }
}

impl From<MethodName> for String {
    fn from(name: MethodName) -> Self {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_nothing_else_is_one() {
        assert_eq!((MethodName::NONE.as_str(), MethodName::default().as_str()), ("none", "client_secret_basic"));
        for name in ["a", "api_key", &"x".repeat(32)] {
            assert_eq!(MethodName::new(name).unwrap().as_str(), name);
        }
        for bad in ["", "A", "a b", "\u{e9}", &"x".repeat(33), &"x".repeat(300)] {
            assert!(MethodName::new(bad).is_none(), "{bad}");
        }
    }
}
