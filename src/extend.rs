//! Extensions of a program that embeds jeton. In the repository itself a new grant is one file and one line in a list; here
//! it is one file and one line in a value.

use std::sync::Arc;

use crate::auth;
use crate::dialect::{self, Dialects};
use crate::grant;
use crate::protocol::auth_method::MethodName;
use crate::store::Engine;

pub use crate::auth::{Claimed, ClientAuth, Verifying};
pub use crate::client::Client;
pub use crate::dialect::{Dialect, Path, Refused, default as default_dialect};
pub use crate::grant::{Context, Deciding, DirectLogin, Grant, Starting, TokenRequest};
pub use crate::protocol::auth_method::{AuthMethod, CredentialKind};
pub use crate::protocol::endpoint::{Endpoint, GrantEndpoint};
pub use crate::protocol::error::OAuthError;
pub use crate::protocol::form::Form;
pub use crate::protocol::grant_type::GrantType;
pub use crate::protocol::response::{StartResponse, TokenResponse};
pub use crate::token::Granted;

/// Additions to what is built in.
#[derive(Clone, Default)]
pub struct Extensions {
    /// Grants. The type of each must be none that is built in; an issuer offers it once its `grant_types` name it.
    pub grants: Vec<Arc<dyn Grant>>,
    /// Client authentication methods. A client has one if its `token_endpoint_auth_method` is the name.
    pub client_auth: Vec<Arc<dyn ClientAuth>>,
    /// Dialects. An issuer has one if its `dialect` is the name.
    pub dialects: Vec<&'static dyn Dialect>,
    /// The engine that keeps the state, in the place of the one that the settings name. It belongs to one daemon, which
    /// closes it at its end.
    pub engine: Option<Engine>,
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let grants: Vec<_> = self.grants.iter().map(|grant| grant.grant_type()).collect();
        let methods: Vec<_> = self.client_auth.iter().map(|method| method.method().name).collect();
        let dialects: Vec<_> = self.dialects.iter().map(|dialect| dialect.name()).collect();
        f.debug_struct("Extensions")
            .field("grants", &grants)
            .field("client_auth", &methods)
            .field("dialects", &dialects)
            .field("engine", &self.engine.is_some())
            .finish()
    }
}

impl Extensions {
    /// Checks the names: none that is built in, and each once.
    ///
    /// # Errors
    /// The list, the name and the rule it breaks.
    pub fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let mut grants: Vec<_> = grant::built_in().iter().map(|grant| grant.grant_type()).collect();
        for grant in &self.grants {
            let name = grant.grant_type();
            if grants.contains(&name) {
                return Err(("grants", name.to_string(), "there is a grant of this type already"));
            }
            grants.push(name);
        }
        let mut methods = auth::built_in();
        for method in self.client_auth.iter().map(|own| own.method()) {
            let wrong = |rule| Err(("client_auth", method.name.to_owned(), rule));
            if MethodName::new(method.name).is_none() {
                return wrong("1 to 32 lower-case letters, digits, _ and -");
            }
            if methods.contains(&method) {
                return wrong("there is a method of this name already");
            }
            if !matches!(method.credential, CredentialKind::External | CredentialKind::KeyPair) {
                return wrong("its credential is external or a key pair");
            }
            methods.push(method);
        }
        let mut dialects: Vec<&str> = dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        for dialect in &self.dialects {
            if dialects.contains(&dialect.name()) {
                return Err(("dialects", dialect.name().to_owned(), "there is a dialect of this name already"));
            }
            dialects.push(dialect.name());
        }
        Ok(())
    }

    /// Returns every client authentication method: those that are built in, then these.
    pub fn all_methods(&self) -> Vec<AuthMethod> {
        auth::built_in().into_iter().chain(self.client_auth.iter().map(|own| own.method())).collect()
    }

    /// Every dialect, the built-in ones first.
    pub fn all_dialects(&self) -> Dialects {
        Dialects::with(self.dialects.clone())
    }

    /// Every grant, the built-in ones first.
    pub fn all_grants(&self) -> Vec<Arc<dyn Grant>> {
        grant::built_in().into_iter().chain(self.grants.iter().cloned()).collect()
    }
}
