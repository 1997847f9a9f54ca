//! RFC 8252 and RFC 9700 section 2.1: redirect URIs are compared byte for byte, and of one on this machine all but the
//! port.

use serde_json::{Value, json};

use crate::support::{Server, spa_metadata};

const CLIENTS: &str = "/issuers/main/clients";

async fn native(server: &Server, redirect_uris: &[&str], extension: Value) -> String {
    let mut metadata = spa_metadata();
    metadata["redirect_uris"] = json!(redirect_uris);
    metadata["jeton"] = extension;
    server.client(metadata).await.0
}

async fn accepted(server: &Server, client: &str, uri: &str) -> bool {
    let answer = server.code_answer(client, json!({ "redirect_uri": uri })).await;
    assert!(matches!(answer.status, 201 | 400), "{uri:?}: {}", answer.text());
    answer.status == 201
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8252_7_3_any_port_of_a_loopback_address_and_nothing_else() {
    let server = Server::start().await;
    let registered =
        ["http://127.0.0.1/cb", "http://[::1]:8080/a/b?c=d", "http://127.0.0.1:9", "https://app.example/cb"];
    let client = native(&server, &registered, json!({})).await;
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://127.0.0.1:80/cb",
        "http://[::1]/a/b?c=d",
        "http://[::1]:1/a/b?c=d",
        "http://[::1]:8080/a/b?c=d",
        "http://127.0.0.1",
        "http://127.0.0.1:50000",
        "https://app.example/cb",
    ] {
        assert!(accepted(&server, &client, good).await, "{good:?}");
    }
    for bad in [
        "http://127.0.0.1:1/cb\n",
        "http://127.0.0.1:1/c\tb",
        "http://127.0.0.1:1/cb\r",
        " http://127.0.0.1:1/cb",
        "http://127.0.0.1:1/cb ",
        "\u{feff}http://127.0.0.1:1/cb",
        "http:\\\\127.0.0.1:1/cb",
        "http://127.0.0.1:1\\cb",
        "http:/127.0.0.1:1/cb",
        "http:127.0.0.1:1/cb",
        "http:///127.0.0.1:1/cb",
        "HTTP://127.0.0.1:1/cb",
        "Http://127.0.0.1/cb",
        "http://127.1:1/cb",
        "http://2130706433:1/cb",
        "http://0x7f.0.0.1:1/cb",
        "http://0177.0.0.1:1/cb",
        "http://127.0.0.1.:1/cb",
        "http://127.0.0.2:1/cb",
        "http://\u{ff11}27.0.0.1:1/cb",
        "http://127.0.0.1%2e:1/cb",
        "http://%31%32%37.0.0.1:1/cb",
        "http://[0:0:0:0:0:0:0:1]:1/a/b?c=d",
        "http://[::0001]:1/a/b?c=d",
        "http://[::1%25lo]:1/a/b?c=d",
        "http://[::ffff:127.0.0.1]:1/cb",
        "http://127.0.0.1:1/./cb",
        "http://127.0.0.1:1/x/../cb",
        "http://127.0.0.1:1/%2e/cb",
        "http://127.0.0.1:1//cb",
        "http://127.0.0.1:1/cb/",
        "http://127.0.0.1:1/CB",
        "http://127.0.0.1:1/cb?",
        "http://127.0.0.1:1/cb#",
        "http://127.0.0.1:1/cb#x",
        "http://127.0.0.1:1/%63b",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:000080/cb",
        "http://127.0.0.1:080/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:1x/cb",
        "http://127.0.0.1: 1/cb",
        "http://127.0.0.1:\u{0661}/cb",
        "http://127.0.0.1:1:2/cb",
        "http://user@127.0.0.1:1/cb",
        "http://@127.0.0.1:1/cb",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.1:1.evil.example/cb",
        "http://127.0.0.1evil.example/cb",
        "https://127.0.0.1:1/cb",
        "http://127.0.0.1:50000/",
        "http://127.0.0.1:1/cb\0",
        "https://app.example:444/cb",
        "https://app.example:443/cb",
        "https://app.example/cb\n",
        "http://localhost/cb",
        "http://localhost:1/cb",
        "",
    ] {
        assert!(!accepted(&server, &client, bad).await, "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9700_2_1_any_port_of_localhost_unless_the_client_says_exact() {
    let server = Server::start().await;
    let registered = ["http://localhost/cb", "http://localhost:3000/x", "http://127.0.0.1/cb"];
    let any = native(&server, &registered, json!({})).await;
    for good in [
        "http://localhost/cb",
        "http://localhost:1/cb",
        "http://localhost:65535/cb",
        "http://localhost:4200/x",
        "http://localhost/x",
    ] {
        assert!(accepted(&server, &any, good).await, "{good:?}");
    }
    for bad in [
        "http://LOCALHOST:1/cb",
        "http://localhost.:1/cb",
        "http://localhost:1/cb\n",
        "http://localhost:0/cb",
        "http://localhost.evil.example:1/cb",
        "http://localhost:1@evil.example/cb",
        "https://localhost:1/cb",
        "http://app.localhost:1/cb",
        "http://localhost:1/cb/",
    ] {
        assert!(!accepted(&server, &any, bad).await, "{bad:?}");
    }
    let exact = native(&server, &registered, json!({ "localhost_port": "exact" })).await;
    for (uri, good) in [
        ("http://localhost/cb", true),
        ("http://localhost:1/cb", false),
        ("http://localhost:3000/x", true),
        ("http://localhost:4200/x", false),
        ("http://localhost/x", false),
        ("http://127.0.0.1:1/cb", true),
    ] {
        assert_eq!(accepted(&server, &exact, uri).await, good, "{uri:?}");
    }
    let shown = server.admin("GET", &format!("{CLIENTS}/{exact}"), Value::Null).await.json();
    assert_eq!(shown["jeton"]["localhost_port"], "exact");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_is_registered_as_it_is_written_or_refused_with_the_right_form() {
    let server = Server::start().await;
    let register = async |uri: &str| {
        let mut metadata = spa_metadata();
        metadata["redirect_uris"] = json!([uri]);
        server.admin("POST", CLIENTS, metadata).await
    };
    for good in [
        "https://app.example",
        "https://app.example/",
        "https://app.example/cb",
        "https://app.example?x=1",
        "https://app.example:8443/cb?a=b&c=%2F",
        "https://xn--bcher-kva.example/cb",
        "http://127.0.0.1/cb",
        "http://localhost:3000/cb",
        "com.example.app:/cb",
        "com.example.app://cb/x",
        "com.example.app:cb",
        "https://app.example/a;b=c,d/~e!$&'()+=:@",
    ] {
        let answer = register(good).await;
        assert_eq!(answer.status, 201, "{good}: {}", answer.text());
    }
    for (bad, right) in [
        ("HTTPS://app.example/cb", "https://app.example/cb"),
        ("https://APP.example/cb", "https://app.example/cb"),
        ("https://app.example:443/cb", "https://app.example/cb"),
        ("https://app.example/a/../cb", "https://app.example/cb"),
        ("https://app.example/./cb", "https://app.example/cb"),
        ("https://app.example/%2e/cb", "https://app.example/cb"),
        ("https:app.example/cb", "https://app.example/cb"),
        ("https:\\\\app.example\\cb", "https://app.example/cb"),
        ("http://127.1/cb", "http://127.0.0.1/cb"),
        ("http://[0:0::1]/cb", "http://[::1]/cb"),
        (" https://app.example/cb", "https://app.example/cb"),
        ("https://app.example/cb\n", "https://app.example/cb"),
        ("https://app.example/c\tb", "https://app.example/cb"),
        ("HTTPS://APP.example", "https://app.example"),
        ("https://b\u{fc}cher.example/cb", "https://xn--bcher-kva.example/cb"),
        ("https://app.example/a b", "https://app.example/a%20b"),
    ] {
        let answer = register(bad).await;
        assert_eq!(answer.status, 400, "{bad:?}");
        let text = answer.text();
        assert!(
            text.contains("redirect_uris") && text.contains(&format!("{right}\""))
                || text.contains(&format!("{right}`")),
            "{bad:?}: {text}"
        );
    }
    for bad in [
        "https://user@app.example/cb",
        "https://user:pw@app.example/cb",
        "https://app.example/%zz",
        "https://app.example/%4",
        "/cb",
        "",
        "https://",
        "javascript:alert(1)",
    ] {
        assert_eq!(register(bad).await.status, 400, "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_refused_wherever_a_header_a_log_or_a_location_could_carry_them() {
    let server = Server::start().await;
    let metadata = |name: &str, value: Value| {
        let mut metadata = spa_metadata();
        metadata[name] = value;
        metadata
    };
    for control in ["\n", "\r", "\t", "\0", "\u{1b}", "\u{7f}", "\u{85}"] {
        let bad = format!("a{control}b");
        for (member, value) in [
            ("client_name", json!(bad)),
            ("client_id", json!(bad)),
            ("software_id", json!(bad)),
            ("software_version", json!(bad)),
            ("contacts", json!([bad])),
            ("client_uri", json!(format!("https://app.example/{bad}"))),
            ("logo_uri", json!(format!("https://app.example/{bad}"))),
            ("tos_uri", json!(format!("https://app.example/{bad}"))),
            ("policy_uri", json!(format!("https://app.example/{bad}"))),
            ("redirect_uris", json!([format!("https://app.example/{bad}")])),
            ("jwks_uri", json!(format!("https://app.example/{bad}"))),
            ("scope", json!(bad)),
            ("jeton", json!({ "token_exchange": { "audiences": [bad] } })),
        ] {
            let answer = server.admin("POST", CLIENTS, metadata(member, value)).await;
            assert_eq!(answer.status, 400, "{member} {control:?}: {}", answer.text());
            assert!(answer.text().contains(member), "{}", answer.text());
        }
        let web = server.client(spa_metadata()).await.0;
        for member in ["nonce", "acr", "subject", "redirect_uri"] {
            let answer = server.code_answer(&web, json!({ member: bad })).await;
            assert_eq!(answer.status, 400, "{member} {control:?}: {}", answer.text());
        }
        assert_eq!(server.code_answer(&web, json!({ "amr": [bad] })).await.status, 400, "amr {control:?}");
        let secret = server.admin("POST", "/issuers/main/revocations", json!({ "subject": bad })).await;
        assert_eq!(secret.status, 400, "revocation {control:?}");
    }
    for blank in [" Name", "Name ", "\u{a0}Name", "  "] {
        let answer = server.admin("POST", CLIENTS, metadata("client_name", json!(blank))).await;
        assert_eq!(answer.status, 400, "{blank:?}: {}", answer.text());
    }
    let answer = server.admin("POST", CLIENTS, metadata("client_name", json!("B\u{fc}cher & more"))).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}
