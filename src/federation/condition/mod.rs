//! Rules on what a workload shows: the claims of its token, its certificate, its attested document. A small language that
//! always ends: no loops, no patterns, no calls outside, at most [`parse::MAX_TEXT`] characters and [`parse::MAX_DEPTH`]
//! levels.
//!
//! ```text
//! And(StartsWith(jwt.claims.sub, "spiffe://prod.example/ns/payments/"), Not(Equals(client.id, "test")))
//! Equals(jwt.claims.'kubernetes.io'.namespace, "payments")
//! ```
//!
//! A test of something that is not there, or of another type than the test is for, is neither true nor false, and so are
//! `Not` of it and what depends on it. Only what is true lets anybody in, so a claim that is missing helps
//! nobody but whom a rule asks for just that: `IsNullOrEmpty` is always true or false.

mod parse;
mod rule;

use std::fmt;

pub(crate) use parse::ConditionError;
pub(crate) use rule::Facts;
use rule::Rule;

use crate::protocol::auth_method::ProviderKind;

/// A checked condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    text: String,
    rule: Rule,
}

impl Condition {
    /// Reads a condition about the word of a provider of this kind.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str, about: ProviderKind) -> Result<Self, ConditionError> {
        parse::parse(text, about).map(|rule| Self { text: text.to_owned(), rule })
    }

    /// Returns whether the condition is true of `facts`.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.rule.judge(facts) == Some(true)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
