//! JSON from outside whose meaning matters: no object in it may name a member twice, at whatever depth (RFC 7515 section 4,
//! RFC 7519 section 4), because two readers may take different ones for what was meant.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Reads `json` as a `T`.
///
/// # Errors
/// If it is no JSON, repeats a member or is no `T`.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    check(json)?;
    serde_json::from_slice(json)
}

/// Checks that `json` is one JSON text without repeated members.
///
/// # Errors
/// The place and the kind of the first fault.
pub(crate) fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<Unrepeated>(json).map(|Unrepeated| ())
}

/// Any value whose objects, at whatever depth, name each member once.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names: HashSet<String> = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("the member {:?} is repeated", shown(&name))));
            }
            names.insert(name);
            members.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

/// Returns the part of a name that a message has room for.
fn shown(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_repeated_member_is_refused_at_whatever_depth_and_however_it_is_written() {
        for good in ["{}", "null", "[1,-1,1.5,true,\"x\",null]", r#"{"a":{"a":[{"a":1},{"a":2}]},"A":1}"#] {
            let value: Value = from_slice(good.as_bytes()).unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(good).unwrap());
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"[[{"a":1,"a":2}]]"#,
            r#"{"a":1} {"#,
            "",
            "{",
        ] {
            assert!(from_slice::<Value>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(check("[".repeat(100_000).as_bytes()).is_err(), "bounded depth");
    }
}
