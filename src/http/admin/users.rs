//! Users of the built-in directory. A password goes in and never comes out; what a disabled or deleted user holds ends.

use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::body::{self, AdminResult, json};
use super::page::Page;
use super::problem::Problem;
use super::target::{ACTOR, Audited};
use crate::grant::portal::{check_claims, check_subject};
use crate::http::{Request, respond};
use crate::inspect;
use crate::issuer::Issuer;
use crate::issuer::UserSource;
use crate::service::Service;
use crate::state::NotBeforeOf;
use crate::user::directory::{DirectoryError, StoredUser, check_username};
use crate::user::{UserClaims, prepared};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserRequest {
    /// As it is shown; it must be the one of the path.
    username: Option<String>,
    password: Option<Zeroizing<String>>,
    password_hash: Option<Zeroizing<String>>,
    subject: String,
    #[serde(default)]
    claims: UserClaims,
    #[serde(default)]
    disabled: bool,
}

/// Creates or replaces a user; without `password` and `password_hash` the one that is there keeps its password.
pub(super) async fn put(service: &Service, issuer: &Issuer, username: &str, request: &Request) -> AdminResult {
    let wanted: UserRequest = body::read(request)?;
    check_directory(issuer)?;
    // what is refused must end nothing
    check_subject(&wanted.subject)?;
    check_claims(&wanted.claims)?;
    let users = &service.context.users;
    let found = users.directory().find(&issuer.id, username).await?;
    // a new one in the form of now, one that was stored in another where it is
    let username = found.as_ref().map_or_else(|| prepared::name(username), |found| found.name.as_str().into());
    let username = username.into_owned();
    check_username(&username)?;
    if wanted.username.is_some_and(|named| prepared::name(&named) != prepared::name(&username)) {
        return Err(Problem::new(400, "username: differs from the path; a user keeps its name"));
    }
    let hash = match (wanted.password, wanted.password_hash, &found) {
        (Some(_), Some(_), _) => return Err(Problem::new(400, "send password or password_hash, not both")),
        (Some(password), None, _) => users.hash(&password).await?,
        (None, Some(hash), _) => {
            users.check_hash(&hash)?;
            hash.to_string()
        }
        (None, None, Some(found)) => found.user.hash.clone(),
        (None, None, None) => return Err(Problem::new(400, "password: a new user needs one, or a password_hash")),
    };
    let user = StoredUser { hash, subject: wanted.subject, claims: wanted.claims, disabled: wanted.disabled };
    let (version, before) = found.map_or((0, None), |found| (found.version, Some(found.user.subject)));
    let former = before.filter(|before| *before != user.subject);
    // before, so that nothing lives on if we fail half-way and are asked again
    if let Some(former) = &former {
        end_logins(service, issuer, former).await?;
    }
    users.directory().put(&issuer.id, &username, &user, version).await?;
    // after, for who logged in in between: a login counts from before it read the user
    for ended in former.iter().chain(user.disabled.then_some(&user.subject)) {
        end_logins(service, issuer, ended).await?;
    }
    tracing::info!(target: "audit", event = "user_written", actor = ACTOR, peer = %request.peer, issuer = issuer.id, subject = user.subject, disabled = user.disabled);
    Ok(Audited::mark(json(if version == 0 { 201 } else { 200 }, &describe(&username, &user))))
}

pub(super) async fn list(service: &Service, issuer: &Issuer, request: &Request) -> AdminResult {
    check_directory(issuer)?;
    let page = Page::asked(request)?;
    let users = service.context.users.directory().list(&issuer.id, &page.after, page.limit).await?;
    let next = page.next(users.len(), users.last().map(|(username, _)| username.as_str()));
    let users: Vec<Value> = users.iter().map(|(username, user)| describe(username, user)).collect();
    Ok(json(200, &json!({ "users": users, "next": next })))
}

fn check_directory(issuer: &Issuer) -> Result<(), Problem> {
    if issuer.settings.users.source == UserSource::Directory {
        return Ok(());
    }
    let rule = format!("the issuer has no directory: set issuers.{}.users.source to \"directory\"", issuer.id);
    Err(Problem::new(400, rule))
}

pub(super) async fn show(service: &Service, issuer: &Issuer, username: &str) -> AdminResult {
    let found = service.context.users.directory().find(&issuer.id, username).await?;
    let found = found.ok_or(DirectoryError::NotFound)?;
    Ok(json(200, &describe(&found.name, &found.user)))
}

pub(super) async fn delete(service: &Service, issuer: &Issuer, username: &str, request: &Request) -> AdminResult {
    let directory = service.context.users.directory();
    let found = directory.find(&issuer.id, username).await?.ok_or(DirectoryError::NotFound)?;
    // before, so that nothing lives on if we fail half-way and are asked again; after, for who logged in in between
    end_logins(service, issuer, &found.user.subject).await?;
    directory.delete(&issuer.id, &found.name, found.version).await?;
    end_logins(service, issuer, &found.user.subject).await?;
    tracing::info!(target: "audit", event = "user_deleted", actor = ACTOR, peer = %request.peer, issuer = issuer.id, subject = found.user.subject);
    Ok(Audited::mark(respond::json(204, "")))
}

/// Everything issued about the subject until now is void, in O(1).
async fn end_logins(service: &Service, issuer: &Issuer, subject: &str) -> Result<(), Problem> {
    Ok(inspect::raise_not_before(issuer, NotBeforeOf::Subject(subject), &service.context).await?)
}

/// A user as an operator sees it: everything but the hash.
fn describe(username: &str, user: &StoredUser) -> Value {
    let mut members = json!({ "username": username, "subject": user.subject, "disabled": user.disabled });
    if !user.claims.is_empty() {
        members["claims"] = serde_json::to_value(&user.claims).unwrap_or_default();
    }
    members
}
