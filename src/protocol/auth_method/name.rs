//! The name of a client authentication method that is not built in: short, and as cheap to copy as a number.

use serde::{Deserialize, Serialize};

/// Longest name, in bytes.
const MAX: usize = 32;

/// 1 to 32 lower-case letters, digits, `_` and `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MethodName {
    bytes: [u8; MAX],
    length: u8,
}

impl MethodName {
    /// The name, if it is one.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let length = u8::try_from(name.len()).ok().filter(|_| name.bytes().all(plain))?;
        let mut bytes = [0; MAX];
        bytes.get_mut(..name.len()).filter(|place| !place.is_empty())?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, length })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        // only ASCII goes in
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
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
        for name in ["a", "api_key", &"x".repeat(32)] {
            assert_eq!(MethodName::new(name).unwrap().as_str(), name);
        }
        for bad in ["", "A", "a b", "\u{e9}", &"x".repeat(33), &"x".repeat(300)] {
            assert!(MethodName::new(bad).is_none(), "{bad}");
        }
    }
}
