//! RFC 9113, CHECKLIST 13: HTTP/2, and what somebody can try with it. `ops/experiment h2spec` runs a suite that we
//! did not write.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::request;
use crate::support::{Server, form};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TOKEN: &str = "/oauth2/token";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frame types (RFC 9113 section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
/// GET / of http://a, in HPACK: three indexed fields, `:authority` as a literal.
const HEAD: &[u8] = &[0x82, 0x84, 0x86, 0x41, 0x01, b'a'];

/// The body of a request that works.
fn good(client: &(String, String)) -> String {
    form(&[("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)])
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Sends preface and settings, then what `flood` makes, until the server ends the connection or `most` bytes are out.
/// Gives how many bytes it took and the error code of GOAWAY, if there was one.
async fn attack(server: &Server, most: usize, mut flood: impl FnMut(u32) -> Vec<u8>) -> (usize, Option<u32>) {
    let work = async {
        let (mut reading, mut writing) = TcpStream::connect(server.public).await.unwrap().into_split();
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            let _ = reading.read_to_end(&mut all).await;
            all
        });
        writing.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        let mut sent = 0;
        for round in 0.. {
            let bytes = flood(round);
            if sent >= most || reader.is_finished() || writing.write_all(&bytes).await.is_err() {
                break;
            }
            sent += bytes.len();
        }
        drop(writing);
        (sent, goaway(&reader.await.unwrap()))
    };
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("the server ends it within the limit")
}

/// The error code of the first GOAWAY (RFC 9113 section 6.8).
fn goaway(mut bytes: &[u8]) -> Option<u32> {
    while let [a, b, c, kind, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let payload = rest.get(4..4 + length)?;
        if *kind == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        bytes = &rest[4 + length..];
    }
    None
}

/// Nothing of it holds up anybody else.
async fn still_answers(server: &Server, client: &(String, String)) {
    let answer = request(server.public, "POST", TOKEN, &[FORM], good(client).as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_13_a_continuation_flood_is_cut_off() {
    let server = Server::start().await;
    let client = server.service_client().await;
    // a header block that never ends: one literal field without indexing after the other (CVE-2024-27316)
    let field = [&[0x00, 0x03][..], b"x-a", &[0x7f, 0x80, 0x07], &[b'a'; 1023]].concat();
    let block = field.repeat(15);
    let (sent, code) = attack(&server, 64 << 20, |round| match round {
        0 => frame(HEADERS, 0, 1, HEAD),
        _ => frame(CONTINUATION, 0, 1, &block),
    })
    .await;
    assert!(sent < 16 << 20, "cut off after {sent} bytes");
    assert!(code.is_some_and(|code| code != 0), "{code:?} after {sent} bytes");
    still_answers(&server, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_13_a_rapid_reset_is_cut_off() {
    const ENHANCE_YOUR_CALM: u32 = 11;
    const CANCEL: [u8; 4] = [0, 0, 0, 8];
    let server = Server::start().await;
    let client = server.service_client().await;
    // CVE-2023-44487: streams are opened and reset faster than they could be answered
    let (sent, code) = attack(&server, 64 << 20, |round| {
        let stream = 2 * round + 1;
        [frame(HEADERS, 0x5, stream, HEAD), frame(RST_STREAM, 0, stream, &CANCEL)].concat()
    })
    .await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM), "after {sent} bytes");
    still_answers(&server, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_13_a_flood_of_pings_and_settings_holds_up_nobody() {
    let server = Server::start().await;
    let client = server.service_client().await;
    for (kind, payload) in [(PING, &[7; 8][..]), (SETTINGS, &[])] {
        let flood = frame(kind, 0, 0, payload).repeat(1000);
        // 8 MiB of them are either answered or cut off, within the limit of `attack`
        attack(&server, 8 << 20, |_| flood.clone()).await;
        still_answers(&server, &client).await;
    }
}

type Http2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(server: &Server) -> (Http2, tokio::task::JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(TcpStream::connect(server.public).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn http2_request(body: String, headers: usize) -> hyper::Request<Full<Bytes>> {
    let mut request = hyper::Request::post(format!("http://a{TOKEN}")).header(FORM.0, FORM.1);
    for n in 0..headers {
        request = request.header(format!("x-{n}"), "a".repeat(1000));
    }
    request.body(Full::new(Bytes::from(body))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_13_http2_streams_are_limited_and_all_answered() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let (sender, _connection) = http2(&server).await;
    let asked: Vec<_> = (0..500)
        .map(|_| {
            let (mut sender, body) = (sender.clone(), good(&client));
            tokio::spawn(async move {
                sender.ready().await.unwrap();
                sender.send_request(http2_request(body, 0)).await.unwrap().status().as_u16()
            })
        })
        .collect();
    for one in asked {
        assert_eq!(one.await.unwrap(), 200);
    }
    // one connection more answers at once: nothing is held up
    still_answers(&server, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklist_13_http2_header_bombs_are_refused() {
    let server = Server::start().await;
    let client = server.service_client().await;
    let (mut sender, _connection) = http2(&server).await;
    sender.ready().await.unwrap();
    // more than max_header_bytes: 431 by the transport, or the stream or the connection is reset; never a token
    let answer = sender.send_request(http2_request(good(&client), 32)).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431));
    let (mut sender, _connection) = http2(&server).await;
    sender.ready().await.unwrap();
    let answer = sender.send_request(http2_request("x".repeat(70_000), 0)).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (413, &"no-store".parse().unwrap()));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9113_9_1_requests_that_are_followed_by_half_close_are_answered() {
    const DATA: u8 = 0;
    let server = Server::start().await;
    let body = good(&server.service_client().await);
    // POST, http, a, /oauth2/token with a content type: indexed fields, and literals with indexed names
    let literal =
        |name: u8, value: &str| [&[0x40 | name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let head = [&[0x83, 0x86][..], &literal(1, "a"), &literal(4, TOKEN), &literal(31, FORM.1)].concat();
    let mut rounds = tokio::task::JoinSet::new();
    for round in 0..50_u32 {
        let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        let streams = 1 + round % 3;
        for stream in (0..streams).map(|n| 2 * n + 1) {
            // what the first one named is in the dynamic table
            let block = if stream == 1 { head.clone() } else { vec![0x83, 0x86, 0xc0, 0xbf, 0xbe] };
            bytes.extend(frame(HEADERS, 4, stream, &block));
            bytes.extend(frame(DATA, 1, stream, body.as_bytes()));
        }
        let public = server.public;
        rounds.spawn(async move {
            let mut wire = TcpStream::connect(public).await.unwrap();
            wire.write_all(&bytes).await.unwrap();
            wire.shutdown().await.unwrap();
            let mut all = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(10), wire.read_to_end(&mut all)).await;
            let _ = read.expect("the server closes it by itself");
            String::from_utf8_lossy(&all).matches("access_token").count() == streams as usize
        });
    }
    let answered = rounds.join_all().await.into_iter().filter(|answered| *answered).count();
    assert_eq!(answered, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9113_8_3_1_an_invalid_authority_is_400() {
    let server = Server::with("[public.limits]\nlinger_timeout = \"100ms\"").await;
    for (authority, ok) in [("a", true), ("a:65535", true), ("u@a", false), ("a:65536", false), ("a:x", false)] {
        // GET, http, /oauth2/jwks
        let literal =
            |name: u8, value: &str| [&[0x40 | name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
        let block = [&[0x82, 0x86][..], &literal(1, authority), &literal(4, "/oauth2/jwks")].concat();
        let bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(HEADERS, 5, 1, &block)].concat();
        let mut wire = TcpStream::connect(server.public).await.unwrap();
        wire.write_all(&bytes).await.unwrap();
        wire.shutdown().await.unwrap();
        let mut all = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), wire.read_to_end(&mut all)).await.expect("it is closed");
        let keys = String::from_utf8_lossy(&all).contains("\"keys\"");
        assert_eq!(keys, ok, "{authority}");
        // a refusal by h2 itself is a reset of the stream
        let (refused, reset) =
            (find(&all, HEADERS).is_some_and(|block| block[0] == 0x8c), find(&all, RST_STREAM).is_some());
        assert_eq!(refused || reset, !ok, "{authority}");
    }
}

/// The payload of the first frame of a kind.
fn find(mut bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [a, b, c, kind, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let payload = rest.get(4..4 + length)?;
        if *kind == wanted {
            return Some(payload);
        }
        bytes = &rest[4 + length..];
    }
    None
}
