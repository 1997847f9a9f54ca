//! The claim `scope` of access tokens, as RFC 9068 and as vendors write it.

use serde::{Deserialize, Serialize};

use crate::protocol::scope::Scope;

/// The `scope` claim: one string, or an array as some vendors have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeClaim {
    /// Tokens separated by spaces (RFC 9068 section 2.2.3).
    Text(String),
    /// One element for each scope token.
    List(Vec<String>),
}

impl Default for ScopeClaim {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl ScopeClaim {
    /// Returns whether there is no scope token.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
        }
    }

    /// Returns the scope tokens separated by spaces.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(list) => list.join(" "),
        }
    }
}

/// The form in which an issuer writes the claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeStyle {
    /// A string (RFC 9068).
    #[default]
    Text,
    /// An array, also of one.
    Array,
    /// A string if there is one token, an array, sorted, if there are several.
    TextOrArray,
}

impl ScopeStyle {
    /// Returns the claim for `scope`.
    pub fn claim(self, scope: &Scope) -> ScopeClaim {
        let mut list: Vec<String> = scope.tokens().map(str::to_owned).collect();
        match self {
            Self::Array => ScopeClaim::List(list),
            Self::TextOrArray if list.len() > 1 => {
                list.sort();
                ScopeClaim::List(list)
            }
            Self::Text | Self::TextOrArray => ScopeClaim::Text(scope.as_str().to_owned()),
        }
    }
}
