//! The admin API of a running daemon, seen from the commands.

mod args;

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::exit;
use super::failure::CommandFailure;
use crate::http::client::{Method, Reply};
pub(super) use args::AdminArgs;

/// The admin API of one issuer, seen from a command.
pub(in crate::cli) struct AdminApi<'a> {
    args: &'a AdminArgs,
    base: Url,
    token: Zeroizing<String>,
}

impl<'a> AdminApi<'a> {
    /// Finds the URL and the token; sends nothing yet.
    pub(in crate::cli) fn new(args: &'a AdminArgs) -> Result<Self, CommandFailure> {
        let (base, token) = (args.base()?, args.token()?);
        Ok(Self { args, base, token })
    }

    /// Gets what is at `/admin/v1/issuers/{issuer}/...`.
    pub(in crate::cli) fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Value, CommandFailure> {
        self.at(Method::GET, &self.of_issuer(segments), query, None)
    }

    /// Changes something there; an answer without content is `null`.
    pub(in crate::cli) fn call(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<Value>,
    ) -> Result<Value, CommandFailure> {
        self.at(method, &self.of_issuer(segments), &[], body)
    }

    fn of_issuer<'b>(&'b self, segments: &[&'b str]) -> Vec<&'b str> {
        [&["issuers", self.args.issuer()], segments].concat()
    }

    fn at(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, CommandFailure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| CommandFailure::usage(format!("--admin-url {}: not an http URL", self.args.admin_url)))?
            .pop_if_empty()
            .extend(["admin", "v1"])
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let name = format!("{method} {url}");
        let authorization = Zeroizing::new(format!("Bearer {}", self.token.as_str()));
        let body = body.map(|body| ("application/json", body.to_string()));
        let reply = self.args.send("--admin-url", method, &url, &authorization, body)?;
        read(&name, &reply)
    }

    /// Gets a list that is given page by page, at most `pages` of them, and whether that was all.
    pub(in crate::cli) fn list(&self, what: &str, pages: usize) -> Result<(Vec<Value>, bool), CommandFailure> {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..pages {
            let mut page = self.get(&[what], &[("limit", "1000"), ("after", &after)])?;
            found.extend(page[what].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return Ok((found, true)),
            }
        }
        Ok((found, false))
    }

    /// Gets the issuer's settings from the daemon.
    pub(in crate::cli) fn issuer_settings(&self) -> Result<Value, CommandFailure> {
        let issuer = self.args.issuer();
        let mut config = self.at(Method::GET, &["config"], &[], None)?;
        match config["config"]["issuers"][issuer].take() {
            Value::Null => {
                Err(CommandFailure::new(exit::FAILED, format!("the daemon has no issuer {issuer}; see --issuer")))
            }
            settings => Ok(settings),
        }
    }

    /// Gets the issuer's URL from the daemon.
    pub(in crate::cli) fn issuer_url(&self) -> Result<Url, CommandFailure> {
        let settings = self.issuer_settings()?;
        let url = settings["url"].as_str().and_then(|url| Url::parse(url).ok());
        url.ok_or_else(|| CommandFailure::new(exit::FAILED, "the daemon gave no URL of the issuer; set --url"))
    }
}

/// Returns the JSON of an answer, or the failure that its problem document names.
fn read(name: &str, reply: &Reply) -> Result<Value, CommandFailure> {
    let body: Option<Value> =
        if reply.body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&reply.body).ok() };
    match (reply.status, body) {
        (200..=299, Some(body)) => Ok(body),
        (status, body) => {
            let detail = body.as_ref().and_then(|body| body["detail"].as_str());
            let detail = detail.unwrap_or("not an answer of jeton's admin API; is --admin-url the admin listener?");
            let (code, advice) = match status {
                401 => (exit::FAILED, "; check --admin-token-file or JETON_ADMIN_TOKEN"),
                404 if name.contains("/clients") || name.ends_with("/revocations") => {
                    (exit::FAILED, "; check the id and --issuer (`jeton client list` shows what there is)")
                }
                404 if name.contains("/users") => {
                    (exit::FAILED, "; check the name and --issuer (`jeton user list` shows who there is)")
                }
                404 => (exit::FAILED, "; check the id and --issuer"),
                409 if name.contains("/clients") => (exit::FAILED, "; `jeton client show` says what is there now"),
                500..=599 => (exit::UNAVAILABLE, "; try again, and see the daemon's log"),
                _ => (exit::FAILED, ""),
            };
            Err(CommandFailure::new(code, format!("{name}: {status}: {detail}{advice}")))
        }
    }
}
