//! Client credentials with a secret, which need no engine: answered through every fault of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::history::{History, Promise};
use super::{Cluster, connect, within};
use crate::crash::load::pause;

/// Asks one node again and again.
pub(super) async fn ask(
    cluster: Cluster,
    client: (String, String),
    history: Arc<History>,
    node: usize,
    stop: Arc<AtomicBool>,
) {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "api:read"),
        ("client_id", client.0.as_str()),
        ("client_secret", client.1.as_str()),
    ];
    let mut wire = None;
    while !stop.load(Ordering::SeqCst) {
        let answered = async {
            let wire = match &mut wire {
                Some(wire) => wire,
                none => none.insert(connect(cluster.public(node)).await?),
            };
            within(wire.post("/oauth2/token", &fields)).await
        };
        match answered.await {
            Ok(answer) => {
                history.credentials(true);
                if answer.status != 200 {
                    history.broke(Promise::Credentials, format!("node {node}: {} {}", answer.status, answer.text()));
                }
            }
            Err(_) => {
                history.credentials(false);
                wire = None;
            }
        }
        pause(Duration::from_millis(40)).await;
    }
}
