//! The rule of a condition, and how it is judged.

use serde_json::{Map, Value};

/// A rule: a test, or others put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Is(Test, ConditionPath, Vec<Value>),
}

/// A question about one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
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
pub(super) struct ConditionPath(pub(super) Vec<String>);

/// The facts of one request, by root: `jwt`, `cert`, `pkcs7`, `client`.
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

impl Rule {
    /// True, false, or neither (Kleene's third value).
    pub(super) fn judge(&self, facts: &Facts) -> Option<bool> {
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

/// Returns whether two values are of one type.
fn alike(one: &Value, two: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(two)
}

impl ConditionPath {
    fn find<'a>(&self, facts: &'a Facts) -> Option<&'a Value> {
        let (root, rest) = self.0.split_first()?;
        rest.iter().try_fold(facts.0.get(root)?, |value, segment| value.as_object()?.get(segment))
    }
}
