//! RFC 6749 section 2.3, CHECKLIST B: client authentication.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::support::http::{parse_all, post_bytes};
use crate::support::{Answer, Server, form};

const TOKEN: &str = "/oauth2/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// `Basic` with both halves form-encoded, as RFC 6749 section 2.3.1 has it.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    raw_basic(format!("{}:{}", encode(id), encode(secret)))
}

fn raw_basic(credentials: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn metadata(method: &str, more: Value) -> Value {
    let mut metadata =
        json!({ "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "scope": "api:read" });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

async fn by_basic(server: &Server, id: &str, secret: &str) -> Answer {
    server.post(TOKEN, &[("Authorization", &basic(id, secret))], &[GRANT]).await
}

async fn by_post(server: &Server, id: &str, secret: &str) -> Answer {
    server.token(&[GRANT, ("client_id", id), ("client_secret", secret)]).await
}

/// Everything of an answer but the date.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date")).cloned().collect();
    (answer.status, headers, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_whatever_fails_is_answered_alike() {
    let server = Server::start().await;
    for (method, other, ask) in
        [("client_secret_basic", "client_secret_post", true), ("client_secret_post", "client_secret_basic", false)]
    {
        let ask = async |id: &str, secret: &str| {
            if ask { by_basic(&server, id, secret).await } else { by_post(&server, id, secret).await }
        };
        let right = server.client(metadata(method, json!({}))).await;
        let disabled = server.client(metadata(method, json!({ "jeton": { "disabled": true } }))).await;
        let strict = json!({ "jeton": { "secret_transport": "registered" } });
        let other = server.client(metadata(other, strict)).await;
        let mut public = metadata("none", json!({ "redirect_uris": ["https://a.example/"] }));
        public["grant_types"] = json!(["authorization_code"]);
        let public = server.client(public).await;
        let expired = server.client(metadata(method, json!({}))).await;
        let path = format!("/issuers/main/clients/{}/secrets", expired.0);
        let old = server.admin("POST", &path, json!({ "expires_in": 60 })).await.get("client_secret");
        server.advance(Duration::from_secs(60)).await;
        assert_eq!(ask(&right.0, &right.1).await.status, 200);
        let reference = ask("nobody", &right.1).await;
        reference.refused(401, "invalid_client");
        let wrong = format!("{}x", right.1);
        let almost = format!("{}x", &right.1[..right.1.len() - 1]);
        for (what, id, secret) in [
            ("wrong secret", &right.0, &"wrong".to_owned()),
            ("right prefix", &right.0, &almost),
            ("longer secret", &right.0, &wrong),
            ("another client's secret", &right.0, &expired.1),
            ("disabled client", &disabled.0, &disabled.1),
            ("other way registered, and strict", &other.0, &other.1),
            ("public client", &public.0, &"x".to_owned()),
            ("expired secret", &expired.0, &old),
        ] {
            assert_eq!(whole(&ask(id, secret).await), whole(&reference), "{method}: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_while_secrets_are_cold_every_failure_costs_a_hash_and_a_source_only_so_many() {
    let server = Server::start().await;
    let imported = json!({ "client_secret": "horse battery" });
    let cold = server.client(metadata("client_secret_basic", imported)).await.0;
    let warm = server.client(metadata("client_secret_basic", json!({}))).await;
    let hashes = async |id: &str, secret: &str| {
        let since = jeton::internals::Stopwatch::start();
        let status = by_basic(&server, id, secret).await.status;
        (status, since.elapsed() > Duration::from_millis(5))
    };
    // a loaded machine makes the fast slow, but never the slow fast: one fast answer is proof
    let quick = async |id: &str, secret: &str| {
        for _ in 0..40 {
            match hashes(id, secret).await {
                (status, false) => return status,
                // so that asking again is no guessing
                (401, true) => server.clock.advance(Duration::from_secs(1)),
                (_, true) => {}
            }
        }
        panic!("{id}: every one of forty answers took as long as a hash");
    };
    for (id, secret) in [("nobody", "x"), (&cold, "x"), (&warm.0, "x"), (&warm.0, "horse battery")] {
        assert_eq!(hashes(id, secret).await, (401, true), "{id}");
    }
    assert_eq!(quick(&warm.0, &warm.1).await, 200, "who is right never waits");
    // the rest of this source's allowance, spent on clients that do not exist
    for n in 4..20 {
        assert_eq!(by_basic(&server, &format!("nobody{n}"), "x").await.status, 401);
    }
    for id in ["nobody", cold.as_str(), warm.0.as_str()] {
        let answer = by_basic(&server, id, "x").await;
        answer.refused(429, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"), "{id}");
    }
    assert_eq!(quick(&warm.0, &warm.1).await, 200, "and is not locked out");
    let elsewhere: IpAddr = [127, 0, 0, 2].into();
    assert_eq!(token_from(&server, elsewhere, &cold, "horse battery").await.status, 200);
    // now no secret is cold: nobody pays any more
    server.clock.advance(Duration::from_secs(10));
    for (id, secret) in [("nobody", "x"), (&cold, "x"), (&warm.0, "x")] {
        assert_eq!(quick(id, secret).await, 401, "{id}");
    }
    assert_eq!(quick(&cold, "horse battery").await, 200);
    // a change of the client makes nothing cold again
    let path = format!("/issuers/main/clients/{cold}");
    let changed = server.admin("PUT", &path, metadata("client_secret_basic", json!({ "client_name": "new" }))).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(quick(&cold, "horse battery").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_17_basic_credentials_are_form_decoded() {
    let server = Server::start().await;
    for (id, secret) in [("a:b%c+d", ":%+ é"), ("plain", "pass word+%41"), ("-._~!*'()", "日本語")] {
        let given = json!({ "client_id": id, "client_secret": secret });
        let registered = server.client(metadata("client_secret_basic", given)).await;
        assert_eq!(registered, (id.to_owned(), secret.to_owned()));
        assert_eq!(by_basic(&server, id, secret).await.status, 200, "{id} {secret}");
    }
    // a colon in the id cannot be sent but encoded
    let answer = server.post(TOKEN, &[("Authorization", &raw_basic("a:b%c+d::%+ \u{e9}"))], &[GRANT]).await;
    answer.refused(401, "invalid_client");
    // the scheme has no case, and one space or more before the credentials
    let right = basic("plain", "pass word+%41");
    for header in [right.replace("Basic", "bAsIc"), right.replace("Basic ", "Basic  ")] {
        assert_eq!(server.post(TOKEN, &[("Authorization", &header)], &[GRANT]).await.status, 200, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_18_malformed_basic_is_refused() {
    let server = Server::start().await;
    let (id, secret) = server.client(metadata("client_secret_basic", json!({}))).await;
    let good = raw_basic(format!("{id}:{secret}"));
    assert_eq!(server.post(TOKEN, &[("Authorization", &good)], &[GRANT]).await.status, 200);
    let bad = [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        "Basic =".to_owned(),
        good.replace("Basic ", "Basic\t"),
        good.replace("Basic ", "Basic"),
        good.replace("Basic", "Bearer"),
        good.replace("Basic", "Digest"),
        format!("{good}x"),
        format!("{good} {good}"),
        good.trim_end_matches('=').trim_end_matches(|c: char| c.is_ascii_alphanumeric()).to_owned(),
        raw_basic(&id),
        raw_basic(":"),
        raw_basic(format!("{id}:")),
        raw_basic(format!(":{secret}")),
        raw_basic(format!("{id}:%zz")),
        raw_basic(format!("{id}:%")),
        raw_basic([b"\xff\xfe:", secret.as_bytes()].concat()),
        raw_basic([id.as_bytes(), b":\xff"].concat()),
        raw_basic(format!("{id}:{}", "a".repeat(5000))),
        format!("{id}:{secret}"),
    ];
    for header in bad {
        let answer = server.post(TOKEN, &[("Authorization", &header)], &[GRANT]).await;
        answer.refused(401, "invalid_client");
    }
    let twice = [("Authorization", good.as_str()), ("Authorization", good.as_str())];
    server.post(TOKEN, &twice, &[GRANT]).await.refused(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_19_not_more_than_one_method() {
    let server = Server::start().await;
    let (id, secret) = server.client(metadata("client_secret_basic", json!({}))).await;
    let header = basic(&id, &secret);
    let header = [("Authorization", header.as_str())];
    let assertion = ("client_assertion", "eyJhbGciOiJub25lIn0.e30.");
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let (own_id, own_secret) = (("client_id", id.as_str()), ("client_secret", secret.as_str()));
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Pairs<'_>, Pairs<'_>); 4] = [
        (&header, &[GRANT, own_id, own_secret]),
        (&header, &[GRANT, own_secret]),
        (&header, &[GRANT, kind, assertion]),
        (&[], &[GRANT, own_id, own_secret, kind, assertion]),
    ];
    for (headers, fields) in cases {
        for path in [TOKEN, "/oauth2/introspect", "/oauth2/revoke"] {
            let mut fields = fields.to_vec();
            fields.push(("token", "x"));
            let told = server.post(path, headers, &fields).await.refused(400, "invalid_request");
            let told_of_methods = told == "more than one client authentication method";
            assert!(told_of_methods || told == "client_id differs from the authenticated client", "{told}");
        }
    }
    let two = [GRANT, own_id, kind, assertion, assertion];
    server.token(&two).await.refused(400, "invalid_request");
    // an assertion alone is no way in, not even for a public client
    server.token(&[GRANT, own_id, kind, assertion]).await.refused(401, "invalid_client");
    let spa = server.client(crate::support::spa_metadata()).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", spa.0.as_str()), assertion];
    server.token(&fields).await.refused(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_20_client_id_in_the_body_is_the_authenticated_one() {
    let server = Server::start().await;
    let (id, secret) = server.client(metadata("client_secret_basic", json!({}))).await;
    let other = server.service_client().await.0;
    let header = basic(&id, &secret);
    let ask =
        async |body_id: &str| server.post(TOKEN, &[("Authorization", &header)], &[GRANT, ("client_id", body_id)]).await;
    assert_eq!(ask(&id).await.status, 200);
    assert_eq!(ask("").await.status, 200, "empty is omitted");
    ask(&other).await.refused(400, "invalid_request");
    ask("nobody").await.refused(400, "invalid_request");
    ask(&id.to_uppercase()).await.refused(400, "invalid_request");
}

/// A refresh by each way to authenticate, with a token that nobody has: `invalid_grant` says that the client was let in.
async fn each_way(server: &Server, id: &str, secret: &str) -> [(&'static str, Answer); 3] {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let post = [&refresh[..], &[("client_id", id), ("client_secret", secret)]].concat();
    let none = [&refresh[..], &[("client_id", id)]].concat();
    [
        ("client_secret_basic", server.post(TOKEN, &[("Authorization", &basic(id, secret))], &refresh).await),
        ("client_secret_post", server.token(&post).await),
        ("none", server.token(&none).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_21_the_registered_method_is_enforced() {
    let server = Server::start().await;
    for (registered, strict, accepted) in [
        ("client_secret_basic", false, &["client_secret_basic", "client_secret_post"][..]),
        ("client_secret_post", false, &["client_secret_basic", "client_secret_post"]),
        ("client_secret_basic", true, &["client_secret_basic"]),
        ("client_secret_post", true, &["client_secret_post"]),
        ("client_secret_jwt", false, &[]),
        ("none", false, &["none"]),
    ] {
        let mut metadata = crate::support::web_metadata();
        metadata["token_endpoint_auth_method"] = json!(registered);
        if strict {
            metadata["jeton"] = json!({ "secret_transport": "registered" });
        }
        let client = server.client(metadata).await;
        let secret = if client.1.is_empty() { "jcs_x" } else { &client.1 };
        for (tried, answer) in each_way(&server, &client.0, secret).await {
            if accepted.contains(&tried) {
                answer.refused(400, "invalid_grant");
            } else {
                answer.refused(401, "invalid_client");
            }
        }
    }
    let unknown = json!({ "jeton": { "secret_transport": "header" } });
    let answer = server.admin("POST", "/issuers/main/clients", metadata("client_secret_basic", unknown)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_3_1_a_secret_may_be_sent_by_basic_or_in_the_body() {
    let server = Server::start().await;
    for registered in ["client_secret_basic", "client_secret_post"] {
        let (id, secret) = server.client(metadata(registered, json!({}))).await;
        let header = basic(&id, &secret);
        // more often than anybody may fail
        for _ in 0..30 {
            assert_eq!(by_basic(&server, &id, &secret).await.status, 200, "{registered}");
            assert_eq!(by_post(&server, &id, &secret).await.status, 200, "{registered}");
        }
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            let by_header = server.post(path, &[("Authorization", &header)], &[("token", "x")]).await;
            let own = [("token", "x"), ("client_id", id.as_str()), ("client_secret", secret.as_str())];
            assert_eq!(
                (by_header.status, server.post(path, &[], &own).await.status),
                (200, 200),
                "{registered} {path}"
            );
        }
        // both at once are two methods all the same
        let both = [GRANT, ("client_id", id.as_str()), ("client_secret", secret.as_str())];
        server.post(TOKEN, &[("Authorization", &header)], &both).await.refused(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_3_1_basic_with_an_empty_password_is_a_public_client() {
    let server = Server::start().await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let (spa, _) = server.client(crate::support::spa_metadata()).await;
    let (web, secret) = server.web_client().await;
    let ask = async |id: &str, more: &[(&str, &str)]| {
        let header = raw_basic(format!("{id}:"));
        server.post(TOKEN, &[("Authorization", &header)], &[&refresh[..], more].concat()).await
    };
    ask(&spa, &[]).await.refused(400, "invalid_grant");
    ask(&spa, &[("client_id", &spa), ("client_secret", "")]).await.refused(400, "invalid_grant");
    let empty = [&refresh[..], &[("client_id", spa.as_str()), ("client_secret", "")]].concat();
    server.token(&empty).await.refused(400, "invalid_grant");
    let header = raw_basic(format!("{spa}:"));
    let revoked = server.post("/oauth2/revoke", &[("Authorization", &header)], &[("token", "x")]).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    // who has a secret must show it
    ask(&web, &[]).await.refused(401, "invalid_client");
    ask(&web, &[("client_id", &web), ("client_secret", &secret)]).await.refused(400, "invalid_request");
    ask("nobody", &[]).await.refused(401, "invalid_client");
    ask(&spa, &[("client_id", &web)]).await.refused(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6749_2_3_1_credentials_that_basic_has_unencoded_are_right_too() {
    let server = Server::start().await;
    let raw = async |id: &str, secret: &str| {
        let header = raw_basic(format!("{id}:{secret}"));
        server.post(TOKEN, &[("Authorization", &header)], &[GRANT]).await
    };
    for (id, secret) in [("raw", "pass+word%41/=="), ("broken", "100%+zz%"), ("a+b%41", "se%41cret"), ("c+d", "plain")]
    {
        let given = json!({ "client_id": id, "client_secret": secret });
        server.client(metadata("client_secret_basic", given)).await;
        // cold, then warm
        for _ in 0..2 {
            assert_eq!(raw(id, secret).await.status, 200, "{id} {secret}");
            assert_eq!(by_basic(&server, id, secret).await.status, 200, "{id} {secret}");
        }
        raw(id, &format!("{secret}x")).await.refused(401, "invalid_client");
        // the body names which of the two ids is meant
        let header = raw_basic(format!("{id}:{secret}"));
        let named = server.post(TOKEN, &[("Authorization", &header)], &[GRANT, ("client_id", id)]).await;
        assert_eq!(named.status, 200, "{id} {secret}");
    }
    // the secret as sent is not the secret of a client that has another one
    let given = json!({ "client_id": "other", "client_secret": "a b" });
    server.client(metadata("client_secret_basic", given)).await;
    assert_eq!(raw("other", "a+b").await.status, 200);
    raw("other", "a%2Bb").await.refused(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_secret_that_basic_may_spell_in_two_ways_is_registered_with_a_warning() {
    let server = Server::start().await;
    for (secret, warned) in [("pass+word", true), ("100%", true), ("pass word", false), ("horse", false)] {
        let given = metadata("client_secret_basic", json!({ "client_secret": secret }));
        let answer = server.admin("POST", "/issuers/main/clients", given).await.json();
        let warnings = answer["warnings"].as_array().map_or(0, Vec::len);
        assert_eq!(warnings, usize::from(warned), "{secret}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_22_grants_are_per_client() {
    let server = Server::start().await;
    let service = server.service_client().await;
    let web = server.web_client().await;
    for (client, grant) in [(&service, "authorization_code"), (&service, "refresh_token"), (&web, "client_credentials")]
    {
        let fields = [
            ("grant_type", grant),
            ("client_id", &client.0),
            ("client_secret", &client.1),
            ("code", "x"),
            ("refresh_token", "x"),
        ];
        server.token(&fields).await.refused(400, "unauthorized_client");
    }
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "Client_Credentials"] {
        let fields = [("grant_type", grant), ("client_id", &web.0), ("client_secret", &web.1)];
        server.token(&fields).await.refused(400, "unsupported_grant_type");
    }
    // a public client never gets client_credentials: it cannot be registered, by either way in
    let answer = server.admin("POST", "/issuers/main/clients", metadata("none", json!({}))).await;
    assert_eq!(answer.status, 400);
    let spa = server.client(crate::support::spa_metadata()).await;
    server.token(&[GRANT, ("client_id", &spa.0)]).await.refused(400, "unauthorized_client");
    // an issuer that does not offer a grant offers it to nobody
    let narrow = Server::with("grant_types = [\"client_credentials\"]").await;
    let service = narrow.service_client().await;
    let fields = [("grant_type", "refresh_token"), ("client_id", &service.0), ("client_secret", &service.1)];
    narrow.token(&fields).await.refused(400, "unsupported_grant_type");
}

/// A token request from another address of this machine.
async fn token_from(server: &Server, source: IpAddr, id: &str, secret: &str) -> Answer {
    let headers = [("Authorization", basic(id, secret)), ("Connection", "close".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    send_from(server, source, &post_bytes(TOKEN, &headers, &form(&[GRANT]))).await.remove(0)
}

async fn send_from(server: &Server, source: IpAddr, bytes: &[u8]) -> Vec<Answer> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source, 0)).unwrap();
    let (mut read, mut write) = socket.connect(server.public).await.unwrap().into_split();
    let sending = async {
        write.write_all(bytes).await.unwrap();
    };
    let mut all = Vec::new();
    let (_, read) = tokio::join!(sending, read.read_to_end(&mut all));
    read.unwrap();
    parse_all(&all, false)
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_brute_force_is_throttled_and_locks_out_only_itself() {
    let server = Server::start().await;
    let (id, secret) = server.client(metadata("client_secret_basic", json!({}))).await;
    let (guesser, elsewhere): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
    let guess = |n: usize, more: &[(&str, &str)]| {
        let header = basic(&id, &format!("guess-{n}"));
        post_bytes(TOKEN, &[&[("Authorization", header.as_str())], more].concat(), &form(&[GRANT]))
    };
    let mut bytes: Vec<u8> = (0..9_999).flat_map(|n| guess(n, &[])).collect();
    bytes.extend(guess(9_999, &[("Connection", "close")]));
    let answers = send_from(&server, guesser, &bytes).await;
    assert_eq!(answers.len(), 10_000);
    let (tried, throttled): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 401);
    assert_eq!((tried.len(), throttled.len()), (20, 9_980));
    for answer in throttled {
        answer.refused(429, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // the true client is not locked out, not even behind the same address: its secret has 256 bits
    let since = jeton::internals::Stopwatch::start();
    for address in [guesser, elsewhere] {
        assert_eq!(token_from(&server, address, &id, &secret).await.status, 200);
    }
    assert!(since.elapsed() < Duration::from_secs(1));
    // nor are others behind the guesser's address
    let (other, other_secret) = server.client(metadata("client_secret_basic", json!({}))).await;
    assert_eq!(token_from(&server, guesser, &other, &other_secret).await.status, 200);
    // policy: one try a second from then on, and Retry-After told the truth
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(token_from(&server, guesser, &id, "guess").await.status, 401);
    assert_eq!(token_from(&server, guesser, &id, "guess").await.status, 429);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(token_from(&server, guesser, &id, &secret).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_an_imported_secret_can_be_guessed_no_faster_where_it_was_never_right() {
    let server = Server::start().await;
    let imported = json!({ "client_secret": "horse battery" });
    let (id, secret) = server.client(metadata("client_secret_basic", imported)).await;
    let (home, stranger): (IpAddr, IpAddr) = ([127, 0, 0, 2].into(), [127, 0, 0, 3].into());
    assert_eq!(token_from(&server, home, &id, &secret).await.status, 200);
    for address in [home, stranger] {
        for _ in 0..20 {
            assert_eq!(token_from(&server, address, &id, "guess").await.status, 401);
        }
        token_from(&server, address, &id, "guess").await.refused(429, "temporarily_unavailable");
    }
    // a pod with an old secret does not shut out its siblings, and a stranger does not learn that it guessed right
    assert_eq!(token_from(&server, home, &id, &secret).await.status, 200);
    token_from(&server, stranger, &id, &secret).await.refused(429, "temporarily_unavailable");
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(token_from(&server, stranger, &id, &secret).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_behind_a_shut_gate_right_and_wrong_are_answered_alike_while_the_queue_is_full() {
    let other =
        "[issuers.other]\nurl = \"http://@PUBLIC@/other\"\nalgorithms = [\"EdDSA\"]\nid_token_alg = \"EdDSA\"\n";
    let phc = "$argon2id$v=19$m=131072,t=16,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let dear = format!(
        "[[clients]]\nissuer = \"other\"\nclient_id = \"dear\"\nsecrets = [{{ argon2 = \"{phc}\" }}]\n\
         [clients.metadata]\ngrant_types = [\"client_credentials\"]\n"
    );
    let server = std::sync::Arc::new(Server::with(&format!("{other}{dear}[hashing]\nqueue = 8\n")).await);
    let import =
        async |secret| server.client(metadata("client_secret_basic", json!({ "client_secret": secret }))).await;
    let (id, secret) = import("horse battery").await;
    let (home, stranger): (IpAddr, IpAddr) = ([127, 0, 0, 2].into(), [127, 0, 0, 3].into());
    assert_eq!(token_from(&server, home, &id, &secret).await.status, 200);
    for _ in 0..20 {
        assert_eq!(token_from(&server, stranger, &id, "guess").await.status, 401);
    }
    import("that nobody has used").await;
    // one hash of more than a second is computed, and every place in the queue is taken
    let mut busy = tokio::task::JoinSet::new();
    for last in 10..19 {
        let server = server.clone();
        busy.spawn(async move {
            let bytes = post_bytes(
                "/other/oauth2/token",
                &[("Authorization", basic("dear", "x").as_str()), ("Connection", "close")],
                &form(&[GRANT]),
            );
            send_from(&server, [127, 0, 0, last].into(), &bytes).await
        });
    }
    server.until_waiting("secret", 8).await;
    let right = token_from(&server, stranger, &id, &secret).await;
    let wrong = token_from(&server, stranger, &id, "guess").await;
    right.refused(429, "temporarily_unavailable");
    assert_eq!(whole(&right), whole(&wrong));
    busy.abort_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_16_what_nobody_can_use_makes_no_failure_cost_a_hash() {
    let server = Server::start().await;
    let imported = json!({ "client_secret": "horse battery" });
    let (id, _) = server.client(metadata("client_secret_basic", imported)).await;
    let disabled = metadata("client_secret_basic", json!({ "jeton": { "disabled": true } }));
    let changed = server.admin("PUT", &format!("/issuers/main/clients/{id}"), disabled).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    // a loaded machine makes the fast slow, but never the slow fast: one fast answer is proof
    for _ in 0..40 {
        let since = jeton::internals::Stopwatch::start();
        assert_eq!(by_basic(&server, "nobody", "x").await.status, 401);
        if since.elapsed() < Duration::from_millis(5) {
            return;
        }
        server.clock.advance(Duration::from_secs(1));
    }
    panic!("every one of forty answers took as long as a hash");
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_guesses_that_arrive_together_count_each() {
    let server = Server::start().await;
    let imported = json!({ "client_secret": "horse battery" });
    let cold = server.client(metadata("client_secret_post", imported)).await.0;
    let warm = server.service_client().await.0;
    for id in [cold.as_str(), "nobody", warm.as_str()] {
        let fields = [GRANT, ("client_id", id), ("client_secret", "guess")];
        let answers = crate::support::race(server.public, 64, &fields).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(401), count(429)), (20, 44), "{id}");
        server.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(by_post(&server, &cold, "horse battery").await.status, 200);
    // what was right is not counted, and a fleet that starts at once is let in at once: the first proves it for all
    let (id, secret) = server.client(metadata("client_secret_post", json!({ "client_secret": "donkey" }))).await;
    let fields = [GRANT, ("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let answers = crate::support::race(server.public, 50, &fields).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let count = async || {
        let answers = crate::support::race(server.public, 40, &[GRANT, fields[1], ("client_secret", "mule")]).await;
        answers.iter().filter(|answer| answer.status == 401).count()
    };
    assert_eq!(count().await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_24_no_address_keeps_others_out_of_the_queue_of_slow_hashes() {
    let server = std::sync::Arc::new(Server::start().await);
    let imported = json!({ "client_secret": "horse battery" });
    let cold = server.client(metadata("client_secret_basic", imported)).await.0;
    let mut flood = tokio::task::JoinSet::new();
    for n in 0_u8..160 {
        let server = server.clone();
        let source = [127, 0, 1, n / 20].into();
        flood.spawn(async move { token_from(&server, source, &format!("nobody-{n}"), "x").await });
    }
    // until the queue is full of them
    server.until_waiting("secret", 60).await;
    let answer = token_from(&server, [127, 0, 0, 2].into(), &cold, "horse battery").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for answer in flood.join_all().await {
        assert!(matches!(answer.status, 401 | 429), "{}: {}", answer.status, answer.text());
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_25_two_secrets_are_valid_until_the_second_the_old_one_expires() {
    let server = Server::start().await;
    let (id, first) = server.client(metadata("client_secret_basic", json!({}))).await;
    let path = format!("/issuers/main/clients/{id}/secrets");
    let made = server.admin("POST", &path, json!({ "expires_in": 100 })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let second = made.get("client_secret");
    assert_eq!(made.json()["expires_at"], 1_900_000_000 + 100);
    for secret in [&first, &second, &first] {
        assert_eq!(by_basic(&server, &id, secret).await.status, 200);
    }
    server.clock.advance(Duration::from_millis(99_999));
    assert_eq!(by_basic(&server, &id, &second).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    by_basic(&server, &id, &second).await.refused(401, "invalid_client");
    assert_eq!(by_basic(&server, &id, &first).await.status, 200);
    // a deleted one is gone at once
    let third = server.admin("POST", &path, json!({})).await;
    let shown = server.admin("GET", &format!("/issuers/main/clients/{id}"), Value::Null).await.json();
    let oldest = shown["secrets"][0]["secret_id"].as_str().unwrap();
    assert_eq!(server.admin("DELETE", &format!("{path}/{oldest}"), Value::Null).await.status, 204);
    by_basic(&server, &id, &first).await.refused(401, "invalid_client");
    assert_eq!(by_basic(&server, &id, &third.get("client_secret")).await.status, 200);
}
