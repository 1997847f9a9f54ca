//! A client authentication method of an embedding program: `Authorization: ApiKey <client id>.<key>`.

use std::collections::HashMap;

use jeton::extend::{AuthMethod, Claimed, Client, ClientAuth, CredentialKind, Form, Verifying};
use subtle::ConstantTimeEq;

pub(crate) struct ApiKey(pub(crate) HashMap<String, String>);

impl ClientAuth for ApiKey {
    fn method(&self) -> AuthMethod {
        AuthMethod { name: "api_key", credential: CredentialKind::External, algorithms: &[] }
    }

    fn detect(&self, authorization: Option<&[u8]>, _form: &Form<'_>) -> Option<Claimed> {
        let text = std::str::from_utf8(authorization?.strip_prefix(b"ApiKey ")?).ok()?;
        text.split_once('.').map(|(client_id, key)| Claimed::new(client_id, key))
    }

    fn verify<'a>(&'a self, client: Option<&'a Client>, proof: &'a str) -> Verifying<'a> {
        let key = client.and_then(|client| self.0.get(&client.id));
        let same = bool::from(key.map_or("none", String::as_str).as_bytes().ct_eq(proof.as_bytes()));
        let verdict = if same && key.is_some() { Ok(()) } else { Err("another key") };
        Box::pin(std::future::ready(verdict))
    }
}
