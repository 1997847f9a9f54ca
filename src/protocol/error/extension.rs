//! An error that a custom grant defines, checked so that it can stand in any answer (RFC 6749 sections 5.2 and 8.5).

use super::ErrorCode;

/// Longest error code, in bytes.
const MAX_NAME: usize = 64;
/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 256;

/// The refusal of a custom grant: a registered error code or one of its own, with a description. The description has no
/// `Debug`: it may repeat what the client sent.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtensionError {
    code: ErrorCode,
    name: String,
    description: String,
}

impl std::fmt::Debug for ExtensionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExtensionError").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ExtensionError {
    /// Checks the error `name` and its description: a registered code, or one of 1 to 64 lower-case letters, digits, `_`, `-`
    /// and `.` that begins with a letter; at most 256 bytes of description in the characters of RFC 6749 section 5.2.
    /// Returns `None` for anything else, and for `invalid_client`, which only client authentication answers.
    pub fn new(name: &str, description: &str) -> Option<Self> {
        let registered =
            ErrorCode::ALL.into_iter().find(|code| code.name() == name && *code != ErrorCode::TooManyRequests);
        let code = match registered {
            Some(ErrorCode::InvalidClient | ErrorCode::Extension) => return None,
            Some(code) => code,
            None => ErrorCode::Extension,
        };
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
        let printable = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let fits = first && name.len() <= MAX_NAME && name.bytes().all(rest);
        let said = description.len() <= MAX_DESCRIPTION && description.bytes().all(printable);
        (fits && said).then(|| Self { code, name: name.to_owned(), description: description.to_owned() })
    }

    /// The code that decides the status.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The code on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The description on the wire, unless it is empty.
    pub fn description(&self) -> Option<&str> {
        Some(self.description.as_str()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_8_5_a_code_of_a_grant_is_lower_case_printable_and_short() {
        let code = |name: &str| ExtensionError::new(name, "").map(|error| error.code());
        assert_eq!(code("invalid_grant"), Some(ErrorCode::InvalidGrant));
        assert_eq!(code("slow_down"), Some(ErrorCode::DeviceSlowDown), "an answer to this request, not to the client");
        assert_eq!(code("otp.expired-2"), Some(ErrorCode::Extension));
        for bad in ["", "invalid_client", "custom_error", "Expired", "1st", "a b", "a\"b", "a\n", &"a".repeat(65)] {
            assert_eq!(code(bad), None, "{bad:?}");
        }
        assert!(ExtensionError::new("a", &"x".repeat(256)).is_some());
        for bad in ["a\"", "a\\", "a\r\nSet-Cookie: x", "\u{e9}", &"x".repeat(257)] {
            assert!(ExtensionError::new("a", bad).is_none(), "{bad:?}");
        }
        assert!(!format!("{:?}", ExtensionError::new("a", "123456")).contains("123456"));
    }
}
