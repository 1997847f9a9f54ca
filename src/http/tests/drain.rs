//! Stopping: what is idle ends at once, what is asked is answered, what hangs is cut.

use super::*;

#[tokio::test]
async fn idle_and_silent_connections_end_at_once() {
    let server = Server::start(Limits::default());
    let mut idle = server.connect().await;
    idle.send(&post("/echo", "one")).await;
    idle.answer().await;
    let mut silent = server.connect().await;
    server.until(|server| server.metrics.connections.with_label_values(&["test"]).get() == 2).await;
    let addr = server.addr;
    assert_eq!(server.drained(PATIENCE * 10).await, Drained { finished: 2, cut: 0 });
    assert_eq!(idle.rest().await + &silent.rest().await, "");
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_told_to_close() {
    let server = Server::start(Limits::default());
    let mut wire = server.connect().await;
    wire.send(&post("/wait", "one")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    server.stop.drain(PATIENCE * 10);
    assert!(wire.silent().await);
    server.handler.go.add_permits(1);
    let answer = wire.rest().await;
    assert!(answer.ends_with("one") && answer.contains("connection: close"), "{answer}");
    assert_eq!(server.drained(PATIENCE * 10).await, Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn rfc9112_9_6_after_the_announcement_each_answer_says_close_and_new_peers_are_served() {
    let server = Server::start(Limits::default());
    let mut idle = server.connect().await;
    idle.send(&post("/echo", "one")).await;
    assert!(!idle.answer().await.contains("connection: close"));
    let mut waiting = server.connect().await;
    waiting.send(&post("/wait", "two")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    server.stop.announce();
    server.handler.go.add_permits(1);
    assert!(waiting.rest().await.contains("connection: close"));
    assert!(idle.silent().await, "nobody is cut off");
    idle.send(&post("/echo", "three")).await;
    let answer = idle.rest().await;
    assert!(answer.contains("connection: close") && answer.ends_with("three"), "{answer}");
    for path in ["/echo", "/nowhere"] {
        let mut fresh = server.connect().await;
        fresh.send(&post(path, "")).await;
        assert!(fresh.rest().await.contains("connection: close"), "{path}");
    }
    assert_eq!(server.drained(PATIENCE * 10).await.cut, 0);
}

#[tokio::test]
async fn rfc9112_9_6_a_request_on_its_way_to_an_idle_connection_is_answered_in_the_drain() {
    let server = Server::start(Limits { park_after: SOON / 3, ..Limits::default() });
    let (mut idle, mut parked, mut fresh) = (server.connect().await, server.connect().await, server.connect().await);
    parked.send(&post("/echo", "")).await;
    parked.answer().await;
    assert!(parked.silent().await);
    idle.send(&post("/echo", "")).await;
    idle.answer().await;
    server.until(|server| server.metrics.connections.with_label_values(&["test"]).get() == 3).await;
    server.stop.drain(PATIENCE * 10);
    for wire in [&mut idle, &mut parked, &mut fresh] {
        wire.send(&post("/echo", "one")).await;
    }
    for wire in [&mut idle, &mut parked, &mut fresh] {
        let answer = wire.rest().await;
        assert!(answer.contains("connection: close") && answer.ends_with("one"), "{answer}");
    }
    assert_eq!(server.drained(PATIENCE * 10).await, Drained { finished: 3, cut: 0 });
}

#[tokio::test]
async fn a_half_sent_head_may_still_be_completed() {
    let server = Server::start(Limits::default());
    let request = post("/echo", "one");
    let mut fresh = server.connect().await;
    fresh.send(&request[..30]).await;
    let mut used = server.connect().await;
    used.send(&request).await;
    used.answer().await;
    used.send(&request[..30]).await;
    assert!(used.silent().await);
    server.stop.drain(PATIENCE * 10);
    assert!(used.silent().await);
    for wire in [&mut fresh, &mut used] {
        wire.send(&request[30..]).await;
        let answer = wire.rest().await;
        assert!(answer.ends_with("one") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(server.drained(PATIENCE * 10).await, Drained { finished: 2, cut: 0 });
}

#[tokio::test]
async fn what_hangs_is_cut_at_the_deadline() {
    let server = Server::start(Limits::default());
    let mut half = server.connect().await;
    half.send(b"POST /echo HT").await;
    let mut stuck = server.connect().await;
    stuck.send(&post("/wait", "one")).await;
    server.until(|server| server.metrics.http_in_flight.get() == 1).await;
    assert!(half.silent().await);
    // asked again with less patience: the earlier deadline counts
    server.stop.drain(PATIENCE * 10);
    assert!(half.silent().await);
    let metrics = server.metrics.clone();
    assert_eq!(server.drained(SOON).await, Drained { finished: 0, cut: 2 });
    assert_eq!(half.rest().await + &stuck.rest().await, "");
    assert_eq!(metrics.connections_cut.with_label_values(&["drain"]).get(), 2);
}

#[tokio::test]
async fn a_port_in_use_is_explained() {
    let addr = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = addr.local_addr().unwrap().port();
    let error = bind(([127, 0, 0, 1], port).into()).unwrap_err().to_string();
    let expected = format!("another process listens on 127.0.0.1:{port}; stop it or choose another address");
    assert_eq!(error, expected);
}

#[test]
fn a_bad_limit_is_named() {
    let error = Limits { max_headers: 0, ..Limits::default() }.validate().unwrap_err().to_string();
    assert_eq!(error, "max_headers is 0, it must be between 1 and 100");
    assert!(Limits { idle_timeout: Duration::ZERO, ..Limits::default() }.validate().is_err());
    assert_eq!(toml::from_str::<Limits>("").unwrap(), Limits::default());
    assert_eq!(toml::from_str::<Limits>("idle_timeout = '3s'").unwrap().idle_timeout, Duration::from_secs(3));
    assert!(toml::from_str::<Limits>("idle_timeuot = '3s'").is_err());
}
