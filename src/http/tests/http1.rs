//! HTTP/1: sizes, times, order, and what one request may do to the next.

use super::*;

#[tokio::test]
async fn keep_alive_pipelining_and_the_next_after_a_panic() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(&post("/echo", "one")).await;
    assert!(wire.answer().await.ends_with("one"));
    wire.send(&post("/panic", "")).await;
    assert_eq!(status(&wire.answer().await), 500);
    // a refusal that left nothing unread
    wire.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&wire.answer().await), 404);
    let mut three = [post("/echo", "two"), post("/echo", "three"), post("/echo", "")].concat();
    three.extend_from_slice(b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfour");
    wire.send(&three).await;
    let all = wire.rest().await;
    assert_eq!(answers(&all), 4, "{all}");
    let at = |word| all.find(word).unwrap();
    assert!(at("two") < at("three") && at("three") < at("four"));
    assert_eq!(server.metrics.http_in_flight.get(), 0);
}

/// A fleet keeps its connections: answered requests must never add up to a reason for cutting one.
#[tokio::test]
async fn a_thousand_answered_requests_are_no_reason_to_cut() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    for _ in 0..1000 {
        wire.send(&post("/echo", "again")).await;
        assert!(wire.answer().await.ends_with("again"));
    }
    assert_eq!(server.cut("resets"), 0);
}

#[tokio::test]
async fn body_after_the_head_and_in_chunks() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n").await;
    assert_eq!(status(&wire.answer().await), 100);
    wire.send(b"abc").await;
    wire.send(b"def").await;
    assert!(wire.answer().await.ends_with("abcdef"));
    wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    assert!(wire.silent().await);
    wire.send(b"2\r\nde\r\n0\r\n\r\n").await;
    assert!(wire.answer().await.ends_with("abcde"));
}

#[tokio::test]
async fn head_too_large() {
    let server = Server::start(Limits::default());
    let long = format!("GET /echo HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(17 * 1024));
    let answer = server.ask(long.as_bytes()).await;
    assert_eq!((status(&answer), answers(&answer)), (431, 1), "{answer}");
    for lines in [64, 101] {
        let many = format!("GET /echo HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-A: b\r\n".repeat(lines));
        let answer = server.ask(many.as_bytes()).await;
        assert_eq!((status(&answer), answers(&answer)), (431, 1), "{lines}: {answer}");
    }
    let many = format!("GET /echo HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-A: b\r\n".repeat(63));
    let mut wire = server.connect().await;
    wire.send(many.as_bytes()).await;
    assert_eq!(status(&wire.answer().await), 200);
}

#[tokio::test]
async fn body_too_large() {
    let server = Server::start(Limits::default());
    // refused by its length, before any of it is sent
    let answer = server.ask(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n").await;
    assert_eq!((status(&answer), answers(&answer)), (413, 1), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    let answer =
        server.ask(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n").await;
    assert_eq!((status(&answer), answers(&answer)), (413, 1), "{answer}");
    // refused while it comes
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = server.ask(format!("{head}{chunk}{chunk}{chunk}0\r\n\r\n").as_bytes()).await;
    assert_eq!((status(&answer), answers(&answer)), (413, 1), "{answer}");
    let answer = server.ask(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").await;
    assert_eq!((status(&answer), answers(&answer)), (404, 1), "{answer}");
}

#[tokio::test]
async fn a_refusal_is_readable_by_who_is_still_sending() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n").await;
    for _ in 0..100 {
        wire.send(&[b'x'; 4000]).await;
    }
    assert_eq!(status(&wire.answer().await), 413);
}

#[tokio::test]
async fn slow_body_and_too_many_pending_bytes() {
    let server = Server::start(Limits { body_timeout: SOON, max_pending_body_bytes: 100, ..Limits::default() });
    let answer = server.ask(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nabc").await;
    assert_eq!((status(&answer), answers(&answer)), (408, 1), "{answer}");
    let answer = server.ask(&post("/echo", &"x".repeat(500))[..400]).await;
    assert_eq!((status(&answer), answers(&answer)), (503, 1), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert_eq!(server.metrics.shed.with_label_values(&["bodies"]).get(), 1);
}

#[tokio::test]
async fn slow_head() {
    let server = Server::start(Limits { header_timeout: SOON, ..Limits::default() });
    assert_eq!(server.ask(b"POST /echo HT").await, "");
    assert_eq!(server.cut("header"), 1);
    // as the second request of a connection that may be idle for much longer
    let mut wire = server.connect().await;
    wire.send(&post("/echo", "one")).await;
    wire.answer().await;
    wire.send(b"POST /echo HT").await;
    assert_eq!(wire.rest().await, "");
    assert_eq!(server.cut("header"), 2);
    // begun while the first was being handled
    let mut wire = server.connect().await;
    wire.send(&post("/wait", "one")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    wire.send(b"POST /echo HT").await;
    assert!(wire.silent().await);
    server.handler.go.add_permits(1);
    assert_eq!(answers(&wire.rest().await), 1);
    assert_eq!(server.cut("header"), 3);
}

#[tokio::test]
async fn idle_outlives_the_head_timeout_and_ends() {
    let limits = Limits { header_timeout: SOON / 2, idle_timeout: SOON * 3, ..Limits::default() };
    let server = Server::start(limits);
    let mut wire = server.connect().await;
    for _ in 0..3 {
        wire.send(&post("/echo", "one")).await;
        wire.answer().await;
        assert!(wire.silent().await);
    }
    assert_eq!(wire.rest().await, "");
    assert_eq!((server.cut("idle"), server.cut("header")), (1, 0));
}

#[tokio::test]
async fn a_parked_connection_serves_on_and_ends_like_any_other() {
    let limits = Limits { park_after: SOON / 3, idle_timeout: SOON * 3, ..Limits::default() };
    let server = Server::start(limits.clone());
    let mut wire = server.connect().await;
    for _ in 0..3 {
        wire.send(&post("/echo", "one")).await;
        assert!(wire.answer().await.ends_with("one"));
        assert!(wire.silent().await, "parked by now");
    }
    // the beginning of a head that came with the body before it survives the parking
    let (head, rest) = (b"POST /echo HT", b"TP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo");
    wire.send(&[&post("/echo", "one")[..], head].concat()).await;
    assert!(wire.answer().await.ends_with("one"));
    assert!(wire.silent().await);
    wire.send(rest).await;
    assert!(wire.answer().await.ends_with("two"));
    assert_eq!(wire.rest().await, "", "the idle time still ends it");
    assert_eq!(server.cut("idle"), 1);

    let server = Server::start(Limits { idle_timeout: PATIENCE * 2, ..limits });
    let mut parked = server.connect().await;
    parked.send(&post("/echo", "one")).await;
    parked.answer().await;
    assert!(parked.silent().await);
    assert_eq!(server.drained(PATIENCE * 2).await.cut, 0, "a drain ends a parked connection at once");
}

#[tokio::test]
async fn silence_and_a_partial_preface() {
    let server = Server::start(Limits { first_byte_timeout: SOON, header_timeout: SOON, ..Limits::default() });
    assert_eq!(server.ask(b"").await, "");
    assert_eq!(server.cut("first_byte"), 1);
    for preface in ["P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        assert_eq!(server.ask(preface.as_bytes()).await, "");
    }
    assert_eq!(server.cut("header"), 2);
}

#[tokio::test]
async fn a_peer_that_does_not_read() {
    let server = Server::start(Limits { write_timeout: SOON, ..Limits::default() });
    let mut wire = server.connect().await;
    wire.send(&post("/big", "")).await;
    server.until(|server| server.cut("write") == 1).await;
    assert_eq!(server.metrics.connections.with_label_values(&["test"]).get(), 0);
}

#[tokio::test]
async fn rfc9112_9_6_a_half_closed_peer_is_answered_and_one_that_reset_is_gone() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(&post("/wait", "one")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    wire.0.shutdown().await.unwrap();
    assert!(wire.silent().await, "it waits for the handler");
    server.handler.go.add_permits(1);
    assert!(wire.rest().await.ends_with("one"));
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(&post("/wait", "two")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    socket2::SockRef::from(&wire.0).set_linger(Some(Duration::ZERO)).unwrap();
    drop(wire);
    server.until(|server| server.metrics.http_in_flight.get() == 0).await;
    server.until(|server| server.metrics.connections.with_label_values(&["test"]).get() == 0).await;
}

#[tokio::test]
async fn a_half_closed_peer_holds_nothing_up() {
    let server = Server::start(Limits { write_timeout: SOON, park_after: SOON / 3, ..Limits::default() });
    // idle, parked, in the middle of a head, in the middle of a body, and not reading
    for (bytes, expected) in [
        (post("/echo", "one"), 200),
        (post("/echo", "one")[..20].to_vec(), 0),
        (post("/echo", "one")[..post("/echo", "one").len() - 1].to_vec(), 400),
    ] {
        let mut wire = server.connect().await;
        wire.send(&bytes).await;
        wire.0.shutdown().await.unwrap();
        let answer = wire.rest().await;
        assert_eq!(answers(&answer), usize::from(expected != 0), "{answer}");
        assert!(expected == 0 || status(&answer) == expected, "{answer}");
    }
    let mut parked = server.connect().await;
    parked.send(&post("/echo", "one")).await;
    parked.answer().await;
    assert!(parked.silent().await, "parked by now");
    parked.0.shutdown().await.unwrap();
    assert_eq!(parked.rest().await, "");
    let mut wire = server.connect().await;
    wire.send(&post("/big", "")).await;
    wire.0.shutdown().await.unwrap();
    server.until(|server| server.cut("write") == 1).await;
    server.until(|server| server.metrics.connections.with_label_values(&["test"]).get() == 0).await;
}

#[tokio::test]
async fn in_flight_cap() {
    let server = Server::start(Limits { max_in_flight: 1, ..Limits::default() });
    let mut first = server.connect().await;
    first.send(&post("/wait", "one")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    let mut second = server.connect().await;
    second.send(&post("/echo", "two")).await;
    let shed = second.answer().await;
    assert!(status(&shed) == 503 && shed.contains("retry-after: 1"), "{shed}");
    assert_eq!(server.metrics.shed.with_label_values(&["in_flight"]).get(), 1);
    server.handler.go.add_permits(1);
    assert!(first.answer().await.ends_with("one"));
    second.send(&post("/echo", "two")).await;
    assert!(second.answer().await.ends_with("two"), "the connection survived");
}

#[tokio::test]
async fn connection_cap() {
    let server = Server::start(Limits { max_connections: 1, ..Limits::default() });
    let mut first = server.connect().await;
    first.send(&post("/echo", "one")).await;
    first.answer().await;
    let mut second = server.connect().await;
    second.send(&post("/echo", "two")).await;
    assert!(second.silent().await);
    drop(first);
    assert!(second.answer().await.ends_with("two"));
}

#[tokio::test]
async fn old_and_used_up_connections_say_close() {
    let server = Server::start(Limits { max_requests: Some(2), ..Limits::default() });
    let mut wire = server.connect().await;
    wire.send(&post("/echo", "one")).await;
    assert!(!wire.answer().await.contains("connection: close"));
    wire.send(&post("/echo", "two")).await;
    assert!(wire.rest().await.contains("connection: close"));
    let server = Server::start(Limits { max_age: SOON / 2, ..Limits::default() });
    let mut wire = server.connect().await;
    wire.send(&post("/echo", "one")).await;
    assert!(!wire.answer().await.contains("connection: close"));
    assert!(wire.silent().await, "an old connection is not closed under a request that may be on its way");
    wire.send(&post("/echo", "two")).await;
    assert!(wire.rest().await.contains("connection: close"));
}
