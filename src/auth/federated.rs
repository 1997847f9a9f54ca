//! The rules that the federated methods share: which credential a request means, whether the conditions hold, and that a
//! proof for one use is used once.

use std::sync::{Arc, LazyLock};

use super::attempt::AuthAttempt;
use super::failure::ClaimError;
use crate::client::Client;
use crate::clock::Time;
use crate::federation::condition::{Condition, Facts};
use crate::federation::{Credential, Provider};
use crate::protocol::auth_method::{CredentialKind, ProviderKind};

/// Returns the credentials of the client that a request may mean: the named one, or all.
pub(super) fn meant<'a>(attempt: &'a AuthAttempt<'_>, name: Option<&'a str>) -> impl Iterator<Item = &'a Credential> {
    let ours = attempt.client.iter().filter(|client| client.settings.auth_method == attempt.method);
    ours.flat_map(|client| &client.settings.federated).filter(move |own| name.is_none_or(|name| name == own.name))
}

/// Returns the provider of a proof that does not say where it is from: that of the one credential that is meant. For a client
/// that does not exist, the first of its kind. Only asked when all the work on the proof is done: its cost must not
/// depend on the client.
///
/// # Errors
/// If several credentials are meant.
pub(super) fn provider<'a>(
    attempt: &'a AuthAttempt<'_>,
    name: Option<&'a str>,
) -> Result<&'a Arc<Provider>, &'static str> {
    let mut meant = meant(attempt, name);
    let ours = attempt
        .issuer
        .providers
        .iter()
        .filter(|provider| attempt.method.credential == CredentialKind::Federated(provider.kind()));
    let found = match (meant.next(), meant.next()) {
        // as the issuer has it now: a client that was resolved before a reload still has the one from then
        (Some(only), None) => { ours }.find(|provider| provider.name == only.provider.name),
        (Some(_), Some(_)) => return Err("the request does not say which federated credential it means"),
        (None, _) => { ours }.next(),
    };
    found.ok_or("the issuer has no such federated provider")
}

/// Returns the credential under which `facts`, as `provider` proved them, mean the client. Conditions are judged for a client
/// that does not exist, too.
///
/// # Errors
/// If there is none.
pub(super) fn choose<'a>(
    attempt: &'a AuthAttempt<'_>,
    name: Option<&'a str>,
    provider: &Provider,
    facts: &Facts,
) -> Result<&'a Credential, &'static str> {
    let vouched = provider.vouches(facts);
    let mut judged = false;
    let fits = meant(attempt, name).filter(|own| own.provider.name == provider.name).find(|own| {
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

/// The condition that a client that does not exist is judged by.
static DECOY: LazyLock<Option<Condition>> = LazyLock::new(|| {
    Condition::parse("And(Equals(client.id, \"\"), Equals(client.id, \"/\"))", ProviderKind::Tokens).ok()
});

/// Remembers a proof until it has expired, on every node and over restarts, if its credential is for one use.
///
/// # Errors
/// If it is remembered already, or the store cannot remember it.
pub(super) async fn spend(
    attempt: &AuthAttempt<'_>,
    client: &Client,
    credential: &Credential,
    proof: &[u8],
    until: Time,
) -> Result<(), ClaimError> {
    if !credential.single_use {
        return Ok(());
    }
    // no client id begins with a slash, so that no jti of a client's own assertion has this name
    let mut name = format!("/{}/{}/", client.id, credential.provider.name).into_bytes();
    name.extend_from_slice(proof);
    match attempt.services.shards.spend(&attempt.issuer.id, &name, until).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ClaimError::Replayed("the proof was used before")),
        Err(_) => Err(ClaimError::Unavailable("the store cannot remember the proof")),
    }
}
