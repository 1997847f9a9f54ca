//! Clients by the admin API: RFC 7591 names in, RFC 7591 names out, a secret shown exactly once.

use serde_json::{Map, Value};

use super::body::{self, AdminResult, json};
use super::page::Page;
use super::problem::Problem;
use super::secrets::{self, NewSecret};
use super::target::{ACTOR, Created};
use crate::client::metadata::ClientMetadata;
use crate::client::secret::advice;
use crate::http::{Request, respond};
use crate::inspect;
use crate::issuer::Issuer;
use crate::protocol::auth_method::MethodName;
use crate::registry::{Registered, StoredClient};
use crate::service::Service;
use crate::state::NotBeforeOf;
use crate::token::wire;

pub(super) async fn create(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let RegistrationRequest { client_id, client_secret, metadata } = registration(body::read(request)?)?;
    let id = client_id.unwrap_or_else(new_id);
    let name = metadata.token_endpoint_auth_method;
    let by_secret = issuer.method(name).filter(|method| method.has_secret());
    let secret = match (by_secret, client_secret) {
        (None, None) => None,
        (None, Some(_)) => {
            let rule = format!("client_secret: a client with method `{}` has no secret", name.as_str());
            return Err(Problem::new(400, rule));
        }
        (Some(method), given) => Some(NewSecret::make(service, issuer, &id, method, given, None).await?),
    };
    let stored = StoredClient { metadata, secrets: secret.iter().map(|secret| secret.stored.clone()).collect() };
    let client = service.registry.create(issuer, &id, stored).await?;
    let mut answer = describe(&id, &Registered::from(&*client));
    if let Some(secret) = secret {
        answer.insert("client_secret".to_owned(), Value::from(secret.text.as_str()));
        answer.insert("client_secret_expires_at".to_owned(), Value::from(0));
        if let Some(advice) = advice(&secret.text) {
            answer.insert("warnings".to_owned(), Value::from(vec![advice]));
        }
    }
    let mut response = json(201, &answer);
    response.extensions_mut().insert(Created { client: Some(id), secret: None });
    Ok(response)
}

pub(super) fn list(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    let page = Page::asked(request)?;
    let clients = service.registry.list(&issuer.id, &page.after, page.limit);
    let next = page.next(clients.len(), clients.last().map(|client| client.id.as_str()));
    let clients: Vec<Map<String, Value>> =
        clients.iter().map(|client| describe(&client.id, &Registered::from(&**client))).collect();
    Ok(json(200, &serde_json::json!({ "clients": clients, "next": next })))
}

pub(super) fn show(service: &Service, issuer: &Issuer, id: &str) -> AdminResult {
    Ok(json(200, &describe(id, &service.registry.registered(&issuer.id, id)?)))
}

pub(super) async fn replace(service: &Service, issuer: &Issuer, id: &str, request: &Request) -> AdminResult {
    let mut members: Map<String, Value> = body::read(request)?;
    let old = service.registry.changeable(&issuer.id, id)?;
    check_added(&mut members, id, &old)?;
    let RegistrationRequest { client_id, client_secret, metadata } = registration(members)?;
    if client_id.is_some_and(|named| named != id) {
        return Err(Problem::new(400, "client_id: differs from the path; a client keeps its id"));
    }
    let lowered = metadata.token_endpoint_auth_method == MethodName::NONE && !old.is_public();
    let secrets = old.body.map(|body| body.secrets).unwrap_or_default();
    if let Some(secret) = client_secret
        && !secrets::is_one_of(service, issuer, id, &secrets, &secret).await?
    {
        return Err(Problem::new(400, "client_secret: is none of the client's; add one with POST .../secrets"));
    }
    let new = StoredClient { metadata, secrets };
    // what is refused must void nothing
    service.registry.check(issuer, id, &new)?;
    if lowered {
        // before, so that nothing lives on if we fail half-way and are asked again; after, for what was issued in between
        inspect::raise_only(issuer, NotBeforeOf::Client(id), &service.context).await?;
    }
    // in place of the one that was judged and no other
    let client = service.registry.replace(issuer, id, old.version, new).await?;
    if lowered {
        inspect::raise_not_before(issuer, NotBeforeOf::Client(id), &service.context).await?;
        tracing::warn!(target: "audit", event = "client_made_public", actor = ACTOR, peer = %request.peer, issuer = issuer.id, client = id);
    }
    Ok(json(200, &describe(id, &Registered::from(&*client))))
}

/// Takes out what the service adds to the metadata in its answers (RFC 7591 section 3.2.1), so that what it returned can
/// be sent back (RFC 7592 section 2.2); it must be as it is now.
fn check_added(members: &mut Map<String, Value>, id: &str, client: &Registered) -> Result<(), Problem> {
    let shown = describe(id, client);
    // said of the answer, not of the client
    for name in ["warnings", "unusable"] {
        members.remove(name);
    }
    if members.remove("secrets").is_some_and(|secrets| Some(&secrets) != shown.get("secrets")) {
        let rule = "secrets: differ from those of the client; add and remove them with .../secrets";
        return Err(Problem::new(400, rule));
    }
    for name in ["client_secret_expires_at", "client_id_issued_at"] {
        if members.remove(name).is_some_and(|value| !value.is_u64()) {
            return Err(Problem::new(400, format!("{name}: must be a number, and is not changed by it")));
        }
    }
    Ok(())
}

pub(super) async fn delete(service: &Service, issuer: &Issuer, id: &str) -> AdminResult {
    // what the client holds ends with it (CHECKLIST 56): before, so that nothing lives on under an id that is free for
    // others if we fail half-way, and after, for what was issued in between
    service.registry.changeable(&issuer.id, id)?;
    inspect::raise_only(issuer, NotBeforeOf::Client(id), &service.context).await?;
    service.registry.delete(issuer, id).await?;
    inspect::raise_not_before(issuer, NotBeforeOf::Client(id), &service.context).await?;
    Ok(respond::json(204, ""))
}

struct RegistrationRequest {
    client_id: Option<String>,
    client_secret: Option<zeroize::Zeroizing<String>>,
    metadata: ClientMetadata,
}

/// A new client id: 22 characters, random but for the first, which is no `-`: a command line would take the id for an
/// option.
fn new_id() -> String {
    loop {
        let id = wire::encode("", &crate::id::random_bytes::<16>());
        if !id.starts_with('-') {
            return id;
        }
    }
}

/// Reads RFC 7591 metadata with the two members that are not metadata.
fn registration(mut members: Map<String, Value>) -> Result<RegistrationRequest, Problem> {
    let mut text = |name: &str| match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::new(400, format!("{name}: must be a string"))),
    };
    let (client_id, client_secret) = (text("client_id")?, text("client_secret")?.map(zeroize::Zeroizing::new));
    members.get_mut("jeton").into_iter().for_each(drop_nulls);
    let metadata = body::from_value(Value::Object(members))?;
    Ok(RegistrationRequest { client_id, client_secret, metadata })
}

/// Takes members that are `null` out, at whatever depth.
fn drop_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}

/// A client as an operator sees it: everything but secrets, and why it cannot be used if it cannot.
fn describe(id: &str, client: &Registered) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("client_id".to_owned(), Value::from(id));
    if let Some(body) = &client.body {
        if let Ok(Value::Object(metadata)) = serde_json::to_value(&body.metadata) {
            members.extend(metadata);
        }
        let listed: Vec<Value> = body.secrets.iter().map(secrets::describe).collect();
        members.insert("secrets".to_owned(), Value::from(listed));
    }
    if let Some(reason) = &client.unusable {
        members.insert("unusable".to_owned(), Value::from(reason.as_str()));
    }
    members
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_new_client_id_can_stand_on_a_command_line() {
        for _ in 0..1000 {
            let id = super::new_id();
            assert!(id.len() == 22 && !id.starts_with('-'), "{id}");
        }
    }
}
