//! Scope (RFC 6749 section 3.3): a set of case-sensitive tokens, kept in the order they were asked for.

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, OAuthError};

/// Longest scope parameter, in bytes.
pub(crate) const MAX_SCOPE: usize = 2048;
/// Most tokens in one scope.
pub(crate) const MAX_TOKENS: usize = 128;

/// A set of scope tokens, separated by single spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

impl Scope {
    /// Parses a scope parameter; repeated tokens count once.
    ///
    /// # Errors
    /// `invalid_scope` for a character outside `%x21 / %x23-5B / %x5D-7E`, or anything over the limits.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        const INVALID: OAuthError = OAuthError::new(ErrorCode::InvalidScope, "the scope is malformed or too long");
        if text.len() > MAX_SCOPE || !text.bytes().all(|byte| matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return Err(INVALID);
        }
        let mut scope = Self(String::with_capacity(text.len()));
        for (count, token) in text.split(' ').filter(|token| !token.is_empty()).enumerate() {
            if count == MAX_TOKENS {
                return Err(INVALID);
            }
            scope.insert(token);
        }
        Ok(scope)
    }

    /// Returns the tokens, in order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Returns whether `token` is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|own| own == token)
    }

    /// Returns whether every token of this scope is in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.tokens().all(|token| other.contains(token))
    }

    /// Returns the tokens that are also in `other`.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        self.tokens().filter(|token| other.contains(token)).for_each(|token| rest.insert(token));
        rest
    }

    /// Returns the set without the tokens of `taken`.
    #[must_use]
    pub fn without(&self, taken: &[&str]) -> Self {
        let mut rest = Self::default();
        self.tokens().filter(|token| !taken.contains(token)).for_each(|token| rest.insert(token));
        rest
    }

    /// Returns the set with all tokens of `may` of the same resource server instead of each `orders|.all`; one for
    /// which there are none stays as it is.
    #[must_use]
    pub fn expanded(&self, may: &Self) -> Self {
        let mut expanded = Self::default();
        for token in self.tokens() {
            let server = token.strip_suffix("|.all");
            let own = |one: &&str| server.is_some() && one.split_once('|').map(|(of, _)| of) == server;
            if may.tokens().any(|one| own(&one)) {
                may.tokens().filter(own).for_each(|one| expanded.insert(one));
            } else {
                expanded.insert(token);
            }
        }
        expanded
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the tokens separated by single spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn insert(&mut self, token: &str) {
        if !self.contains(token) {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            self.0.push_str(token);
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|error| error.description)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_resource_server_is_what_may_be_had_of_it() {
        let scope = |text| Scope::parse(text).unwrap();
        let may = scope("openid a|x b|y a|z ab|x");
        assert_eq!(scope("a|.all openid a|x").expanded(&may).as_str(), "a|x a|z openid");
        assert_eq!(scope("c|.all |.all .all a").expanded(&may).as_str(), "c|.all |.all .all a");
    }

    #[test]
    fn tokens_keep_their_order_and_count_once() {
        assert_eq!(Scope::parse("b a  b").unwrap().as_str(), "b a");
    }

    #[test]
    fn characters_outside_the_rfc_are_refused() {
        for bad in ["a\"b", "a\\b", "a\tb", "\u{e9}"] {
            assert!(Scope::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn within_compares_sets() {
        let (small, large) = (Scope::parse("a c").unwrap(), Scope::parse("c b a").unwrap());
        assert!(small.is_within(&large) && !large.is_within(&small));
    }
}
