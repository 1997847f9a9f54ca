//! The description of this node that the others see.

use aws_lc_rs::digest::{SHA256, digest};

use crate::config::Config;
use crate::id::Id;
use crate::store::NodeInfo;
use crate::vault::Vault;

/// The sections of the settings that are the same on all nodes of a deployment.
const SHARED: [&str; 3] = ["issuers", "clients", "tokens"];

/// Returns the description of the node `id`.
pub(super) fn of(id: Id, config: &Config, vault: &Vault) -> NodeInfo {
    NodeInfo {
        id,
        name: host_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(config),
        master_keys: vault.digests(),
    }
}

/// Returns the digest of the shared sections, in hexadecimal.
fn settings(config: &Config) -> String {
    let sections = serde_json::to_value(config).unwrap_or_default();
    let shared: Vec<_> = SHARED.iter().map(|section| &sections[*section]).collect();
    let text = serde_json::to_vec(&shared).unwrap_or_default();
    digest(&SHA256, &text).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the name of this machine. A service may be kept from reading it under `/proc`, not from asking the kernel.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
