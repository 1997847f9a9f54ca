//! The login of a password request (RFC 6749 section 4.3.2), bounded before anything is done with it.

use crate::protocol::error::{BrokenRule, ErrorCause, OAuthError};
use crate::protocol::form::Form;

use super::directory::{MAX_PASSWORD, is_username};
use crate::issuer::UsersSettings;

/// Longest `acr_values`, in bytes.
const MAX_ACR: usize = 300;
/// Longest vendor parameter, in bytes.
const MAX_PARAMETER: usize = 512;

const fn missing(parameter: &'static str) -> OAuthError {
    let error = OAuthError::invalid_request("username or password is missing");
    error.because(ErrorCause::Parameter(parameter, BrokenRule::Required))
}

const fn long(parameter: &'static str) -> OAuthError {
    let error = OAuthError::invalid_request("username or password is too long");
    error.because(ErrorCause::Parameter(parameter, BrokenRule::Length))
}

/// A login. No `Debug`: it carries a password.
pub struct LoginRequest<'a> {
    /// The name.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
    /// Requirements for the authentication.
    pub acr: Acr<'a>,
    /// Further parameters that the issuer declares, by name.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// `acr_values` of a request, with the two forms that say where somebody logs in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Acr<'a> {
    /// The first `idp:...`.
    pub idp: Option<&'a str>,
    /// The first `tenant:...`.
    pub tenant: Option<&'a str>,
    /// The others, each once.
    pub values: Vec<&'a str>,
}

impl<'a> LoginRequest<'a> {
    /// Reads the parameters of a request to an issuer with these settings.
    ///
    /// # Errors
    /// `invalid_request` for what is missing or too long.
    pub fn read(form: &'a Form<'_>, settings: &'a UsersSettings) -> Result<Self, OAuthError> {
        let username = form.get("username").ok_or(missing("username"))?;
        let password = form.get("password").ok_or(missing("password"))?;
        if !is_username(username) {
            return Err(long("username"));
        }
        if password.len() > MAX_PASSWORD {
            return Err(long("password"));
        }
        let named = |name: &'a str| form.get(name).map(|value| (name, value));
        let parameters: Vec<_> = settings.parameters().filter_map(named).collect();
        if parameters.iter().any(|(_, value)| value.len() > MAX_PARAMETER) {
            return Err(OAuthError::invalid_request("a parameter is too long"));
        }
        let acr = form.get("acr_values").map(Acr::parse).transpose()?.unwrap_or_default();
        Ok(Self { username, password, acr, parameters })
    }
}

impl<'a> Acr<'a> {
    fn parse(text: &'a str) -> Result<Self, OAuthError> {
        if text.len() > MAX_ACR {
            return Err(OAuthError::invalid_request("acr_values is too long"));
        }
        let mut acr = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            if let (Some(idp), None) = (value.strip_prefix("idp:"), acr.idp) {
                acr.idp = Some(idp);
            } else if let (Some(tenant), None) = (value.strip_prefix("tenant:"), acr.tenant) {
                acr.tenant = Some(tenant);
            } else if !acr.values.contains(&value) {
                acr.values.push(value);
            }
        }
        Ok(acr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_idp_and_tenant_are_taken_out_and_the_rest_stands_once() {
        let acr = Acr::parse("a tenant:one  idp:x b a tenant:two idp:y").ok().unwrap();
        assert_eq!((acr.idp, acr.tenant), (Some("x"), Some("one")));
        assert_eq!(acr.values, ["a", "b", "tenant:two", "idp:y"]);
        assert!(Acr::parse(&"a ".repeat(151)).is_err());
    }
}
