//! The load on a cluster: families, races for codes, and client credentials on each node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::codes::Racers;
use super::history::{History, Promise};
use super::rotations::Rotator;
use super::{Cluster, credentials};

const ROTATORS: usize = 10;
const RACES: usize = 4;
/// Longest time until every worker has stopped: the codes of a minute are shown again before.
const END: Duration = Duration::from_secs(300);

/// Workers that run until they are told to stop.
pub(super) struct Load {
    pub(super) history: Arc<History>,
    stop: Arc<AtomicBool>,
    rotators: Vec<JoinHandle<Rotator>>,
    others: Vec<JoinHandle<()>>,
}

impl Load {
    pub(super) async fn start(cluster: &Cluster) -> Self {
        let client = cluster.web_client().await;
        let (history, stop) = (Arc::new(History::new()), Arc::new(AtomicBool::new(false)));
        let mut load = Self { history: history.clone(), stop: stop.clone(), rotators: Vec::new(), others: Vec::new() };
        for number in 0..ROTATORS {
            let mut rotator = Rotator::new(cluster, &client, &history, number);
            let stop = stop.clone();
            load.rotators.push(tokio::spawn(async move {
                rotator.work(&stop).await;
                rotator
            }));
        }
        for number in 0..RACES {
            let mut racers = Racers::new(cluster, &client, &history, number);
            let stop = stop.clone();
            load.others.push(tokio::spawn(async move { racers.work(&stop).await }));
        }
        for node in 0..cluster.nodes.len() {
            let asking = credentials::ask(cluster.clone(), client.clone(), history.clone(), node, stop.clone());
            load.others.push(tokio::spawn(asking));
        }
        load
    }

    /// Stops all workers, and looks whether all that was acknowledged is there.
    pub(super) async fn end(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = async {
            for worker in self.others.drain(..) {
                worker.await.unwrap();
            }
            let mut verifying = Vec::new();
            for worker in self.rotators.drain(..) {
                let mut rotator = worker.await.unwrap();
                verifying.push(tokio::spawn(async move { rotator.verify().await }));
            }
            for verified in verifying {
                verified.await.unwrap();
            }
        };
        if tokio::time::timeout(END, ended).await.is_err() {
            self.history.broke(Promise::Orderly, "the load did not end in time".to_owned());
        }
    }
}
