//! The daemon that runs: what it says of itself on the admin listener, and whether the issuers' URLs lead to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::bounded::{self, Probe};
use super::finding::Finding;
use super::network::dialled;
use crate::cause::chain;
use crate::clock::Time;
use crate::config::{Config, secret_line};
use crate::http::client::{Call, Method, Reply, ServerTrust, send};

/// Longest time for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The admin listener of the daemon, and what is trusted.
pub(super) struct RunningDaemon<'a> {
    base: Url,
    /// True if `base` comes from the command line.
    is_given: bool,
    /// For the admin listener.
    trust: ServerTrust<'a>,
    /// For the issuers' URLs.
    outside: ServerTrust<'a>,
    authorization: Zeroizing<String>,
}

/// The result for one issuer: the reason why its URL does not lead to the daemon, and the date of the answer.
type IssuerProbe = (Result<(), String>, Option<Time>);

/// The part of its state that a daemon reports.
pub(super) struct DaemonReport {
    pub(super) store: StorePath,
}

impl DaemonReport {
    /// The report of a daemon that answers nothing.
    pub(super) const NOTHING: Self = Self { store: StorePath::Unknown };
}

/// The place where a daemon keeps its state.
pub(super) enum StorePath {
    /// Not reported.
    Unknown,
    /// In memory, so on no disk.
    None,
    At(PathBuf),
}

impl<'a> RunningDaemon<'a> {
    /// Makes the daemon behind `admin_url`, or else behind the configured admin listener.
    pub(super) fn new(config: &'a Config, admin_url: Option<Url>, ca_file: Option<&'a Path>) -> Option<Self> {
        let scheme = if config.admin.tls.is_some() { "https" } else { "http" };
        let own = format!("{scheme}://{}", dialled(config.admin.listen));
        let is_given = admin_url.is_some();
        let base = admin_url.or_else(|| Url::parse(&own).ok())?;
        let certificate = config.admin.tls.as_ref().map(|tls| ServerTrust::File(&tls.certificate));
        // the configuration was checked with this file
        let token = secret_line(&config.secrets.admin_token_file, "").unwrap_or_default();
        Some(Self {
            base,
            is_given,
            trust: ca_file.map(ServerTrust::File).or(certificate).unwrap_or(ServerTrust::Browsers),
            outside: ca_file.map_or(ServerTrust::Browsers, ServerTrust::File),
            authorization: Zeroizing::new(format!("Bearer {}", token.as_str())),
        })
    }

    /// Checks readiness, configuration and dropped log lines; returns `None` if there is no answer.
    pub(super) async fn look(&self, findings: &mut Vec<Finding>) -> Option<DaemonReport> {
        let mut known = DaemonReport::NOTHING;
        let ready = self.admin("/readyz").await;
        let url = self.at("/readyz");
        findings.push(match &ready {
            Ok(reply) if reply.status == 200 => Finding::good("readiness", format!("{url}: ready")),
            Ok(reply) => {
                let told = String::from_utf8_lossy(&reply.body);
                Finding::bad("readiness", format!("{url}: {} {}; see the daemon's log", reply.status, told.trim()))
            }
            Err(error) if self.base.scheme() == "https" => {
                let advice = "give --admin-url with a name of its certificate, and --ca-file";
                Finding::warning("readiness", format!("{url}: {error}; {advice}"))
            }
            Err(error) if self.is_given => {
                let advice = "is the daemon running, and is --admin-url its admin listener?";
                Finding::bad("readiness", format!("{url}: {error}; {advice}"))
            }
            Err(error) => Finding::bad("readiness", format!("{url}: {error}; is something else on this port?")),
        });
        if ready.is_err() {
            return None;
        }
        match self.admin("/admin/v1/config").await.map(|reply| (reply.status, json(&reply))) {
            Ok((200, told)) => {
                let store = &told["config"]["store"];
                known.store = match (store["engine"].as_str(), store["path"].as_str()) {
                    (Some("memory"), _) => StorePath::None,
                    (_, Some(path)) => StorePath::At(PathBuf::from(path)),
                    (_, None) => StorePath::Unknown,
                };
                findings.push(Finding::good("admin_token", "secrets.admin_token_file: the daemon that runs takes it"));
            }
            Ok((401, _)) => findings.push(Finding::bad(
                "admin_token",
                "secrets.admin_token_file: the daemon that runs does not take this token; reload it (SIGHUP), or look whether it \
                 was started with another configuration",
            )),
            Ok((status, _)) => {
                findings.push(Finding::bad("admin_token", format!("{}: {status}; is it jeton?", self.at("/admin/v1/config"))));
            }
            Err(error) => findings.push(Finding::bad("admin_token", format!("{}: {error}", self.at("/admin/v1/config")))),
        }
        findings.push(self.log().await);
        Some(known)
    }

    async fn log(&self) -> Finding {
        let metrics = self.admin("/metrics").await.map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
        let dropped = metrics.ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("jeton_log_lines_dropped "))?;
            line.trim().parse::<u64>().ok()
        });
        match dropped {
            Some(0) => Finding::good("log", "log: no line was dropped since the start"),
            Some(dropped) => Finding::warning(
                "log",
                format!("log: {dropped} lines were dropped since the start; whoever reads standard error is too slow"),
            ),
            None => Finding::warning("log", "log: the daemon does not say whether lines were dropped"),
        }
    }

    /// Checks that the URL of each issuer leads to this daemon; returns the dates of the answers.
    pub(super) async fn issuers(&self, config: &Config, findings: &mut Vec<Finding>) -> Vec<(String, Time)> {
        let urls: Vec<(&str, &str)> = config.issuers.iter().map(|(id, own)| (id.as_str(), own.url.as_str())).collect();
        let probes =
            urls.iter().map(|(id, url)| Box::pin(self.leads_here(id, url)) as Probe<'_, IssuerProbe>).collect();
        let mut dates = Vec::new();
        for ((id, url), found) in urls.iter().zip(bounded::run_all(probes, bounded::ALL).await) {
            let Some((led, date)) = found else {
                let why = format!("not looked at: all issuers' URLs together may take {} s", bounded::ALL.as_secs());
                findings.push(Finding::warning("issuer_url", format!("issuers.{id}.url {url}: {why}")));
                continue;
            };
            dates.extend(date.map(|date| ((*url).to_owned(), date)));
            findings.push(match led {
                Ok(()) => Finding::good("issuer_url", format!("issuers.{id}.url {url}: leads to this daemon")),
                Err(reason) => Finding::bad(
                    "issuer_url",
                    format!("issuers.{id}.url {url}: does not lead to this daemon: {reason}; correct the URL, or the proxy and \
                             the name that it stands for"),
                ),
            });
        }
        dates
    }

    /// Checks that `issuer` leads here, and reads the date of its discovery document.
    async fn leads_here(&self, id: &str, issuer: &str) -> IssuerProbe {
        match self.outside(&format!("{issuer}/.well-known/openid-configuration")).await {
            Ok(found) => (self.is_ours(id, issuer, &found).await, date(&found)),
            Err(error) => (Err(error), None),
        }
    }

    async fn is_ours(&self, id: &str, issuer: &str, found: &Reply) -> Result<(), String> {
        if found.status != 200 {
            return Err(format!("its discovery document is answered {}", found.status));
        }
        let told = json(found);
        if told["issuer"] != issuer {
            return Err("its discovery document is another issuer's".to_owned());
        }
        let jwks = told["jwks_uri"].as_str().ok_or("its discovery document names no jwks_uri")?;
        let theirs = kids(&json(&self.outside(jwks).await?));
        let own = self.admin(&format!("/admin/v1/issuers/{id}/keys")).await?;
        if own.status != 200 {
            return Err(format!("the daemon that runs says {} of this issuer", own.status));
        }
        if kids(&json(&own)).is_disjoint(&theirs) {
            return Err("its keys are of another daemon".to_owned());
        }
        Ok(())
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn admin(&self, path: &str) -> Result<Reply, String> {
        // the token goes where a token is asked for
        let authorization = path.starts_with("/admin/").then(|| self.authorization.as_str());
        get(&self.at(path), authorization, self.trust).await
    }

    async fn outside(&self, url: &str) -> Result<Reply, String> {
        get(&Url::parse(url).map_err(|error| error.to_string())?, None, self.outside).await
    }
}

async fn get(url: &Url, authorization: Option<&str>, trust: ServerTrust<'_>) -> Result<Reply, String> {
    let call = Call { method: Method::GET, url, authorization, body: None };
    let sent = tokio::time::timeout(ANSWER, send(call, trust)).await;
    sent.map_err(|_| format!("no answer within {} s", ANSWER.as_secs()))?.map_err(|error| chain(&error))
}

/// Returns the `Date` of a successful answer.
fn date(reply: &Reply) -> Option<Time> {
    let date = reply.date.as_deref().filter(|_| reply.status == 200)?;
    let date = httpdate::parse_http_date(date).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since| Time::ZERO + since)
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

fn kids(keys: &Value) -> BTreeSet<String> {
    let keys = keys["keys"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect()
}
