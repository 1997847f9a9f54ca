//! Reading a condition: recursive descent over its characters, never deeper than [`MAX_DEPTH`].

use serde_json::Value;

use super::rule::{ConditionPath, Rule, Test};
use crate::protocol::auth_method::ProviderKind;

/// Longest condition, in characters.
pub(crate) const MAX_TEXT: usize = 10_240;
/// Depth to which `And`, `Or` and `Not` may be nested.
pub(crate) const MAX_DEPTH: usize = 16;
/// Most segments of a path.
pub(crate) const MAX_SEGMENTS: usize = 12;

/// The first thing that is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {problem}")]
pub struct ConditionError {
    /// The character, counted from 1.
    pub at: usize,
    /// The expected text, or the limit that was passed.
    pub problem: &'static str,
}

/// The names that may stand under each root; a JWT's claims are anybody's, so only its two parts are named.
const ROOTS: [(&str, &[&str]); 4] = [
    ("jwt", &["header", "claims"]),
    ("cert", &["subject", "issuer", "san", "serialNumber", "thumbprint"]),
    ("pkcs7", &["document", "statement", "signingTime"]),
    ("client", &["id"]),
];

/// Returns the roots that a condition about a provider of this kind may use.
fn roots(about: ProviderKind) -> &'static [&'static str] {
    match about {
        ProviderKind::Tokens => &["jwt", "client"],
        ProviderKind::Certificates => &["jwt", "cert", "client"],
        ProviderKind::Documents => &["pkcs7", "cert", "client"],
    }
}

pub(super) fn parse(text: &str, about: ProviderKind) -> Result<Rule, ConditionError> {
    if text.chars().take(MAX_TEXT + 1).count() > MAX_TEXT {
        return Err(ConditionError { at: MAX_TEXT + 1, problem: "at most 10240 characters" });
    }
    let mut reader = ConditionReader { rest: text, at: 1, about };
    let rule = reader.rule(1)?;
    match reader.peek() {
        None => Ok(rule),
        Some(_) => reader.fail("the condition should end here"),
    }
}

struct ConditionReader<'a> {
    rest: &'a str,
    at: usize,
    about: ProviderKind,
}

type Read<T> = Result<T, ConditionError>;

impl<'a> ConditionReader<'a> {
    fn fail<T>(&self, problem: &'static str) -> Read<T> {
        Err(ConditionError { at: self.at, problem })
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        while self.rest.starts_with(|next: char| next.is_ascii_whitespace()) {
            self.next();
        }
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        self.at += 1;
        Some(next)
    }

    fn take(&mut self, wanted: char, problem: &'static str) -> Read<()> {
        if self.peek() == Some(wanted) {
            self.next();
            Ok(())
        } else {
            self.fail(problem)
        }
    }

    fn comma(&mut self) -> bool {
        let found = self.peek() == Some(',');
        if found {
            self.next();
        }
        found
    }

    /// Letters, digits, `_` and `-`.
    fn word(&mut self) -> &'a str {
        self.peek();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        // all of them are ASCII
        self.at += word.len();
        word
    }

    fn rule(&mut self, depth: usize) -> Read<Rule> {
        if depth > MAX_DEPTH {
            return self.fail("nested deeper than 16 levels");
        }
        self.peek();
        let start = self.at;
        let test = match self.word() {
            "And" => return self.rules(depth).map(Rule::And),
            "Or" => return self.rules(depth).map(Rule::Or),
            "Not" => {
                self.take('(', "expected `(`")?;
                let part = self.rule(depth + 1)?;
                self.take(')', "expected `)`: Not takes one condition")?;
                return Ok(Rule::Not(Box::new(part)));
            }
            "Equals" => Test::Equals,
            "StartsWith" => Test::StartsWith,
            "EndsWith" => Test::EndsWith,
            "In" => Test::In,
            "Contains" => Test::Contains,
            "IsNullOrEmpty" => Test::IsNullOrEmpty,
            _ => {
                let problem = "expected And, Or, Not, Equals, StartsWith, EndsWith, In, Contains or IsNullOrEmpty";
                return Err(ConditionError { at: start, problem });
            }
        };
        self.take('(', "expected `(`")?;
        let path = self.path()?;
        let literals = self.literals(test)?;
        self.take(')', "expected `)`")?;
        Ok(Rule::Is(test, path, literals))
    }

    fn rules(&mut self, depth: usize) -> Read<Vec<Rule>> {
        self.take('(', "expected `(`")?;
        let mut parts = vec![self.rule(depth + 1)?];
        while self.comma() {
            parts.push(self.rule(depth + 1)?);
        }
        self.take(')', "expected `,` or `)`")?;
        Ok(parts)
    }

    fn literals(&mut self, test: Test) -> Read<Vec<Value>> {
        let mut literals = Vec::new();
        while test != Test::IsNullOrEmpty && self.comma() {
            self.peek();
            let start = self.at;
            let literal = self.literal()?;
            if !literal.is_string() && matches!(test, Test::StartsWith | Test::EndsWith) {
                return Err(ConditionError { at: start, problem: "expected a text in double quotes" });
            }
            if literal == "" && matches!(test, Test::StartsWith | Test::EndsWith) {
                return Err(ConditionError {
                    at: start,
                    problem: "an empty text is the beginning and end of anything",
                });
            }
            literals.push(literal);
            if test != Test::In {
                return Ok(literals);
            }
        }
        if literals.is_empty() && test != Test::IsNullOrEmpty {
            return self.fail("expected `,` and a literal");
        }
        Ok(literals)
    }

    fn literal(&mut self) -> Read<Value> {
        const EXPECTED: &str = "expected a text in double quotes, a whole number, true or false";
        if self.peek() == Some('"') {
            return self.text().map(Value::String);
        }
        let start = self.at;
        let literal = match self.word() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            number => number.parse::<i64>().ok().map(Value::from),
        };
        literal.ok_or(ConditionError { at: start, problem: EXPECTED })
    }

    /// In double quotes, with `\"` and `\\` for the two characters that need it.
    fn text(&mut self) -> Read<String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some(escaped @ ('"' | '\\')) => text.push(escaped),
                    _ => return self.fail("only \\\" and \\\\ can be escaped"),
                },
                Some(plain) => text.push(plain),
                None => return self.fail("the text has no closing quote"),
            }
        }
    }

    fn path(&mut self) -> Read<ConditionPath> {
        self.peek();
        let start = self.at;
        let root = self.word();
        if !roots(self.about).contains(&root) {
            let problem = match self.about {
                ProviderKind::Tokens => "expected a path that begins with jwt. or client.",
                ProviderKind::Certificates => "expected a path that begins with jwt., cert. or client.",
                ProviderKind::Documents => "expected a path that begins with pkcs7., cert. or client.",
            };
            return Err(ConditionError { at: start, problem });
        }
        let mut segments = vec![root.to_owned()];
        while self.rest.starts_with('.') {
            self.next();
            let start = self.at;
            let segment = self.segment()?;
            let known = ROOTS.iter().find(|(own, _)| *own == root).map_or(&[][..], |(_, members)| members);
            if segments.len() == 1 && !known.contains(&segment) {
                let problem = match root {
                    "jwt" => "expected jwt.header or jwt.claims",
                    "cert" => "expected cert.subject, cert.issuer, cert.san, cert.serialNumber or cert.thumbprint",
                    "pkcs7" => "expected pkcs7.document, pkcs7.statement or pkcs7.signingTime",
                    _ => "expected client.id",
                };
                return Err(ConditionError { at: start, problem });
            }
            segments.push(segment.to_owned());
            if segments.len() > MAX_SEGMENTS {
                return self.fail("at most 12 segments in a path");
            }
        }
        if segments.len() < 2 { self.fail("expected `.` and a name") } else { Ok(ConditionPath(segments)) }
    }

    /// A plain name, or anything in single quotes.
    fn segment(&mut self) -> Read<&'a str> {
        if !self.rest.starts_with('\'') {
            let plain = !self.rest.starts_with(|next: char| next.is_ascii_whitespace());
            let word = if plain { self.word() } else { "" };
            return if word.is_empty() { self.fail("expected a name, or one in single quotes") } else { Ok(word) };
        }
        self.next();
        let rest = self.rest;
        let Some(end) = rest.find('\'') else { return self.fail("the name has no closing quote") };
        while self.rest.len() > rest.len() - end {
            self.next();
        }
        self.next();
        Ok(&rest[..end])
    }
}
