//! The users of an issuer, for its password grant.

use serde::{Deserialize, Serialize};

use super::custom::RESERVED;
use crate::hook::HookSettings;

/// The party that checks passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserSource {
    /// Nobody: there is no password grant.
    #[default]
    None,
    /// The built-in directory.
    Directory,
    /// A service of the operator's.
    Webhook,
}

impl UserSource {
    /// Returns the label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Directory => "directory",
            Self::Webhook => "webhook",
        }
    }
}

/// The users of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsersSettings {
    /// The party that checks passwords.
    pub source: UserSource,
    /// The service that a webhook asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookSettings>,
    /// Names of further request parameters that are passed on to a webhook, separated by spaces.
    pub parameters: String,
    /// True if a login with `openid` gets ID tokens, at once and with its refresh tokens.
    pub id_token: bool,
}

impl Default for UsersSettings {
    fn default() -> Self {
        Self { source: UserSource::None, hook: None, parameters: String::new(), id_token: true }
    }
}

/// Parameters that are passed on by themselves.
const OURS: [&str; 3] = ["username", "password", "acr_values"];

impl UsersSettings {
    /// Returns the names of the parameters that are passed on.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.split(' ').filter(|name| !name.is_empty())
    }

    /// Checks the settings by themselves.
    ///
    /// # Errors
    /// Setting, value and rule.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let taken = |name: &&str| RESERVED.contains(name) || OURS.contains(name);
        let wrong = |name: &&str| name.len() > 64 || !name.bytes().all(plain) || taken(name);
        if let Some(name) = self.parameters().find(wrong) {
            let rule = "names of up to 64 letters, digits, -, _ and ., none of them of the OAuth request itself";
            return Err(("users.parameters", name.to_owned(), rule));
        }
        if (self.source == UserSource::Webhook) != self.hook.is_some() {
            let rule = "a source \"webhook\" has a `hook` with its url, and no other source has one";
            return Err(("users.source", self.source.name().to_owned(), rule));
        }
        if self.parameters().count() > 16 {
            return Err(("users.parameters", self.parameters.clone(), "at most 16 names"));
        }
        Ok(())
    }
}
