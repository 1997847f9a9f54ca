//! Distinguished names as text, both ways (RFC 4514).

use std::fmt;
use std::str::FromStr;

use x509_cert::attr::AttributeTypeAndValue;

use super::{Attribute, DistinguishedName, NameError, TYPES, Value, kind_of};

/// Longest name in text, in bytes.
const MAX_TEXT: usize = 4096;

/// RFC 4514 section 2: the last element first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, set) in self.0.iter().rev().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            for (at, attribute) in set.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { "+" })?;
                attribute.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = TYPES.iter().find(|(_, kind)| *kind == self.kind).map(|(name, _)| *name);
        match (&self.value, named) {
            (Value::Text(text), Some(name)) => write!(f, "{name}=").and_then(|()| escape(text, f)),
            (Value::Text(text), None) => write!(f, "{}=", self.kind).and_then(|()| escape(text, f)),
            (Value::Other(der), _) => {
                write!(f, "{}=#", self.kind)?;
                der.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// RFC 4514 section 2.4.
fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (at, letter) in text.chars().enumerate() {
        match letter {
            '#' if at == 0 => f.write_str("\\#")?,
            ' ' if at == 0 || at == last => f.write_str("\\ ")?,
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{letter}")?,
            '\0'..='\x1f' | '\x7f' => write!(f, "\\{:02x}", u32::from(letter))?,
            _ => write!(f, "{letter}")?,
        }
    }
    Ok(())
}

/// RFC 4514 section 3, and white space around the separators, as people write it.
impl FromStr for DistinguishedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > MAX_TEXT {
            return Err(NameError);
        }
        let set = |set: &str| split(set, '+').into_iter().map(attribute).collect::<Result<Vec<_>, _>>();
        let mut sets = split(text, ',').into_iter().map(set).collect::<Result<Vec<_>, _>>()?;
        sets.reverse();
        Ok(Self(sets))
    }
}

/// Returns the parts between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if letter == separator && !escaped {
            parts.push(&text[from..at]);
            from = at + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    parts.push(&text[from..]);
    parts
}

fn attribute(text: &str) -> Result<Attribute, NameError> {
    let (name, value) = text.split_once('=').ok_or(NameError)?;
    let kind = kind_of(name.trim()).ok_or(NameError)?;
    let value = value.trim_start_matches(' ');
    let bare = value.trim_end_matches(' ');
    // a space at the end may be escaped
    let value = if bare.len() < value.len() && ends_in_escape(bare) { &value[..=bare.len()] } else { bare };
    if value.starts_with('#') {
        return AttributeTypeAndValue::from_str(&format!("{kind}={value}"))
            .map_or(Err(NameError), |parsed| Ok(Attribute::read(&parsed)));
    }
    let text = unescape(value).filter(|text| !text.is_empty()).ok_or(NameError)?;
    Ok(Attribute { kind, value: Value::Text(text) })
}

/// RFC 4514 section 3: what must be escaped is, by a backslash before it or as two hexadecimal digits a byte.
fn unescape(value: &str) -> Option<String> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, left) = match (byte, after) {
            (b'\\', [next @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\'), after @ ..]) => {
                (*next, after)
            }
            (b'\\', [high, low, after @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                (u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, after)
            }
            (b'\\' | b'"' | b'+' | b',' | b';' | b'<' | b'>' | 0, _) => return None,
            (byte, after) => (byte, after),
        };
        plain.push(byte);
        rest = left;
    }
    String::from_utf8(plain).ok()
}

fn ends_in_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}
