//! CHECKLIST 12: requests that two parsers could cut differently get one 400 and a closed connection.

use super::*;

const NEXT: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

async fn refused(head: &str, body: &str) {
    let server = Server::start(Limits::default());
    let bytes = format!("POST /echo HTTP/1.1\r\n{head}\r\n{body}{NEXT}");
    // in one piece, and byte by byte
    let whole = server.ask(bytes.as_bytes()).await;
    assert_eq!((status(&whole), answers(&whole)), (400, 1), "{head:?}: {whole}");
    assert!(whole.to_ascii_lowercase().contains("connection: close"), "{head:?}: {whole}");
    let mut wire = server.connect().await;
    wire.0.set_nodelay(true).unwrap();
    for byte in bytes.bytes() {
        if wire.0.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut drops = Vec::new();
    // bytes sent after the refusal may turn the close into a reset
    let _ = timeout(PATIENCE, wire.0.read_to_end(&mut drops)).await.expect("the server closes");
    let drops = String::from_utf8(drops).unwrap();
    assert_eq!((status(&drops), answers(&drops)), (400, 1), "{head:?} in drops: {drops}");
}

/// The same behind good requests, in one segment and cut in two at every byte: those are answered, this is refused.
async fn refused_behind_others(bad: &str) {
    let server = Server::start(Limits::default());
    let plain = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n";
    for (first, expected) in [(String::new(), 1), (plain.to_owned(), 2), (format!("{chunked}{plain}"), 3)] {
        let bytes = format!("{first}{bad}{NEXT}");
        for cut in 0..first.len() + bad.len() {
            let mut wire = server.connect().await;
            wire.0.set_nodelay(true).unwrap();
            wire.send(&bytes.as_bytes()[..cut]).await;
            tokio::task::yield_now().await;
            wire.send(&bytes.as_bytes()[cut..]).await;
            let all = wire.rest().await;
            assert_eq!(answers(&all), expected, "cut at {cut}: {all}");
            let last = all.rsplit("HTTP/1.1 ").next().unwrap();
            assert!(last.starts_with("400 "), "cut at {cut}: {all}");
            assert!(last.to_ascii_lowercase().contains("connection: close"), "cut at {cut}: {all}");
        }
    }
}

#[tokio::test]
async fn rfc9112_11_2_length_and_encoding_behind_other_requests() {
    let fields = "Content-Length: 5\r\nTransfer-Encoding: chunked";
    refused_behind_others(&format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n0\r\n\r\n")).await;
}

#[tokio::test]
async fn rfc9112_6_3_two_equal_lengths_behind_other_requests() {
    let fields = "Content-Length: 1\r\nContent-Length: 1";
    refused_behind_others(&format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\nx")).await;
}

#[tokio::test]
async fn rfc9112_3_2_a_fragment_behind_other_requests() {
    refused_behind_others("GET /echo#x HTTP/1.1\r\nHost: a\r\n\r\n").await;
}

#[tokio::test]
async fn length_and_encoding() {
    refused("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n").await;
    refused("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n").await;
}

#[tokio::test]
async fn two_lengths() {
    refused("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "xx").await;
    refused("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "x").await;
    refused("Host: a\r\nContent-Length: 1, 1\r\n", "x").await;
    refused("Host: a\r\nContent-Length: +1\r\n", "x").await;
}

#[tokio::test]
async fn strange_encodings() {
    refused("Host: a\r\nTransfer-Encoding: xchunked\r\n", "0\r\n\r\n").await;
    refused("Host: a\r\nTransfer-Encoding: chunked, identity\r\n", "0\r\n\r\n").await;
    refused("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n").await;
}

#[tokio::test]
async fn space_before_colon_and_folding() {
    refused("Host: a\r\nContent-Length : 1\r\n", "x").await;
    refused("Host: a\r\nX-Folded: a\r\n b\r\nContent-Length: 1\r\n", "x").await;
    refused("Host: a\r\n\tContent-Length: 1\r\n", "x").await;
}

#[tokio::test]
async fn host_missing_or_twice() {
    refused("", "").await;
    refused("Content-Length: 1\r\n", "x").await;
    refused("Host: a\r\nHost: a\r\n", "").await;
}

#[tokio::test]
async fn http_1_0_needs_no_host() {
    let server = Server::start(Limits::default());
    let answer = server.ask(b"POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(status(&answer) == 200 && answer.ends_with("\r\n\r\nhi"), "{answer}");
}

#[tokio::test]
async fn a_broken_chunk() {
    let server = Server::start(Limits::default());
    let answer = server.ask(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    assert_eq!((status(&answer), answers(&answer)), (400, 1), "{answer}");
}
