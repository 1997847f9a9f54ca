//! RFC 6749 section 3.2, CHECKLIST A: HTTP at the token endpoint.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{parse_all, post_bytes, raw, request};
use crate::support::{Answer, CALLBACK, Server, VERIFIER, form, refused, spa_metadata, web_metadata};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TOKEN: &str = "/oauth2/token";
const ENDPOINTS: [&str; 3] = [TOKEN, "/oauth2/introspect", "/oauth2/revoke"];

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPED: &str = r#"
    grant_types = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
    verification_uri = "https://portal.example/device"
"#;

/// The body of a request that works.
fn good(client: &(String, String)) -> String {
    form(&[("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)])
}

async fn post_raw(server: &Server, path: &str, body: &[u8]) -> Answer {
    request(server.public, "POST", path, &[FORM], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_1_only_post() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    for path in ENDPOINTS {
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"] {
            let answer = request(server.public, method, path, &[FORM], body.as_bytes()).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
            if method != "HEAD" {
                answer.refused(405, "invalid_request");
            }
        }
    }
    assert_eq!(post_raw(&server, TOKEN, body.as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_2_the_query_is_never_used() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let everything = format!("{TOKEN}?{}", good(&client));
    post_raw(&server, &everything, b"").await.refused(401, "invalid_client");
    let secret_in_query = format!("{TOKEN}?client_secret={}", client.1);
    let rest = form(&[("grant_type", "client_credentials"), ("client_id", &client.0)]);
    post_raw(&server, &secret_in_query, rest.as_bytes()).await.refused(401, "invalid_client");
    let credentials = form(&[("client_id", &client.0), ("client_secret", &client.1)]);
    let grant_in_query = format!("{TOKEN}?grant_type=client_credentials");
    post_raw(&server, &grant_in_query, credentials.as_bytes()).await.refused(400, "invalid_request");
    // and a query beside a good body changes nothing, not even as a repetition
    assert_eq!(post_raw(&server, &everything, good(&client).as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_3_only_form_content() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    let ask = async |headers: &[(&str, &str)]| request(server.public, "POST", TOKEN, headers, body.as_bytes()).await;
    for fine in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded ; charset=\"utf-8\"",
        "Application/X-WWW-Form-URLEncoded",
    ] {
        assert_eq!(ask(&[("Content-Type", fine)]).await.status, 200, "{fine}");
    }
    for bad in
        ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencodedx"]
    {
        ask(&[("Content-Type", bad)]).await.refused(415, "invalid_request");
    }
    ask(&[]).await.refused(415, "invalid_request");
    ask(&[FORM, ("Content-Type", "application/json")]).await.refused(415, "invalid_request");
    let json = json!({ "grant_type": "client_credentials", "client_id": client.0, "client_secret": client.1 });
    let headers = [("Content-Type", "application/json")];
    request(server.public, "POST", TOKEN, &headers, json.to_string().as_bytes()).await.refused(415, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_4_each_parameter_at_most_once() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let names = [
        "grant_type",
        "scope",
        "code",
        "client_id",
        "client_secret",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "client_assertion",
        "client_assertion_type",
        "username",
        "password",
        "device_code",
        "unheard_of",
    ];
    for name in names {
        // with its right value twice where it has one, and with two different ones, and with an empty one
        for (first, second) in [("x", "x"), ("x", "y"), ("", "x"), ("x", ""), ("", "")] {
            let rest: String = good(&client).split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).fold(
                String::new(),
                |mut all, pair| {
                    all.push_str(&format!("{pair}&"));
                    all
                },
            );
            let body = format!("{name}={first}&{rest}{name}={second}");
            let told = post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, "invalid_request");
            assert_eq!(told, "a parameter is repeated", "{body}");
        }
    }
    let twice = format!("{0}&{0}", good(&client));
    post_raw(&server, TOKEN, twice.as_bytes()).await.refused(400, "invalid_request");
    // a name is the same name however it is escaped
    let disguised = format!("{}&%63lient_id={}", good(&client), client.0);
    post_raw(&server, TOKEN, disguised.as_bytes()).await.refused(400, "invalid_request");
    for path in &ENDPOINTS[1..] {
        let body = form(&[("client_id", &client.0), ("client_secret", &client.1), ("token", "x"), ("token", "x")]);
        post_raw(&server, path, body.as_bytes()).await.refused(400, "invalid_request");
    }
    let exceptions = format!(
        "{}&{}",
        good(&client),
        form(&[
            ("resource", "https://api.example"),
            ("resource", "https://files.example"),
            ("audience", "https://files.example"),
            ("audience", "https://api.example"),
        ])
    );
    let answer = post_raw(&server, TOKEN, exceptions.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = crate::support::claims(&answer.get("access_token"));
    assert_eq!(claims["aud"], json!(["https://api.example", "https://files.example"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_5_unknown_parameters_are_ignored() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = format!("{}&unheard_of=1&%F0%9F%A6%80=crab&=nameless&novalue", good(&client));
    let answer = post_raw(&server, TOKEN, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_6_an_empty_value_is_an_omitted_one() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = format!("{}&scope=&resource=&code=&refresh_token", good(&client));
    let answer = post_raw(&server, TOKEN, body.as_bytes()).await;
    assert_eq!((answer.status, answer.json()["scope"].as_str()), (200, Some("api:read api:write")));
    let body = form(&[("grant_type", ""), ("client_id", &client.0), ("client_secret", &client.1)]);
    let told = post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, "invalid_request");
    assert_eq!(told, "grant_type is missing");
    let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", "")]);
    post_raw(&server, TOKEN, body.as_bytes()).await.refused(401, "invalid_client");
}

/// One request for each error the endpoints can be brought to, with a canary in every value that is not checked by name.
async fn errors(server: &Server, junk: &str) -> Vec<(&'static str, Answer, u16, &'static str)> {
    let service = server.service_client().await;
    let web = server.web_client().await;
    let own = |client: &(String, String)| {
        vec![("client_id".to_owned(), client.0.clone()), ("client_secret".to_owned(), client.1.clone())]
    };
    type Case<'a> = (&'static str, Option<&'a (String, String)>, Vec<(&'a str, &'a str)>, u16, &'static str);
    let cases: Vec<Case<'_>> = vec![
        (TOKEN, Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (TOKEN, None, vec![("client_id", junk), ("client_secret", junk), ("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, None, vec![("client_id", junk), ("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, None, vec![("grant_type", junk)], 401, "invalid_client"),
        (TOKEN, Some(&service), vec![("grant_type", junk)], 400, "unsupported_grant_type"),
        (
            TOKEN,
            Some(&service),
            vec![("grant_type", "refresh_token"), ("refresh_token", junk)],
            400,
            "unauthorized_client",
        ),
        (TOKEN, Some(&service), vec![("grant_type", "client_credentials"), ("scope", junk)], 400, "invalid_scope"),
        (TOKEN, Some(&service), vec![("grant_type", "client_credentials"), ("resource", junk)], 400, "invalid_target"),
        (TOKEN, Some(&web), vec![("grant_type", "refresh_token"), ("refresh_token", junk)], 400, "invalid_grant"),
        (
            TOKEN,
            Some(&web),
            vec![
                ("grant_type", "authorization_code"),
                ("code", junk),
                ("redirect_uri", junk),
                ("code_verifier", VERIFIER),
            ],
            400,
            "invalid_grant",
        ),
        (
            TOKEN,
            Some(&web),
            vec![
                ("grant_type", "authorization_code"),
                ("code", junk),
                ("redirect_uri", CALLBACK),
                ("code_verifier", junk),
            ],
            400,
            "invalid_request",
        ),
        (ENDPOINTS[1], Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (
            ENDPOINTS[1],
            None,
            vec![("client_id", junk), ("client_secret", junk), ("token", junk)],
            401,
            "invalid_client",
        ),
        (ENDPOINTS[2], Some(&service), vec![("x", junk)], 400, "invalid_request"),
        (
            ENDPOINTS[2],
            None,
            vec![("client_id", junk), ("client_secret", junk), ("token", junk)],
            401,
            "invalid_client",
        ),
    ];
    let mut answers = Vec::new();
    for (path, client, fields, status, error) in cases {
        let own: Vec<(String, String)> = client.map(own).unwrap_or_default();
        let mut all: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend(fields);
        answers.push((path, server.post(path, &[], &all).await, status, error));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_7_8_9_every_error_is_json_never_stored_and_reflects_nothing() {
    let server = Server::start().await;
    for junk in [
        "<script>alert(4711)</script>",
        "a\r\nSet-Cookie: canary4711=1\r\n\r\n",
        "\"canary4711\\'",
        "\u{1f980}canary4711%00",
    ] {
        for (path, answer, status, error) in errors(&server, junk).await {
            answer.refused(status, error);
            let head = format!("{:?}", answer.headers);
            assert!(!head.contains("4711") && !answer.text().contains("4711"), "{path}: {head} {}", answer.text());
        }
    }
    let odd = server.get("/%3Cscript%3E4711").await;
    assert_eq!((odd.status, odd.text().as_str()), (404, r#"{"error":"not_found"}"#));
    assert_eq!(odd.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_7_8_every_answer_with_a_token_is_json_and_never_stored() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let code_answer = server.code_answer(&web.0, Value::Null).await;
    let redeemed = server.redeem(&web, &code_answer.get("code")).await;
    let refreshed = server.refresh(&web, &redeemed.get("refresh_token")).await;
    let token = refreshed.get("access_token");
    let own = [("token", token.as_str()), ("client_id", web.0.as_str()), ("client_secret", web.1.as_str())];
    let introspected = server.post(ENDPOINTS[1], &[], &own).await;
    let revoked = server.post(ENDPOINTS[2], &[], &own).await;
    let registered = server.admin("POST", "/issuers/main/clients", crate::support::web_metadata()).await;
    for (answer, status) in [
        (&code_answer, 201),
        (&redeemed, 200),
        (&refreshed, 200),
        (&introspected, 200),
        (&revoked, 200),
        (&registered, 201),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_large_body_is_refused_before_it_is_read() {
    let server = Server::start().await;
    let head = |rest: &str| format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\n{rest}\r\n\r\n", FORM.0, FORM.1);
    // 8 MiB announced, not one byte sent: the answer does not wait for it
    let announced = raw(server.public, head("Content-Length: 8388608").as_bytes()).await;
    // 8 MiB in a chunk, of which the limit and a little more is sent
    let chunked =
        [head("Transfer-Encoding: chunked").into_bytes(), b"800000\r\n".to_vec(), vec![b'a'; 70_000]].concat();
    for bytes in [announced, raw(server.public, &chunked).await] {
        let answers = parse_all(&bytes, false);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].header("connection"), Some("close"));
        answers[0].refused(413, "invalid_request");
    }
    let client = server.service_client().await;
    let mut body = good(&client);
    body.push_str("&x=");
    let sized = |len: usize| format!("{body}{}", "a".repeat(len - body.len()));
    // the limit itself is no more than a parameter that is too long
    let told = post_raw(&server, TOKEN, sized(64 * 1024).as_bytes()).await.refused(400, "invalid_request");
    assert_eq!(told, "a parameter is too long");
    post_raw(&server, TOKEN, sized(64 * 1024 + 1).as_bytes()).await.refused(413, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_large_head_is_refused() {
    let server = Server::start().await;
    let head = |more: &str| format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{more}\r\n");
    let long = raw(server.public, head(&format!("X: {}\r\n", "a".repeat(32 * 1024))).as_bytes()).await;
    assert_eq!(parse_all(&long, false).iter().map(|answer| answer.status).collect::<Vec<_>>(), [431]);
    let many = raw(server.public, head(&"X: a\r\n".repeat(70)).as_bytes()).await;
    let answers = parse_all(&many, false);
    assert_eq!(answers.len(), 1);
    answers[0].refused(431, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_parameters_are_counted_and_measured() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let web = server.web_client().await;
    let with = |client: &(String, String), fields: &[(&str, &str)]| {
        let mut all = vec![("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        all.extend_from_slice(fields);
        form(&all)
    };
    let many = |count: usize| (3..count).fold(good(&service), |body, n| format!("{body}&p{n}=1"));
    assert_eq!(post_raw(&server, TOKEN, many(64).as_bytes()).await.status, 200);
    post_raw(&server, TOKEN, many(65).as_bytes()).await.refused(400, "invalid_request");
    let long = |len: usize| "a".repeat(len);
    let code = |code: &str, verifier: &str| {
        let grant = ("grant_type", "authorization_code");
        with(&web, &[grant, ("code", code), ("code_verifier", verifier), ("redirect_uri", CALLBACK)])
    };
    let cases = [
        (format!("{}&{}=1", good(&service), long(129)), "invalid_request"),
        (form(&[("client_id", &long(129)), ("client_secret", "x")]), "invalid_request"),
        (form(&[("client_id", &service.0), ("client_secret", &long(513))]), "invalid_request"),
        (code(&long(8 * 1024 + 1), VERIFIER), "invalid_request"),
        (code("jac_x", &long(129)), "invalid_request"),
        (code("jac_x", &long(42)), "invalid_request"),
        (with(&web, &[("grant_type", "refresh_token"), ("refresh_token", &long(16 * 1024 + 1))]), "invalid_request"),
        // bounded at 128 bytes before it is decoded; what it is need not be told apart
        (with(&web, &[("grant_type", "refresh_token"), ("refresh_token", &long(129))]), "invalid_grant"),
        (with(&service, &[("grant_type", "client_credentials"), ("scope", &long(2049))]), "invalid_scope"),
        (with(&service, &[("grant_type", "client_credentials"), ("resource", &long(513))]), "invalid_target"),
    ];
    for (body, error) in cases {
        post_raw(&server, TOKEN, body.as_bytes()).await.refused(400, error);
    }
    for path in &ENDPOINTS[1..] {
        let body = with(&service, &[("token", &long(16 * 1024 + 1))]);
        post_raw(&server, path, body.as_bytes()).await.refused(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_10_a_slow_body_is_refused_in_time() {
    let server = Server::with("[public.limits]\nbody_timeout = \"150ms\"").await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\nContent-Length: 10\r\n\r\na", FORM.0, FORM.1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let answers = parse_all(&bytes, false);
    assert_eq!(answers.len(), 1);
    answers[0].refused(408, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_11_broken_input_never_gives_5xx() {
    let server = Server::start().await;
    let web = server.web_client().await;
    let broken: [&[u8]; 12] =
        [b"%zz", b"%4", b"%", b"%ff", b"%C3", b"\x80\xfe\xff", b"%00", b"\0", b"%ED%A0%80", b"a%", b"%%", b"%\xff0"];
    for path in ENDPOINTS {
        for name in
            ["grant_type", "client_id", "client_secret", "scope", "code", "code_verifier", "refresh_token", "token"]
        {
            for value in broken {
                let body = [name.as_bytes(), b"=", value].concat();
                post_raw(&server, path, &body).await.refused(400, "invalid_request");
                let body = [value, b"=", name.as_bytes()].concat();
                let answer = post_raw(&server, path, &body).await;
                assert!(matches!(answer.status, 400 | 401), "{path} {body:?}: {}", answer.status);
            }
        }
        // line ends are characters like any other, and never leave the value they came in
        for value in ["a%0D%0Ab", "\r\n", "%7F", "&&&&", "====", "%EF%BB%BF", "%E2%80%AE"] {
            let body = format!(
                "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={value}&token={value}",
                web.0, web.1
            );
            let answer = post_raw(&server, path, body.as_bytes()).await;
            assert!(answer.status < 500 && !answer.text().contains("true"), "{path} {value}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_12_no_request_smuggling() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let body = good(&client);
    let len = body.len();
    let start = format!("POST {TOKEN} HTTP/1.1\r\n{}: {}\r\n", FORM.0, FORM.1);
    let follower = String::from_utf8(post_bytes(TOKEN, &[], &body)).unwrap();
    let chunked = format!("{len:x}\r\n{body}\r\n0\r\n\r\n");
    let cases = [
        (
            "both framings",
            format!("{start}Host: a\r\nContent-Length: {len}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "both, the other way",
            format!("{start}Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}"),
        ),
        ("two lengths", format!("{start}Host: a\r\nContent-Length: {len}\r\nContent-Length: 0\r\n\r\n{body}")),
        (
            "two equal lengths",
            format!("{start}Host: a\r\nContent-Length: {len}\r\nContent-Length: {len}\r\n\r\n{body}"),
        ),
        ("a list of lengths", format!("{start}Host: a\r\nContent-Length: {len}, {len}\r\n\r\n{body}")),
        ("a signed length", format!("{start}Host: a\r\nContent-Length: +{len}\r\n\r\n{body}")),
        ("a space before the colon", format!("{start}Host: a\r\nContent-Length : {len}\r\n\r\n{body}")),
        ("a folded line", format!("{start}Host: a\r\nX: a\r\n b\r\nContent-Length: {len}\r\n\r\n{body}")),
        ("a folded encoding", format!("{start}Host: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n{chunked}")),
        ("an unknown encoding", format!("{start}Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n{chunked}")),
        ("no host", format!("{start}Content-Length: {len}\r\n\r\n{body}")),
        ("two hosts", format!("{start}Host: a\r\nHost: b\r\nContent-Length: {len}\r\n\r\n{body}")),
    ];
    for (name, bytes) in cases {
        let answers = parse_all(&raw(server.public, format!("{bytes}{follower}").as_bytes()).await, false);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [400], "{name}: one refusal, and the connection is closed");
        if !answers[0].body.is_empty() {
            answers[0].refused(400, "invalid_request");
        }
    }
    // the two requests as they should be are two answers
    let fine = format!("{follower}{}", follower.replace("Host: a", "Host: a\r\nConnection: close"));
    let answers = parse_all(&raw(server.public, fine.as_bytes()).await, false);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lives_on_however_many_requests_it_has_had_answered() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let one = post_bytes(TOKEN, &[], &good(&client));
    let last = post_bytes(TOKEN, &[("Connection", "close")], &good(&client));
    let answers = parse_all(&raw(server.public, &[one.repeat(600), last].concat()).await, false);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 601);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_cors_for_registered_origins_only() {
    const OURS: &str = "https://app.example";
    let server = Server::with(&format!("allowed_origins = [\"{OURS}\"]")).await;
    let client = server.service_client().await;
    let body = good(&client);
    let from = async |method: &str, path: &str, origin: &str| {
        let headers = [FORM, ("Origin", origin), ("Access-Control-Request-Method", "POST")];
        request(server.public, method, path, &headers, if method == "POST" { body.as_bytes() } else { b"" }).await
    };
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for (method, path) in [("POST", TOKEN), ("POST", ENDPOINTS[2])] {
        let answer = from(method, path, OURS).await;
        assert_eq!(allowed(&answer).as_deref(), Some(OURS), "{path}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        for stranger in [
            "https://evil.example",
            "null",
            "https://app.example.evil.example",
            "http://app.example",
            "https://APP.example",
        ] {
            let answer = from(method, path, stranger).await;
            assert_eq!(allowed(&answer), None, "{path} {stranger}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
        }
    }
    let preflight = from("OPTIONS", TOKEN, OURS).await;
    assert_eq!((preflight.status, allowed(&preflight).as_deref()), (204, Some(OURS)));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization, content-type"));
    let stranger = from("OPTIONS", TOKEN, "https://evil.example").await;
    assert_eq!((stranger.status, allowed(&stranger)), (405, None));
    // not for browsers
    assert_eq!(allowed(&from("POST", ENDPOINTS[1], OURS).await), None);
    assert_eq!(allowed(&from("OPTIONS", ENDPOINTS[1], OURS).await), None);
    // without registered origins there is no CORS where credentials go
    let plain = Server::start().await;
    let answer = request(plain.public, "POST", TOKEN, &[FORM, ("Origin", OURS)], b"").await;
    assert_eq!((answer.status, allowed(&answer), answer.header("vary")), (401, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_keys_and_metadata_are_public_for_any_origin() {
    for more in ["", "allowed_origins = [\"https://app.example\"]"] {
        let server = Server::with(more).await;
        for path in ["/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            for origin in ["https://anybody.example", "https://app.example", "null", "capacitor://localhost"] {
                let answer = request(server.public, "GET", path, &[("Origin", origin)], b"").await;
                assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{path}");
                assert_eq!(answer.header("access-control-allow-credentials"), None);
                let etag = answer.header("etag").unwrap().to_owned();
                let again =
                    request(server.public, "GET", path, &[("Origin", origin), ("If-None-Match", &etag)], b"").await;
                assert_eq!((again.status, again.header("access-control-allow-origin")), (304, Some("*")), "{path}");
                let wrong = request(server.public, "POST", path, &[("Origin", origin)], b"").await;
                assert_eq!((wrong.status, wrong.header("access-control-allow-origin")), (405, Some("*")), "{path}");
                let asked = [("Origin", origin), ("Access-Control-Request-Method", "GET")];
                let preflight = request(server.public, "OPTIONS", path, &asked, b"").await;
                assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some("*")));
                assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_whatever_is_answered_a_known_origin_may_read_it() {
    const ORIGINS: [&str; 4] =
        ["https://app.example", "capacitor://localhost", "ionic://localhost", "app://com.example"];
    let list = ORIGINS.map(|origin| format!("{origin:?}")).join(", ");
    let limits = "[public.limits]\nmax_headers = 20\nbody_timeout = \"200ms\"\nmax_pending_body_bytes = 1000";
    let server = Server::with(&format!("allowed_origins = [{list}]\n{limits}")).await;
    let client = server.service_client().await;
    let good = good(&client);
    let long = format!("a={}", "x".repeat(70_000));
    let many: Vec<String> = (0..30).map(|n| format!("X-{n}")).collect();
    for origin in ORIGINS.into_iter().chain(["https://evil.example"]) {
        let own = ("Origin", origin);
        let ask = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
            request(server.public, method, path, &[&[own][..], headers].concat(), body.as_bytes()).await
        };
        let half = |length: usize| {
            format!(
                "POST {TOKEN} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n{}: {}\r\nContent-Length: {length}\r\n\r\nabc",
                FORM.0, FORM.1
            )
        };
        let fields: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
        let mut answers = vec![
            (200, ask("POST", TOKEN, &[FORM], &good).await),
            (400, ask("POST", TOKEN, &[FORM], "a=%zz").await),
            (401, ask("POST", TOKEN, &[FORM], "grant_type=client_credentials&client_id=x&client_secret=y").await),
            (404, ask("POST", "/oauth2/tokens", &[FORM], &good).await),
            (404, ask("GET", "/", &[], "").await),
            (405, ask("GET", TOKEN, &[], "").await),
            (413, ask("POST", TOKEN, &[FORM], &long).await),
            (415, ask("POST", TOKEN, &[("Content-Type", "application/json")], "{}").await),
            (415, ask("POST", TOKEN, &[FORM, ("Content-Encoding", "gzip")], &good).await),
            (417, ask("POST", TOKEN, &[FORM, ("Expect", "x")], &good).await),
            (431, ask("POST", TOKEN, &fields, "").await),
            (408, parse_all(&raw(server.public, half(10).as_bytes()).await, false).remove(0)),
        ];
        // 429: wrong secrets, each of them counted
        let victim = server.service_client().await.0;
        let wrong = format!("grant_type=client_credentials&client_id={victim}&client_secret=wrong");
        let mut throttled = None;
        for _ in 0..200 {
            let answer = ask("POST", TOKEN, &[FORM], &wrong).await;
            if answer.status == 429 {
                throttled = Some(answer);
                break;
            }
        }
        answers.push((429, throttled.expect("guessing is throttled")));
        for (status, answer) in answers {
            assert_eq!(answer.status, status, "{origin}: {}", answer.text());
            let known = (origin != "https://evil.example").then_some(origin);
            assert_eq!(answer.header("access-control-allow-origin"), known, "{status} {origin}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{status} {origin}");
            let exposed = answer.header("access-control-expose-headers");
            assert_eq!(exposed, known.map(|_| "retry-after, www-authenticate"), "{status} {origin}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_14_a_browser_can_read_that_the_listener_is_overloaded() {
    const OURS: &str = "https://app.example";
    let more = format!("allowed_origins = [{OURS:?}]\n[public.limits]\nmax_pending_body_bytes = 1");
    let server = Server::with(&more).await;
    let head = format!(
        "POST {TOKEN} HTTP/1.1\r\nHost: a\r\nOrigin: {OURS}\r\n{}: {}\r\nContent-Length: 10\r\n\r\nabc",
        FORM.0, FORM.1
    );
    let answer = parse_all(&raw(server.public, head.as_bytes()).await, false).remove(0);
    answer.refused(503, "temporarily_unavailable");
    assert_eq!(answer.header("access-control-allow-origin"), Some(OURS));
    assert_eq!((answer.header("vary"), answer.header("retry-after")), (Some("Origin"), Some("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_6_a_scope_of_blanks_counts_as_omitted() {
    let server = Server::with(SCOPED).await;
    let service = server.service_client().await;
    for blank in ["", " ", "   "] {
        let answer = server
            .token(&[
                ("grant_type", "client_credentials"),
                ("client_id", &service.0),
                ("client_secret", &service.1),
                ("scope", blank),
            ])
            .await;
        assert_eq!((answer.status, answer.get("scope").as_str()), (200, "api:read api:write"), "{blank:?}");
        // a refresh
        let web = server.web_client().await;
        let tokens = server.login(&web).await;
        let refreshed = server.refresh_with(&web, tokens["refresh_token"].as_str().unwrap(), &[("scope", blank)]).await;
        assert_eq!((refreshed.status, &refreshed.json()["scope"]), (200, &tokens["scope"]), "{blank:?}");
        // a device, and what its portal approves
        let mut tv = spa_metadata();
        tv["grant_types"] = json!([DEVICE]);
        tv["scope"] = json!("openid api:read");
        let (tv, _) = server.client(tv).await;
        let started = server.post("/oauth2/device_authorization", &[], &[("client_id", &tv), ("scope", blank)]).await;
        assert_eq!(started.status, 200, "{}", started.text());
        let code = started.get("user_code");
        let shown = server.admin("GET", &format!("/issuers/main/device/{code}"), Value::Null).await;
        assert_eq!(shown.get("scope"), "openid api:read", "{blank:?}");
        // what a person approves is never widened: nothing is named, so nothing is guessed
        let approval = json!({ "subject": "alice", "scope": blank });
        let path = format!("/issuers/main/device/{code}/approve");
        let approved = server.admin("POST", &path, approval).await;
        assert_eq!(approved.status, 400, "{blank:?}: {}", approved.text());
        assert!(approved.text().contains("scope"), "{}", approved.text());
        // a code of the admin API, and metadata: none is asked for
        let with = server.code_answer(&web.0, json!({ "scope": blank })).await;
        let without = server.code_answer(&web.0, json!({ "scope": null })).await;
        assert_eq!((with.status, without.status), (201, 201));
        let mut scopes = Vec::new();
        for code in [with, without] {
            let tokens = server.redeem(&web, &code.get("code")).await;
            assert_eq!(tokens.status, 200, "{blank:?}");
            scopes.push(tokens.json()["scope"].clone());
        }
        assert_eq!(scopes[0], scopes[1], "{blank:?}");
        let mut metadata = web_metadata();
        metadata["scope"] = json!(blank);
        let made = server.admin("POST", "/issuers/main/clients", metadata).await;
        assert_eq!((made.status, made.json().get("scope")), (201, None), "{blank:?}");
    }
    // what is no scope stays none
    for bad in ["\t", "\u{a0}", " \n "] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", service.0.as_str()),
            ("client_secret", service.1.as_str()),
            ("scope", bad),
        ];
        refused(&server.token(&fields).await, "invalid_scope");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_listener_says_so_in_oauth() {
    let server = Server::with("[public.limits]\nmax_pending_body_bytes = 1").await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = format!("POST {TOKEN} HTTP/1.1\r\nHost: a\r\n{}: {}\r\nContent-Length: 10\r\n\r\nabc", FORM.0, FORM.1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let answers = parse_all(&bytes, false);
    answers[0].refused(503, "temporarily_unavailable");
    assert_eq!(answers[0].header("retry-after"), Some("1"));
}
