//! Lists, page by page: `?limit=` and `?after=`, and `next` in the answer while there is more.

use super::problem::Problem;
use crate::http::Request;
use crate::protocol::form::Form;

/// Most members of one page.
const MAX: usize = 1000;
/// Members of one page if nobody says how many.
const DEFAULT: usize = 100;

/// The requested part of a list.
pub(super) struct Page {
    /// The name that the page begins behind.
    pub(super) after: String,
    /// Most members of the page.
    pub(super) limit: usize,
}

impl Page {
    pub(super) fn asked(request: &Request) -> Result<Self, Problem> {
        let query = Form::parse(request.query().unwrap_or_default().as_bytes())
            .map_err(|error| Problem::new(400, format!("the query is wrong: {}", error.description)))?;
        let limit = match query.get("limit") {
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX).contains(limit))
                .ok_or_else(|| Problem::new(400, format!("limit: a number from 1 to {MAX}")))?,
            None => DEFAULT,
        };
        Ok(Self { after: query.get("after").unwrap_or_default().to_owned(), limit })
    }

    /// Returns the start of the next page, if there may be one after `found` members whose last is called `last`.
    pub(super) fn next(&self, found: usize, last: Option<&str>) -> Option<String> {
        last.filter(|_| found == self.limit).map(str::to_owned)
    }
}
