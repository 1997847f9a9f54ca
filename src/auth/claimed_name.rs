//! The client that a request claims to be from, as a log may repeat it.

use std::borrow::Cow;

use crate::client::metadata::check_client_id;
use crate::token::wire;

/// A claimed client id, chosen by the sender. A text that cannot be a client id, and one that looks like a credential that
/// stands in its place, is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedName(Cow<'static, str>);

impl ClaimedName {
    /// Makes the name of a text that was sent.
    pub fn new(sent: &str) -> Self {
        // RFC 7515 section 3.1: a JWS begins with a JSON object in base64url
        let credential = wire::is_credential(sent) || sent.starts_with("eyJ");
        let fit = check_client_id(sent).is_ok() && !credential;
        Self(if fit { Cow::Owned(sent.to_owned()) } else { Cow::Borrowed("(not a client id)") })
    }

    /// Returns the name as it may be written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_75_a_text_that_is_no_client_id_is_not_repeated() {
        for fit in ["web", "a:b%c+d", &"x".repeat(128)] {
            assert_eq!(ClaimedName::new(fit).as_str(), fit);
        }
        let long = "x".repeat(129);
        for unfit in ["", "a b", "a\nb", "a/b", "\u{202e}a", "jcs_AAAA", "jrt_AAAA", "eyJhbGciOiJub25lIn0.e30.", &long]
        {
            assert_eq!(ClaimedName::new(unfit).as_str(), "(not a client id)", "{unfit:?}");
        }
    }
}
