//! Documents in a table, with a counter for each kind: a writer locks the counter's row until its commit is visible, so
//! versions become visible in their order. Users, whom nobody follows, have random versions and no counter.

use tokio_postgres::Row as SqlRow;

use super::Postgres;
use super::query::{Query, param};
use super::reads::{odd, unsigned};
use super::rows::signed;
use super::statements::{
    CHANGE_DOCUMENT, CHANGE_UNFOLLOWED, CHANGED_DOCUMENTS, CREATE_DOCUMENT, CREATE_UNFOLLOWED, GET_DOCUMENT,
    LIST_DOCUMENTS, PAGE_OF_DOCUMENTS,
};
use crate::id::random_bytes;
use crate::store::{Document, Documents, Pending, StoreError, USERS, check_document};

/// Reads a row of name, version and body; `None` if it is the counter's, which has no name.
fn document(kind: &str, row: &SqlRow) -> Result<Option<Document>, StoreError> {
    let name: Option<Vec<u8>> = row.try_get(0).map_err(odd)?;
    let Some(name) = name else { return Ok(None) };
    let name = String::from_utf8(name)
        .map_err(|_| StoreError::Corrupt(format!("the name of a stored document ({kind}) is no UTF-8")))?;
    Ok(Some(Document { kind: kind.to_owned(), name, version: version(row)?, body: row.try_get(2).map_err(odd)? }))
}

fn version(row: &SqlRow) -> Result<u64, StoreError> {
    row.try_get(1).map(unsigned).map_err(odd)
}

/// Reads the rows of a statement that returns the counter first.
fn with_counter(kind: &str, rows: &[SqlRow]) -> Result<(Vec<Document>, u64), StoreError> {
    let (mut documents, mut counter) = (Vec::with_capacity(rows.len()), 0);
    for row in rows {
        match document(kind, row)? {
            Some(document) => documents.push(document),
            None => counter = version(row)?,
        }
    }
    Ok((documents, counter))
}

/// Returns a version that no other document of the name ever had; never 0, which means that there is none.
fn random_version() -> i64 {
    (i64::from_be_bytes(random_bytes()) & i64::MAX).max(1)
}

/// Returns the first name in the order of bytes that is behind all that begin with `prefix`, if there is one.
fn behind(prefix: &str) -> Option<Vec<u8>> {
    let mut bytes = prefix.as_bytes().to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

impl Documents for Postgres {
    fn list<'a>(&'a self, kind: &'a str) -> Pending<'a, (Vec<Document>, u64)> {
        Box::pin(async move {
            let query = || Query::read(LIST_DOCUMENTS, vec![param(kind.to_owned())]);
            with_counter(kind, &self.links()?.read(query).await?)
        })
    }

    fn get<'a>(&'a self, kind: &'a str, name: &'a str) -> Pending<'a, Option<Document>> {
        Box::pin(async move {
            let query = || Query::read(GET_DOCUMENT, vec![param(kind.to_owned()), param(name.as_bytes().to_vec())]);
            let rows = self.links()?.read(query).await?;
            rows.first().map_or(Ok(None), |row| document(kind, row))
        })
    }

    fn page<'a>(&'a self, kind: &'a str, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<Document>> {
        Box::pin(async move {
            let query = || {
                let bytes = |text: &str| text.as_bytes().to_vec();
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let names = [bytes(prefix), bytes(after)].map(param);
                let params = std::iter::once(param(kind.to_owned())).chain(names);
                Query::read(PAGE_OF_DOCUMENTS, params.chain([param(behind(prefix)), param(limit)]).collect())
            };
            Ok(with_counter(kind, &self.links()?.read(query).await?)?.0)
        })
    }

    fn put(&self, document: Document, expected: u64) -> Pending<'_, Option<u64>> {
        Box::pin(async move {
            check_document(&document)?;
            let Document { kind, name, body, .. } = document;
            let query = || {
                let mut params = vec![param(kind.clone()), param(name.clone().into_bytes()), param(body.clone())];
                let is_followed = kind != USERS;
                if !is_followed {
                    params.push(param(random_version()));
                }
                if expected > 0 {
                    params.push(param(signed(expected)));
                }
                let text = match (is_followed, expected) {
                    (true, 0) => CREATE_DOCUMENT,
                    (true, _) => CHANGE_DOCUMENT,
                    (false, 0) => CREATE_UNFOLLOWED,
                    (false, _) => CHANGE_UNFOLLOWED,
                };
                Query::write(text, params)
            };
            let rows = self.links()?.write(query).await?;
            rows.first().map(|row| row.try_get(0).map(unsigned).map_err(odd)).transpose()
        })
    }

    fn changes<'a>(&'a self, kind: &'a str, version: u64) -> Pending<'a, (Vec<Document>, u64)> {
        Box::pin(async move {
            let query = || Query::read(CHANGED_DOCUMENTS, vec![param(kind.to_owned()), param(signed(version))]);
            let (documents, counter) = with_counter(kind, &self.links()?.read(query).await?)?;
            Ok((documents, counter.max(version)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn the_end_of_a_prefix_is_the_next_one() {
        assert_eq!(behind("a/"), Some(b"a0".to_vec()));
        assert_eq!(behind(""), None);
        let last = "a\u{10ffff}";
        assert!(behind(last).is_some_and(|end| &end[..] > format!("{last}z").as_bytes()));
    }
}
