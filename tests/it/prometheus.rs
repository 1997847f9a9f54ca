//! A real Prometheus scrapes a running daemon; its linter, its alert rules and the dashboard agree with what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::http::request;
use crate::support::process::Dev;
use crate::support::tools::{bounded, program, repository, skip, succeeds};
use crate::support::{form, free_port};

#[tokio::test(flavor = "multi_thread")]
async fn the_exposition_is_clean() {
    let Some(promtool) = program("promtool") else { return skip("promtool") };
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    // families appear when something was counted in them
    for path in ["/oauth2/jwks", "/nothing"] {
        request(dev.public, "GET", path, &[], b"").await;
    }
    let text = request(dev.admin, "GET", "/metrics", &[], b"").await;
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let file = dir.path().join("metrics");
    std::fs::write(&file, &text.body).unwrap();
    let mut check = bounded(promtool);
    check.args(["check", "metrics"]).stdin(std::fs::File::open(file).unwrap());
    assert_eq!(succeeds("promtool check metrics", check).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_a_running_daemon() {
    let Some(binary) = program("prometheus") else { return skip("prometheus") };
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    let prometheus = Prometheus::start(&binary, dir.path(), dev.admin);
    let scraped = async {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let up = prometheus.query("up{job=\"jeton\"}").await;
            let served = prometheus.query("jeton_issuers").await;
            if up.as_deref() == Some("1") && served.as_deref() == Some("1") {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), scraped).await.expect("scraped within a minute");
    let named = prometheus.query("count({__name__=~\"jeton_.*\"})").await.unwrap();
    assert!(named.parse::<u32>().unwrap() > 20, "{named} series");
}

/// A Prometheus of its own: configuration, data and port in a directory that goes away.
struct Prometheus {
    child: Child,
    listen: SocketAddr,
}

impl Prometheus {
    fn start(binary: &Path, dir: &Path, target: SocketAddr) -> Self {
        let config = format!(
            "global: {{ scrape_interval: 1s }}\n\
             scrape_configs:\n- job_name: jeton\n  static_configs: [{{ targets: ['{target}'] }}]\n"
        );
        let file = dir.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let listen = free_port();
        let child = Command::new(binary)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
            .arg(format!("--web.listen-address={listen}"))
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, listen }
    }

    /// The value of the first series of an instant query, if there is one.
    async fn query(&self, query: &str) -> Option<String> {
        drop(tokio::net::TcpStream::connect(self.listen).await.ok()?);
        let path = format!("/api/v1/query?{}", form(&[("query", query)]));
        let answer = request(self.listen, "GET", &path, &[], b"").await;
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        body["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alert_rules_pass_their_tests() {
    let Some(promtool) = program("promtool") else { return skip("promtool") };
    let mut test = bounded(promtool);
    test.args(["test", "rules", "rules_test.yml"]).current_dir(repository("ops/prometheus"));
    succeeds("promtool test rules", test).await;
}

/// A rule or a panel about a series that does not exist is silent, for ever or until its second event: what either names
/// must be in the first scrape of a daemon that nobody has used, with the labels that it selects and groups by.
#[tokio::test(flavor = "multi_thread")]
async fn rules_and_dashboard_name_only_series_that_a_fresh_daemon_exports() {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    let scraped = request(dev.admin, "GET", "/metrics", &[], b"").await.text();
    let series: Vec<(String, BTreeMap<String, String>)> =
        scraped.lines().filter(|line| !line.starts_with('#')).map(series).collect();
    for file in ["ops/prometheus/alerts.yml", "ops/grafana/jeton.json"] {
        let expressions = expressions(file);
        assert!(expressions.len() > 5, "{file}: {expressions:?}");
        for expression in &expressions {
            let selected = selectors(expression);
            let mut known = BTreeSet::from(["job".to_owned(), "instance".to_owned()]);
            for (name, matchers) in &selected {
                // Prometheus makes these itself
                if name == "up" {
                    continue;
                }
                let of_name: Vec<_> = series.iter().filter(|(own, _)| own == name).collect();
                assert!(!of_name.is_empty(), "{file}: {expression}: nothing exports {name}");
                known.extend(of_name.iter().flat_map(|(_, labels)| labels.keys().cloned()));
                for (label, values) in matchers {
                    for value in values {
                        let found = of_name.iter().any(|(_, labels)| labels.get(label) == Some(value));
                        assert!(
                            found,
                            "{file}: {expression}: there is no {name}{{{label}=\"{value}\"}} before its first event"
                        );
                    }
                }
            }
            for label in grouped_by(expression) {
                assert!(
                    selected.iter().any(|(name, _)| name == "up") || known.contains(&label),
                    "{file}: {expression}: {label}"
                );
            }
        }
    }
    // the dashboard's variables ask this one for the jobs and instances there are
    let build = series.iter().find(|(name, _)| name == "jeton_build_info").expect("build information");
    assert_eq!(build.1["version"], env!("CARGO_PKG_VERSION"));
    assert!(scraped.contains(&format!("jeton_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))));
}

/// Every counter whose labels are closed sets is there before its first event: `increase()` misses the first of any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_of_closed_labels_begins_at_zero() {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    let scraped = request(dev.admin, "GET", "/metrics", &[], b"").await.text();
    for named in [
        r#"jeton_config_reloads_total{outcome="refused"}"#,
        r#"jeton_config_reloads_total{outcome="ok"}"#,
        r#"jeton_config_reloads_total{outcome="unchanged"}"#,
        r#"jeton_hook_requests_total{hook="password",outcome="late"}"#,
        r#"jeton_hook_breakers_open{hook="grant"}"#,
        r#"jeton_password_checks_total{outcome="throttled",source="directory"}"#,
        r#"jeton_connections_cut_total{reason="malformed"}"#,
        r#"jeton_revocations_total{what="client"}"#,
        r#"jeton_requests_shed_total{reason="client_rate"}"#,
        r#"jeton_requests_shed_total{reason="device_starts"}"#,
        r#"jeton_requests_shed_total{reason="connections"}"#,
        r#"jeton_tokens_issued_total{kind="device_code"}"#,
        r#"jeton_key_rotations_total{alg="RS256",kind="emergency"}"#,
        r#"jeton_actor_restarts_total{actor="keys"}"#,
        r#"jeton_store_errors_total{kind="fatal"}"#,
        r#"jeton_token_requests_total{grant="refresh_token",outcome="server_error"}"#,
        r#"jeton_token_requests_total{grant="client_credentials",outcome="invalid_client"}"#,
        r#"jeton_token_requests_total{grant="unknown",outcome="invalid_client"}"#,
        r#"jeton_token_stage_duration_seconds_count{grant="client_credentials",stage="auth"}"#,
        r#"jeton_state_regressions_total"#,
    ] {
        assert!(scraped.contains(&format!("\n{named} 0\n")), "{named} is not 0 at the start");
    }
    // and the first event of a kind counts from there
    dev.admin("POST", "/issuers/main/revocations", serde_json::json!({ "client_id": "demo-web" })).await;
    let scraped = request(dev.admin, "GET", "/metrics", &[], b"").await.text();
    assert!(scraped.contains("\njeton_revocations_total{what=\"client\"} 1\n"));
}

/// Name and labels of a line of the exposition; values of labels here have no quotes.
fn series(line: &str) -> (String, BTreeMap<String, String>) {
    let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
    let labels = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')).map_or("", |(labels, _)| labels);
    let pairs = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
    (name.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned())).collect())
}

/// The PromQL of a file: `expr` of the rules, `expr` and `query` of the dashboard.
fn expressions(file: &str) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("expr" | "query", Value::String(text)) if text != "prometheus" => found.push(text.clone()),
                        _ => collect(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let text = std::fs::read_to_string(repository(file)).unwrap();
    let mut found = Vec::new();
    match serde_json::from_str(&text) {
        Ok(dashboard) => collect(&dashboard, &mut found),
        // the rules are YAML: an expression ends where `for` or `labels` begins
        Err(_) => {
            for part in text.split("expr:").skip(1) {
                let end = ["\n        for:", "\n        labels:"].iter().filter_map(|end| part.find(end)).min();
                found.push(part[..end.unwrap()].trim().trim_start_matches('|').trim().to_owned());
            }
        }
    }
    found
}

/// A metric with the labels that it is selected by, and the values that each may have.
type Selector = (String, Vec<(String, Vec<String>)>);

/// The metrics that an expression selects, with the values that its matchers name.
fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = expression;
    while let Some(start) = rest.find(word) {
        let end = rest[start..].find(|c| !word(c)).map_or(rest.len(), |end| start + end);
        let (name, after) = (&rest[start..end], &rest[end..]);
        rest = after;
        if !(name.starts_with("jeton_") || name.starts_with("process_") || name == "up") {
            continue;
        }
        let inside = after.strip_prefix('{').and_then(|inside| inside.split_once('}')).map_or("", |(inside, _)| inside);
        let matchers = inside.split("\",").filter_map(|matcher| matcher.trim().split_once('='));
        let matchers =
            matchers.filter(|(label, value)| *label != "job" && *label != "instance" && !value.contains('$'));
        let matchers = matchers.map(|(label, value)| {
            let values = value.trim_start_matches('~').trim_matches('"').split('|').map(str::to_owned).collect();
            (label.trim_end_matches('!').to_owned(), values)
        });
        found.push((name.to_owned(), matchers.collect()));
        rest = after.strip_prefix('{').and_then(|inside| inside.split_once('}')).map_or(after, |(_, after)| after);
    }
    found
}

/// The labels behind each `by`.
fn grouped_by(expression: &str) -> Vec<String> {
    let lists = expression.split("by (").skip(1).filter_map(|part| part.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',').map(|label| label.trim().to_owned())).collect()
}
