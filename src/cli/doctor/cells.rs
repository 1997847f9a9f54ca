//! Checks of the servers of a shared engine.

use std::time::Duration;

use super::finding::{CheckStatus, Finding};
use crate::config::Config;
use crate::store::postgres::{CellCheck, CellCheckStatus, examine};

/// Longest time for all servers.
const ALL: Duration = Duration::from_secs(60);

/// Looks at every server, one after the other; it says nothing of itself to them that a node does not.
pub(super) async fn cells(config: &Config) -> Vec<Finding> {
    let examined = tokio::time::timeout(ALL, examine(&config.store.postgres)).await;
    let Ok(checks) = examined else {
        let message = format!("store.postgres: not looked at in {} s; look at the network", ALL.as_secs());
        return vec![Finding::bad("store_host", message)];
    };
    let finding = |CellCheck { check, status, message }| {
        let status = match status {
            CellCheckStatus::Good => CheckStatus::Good,
            CellCheckStatus::Waived | CellCheckStatus::Warning => CheckStatus::Warning,
            CellCheckStatus::Bad => CheckStatus::Bad,
        };
        Finding::new(check, status, message)
    };
    checks.into_iter().map(finding).collect()
}
