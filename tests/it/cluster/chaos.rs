//! Faults of every kind under load: nothing that was acknowledged is lost, and nothing is won twice.

use std::time::Duration;

use super::history::{Cost, Promise};
use super::load::Load;
use super::{Cluster, times};
use crate::crash::load::pause;
use crate::support::say;

/// Kinds of `ops/cluster fault`, in the order in which they are done.
const KINDS: [&str; 11] = [
    "node-kill",
    "postmaster",
    "patroni",
    "partition",
    "primary-stop",
    "switchover",
    "daemon-kill",
    "standbys-stop",
    "standby-kill",
    "disk-full",
    "link",
];

/// Does one fault under load and gives what it cost.
pub(super) async fn fault(cluster: &Cluster, load: &Load, kind: &str) -> Cost {
    load.history.begin();
    let status = cluster.run(&["fault", kind]).await;
    if !status.success() {
        load.history.broke(Promise::Orderly, format!("{kind}: ops/cluster fault: {status}"));
    }
    pause(Duration::from_secs(2)).await;
    let cost = load.history.end();
    if cost.credentials_broken > 0 && kind != "daemon-kill" {
        let how = format!("{kind}: {} connections broke, and no daemon was killed", cost.credentials_broken);
        load.history.broke(Promise::Credentials, how);
    }
    say(format_args!(
        "result: fault {kind}: outage {:.1} s, {} writes acknowledged, {} answers 503 (slowest {:.1} s), {} connections \
         broken; {} client credentials answered, {} broken",
        cost.outage.as_secs_f64(),
        cost.acknowledged,
        cost.unavailable,
        cost.slowest.as_secs_f64(),
        cost.broken,
        cost.credentials,
        cost.credentials_broken,
    ));
    cost
}

/// Says what all faults came to.
pub(super) fn report(name: &str, load: &Load, costs: &[Cost]) {
    let totals = load.history.totals();
    let (away, soon) = costs.iter().fold((0, 0), |sum, cost| (sum.0 + cost.away, sum.1 + cost.soon));
    say(format_args!(
        "result: {name}: {} faults, {} codes won and {} losers, {} shown again ({} too late), {} rotations, {} \
         revocations, {} families lost by a client that came back after 30 s",
        costs.len(),
        totals.codes,
        totals.losers,
        totals.replayed,
        totals.unproven,
        totals.rotations,
        totals.revocations,
        totals.late,
    ));
    say(format_args!(
        "result: {name}: {soon} of {away} requests ({:.2} %) answered 503 within 1 s while the engine was away",
        100.0 * soon as f64 / (away as f64).max(1.0)
    ));
    say(format_args!("result: {name}: {}", load.history.verdict()));
    assert!(soon * 1000 >= away * 999, "{soon} of {away} requests were answered in time, and 99.9 % is the promise");
}

/// Counts of regressions that the nodes saw, added up over their restarts.
struct Regressions(Vec<f64>, f64);

impl Regressions {
    async fn look(&mut self, cluster: &Cluster) {
        let values = cluster.counter("jeton_state_regressions_total").await;
        for (last, now) in self.0.iter_mut().zip(values) {
            let Some(now) = now else { continue };
            self.1 += if now < *last { now } else { now - *last };
            *last = now;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster chaos"]
async fn acknowledged_means_kept_whatever_fails() {
    let cluster = Cluster::of_environment();
    let mut load = Load::start(&cluster).await;
    let mut regressions = Regressions(vec![0.0; cluster.nodes.len()], 0.0);
    regressions.look(&cluster).await;
    regressions.1 = 0.0;
    pause(Duration::from_secs(5)).await;
    let mut costs = Vec::new();
    for kind in KINDS.iter().cycle().take(times("JETON_FAULTS")) {
        costs.push(fault(&cluster, &load, kind).await);
        regressions.look(&cluster).await;
        if load.history.violations(Promise::Orderly) > 100 {
            break;
        }
    }
    load.end().await;
    regressions.look(&cluster).await;
    if regressions.1 > 0.0 {
        load.history.broke(Promise::Forward, format!("{} generations unknown to the database", regressions.1));
    }
    report("chaos", &load, &costs);
    let totals = load.history.totals();
    assert!(totals.codes > 0 && totals.rotations > 0 && totals.replayed > 0, "the load did something: {totals:?}");
    load.history.conclude();
}
