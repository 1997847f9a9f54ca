//! Other ways to send the same parameters, for the dialects whose vendors have them: members of a JSON object, other
//! names, other words. The rules of a form hold for all of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};

use super::Form;
use crate::protocol::error::OAuthError;

impl<'a> Form<'a> {
    /// Reads the members of a flat JSON object: strings, and booleans as `true` and `false`.
    ///
    /// # Errors
    /// `invalid_request` for anything else, a repeated member, or anything over the limits of a form.
    pub fn from_json(body: &[u8]) -> Result<Form<'static>, OAuthError> {
        const BAD: OAuthError = OAuthError::invalid_request("the body must be one JSON object of strings");
        let mut reader = serde_json::Deserializer::from_slice(body);
        let members = reader.deserialize_map(Members).map_err(|_| BAD)?;
        reader.end().map_err(|_| BAD)?;
        let mut form = Form { pairs: Vec::with_capacity(8) };
        for (name, value) in members {
            form.push(Cow::Owned(name), Cow::Owned(value))?;
        }
        Ok(form.given())
    }

    /// Gives parameters our names: `(theirs, ours)`.
    ///
    /// # Errors
    /// `invalid_request` if both names are there.
    pub fn rename(mut self, names: &[(&str, &'static str)]) -> Result<Self, OAuthError> {
        for (theirs, ours) in names {
            if self.get(theirs).is_some() && self.get(ours).is_some() {
                return Err(OAuthError::invalid_request("a parameter is repeated"));
            }
            self.pairs.iter_mut().filter(|(name, _)| name == theirs).for_each(|(name, _)| *name = Cow::Borrowed(ours));
        }
        Ok(self.given())
    }

    /// Gives values our words: `(parameter, theirs, ours)`.
    #[must_use]
    pub fn reword(mut self, words: &[(&str, &str, &'static str)]) -> Self {
        for (name, value) in &mut self.pairs {
            if let Some((_, _, ours)) = words.iter().find(|(parameter, theirs, _)| name == parameter && value == theirs)
            {
                *value = Cow::Borrowed(ours);
            }
        }
        self
    }

    /// Splits a parameter that may repeat into one for each word of its values.
    ///
    /// # Errors
    /// `invalid_request` if that makes too many parameters.
    pub fn split(mut self, name: &'static str) -> Result<Self, OAuthError> {
        let words: Vec<String> = self.all(name).flat_map(|value| value.split(' ')).map(str::to_owned).collect();
        self.pairs.retain(|(own, _)| own != name);
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            self.push(Cow::Borrowed(name), Cow::Owned(word))?;
        }
        Ok(self)
    }

    /// Adds a parameter that stands elsewhere in the request.
    ///
    /// # Errors
    /// `invalid_request` if the form says something else.
    pub fn with(mut self, name: &'static str, value: &str) -> Result<Self, OAuthError> {
        match self.get(name) {
            Some(own) if own == value => {}
            Some(_) => return Err(OAuthError::invalid_request("a parameter is not the one of the path")),
            None => self.push(Cow::Borrowed(name), Cow::Owned(value.to_owned()))?,
        }
        Ok(self)
    }

    /// Removes one parameter.
    #[must_use]
    pub fn without(mut self, taken: &str) -> Self {
        self.pairs.retain(|(name, _)| name != taken);
        self
    }
}

/// Members in order, repeated ones too: a map would hide them.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Member>()? {
            members.push((name, value.into()));
        }
        Ok(members)
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Member {
    Text(String),
    Flag(bool),
}

impl From<Member> for String {
    fn from(member: Member) -> Self {
        match member {
            Member::Text(text) => text,
            Member::Flag(flag) => flag.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_json_object_is_a_form_and_nothing_else_is() {
        let form = Form::from_json(br#"{"a":"x y","b":true,"c":""}"#).ok().unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("x y"), Some("true"), None));
        for bad in [
            &b""[..],
            b"[]",
            b"\"a\"",
            br#"{"a":1}"#,
            br#"{"a":null}"#,
            br#"{"a":{"b":"c"}}"#,
            br#"{"a":["b"]}"#,
            br#"{"a":"1","a":"1"}"#,
            br#"{"a":"1"} x"#,
            br#"{"a":"\u0000"}"#,
            b"{\"a\":\"\xff\"}",
            b"a=1",
        ] {
            assert!(Form::from_json(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_list_becomes_a_parameter_that_repeats_within_the_limits() {
        let form = Form::parse(b"audience=a++b&x=1&audience=c").ok().unwrap().split("audience").ok().unwrap();
        assert_eq!(form.all("audience").collect::<Vec<_>>(), ["a", "b", "c"]);
        let long = format!("audience={}", "a+".repeat(65));
        assert!(Form::parse(long.as_bytes()).ok().unwrap().split("audience").is_err());
    }

    #[test]
    fn names_and_words_are_exchanged_but_never_merged() {
        let parse = |body| Form::parse(body).ok().unwrap();
        let form = parse(b"user=ann&type=short").rename(&[("user", "username")]).ok().unwrap();
        let form = form.reword(&[("type", "short", "urn:long"), ("username", "ann", "bob"), ("other", "ann", "eve")]);
        assert_eq!((form.get("username"), form.get("type"), form.get("user")), (Some("bob"), Some("urn:long"), None));
        assert_eq!(form.without("type").get("type"), None);
        let with =
            |body| parse(body).with("client_id", "web").ok().map(|form| form.get("client_id").map(str::to_owned));
        assert_eq!(with(b"a=1"), Some(Some("web".to_owned())));
        assert_eq!((with(b"client_id=web").is_some(), with(b"client_id=other")), (true, None));
        assert!(parse(b"user=ann&username=bob").rename(&[("user", "username")]).is_err());
    }
}
