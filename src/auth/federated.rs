//! What the three federated methods share: which credential a request means, whether the conditions hold, and that a
//! proof for one use is used once.

use std::sync::{Arc, LazyLock};

use super::assertion::SLACK;
use super::{Case, Claim, Proof, Refused};
use crate::client::Client;
use crate::clock::Time;
use crate::federation::condition::{Condition, Facts, Subject};
use crate::federation::{Credential, Provider};
use crate::id::Id;
use crate::protocol::auth_method::AuthMethod;
use crate::protocol::form::Form;
use crate::state::{Key, SpendAssertion};

/// The parameter that names a credential of the client.
pub(super) const CREDENTIAL: &str = "application_federated_credential_name";

/// What a request by a federated method brings along.
pub(super) struct Federated<'a> {
    /// The token, the assertion or the document.
    pub(super) assertion: &'a str,
    /// The name of the credential, if it was sent.
    pub(super) credential: Option<&'a str>,
    /// The certificate that the assertion is signed with, in PEM.
    pub(super) certificate: Option<&'a str>,
    /// Those between it and an authority, in PEM.
    pub(super) chain: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// The claim to be `client_id`, by an outside proof, which names nobody here.
    pub(super) fn federated(method: AuthMethod, assertion: &'a str, form: &'a Form<'_>) -> Self {
        let client_id = form.get("client_id").unwrap_or_default().to_owned();
        let sent = Federated {
            assertion,
            credential: form.get(CREDENTIAL),
            certificate: form.get("client_x509"),
            chain: form.get("client_x509_chain"),
        };
        Self::new(method, client_id, Proof::Federated(sent))
    }
}

/// The credentials of the client that a request may mean: the named one, or all.
pub(super) fn meant<'a>(case: &'a Case<'_>, name: Option<&'a str>) -> impl Iterator<Item = &'a Credential> {
    let ours = case.client.iter().filter(|client| client.settings.auth_method == case.method);
    ours.flat_map(|client| &client.settings.federated).filter(move |own| name.is_none_or(|name| name == own.name))
}

/// The provider of a proof that does not say where it is from: that of the one credential that is meant. For a client
/// that does not exist, the first of its kind. Only asked when all the work on the proof is done: its cost must not
/// depend on the client.
///
/// # Errors
/// If several credentials are meant.
pub(super) fn provider<'a>(case: &'a Case<'_>, name: Option<&'a str>) -> Result<&'a Arc<Provider>, &'static str> {
    let mut meant = meant(case, name);
    let ours = case.issuer.providers.iter().filter(|provider| provider.method() == case.method);
    let found = match (meant.next(), meant.next()) {
        // as the issuer has it now: a client that was resolved before a reload still has the one from then
        (Some(only), None) => { ours }.find(|provider| provider.name == only.provider.name),
        (Some(_), Some(_)) => return Err("the request does not say which federated credential it means"),
        (None, _) => { ours }.next(),
    };
    found.ok_or("the issuer has no such federated provider")
}

/// The credential under which `facts`, as `provider` proved them, mean the client. Conditions are judged for a client
/// that does not exist, too.
///
/// # Errors
/// If there is none.
pub(super) fn choose<'a>(
    case: &'a Case<'_>,
    name: Option<&'a str>,
    provider: &Provider,
    facts: &Facts,
) -> Result<&'a Credential, &'static str> {
    let vouched = provider.vouches(facts);
    let mut judged = false;
    let fits = meant(case, name).filter(|own| own.provider.name == provider.name).find(|own| {
        judged = true;
        own.condition.holds(facts)
    });
    if !judged && let Some(decoy) = &*DECOY {
        std::hint::black_box(decoy.holds(facts));
    }
    match fits {
        Some(credential) if vouched => Ok(credential),
        Some(_) => Err("the condition of the federated provider does not hold"),
        None => Err("no federated credential of the client is meant, or its condition does not hold"),
    }
}

/// What a client that does not exist is judged by.
static DECOY: LazyLock<Option<Condition>> =
    LazyLock::new(|| Condition::parse("And(Equals(client.id, \"\"), Equals(client.id, \"/\"))", Subject::Token).ok());

/// Remembers a proof until it has expired, on every node and over restarts, if its credential is for one use.
///
/// # Errors
/// If it is remembered already, or the store cannot remember it.
pub(super) async fn spend(
    case: &Case<'_>,
    client: &Client,
    credential: &Credential,
    proof: &[u8],
    until: Time,
) -> Result<(), Refused> {
    if !credential.single_use {
        return Ok(());
    }
    // no client id begins with a slash, so that no jti of a client's own assertion has this name
    let mut name = format!("/{}/{}/", client.id, credential.provider.name).into_bytes();
    name.extend_from_slice(proof);
    let key = Key::used_assertion(&case.issuer.id, &name);
    let spend = SpendAssertion { key, attempt: Id::random(), keep_until: until + SLACK };
    let shards = &case.by.shards;
    match shards.ask(shards.home(&key), spend).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Refused::Replayed("the proof was used before")),
        Err(_) => Err(Refused::Later("the store cannot remember the proof")),
    }
}
