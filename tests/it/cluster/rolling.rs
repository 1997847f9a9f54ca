//! Rolling restarts of the daemons behind HAProxy: a client that comes back when it is told to close loses no request,
//! also while the schema is migrated; while the primary is switched over it may be told to try again, and when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jeton::internals::Stopwatch;
use tokio::task::JoinHandle;

use super::{Cluster, connect, redemption, refresh, times, within};
use crate::crash::load::pause;
use crate::support::http::Wire;
use crate::support::say;

const CLIENTS: usize = 12;
/// Time between the restarts of two nodes, in which HAProxy notices that the first one is back.
const SETTLE: Duration = Duration::from_secs(1);

/// Longest time for which a client is told to try again while the primary is switched over.
const SWITCH: Duration = Duration::from_secs(10);

/// How the clients fared.
#[derive(Default)]
struct Fared {
    answered: usize,
    /// 503 with Retry-After.
    later: usize,
    /// The longest time from the first 503 of a client to its next token.
    longest: Duration,
    wrong: Vec<String>,
}

type Account = Arc<Mutex<Fared>>;

fn note(account: &Account, how: impl FnOnce(&mut Fared)) {
    how(&mut account.lock().unwrap_or_else(PoisonError::into_inner));
}

/// A client that refreshes and asks for client credentials in turn, on one connection that it keeps.
async fn ask(cluster: Cluster, client: (String, String), account: Account, stop: Arc<AtomicBool>) {
    let watch = Stopwatch::start();
    let mut portal = connect(cluster.admin(0)).await.unwrap();
    let code = portal.call(&cluster.code_request(&client.0)).await.unwrap().get("code");
    let mut wire: Option<Wire> = None;
    let mut token: Option<String> = None;
    let mut turn = 0;
    let mut away: Option<Stopwatch> = None;
    while !stop.load(Ordering::SeqCst) {
        turn += 1;
        let mut fields = match &token {
            None => redemption(&code).to_vec(),
            Some(token) if turn % 2 == 0 => refresh(token).to_vec(),
            Some(_) => vec![("grant_type", "client_credentials"), ("scope", "api:read")],
        };
        fields.extend([("client_id", client.0.as_str()), ("client_secret", client.1.as_str())]);
        let what = fields[0].1.to_owned();
        let answered = async {
            let wire = match &mut wire {
                Some(wire) => wire,
                none => none.insert(connect(cluster.balancer).await?),
            };
            within(wire.post("/oauth2/token", &fields)).await
        };
        match answered.await {
            Ok(answer) if answer.status == 200 => {
                note(&account, |fared| fared.answered += 1);
                if what != "client_credentials" {
                    token = Some(answer.get("refresh_token"));
                    if let Some(away) = away.take() {
                        note(&account, |fared| fared.longest = fared.longest.max(away.elapsed()));
                    }
                }
            }
            Ok(answer) if answer.status == 503 && answer.header("retry-after").is_some() => {
                away.get_or_insert_with(Stopwatch::start);
                note(&account, |fared| fared.later += 1);
                pause(Duration::from_millis(200)).await;
            }
            Ok(answer) => {
                let at = watch.elapsed().as_secs_f64();
                note(&account, |fared| {
                    fared.wrong.push(format!("{at:.1} s: {what}: {} {}", answer.status, answer.text()))
                });
                pause(Duration::from_millis(200)).await;
            }
            Err(error) => {
                wire = None;
                let at = watch.elapsed().as_secs_f64();
                note(&account, |fared| fared.wrong.push(format!("{at:.1} s: {what}: {error}")));
                pause(Duration::from_millis(200)).await;
            }
        }
        pause(Duration::from_millis(10)).await;
    }
    // whoever is still told to come back at the end
    if let Some(away) = away {
        note(&account, |fared| fared.longest = fared.longest.max(away.elapsed()));
    }
}

/// The clients of a part of the experiment.
struct Clients {
    account: Account,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
}

impl Clients {
    async fn start(cluster: &Cluster) -> Self {
        let client = cluster.web_client().await;
        let (account, stop) = (Account::default(), Arc::new(AtomicBool::new(false)));
        let run = |_| tokio::spawn(ask(cluster.clone(), client.clone(), account.clone(), stop.clone()));
        Self { running: (0..CLIENTS).map(run).collect(), account, stop }
    }

    /// Ends them, and says how they fared.
    async fn end(self, name: &str, rounds: usize) -> Fared {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.running {
            tokio::time::timeout(Duration::from_secs(30), client).await.expect("a client stops").unwrap();
        }
        let fared = std::mem::take(&mut *self.account.lock().unwrap_or_else(PoisonError::into_inner));
        say(format_args!(
            "result: {name}: {rounds} rounds, {} requests answered, {} told to try again (for {:.1} s at most), {} failed",
            fared.answered,
            fared.later,
            fared.longest.as_secs_f64(),
            fared.wrong.len()
        ));
        assert!(fared.answered > CLIENTS * 10, "the clients did something");
        assert!(fared.wrong.is_empty(), "{name}: {:#?}", &fared.wrong[..fared.wrong.len().min(10)]);
        fared
    }
}

/// Restarts each node in turn.
async fn round(cluster: &Cluster) {
    for node in 1..=cluster.nodes.len() {
        assert!(cluster.run(&["restart", &format!("node{node}")]).await.success(), "node {node} restarts");
        pause(SETTLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster rolling"]
async fn a_client_that_reconnects_loses_no_request() {
    let cluster = Cluster::of_environment();
    let rounds = times("JETON_ROUNDS");
    let clients = Clients::start(&cluster).await;
    for _ in 0..rounds {
        round(&cluster).await;
    }
    let fared = clients.end("rolling restarts", rounds).await;
    assert_eq!(fared.later, 0, "nobody is told to try again: the engine is there");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster rolling"]
async fn nor_while_the_schema_is_migrated() {
    let cluster = Cluster::of_environment();
    let rounds = times("JETON_ROUNDS").div_ceil(4);
    let clients = Clients::start(&cluster).await;
    for _ in 0..rounds {
        let (rolled, migrated) = tokio::join!(round(&cluster), async {
            let mut times = 0;
            for _ in 0..8 {
                times += usize::from(cluster.run(&["migrate"]).await.success());
                pause(SETTLE).await;
            }
            times
        });
        let () = rolled;
        assert_eq!(migrated, 8, "jeton migrate succeeds beside running nodes");
    }
    let fared = clients.end("rolling restarts and migrations", rounds).await;
    assert_eq!(fared.later, 0, "nobody is told to try again: the engine is there");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster rolling"]
async fn a_switchover_costs_only_answers_that_say_when_to_try_again() {
    let cluster = Cluster::of_environment();
    let rounds = times("JETON_ROUNDS").div_ceil(4);
    let clients = Clients::start(&cluster).await;
    for _ in 0..rounds {
        let (rolled, switched) = tokio::join!(round(&cluster), cluster.run(&["fault", "switchover"]));
        let () = rolled;
        assert!(switched.success(), "the primary is switched over");
    }
    let fared = clients.end("rolling restarts and switchovers", rounds).await;
    assert!(fared.longest <= SWITCH, "told to try again for {:?}", fared.longest);
}
