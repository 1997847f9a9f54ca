//! Custom grants of an issuer, as they stand in the configuration: any name as `grant_type`, the parameters it takes, and
//! the hook that decides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::hook::{Hook, HookSettings};
use crate::protocol::form::{MAX_NAME, MAX_VALUE};
use crate::protocol::grant_type::GrantType;

/// Most custom grants of an issuer: each is a lane of its own.
const MAX_GRANTS: usize = 32;
/// Most parameters of a custom grant.
const MAX_PARAMETERS: usize = 32;
/// Longest name of a grant type, in bytes.
const MAX_GRANT_TYPE: usize = 256;
/// Parameters that mean the same for every grant: they prove who the client is or say what it asks for, and no hook gets
/// them by these names.
pub(super) const RESERVED: [&str; 11] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "client_x509",
    "client_x509_chain",
    "application_federated_credential_name",
    "scope",
    "resource",
    "audience",
];

/// A custom grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomGrantSettings {
    /// The name in `grant_type`: an absolute URI or any other name that jeton does not know.
    pub grant_type: GrantType,
    /// Parameters of requests; others are not passed on.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// The hook that decides.
    pub hook: HookSettings,
}

/// A parameter of a custom grant. All of them are treated as secrets: none reaches a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The name in the request.
    pub name: String,
    /// True if a request without the parameter is refused.
    #[serde(default)]
    pub required: bool,
    /// Longest value, in bytes.
    #[serde(default = "kilobyte")]
    pub max_length: usize,
}

fn kilobyte() -> usize {
    1024
}

/// A custom grant in use.
#[derive(Clone, Debug)]
pub struct CustomGrant {
    /// The name in `grant_type`.
    pub grant_type: GrantType,
    /// Parameters of requests.
    pub parameters: Vec<Parameter>,
    /// The hook that decides.
    pub hook: Arc<Hook>,
}

/// Checks the custom grants of an issuer; an error has the value and the rule.
pub(super) fn check(grants: &[CustomGrantSettings]) -> Result<(), (String, &'static str)> {
    if grants.len() > MAX_GRANTS {
        return Err((grants.len().to_string(), "at most 32 custom grants"));
    }
    for (index, grant) in grants.iter().enumerate() {
        let name = grant.grant_type.as_str();
        if !is_name(name, MAX_GRANT_TYPE) {
            return Err((name.to_owned(), "grant_type: 1 to 256 printable ASCII characters without space, \" and \\"));
        }
        if grants[..index].iter().any(|other| other.grant_type == grant.grant_type) {
            return Err((name.to_owned(), "each grant_type once"));
        }
        check_parameters(&grant.parameters)?;
    }
    Ok(())
}

fn check_parameters(parameters: &[Parameter]) -> Result<(), (String, &'static str)> {
    if parameters.len() > MAX_PARAMETERS {
        return Err((parameters.len().to_string(), "parameters: at most 32"));
    }
    for (index, Parameter { name, max_length, .. }) in parameters.iter().enumerate() {
        if !is_name(name, MAX_NAME) {
            return Err((name.clone(), "parameters: names of 1 to 128 printable ASCII characters without space"));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err((name.clone(), "parameters: this one means the same for every grant and is not declared"));
        }
        if parameters[..index].iter().any(|other| other.name == *name) {
            return Err((name.clone(), "parameters: each name once"));
        }
        if !(1..=MAX_VALUE).contains(max_length) {
            return Err((max_length.to_string(), "parameters: max_length of 1 to 16384 bytes"));
        }
    }
    Ok(())
}

fn is_name(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=longest).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(name: &str, parameters: &[(&str, usize)]) -> CustomGrantSettings {
        let parameter = |(name, max_length): &(&str, usize)| Parameter {
            name: (*name).to_owned(),
            required: false,
            max_length: *max_length,
        };
        CustomGrantSettings {
            grant_type: name.to_owned().into(),
            parameters: parameters.iter().map(parameter).collect(),
            hook: HookSettings::at("https://hook.example/"),
        }
    }

    #[test]
    fn a_grant_has_a_name_of_its_own_and_parameters_that_are_its_own() {
        assert!(check(&[grant("http://tencentciam.com/otp/sms", &[("otp", 8)]), grant("legacy", &[])]).is_ok());
        for bad in ["", "a b", "a\"b", "\u{e9}", &"x".repeat(257)] {
            assert!(check(&[grant(bad, &[])]).is_err(), "{bad}");
        }
        assert!(check(&[grant("a", &[]), grant("a", &[])]).is_err());
        for bad in [&[("scope", 8)][..], &[("client_secret", 8)], &[("a", 0)], &[("a", 16_385)], &[("a", 8), ("a", 8)]]
        {
            assert!(check(&[grant("a", bad)]).is_err(), "{bad:?}");
        }
    }
}
