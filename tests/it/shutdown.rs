//! Drain and reload.

mod rotation;

use std::time::Duration;

use jeton::internals::Stopwatch;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{Wire, parse_all, post_bytes, post_form, request};
use crate::support::process::Serve;
use crate::support::{ADMIN_TOKEN, Answer, form};

const TOKEN: &str = "/oauth2/token";
const SOON: Duration = Duration::from_secs(10);

async fn admin(serve: &Serve, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("Authorization", bearer.as_str())];
    request(serve.admin, method, &format!("/admin/v1{path}"), &headers, body.as_bytes()).await
}

/// A client of the client credentials grant: the fields of its token request.
async fn client(serve: &Serve) -> Vec<(String, String)> {
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"], "scope": "api:read",
    });
    let made = admin(serve, "POST", "/issuers/main/clients", metadata).await;
    assert_eq!(made.status, 201, "{}", made.text());
    vec![
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("client_id".to_owned(), made.get("client_id")),
        ("client_secret".to_owned(), made.get("client_secret")),
    ]
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn ready(serve: &Serve) -> u16 {
    request(serve.admin, "GET", "/readyz", &[], b"").await.status
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let met = async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(SOON, met).await.unwrap_or_else(|_| panic!("{what} in time"));
}

async fn metric(serve: &Serve, line: &str) -> Option<f64> {
    let text = request(serve.admin, "GET", "/metrics", &[], b"").await.text();
    text.lines().find_map(|own| own.strip_prefix(line)?.trim().parse().ok())
}

/// A connection on which all but the last byte of a token request has been sent.
async fn half_sent(serve: &Serve, fields: &[(String, String)]) -> (TcpStream, u8) {
    let mut bytes = post_bytes(TOKEN, &[], &form(&borrowed(fields)));
    let last = bytes.pop().unwrap();
    let mut stream = TcpStream::connect(serve.public).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    (stream, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_not_ready_serving_on_finishing_what_is_in_flight_and_exits_0() {
    let mut serve = Serve::start("[shutdown]\ndrain_delay = \"700ms\"\ndeadline = \"8s\"").await;
    let fields = client(&serve).await;
    let (mut stream, last) = half_sent(&serve, &fields).await;
    // an idle connection must not hold the end up
    let idle = TcpStream::connect(serve.public).await.unwrap();
    assert_eq!(ready(&serve).await, 200);
    let watch = Stopwatch::start();
    serve.signal("TERM");
    until("not ready", async || ready(&serve).await == 503).await;
    // new requests on new connections are served all the same while load balancers notice
    assert_eq!(post_form(serve.public, TOKEN, &[], &borrowed(&fields)).await.status, 200);
    // then the door is shut, and what had begun is finished
    until("the listener is closed", async || TcpStream::connect(serve.public).await.is_err()).await;
    assert!(watch.elapsed() >= Duration::from_millis(700));
    assert_eq!(request(serve.admin, "GET", "/livez", &[], b"").await.status, 200, "operators can still look");
    stream.write_all(&[last]).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let answers = parse_all(&all, false);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200]);
    assert_eq!(answers[0].header("connection"), Some("close"));
    assert_eq!(serve.exit(SOON).await, Some(0));
    assert!(watch.elapsed() < Duration::from_secs(7), "before the deadline: nothing was left to wait for");
    assert!(serve.log().contains("jeton stopped"), "{}", serve.log());
    drop(idle);
}

/// How a busy client fared: how many requests were answered and lost, and whether it was told to close.
#[derive(Default, Debug, PartialEq)]
struct Fared {
    answered: u32,
    lost: u32,
    told: bool,
}

/// Sends one request after the other on a connection that it keeps; when it is told to close, it comes back as long as
/// `back` says so.
async fn busy(to: std::net::SocketAddr, fields: Vec<(String, String)>, back: impl Fn() -> bool) -> Fared {
    let mut fared = Fared::default();
    let mut wire = Wire::connect(to).await.unwrap();
    loop {
        match wire.post(TOKEN, &borrowed(&fields)).await {
            Ok(answer) if answer.status == 200 => fared.answered += 1,
            Ok(answer) => panic!("{}", answer.text()),
            Err(_) => {
                fared.lost += 1;
                return fared;
            }
        }
        if wire.closing {
            fared.told = true;
            if !back() {
                return fared;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_6_a_busy_client_that_is_told_to_close_loses_no_request() {
    // with a delay clients come back for a part of it, as they do until a load balancer has noticed
    for (delay, back) in [("0s", 0), ("1s", 400)] {
        let mut serve = Serve::start(&format!("[shutdown]\ndrain_delay = \"{delay}\"\ndeadline = \"8s\"")).await;
        let fields = client(&serve).await;
        let signalled = std::sync::Arc::new(std::sync::OnceLock::<Stopwatch>::new());
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let signalled = signalled.clone();
                let back = move || signalled.get().is_none_or(|watch| watch.elapsed() < Duration::from_millis(back));
                tokio::spawn(busy(serve.public, fields.clone(), back))
            })
            .collect();
        until("traffic", async || {
            let served = metric(&serve, "jeton_tokens_issued_total{kind=\"access\"}").await;
            served.is_some_and(|served| served > 50.0)
        })
        .await;
        signalled.set(Stopwatch::start()).ok().unwrap();
        serve.signal("TERM");
        for client in clients {
            let fared = tokio::time::timeout(SOON, client).await.expect("each client is told to close").unwrap();
            assert_eq!((fared.lost, fared.told), (0, true), "{delay}: {fared:?}");
        }
        assert_eq!(serve.exit(SOON).await, Some(0), "{delay}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9112_9_6_answers_say_close_as_soon_as_the_drain_begins() {
    let mut serve = Serve::start("[shutdown]\ndrain_delay = \"60s\"\ndeadline = \"8s\"").await;
    let fields = client(&serve).await;
    // under way when the drain begins, idle, and new
    let (mut under_way, last) = half_sent(&serve, &fields).await;
    let mut idle = Wire::connect(serve.public).await.unwrap();
    assert_eq!(idle.post(TOKEN, &borrowed(&fields)).await.unwrap().header("connection"), None);
    let mut operator = Wire::connect(serve.admin).await.unwrap();
    let livez = crate::support::http::compose(serve.admin, "GET", "/livez", &[], b"");
    assert_eq!(operator.call(&livez).await.unwrap().header("connection"), None);
    serve.signal("TERM");
    until("not ready", async || ready(&serve).await == 503).await;
    under_way.write_all(&[last]).await.unwrap();
    let mut all = Vec::new();
    under_way.read_to_end(&mut all).await.unwrap();
    let first = parse_all(&all, false).remove(0);
    assert_eq!((first.status, first.header("connection")), (200, Some("close")), "under way");
    let answer = idle.post(TOKEN, &borrowed(&fields)).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "idle");
    for path in [TOKEN, "/nowhere"] {
        let mut new = Wire::connect(serve.public).await.unwrap();
        let answer = new.post(path, &borrowed(&fields)).await.unwrap();
        assert_eq!(answer.header("connection"), Some("close"), "new: {path}");
    }
    assert_eq!(operator.call(&livez).await.unwrap().header("connection"), Some("close"), "operator");
    serve.signal("TERM");
    assert_eq!(serve.exit(SOON).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9113_6_8_http2_is_told_to_go_away_as_soon_as_the_drain_begins() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let mut serve = Serve::start("[shutdown]\ndrain_delay = \"60s\"\ndeadline = \"8s\"").await;
    let fields = client(&serve).await;
    let connect = async || {
        let stream = TcpStream::connect(serve.public).await.unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    };
    let ask = async |sender: &mut hyper::client::conn::http2::SendRequest<Full<bytes::Bytes>>| {
        let request = hyper::Request::post(format!("http://a{TOKEN}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Full::new(bytes::Bytes::from(form(&borrowed(&fields)))))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        answer.into_body().collect().await.unwrap();
        status
    };
    let (mut old, old_connection) = connect().await;
    assert_eq!(ask(&mut old).await, 200);
    serve.signal("TERM");
    until("not ready", async || ready(&serve).await == 503).await;
    tokio::time::timeout(SOON, old_connection).await.expect("the server says goodbye").unwrap().unwrap();
    // a new connection is served and then told
    let (mut new, new_connection) = connect().await;
    assert_eq!(ask(&mut new).await, 200);
    tokio::time::timeout(SOON, new_connection).await.expect("the server says goodbye").unwrap().unwrap();
    serve.signal("TERM");
    assert_eq!(serve.exit(SOON).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_cuts_what_does_not_finish() {
    let mut serve = Serve::start("[shutdown]\ndrain_delay = \"0s\"\ndeadline = \"500ms\"").await;
    let fields = client(&serve).await;
    let (mut stream, _last) = half_sent(&serve, &fields).await;
    let watch = Stopwatch::start();
    serve.signal("TERM");
    assert_eq!(serve.exit(SOON).await, Some(0));
    assert!(watch.elapsed() >= Duration::from_millis(500));
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert!(all.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_exits_at_once() {
    for first in ["TERM", "INT"] {
        let mut serve = Serve::start("[shutdown]\ndrain_delay = \"60s\"\ndeadline = \"60s\"").await;
        let fields = client(&serve).await;
        let (_stream, _last) = half_sent(&serve, &fields).await;
        serve.signal(first);
        until("not ready", async || ready(&serve).await == 503).await;
        let watch = Stopwatch::start();
        serve.signal("TERM");
        assert_eq!(serve.exit(SOON).await, Some(0), "{first}");
        assert!(watch.elapsed() < Duration::from_secs(5), "{first}");
    }
}

/// Another issuer, and a client of it that stands in the file.
const TENANT: &str = r#"
[issuers.tenant]
url = "http://127.0.0.1/tenant"
algorithms = ["EdDSA"]
id_token_alg = "EdDSA"
scopes = "api:read"
[[clients]]
issuer = "tenant"
client_id = "batch"
secrets = [{ argon2 = "PHC" }]
[clients.metadata]
token_endpoint_auth_method = "client_secret_post"
grant_types = ["client_credentials"]
scope = "api:read"
"#;

fn tenant() -> String {
    let jeton::internals::secret::SecretHash::Argon2(phc) = jeton::internals::secret::import("horse").unwrap() else {
        unreachable!()
    };
    TENANT.replace("PHC", &phc)
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_takes_in_new_issuers_and_clients_and_nothing_of_a_bad_file() {
    let serve = Serve::start("").await;
    let fields = client(&serve).await;
    let ask = async |path: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", "batch"), ("client_secret", "horse")];
        post_form(serve.public, path, &[], &fields).await
    };
    let reloads = async |outcome: &str| {
        metric(&serve, &format!("jeton_config_reloads_total{{outcome=\"{outcome}\"}}")).await.unwrap_or(0.0)
    };
    assert_eq!(ask("/tenant/oauth2/token").await.status, 404);
    assert!(metric(&serve, "jeton_config_loaded_timestamp_seconds").await.unwrap() > 1e9);
    serve.rewrite(&tenant());
    serve.signal("HUP");
    until("reloaded", async || reloads("ok").await == 1.0).await;
    assert_eq!(ask("/tenant/oauth2/token").await.status, 200);
    assert_eq!(request(serve.public, "GET", "/tenant/oauth2/jwks", &[], b"").await.status, 200);
    // a client of the admin API is still there
    assert_eq!(post_form(serve.public, TOKEN, &[], &borrowed(&fields)).await.status, 200);
    for (n, bad) in
        ["this is not TOML", "unheard_of = 1", "[issuers.main.x]\ny = 1", "[issuers.bad]\nurl = \"http://id.example\""]
            .into_iter()
            .enumerate()
    {
        serve.rewrite(bad);
        serve.signal("HUP");
        until("refused", async || reloads("refused").await == (n + 1) as f64).await;
        assert_eq!(ask("/tenant/oauth2/token").await.status, 200, "the old state stays in use");
    }
    assert!(serve.log().contains("the old one stays in use"), "{}", serve.log());
    // and what is taken out of the file is gone
    serve.rewrite("");
    serve.signal("HUP");
    until("reloaded", async || reloads("ok").await == 2.0).await;
    assert_eq!(ask("/tenant/oauth2/token").await.status, 404);
    serve.signal("HUP");
    until("reloaded", async || reloads("unchanged").await == 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_does_not_wait_for_a_reload() {
    let mut serve = Serve::start("[shutdown]\ndrain_delay = \"60s\"").await;
    let issuer =
        |n: usize| format!("[issuers.i{n}]\nurl = \"http://127.0.0.1/i{n}\"\nalgorithms = [\"EdDSA\", \"RS256\"]\n");
    serve.rewrite(&(0..100).map(issuer).collect::<String>());
    serve.signal("HUP");
    serve.signal("TERM");
    until("not ready", async || ready(&serve).await == 503).await;
    // a hundred RSA keys are not made yet
    let reloaded = metric(&serve, "jeton_config_reloads_total{outcome=\"ok\"}").await;
    assert_eq!(reloaded.unwrap_or(0.0), 0.0);
    serve.signal("TERM");
    assert_eq!(serve.exit(SOON).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_what_needs_a_restart_for_as_long_as_it_does() {
    let serve = Serve::start("").await;
    let reload = async || admin(&serve, "POST", "/reload", Value::Null).await;
    let answer = reload().await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "changed": false, "needs_restart": [] })));
    serve.rewrite("[hashing]\nqueue = 7\n[log]\nfilter = \"debug\"");
    assert_eq!(reload().await.json(), json!({ "changed": true, "needs_restart": ["hashing"] }));
    // the same file again changes nothing, and still is not what runs
    assert_eq!(reload().await.json(), json!({ "changed": false, "needs_restart": ["hashing"] }));
    serve.rewrite("[log]\nformat = \"json\"");
    assert_eq!(reload().await.json(), json!({ "changed": true, "needs_restart": ["log"] }));
    serve.rewrite("");
    assert_eq!(reload().await.json(), json!({ "changed": true, "needs_restart": [] }));
    serve.rewrite("issuers = 1");
    let refused = reload().await;
    assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/problem+json")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_imported_secret_has_proven_survives_a_reload() {
    let serve = Serve::start(&tenant()).await;
    let ask = async || {
        let watch = Stopwatch::start();
        let fields = [("grant_type", "client_credentials"), ("client_id", "batch"), ("client_secret", "horse")];
        assert_eq!(post_form(serve.public, "/tenant/oauth2/token", &[], &fields).await.status, 200);
        watch.elapsed()
    };
    assert!(ask().await > Duration::from_millis(5), "argon2id once");
    assert_eq!(admin(&serve, "POST", "/reload", Value::Null).await.status, 200);
    let again = ask().await.min(ask().await);
    assert!(again < Duration::from_millis(5), "{again:?}");
}
