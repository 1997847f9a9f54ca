//! A real Prometheus scrapes a running daemon; its linter, its alert rules and the dashboard agree with what it finds.

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

/// A rule or a panel about a metric that does not exist is silent for ever.
#[test]
fn rules_and_dashboard_name_only_metrics_that_exist() {
    let known: Vec<&str> =
        include_str!("../../src/metrics.rs").split('"').filter(|text| text.starts_with("jeton_")).collect();
    assert!(known.len() > 30, "{known:?}");
    for file in ["ops/prometheus/alerts.yml", "ops/grafana/jeton.json"] {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<&str> = words.filter(|word| word.starts_with("jeton_")).collect();
        assert!(!named.is_empty(), "{file}");
        for name in named {
            let family = name.strip_suffix("_bucket").unwrap_or(name);
            assert!(known.contains(&family), "{file} names {name}, which nothing exports");
        }
    }
    let dashboard = std::fs::read_to_string(repository("ops/grafana/jeton.json")).unwrap();
    serde_json::from_str::<Value>(&dashboard).expect("the dashboard is JSON");
}
