//! Races over three nodes: one winner of a code, one successor of a refresh token, one use of an assertion.

use std::net::IpAddr;
use std::time::Duration;

use jeton::Clock;
use jeton::internals::Stopwatch;
use serde_json::json;

use super::{Cluster, connect, times};
use crate::double_spend::{Arena, run, strict_metadata};
use crate::support::assertion::{JWT_BEARER, Signer, encode};
use crate::support::http::{compose, request};
use crate::support::{form, say};

/// Connections that replay beside each other.
const LANES: usize = 4;
/// A replay is sent so soon after the answer to the first use.
const AT_ONCE: Duration = Duration::from_millis(1);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster races"]
async fn no_credential_is_spent_twice_on_three_nodes() {
    let cluster = Cluster::of_environment();
    let (client, strict) = (cluster.web_client().await, cluster.client(strict_metadata()).await);
    let arena = Arena {
        public: (0..cluster.nodes.len()).map(|node| cluster.public(node)).collect(),
        admin: cluster.admin(0),
        admin_token: cluster.bearer.trim_start_matches("Bearer ").to_owned(),
        client,
        strict,
    };
    run(&arena).await;
}

/// What the replays of a lane came to.
#[derive(Default)]
struct Tally {
    refused: usize,
    /// Replays that were sent later than they should have been, for this machine was busy: they are done again.
    late: usize,
    wrong: Vec<String>,
}

/// Uses an assertion on one node and, as soon as that answers, on another.
async fn replay(cluster: Cluster, lane: usize, replays: usize) -> Tally {
    let key = Signer::new("EdDSA");
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"], "scope": "api:read",
        "jwks": { "keys": [key.jwk()] },
    });
    let client = cluster.client(metadata).await.0;
    let discovery = request(cluster.public(0), "GET", "/.well-known/openid-configuration", &[], b"").await;
    let issuer = discovery.get("issuer");
    let clock = Clock::system();
    let mut wires = Vec::new();
    for node in 0..cluster.nodes.len() {
        wires.push(connect(cluster.public(node)).await.unwrap());
    }
    let mut tally = Tally::default();
    for number in 0.. {
        if tally.refused == replays || tally.wrong.len() > 100 {
            break;
        }
        let now = clock.now().as_secs();
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + 60,
            "jti": encode(jeton::Id::random().0),
        });
        let assertion = key.jws(&json!({ "alg": "EdDSA" }), &claims);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        // of an address of its own, or the throttle of wrong credentials would answer
        let number = u32::try_from(number).unwrap();
        let source = IpAddr::from((0x0a80_0000 + (u32::try_from(lane).unwrap() << 20) + number).to_be_bytes());
        let source = source.to_string();
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Forwarded-For", source.as_str())];
        let bytes = compose(cluster.public(0), "POST", "/oauth2/token", &headers, form(&fields).as_bytes());
        let (first, second) = (number as usize % wires.len(), (number as usize + 1 + lane % 2) % wires.len());
        let used = wires[first].call(&bytes).await.unwrap();
        let watch = Stopwatch::start();
        wires[second].send(&bytes).await.unwrap();
        let sent = watch.elapsed();
        let again = wires[second].answer().await.unwrap();
        if used.status != 200 {
            tally.wrong.push(format!("the first use: {} {}", used.status, used.text()));
        } else if again.status != 401 || again.error() != "invalid_client" {
            tally.wrong.push(format!("the second use: {} {}", again.status, again.text()));
        } else if sent > AT_ONCE {
            tally.late += 1;
        } else {
            tally.refused += 1;
        }
        for (node, wire) in wires.iter_mut().enumerate() {
            if wire.closing {
                *wire = connect(cluster.public(node)).await.unwrap();
            }
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster races"]
async fn rfc7523_3_an_assertion_is_refused_on_another_node_within_a_millisecond() {
    let cluster = Cluster::of_environment();
    let replays = times("JETON_REPLAYS");
    let before: f64 = cluster.counter("jeton_assertion_replays_total").await.into_iter().flatten().sum();
    let lanes: Vec<_> =
        (0..LANES).map(|lane| tokio::spawn(replay(cluster.clone(), lane, replays.div_ceil(LANES)))).collect();
    let mut all = Tally::default();
    for lane in lanes {
        let tally = lane.await.unwrap();
        all.refused += tally.refused;
        all.late += tally.late;
        all.wrong.extend(tally.wrong);
    }
    let after: f64 = cluster.counter("jeton_assertion_replays_total").await.into_iter().flatten().sum();
    say(format_args!(
        "result: replayed assertions: {} of {} refused on another node within 1 ms ({} more were sent too late to \
         count), {} violations",
        all.refused,
        all.refused + all.wrong.len(),
        all.late,
        all.wrong.len()
    ));
    assert!(all.wrong.is_empty(), "{:#?}", &all.wrong[..all.wrong.len().min(10)]);
    // they were refused because they were replays, and for no other reason
    assert_eq!(after - before, (all.refused + all.late) as f64);
}
