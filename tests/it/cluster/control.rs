//! The controls: the same checks must find what a cluster loses that replicates asynchronously, and what a daemon says
//! that answers from unconfirmed reads.

use std::time::Duration;

use super::Cluster;
use super::chaos::{fault, report};
use super::history::Promise;
use super::load::Load;
use super::stale::answers_from_the_past;
use crate::crash::load::pause;
use crate::support::say;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster chaos --control async"]
async fn the_check_finds_what_asynchronous_replication_loses() {
    let cluster = Cluster::of_environment();
    let mut load = Load::start(&cluster).await;
    pause(Duration::from_secs(5)).await;
    let mut costs = Vec::new();
    for kind in ["partition", "partition"] {
        costs.push(fault(&cluster, &load, kind).await);
    }
    load.end().await;
    report("control", &load, &costs);
    let twice = load.history.violations(Promise::CodeOnce);
    let lost = load.history.violations(Promise::Acknowledged) + load.history.violations(Promise::Durable);
    say(format_args!("result: control: {twice} codes won twice and {lost} acknowledgements lost, as there must be"));
    assert!(twice > 0 && lost > 0, "the check finds nothing, so it proves nothing");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: ops/cluster chaos --control unconfirmed"]
async fn the_check_finds_answers_from_unconfirmed_reads() {
    let (unknown, wrong) = answers_from_the_past(&Cluster::of_environment()).await;
    say(format_args!(
        "result: control: {} requests answered from the past, as there must be, and {unknown} answered 503",
        wrong.len()
    ));
    wrong.iter().take(3).for_each(say);
    assert!(!wrong.is_empty(), "the check finds nothing, so it proves nothing");
}
