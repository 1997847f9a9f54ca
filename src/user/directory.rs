//! The built-in directory: a document of the store for each user, read by its name when the user logs in.
//!
//! There may be millions, so none is kept in memory. Names are compared after [`super::prepared::name`]; one that was
//! stored before in another form is found by that form, and is nobody else's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{UserClaims, prepared};
use crate::protocol::segment::is_dot_segment;
use crate::store::{Document, Documents, StoreError, USERS};
use crate::token::access::is_subject;

/// Kind of the documents that hold users.
const KIND: &str = USERS;
/// Longest name of a user, in bytes.
pub(crate) const MAX_USERNAME: usize = 255;
/// Longest password, in bytes.
pub(crate) const MAX_PASSWORD: usize = 512;

/// A user at rest. No `Debug`: it carries a hash.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredUser {
    /// argon2id in PHC format.
    pub hash: String,
    /// `sub` of the tokens.
    pub subject: String,
    /// Further claims of the tokens.
    #[serde(default)]
    pub claims: UserClaims,
    /// True if the user may do nothing.
    #[serde(default)]
    pub disabled: bool,
}

/// A user with the name and the version to change it by.
pub struct FoundUser {
    /// The name as it is stored.
    pub name: String,
    /// The user.
    pub user: StoredUser,
    /// The version of the document.
    pub version: u64,
}

/// The reason why a user could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A member breaks its rule.
    #[error("{0}")]
    Rule(String),
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// Somebody else changed the user at the same time.
    #[error("somebody else changed this user at the same time; read it again")]
    Conflict,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The directory of every issuer that has one.
pub struct Directory {
    store: Arc<dyn Documents>,
}

impl Directory {
    /// The directory in `store`.
    pub fn new(store: Arc<dyn Documents>) -> Self {
        Self { store }
    }

    /// The user of this name: one point read, or two of a name that is not in the form in which names are stored now.
    ///
    /// # Errors
    /// If the store fails, or what it holds is no user.
    pub async fn find(&self, issuer: &str, username: &str) -> Result<Option<FoundUser>, StoreError> {
        let prepared = prepared::name(username);
        let as_sent = self.read(issuer, username).await?;
        if prepared == username {
            return Ok(as_sent);
        }
        // both are read whatever the first one brings
        let found = self.read(issuer, &prepared).await?;
        Ok(as_sent.or(found))
    }

    async fn read(&self, issuer: &str, username: &str) -> Result<Option<FoundUser>, StoreError> {
        let name = name(issuer, username);
        let Some(Document { version, body: Some(body), .. }) = self.store.get(KIND, &name).await? else {
            return Ok(None);
        };
        // the message must not repeat what stands there
        let corrupt = |_| StoreError::Corrupt(format!("the stored user {} cannot be read", name.escape_debug()));
        let user = serde_json::from_str(&body).map_err(corrupt)?;
        Ok(Some(FoundUser { name: username.to_owned(), user, version }))
    }

    /// Users of an issuer in the order of their names' bytes, those after the name `after`, at most `limit`.
    ///
    /// # Errors
    /// As [`Directory::find`].
    pub async fn list(&self, issuer: &str, after: &str, limit: usize) -> Result<Vec<(String, StoredUser)>, StoreError> {
        let (prefix, after) = (name(issuer, ""), name(issuer, after));
        let documents = self.store.page(KIND, &prefix, &after, limit).await?;
        let user = |document: Document| {
            let username = document.name.strip_prefix(&prefix).unwrap_or_default().to_owned();
            let corrupt =
                |_| StoreError::Corrupt(format!("the stored user {} cannot be read", document.name.escape_debug()));
            let user = serde_json::from_str(document.body.as_deref().unwrap_or_default()).map_err(corrupt)?;
            Ok((username, user))
        };
        documents.into_iter().map(user).collect()
    }

    /// Writes a user whose version is still `expected` (0: there is none), durably.
    ///
    /// # Errors
    /// If a rule is broken, somebody else was first or the store fails; nothing is changed then.
    pub async fn put(
        &self,
        issuer: &str,
        username: &str,
        user: &StoredUser,
        expected: u64,
    ) -> Result<(), DirectoryError> {
        check_username(username)?;
        if !is_subject(&user.subject) {
            let rule = "subject: 1 to 255 printable ASCII characters (OpenID Connect Core section 2)";
            return Err(DirectoryError::Rule(rule.to_owned()));
        }
        user.claims.check().map_err(DirectoryError::Rule)?;
        let body = serde_json::to_string(user).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        self.write(issuer, username, Some(body), expected).await
    }

    /// Removes a user whose version is still `expected`, durably.
    ///
    /// # Errors
    /// As [`Directory::put`].
    pub async fn delete(&self, issuer: &str, username: &str, expected: u64) -> Result<(), DirectoryError> {
        self.write(issuer, username, None, expected).await
    }

    async fn write(
        &self,
        issuer: &str,
        username: &str,
        body: Option<String>,
        expected: u64,
    ) -> Result<(), DirectoryError> {
        let document = Document { kind: KIND.to_owned(), name: name(issuer, username), version: 0, body };
        self.store.put(document, expected).await?.map(|_version| ()).ok_or(DirectoryError::Conflict)
    }
}

/// Checks that a name can be a new user's: 1 to 255 bytes without control characters, and one that a URL can carry.
///
/// # Errors
/// The rule.
pub(crate) fn check_username(username: &str) -> Result<(), DirectoryError> {
    if is_dot_segment(username) {
        return Err(DirectoryError::Rule("username: no URL can carry `.` or `..`; choose another name".to_owned()));
    }
    if is_username(username) {
        return Ok(());
    }
    let rule = format!("username: 1 to {MAX_USERNAME} bytes without control characters");
    Err(DirectoryError::Rule(rule))
}

/// Returns whether a name can be a user's.
pub(crate) fn is_username(username: &str) -> bool {
    (1..=MAX_USERNAME).contains(&username.len()) && !username.contains(char::is_control)
}

/// An issuer's id has no slash, so this is unambiguous whatever the user's name has.
fn name(issuer: &str, username: &str) -> String {
    format!("{issuer}/{username}")
}
