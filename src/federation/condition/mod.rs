//! Rules on what a workload shows: the claims of its token, its certificate, its attested document. A small language that
//! always ends: no loops, no patterns, no calls outside, at most [`MAX_TEXT`] characters and [`MAX_DEPTH`] levels.
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

use std::fmt;

use serde_json::{Map, Value};

pub use parse::ConditionError;

/// Longest condition, in characters.
pub const MAX_TEXT: usize = 10_240;
/// How deep `And`, `Or` and `Not` may be nested.
pub const MAX_DEPTH: usize = 16;
/// Most segments of a path.
pub const MAX_SEGMENTS: usize = 12;

/// A checked condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Is(Test, Path, Vec<Value>),
}

/// A question about one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    /// The value is the literal, of the same type.
    Equals,
    /// The text begins with the literal.
    StartsWith,
    /// The text ends with the literal.
    EndsWith,
    /// The value is one of the literals.
    In,
    /// The list has the literal as a member; a text is a list of itself, as `aud` is (RFC 7519 section 4.1.3).
    Contains,
    /// The value is not there, `null`, `""`, `[]` or `{}`. Alone always true or false.
    IsNullOrEmpty,
}

/// Segments of the way to a value, the root first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Path(Vec<String>);

/// What a condition may speak of, by the proof that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A JWT: `jwt` and `client`.
    Token,
    /// A JWT and a certificate: `jwt`, `cert` and `client`.
    CertifiedToken,
    /// An attested document and its signer: `pkcs7`, `cert` and `client`.
    Document,
}

/// What is known about one request, by root: `jwt`, `cert`, `pkcs7`, `client`.
#[derive(Debug, Default)]
pub struct Facts(Map<String, Value>);

impl Facts {
    /// The facts with those under `root`.
    #[must_use]
    pub fn with(mut self, root: &str, facts: Value) -> Self {
        self.0.insert(root.to_owned(), facts);
        self
    }
}

impl Condition {
    /// Reads a condition about `subject`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, ConditionError> {
        parse::parse(text, subject).map(|rule| Self { text: text.to_owned(), rule })
    }

    /// Whether it is true of `facts`.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.rule.judge(facts) == Some(true)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Rule {
    /// True, false, or neither (Kleene's third value).
    fn judge(&self, facts: &Facts) -> Option<bool> {
        // `deciding` of one part decides; a part that is neither leaves the whole open
        let all = |parts: &[Self], deciding: bool| {
            let mut whole = Some(!deciding);
            for part in parts {
                match part.judge(facts) {
                    Some(value) if value == deciding => return Some(deciding),
                    Some(_) => {}
                    None => whole = None,
                }
            }
            whole
        };
        match self {
            Self::And(parts) => all(parts, false),
            Self::Or(parts) => all(parts, true),
            Self::Not(part) => part.judge(facts).map(|value| !value),
            Self::Is(test, path, literals) => test.ask(path.find(facts), literals),
        }
    }
}

impl Test {
    fn ask(self, value: Option<&Value>, literals: &[Value]) -> Option<bool> {
        let text = value.and_then(Value::as_str);
        let mut texts = literals.iter().filter_map(Value::as_str);
        match self {
            Self::Equals | Self::In => {
                let value = value.filter(|value| literals.iter().any(|literal| alike(value, literal)))?;
                Some(literals.contains(value))
            }
            Self::StartsWith => Some(text?.starts_with(texts.next()?)),
            Self::EndsWith => Some(text?.ends_with(texts.next()?)),
            Self::Contains => match value? {
                Value::Array(members) => Some(literals.iter().any(|literal| members.contains(literal))),
                _ => Some(text? == texts.next()?),
            },
            Self::IsNullOrEmpty => Some(match value {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(members)) => members.is_empty(),
                Some(Value::Object(members)) => members.is_empty(),
                Some(Value::Bool(_) | Value::Number(_)) => false,
            }),
        }
    }
}

/// Whether two values are of one type.
fn alike(one: &Value, two: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(two)
}

impl Path {
    fn find<'a>(&self, facts: &'a Facts) -> Option<&'a Value> {
        let (root, rest) = self.0.split_first()?;
        rest.iter().try_fold(facts.0.get(root)?, |value, segment| value.as_object()?.get(segment))
    }
}

#[cfg(test)]
mod tests;
