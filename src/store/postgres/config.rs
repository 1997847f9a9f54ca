//! The section `store.postgres`: where the servers are, and what is demanded of them.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::host::Host;
use crate::setting::{SettingError, check_period};

/// Longest `max_staleness`: a revocation must be seen within it.
const STALEST: Duration = Duration::from_secs(10);
/// Most connections for batches, of either kind.
const MOST_LANES: u16 = 64;

/// The shared engine on PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresConfig {
    /// Name of the installation, compared with the one in the database: a node never serves from another's.
    pub deployment: String,
    /// Greatest age of what introspection and device polls are answered from.
    #[serde(with = "humantime_serde")]
    pub max_staleness: Duration,
    /// Permission to use a server that does not promise durability.
    pub allow_unsafe_engine: UnsafeEngine,
    /// The cells; this release knows one, of id 0.
    pub cells: Vec<PostgresCell>,
}

/// The part of the checks of a server that is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnsafeEngine {
    /// Nothing: its settings must promise that no acknowledged commit is lost in a failover.
    #[default]
    Never,
    /// The settings: for managed offers that promise the same by other means.
    Managed,
    /// The settings: for tests, and for one server without standbys.
    Always,
}

/// One cell: a database with rows of its own, and the servers that hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresCell {
    /// Number of the cell, compared with the one in the database.
    pub id: u16,
    /// Servers, `name:port`, `[ipv6]:port`, or the directory of a Unix socket; the primary is found among them.
    pub hosts: Vec<String>,
    /// Name of the database.
    pub database: String,
    /// Schema of the tables in the database.
    #[serde(default = "default_schema")]
    pub schema: String,
    /// Role of the node.
    pub user: String,
    /// File with the password of the role on one line; read at each connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Certificate of the node, instead of a password or besides (PEM, with its chain); read at each connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_file: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_file: Option<PathBuf>,
    /// Protection of the connections.
    #[serde(default)]
    pub tls: PostgresTls,
    /// Authorities of the servers' certificates (PEM); absent: those that browsers trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_certificate_file: Option<PathBuf>,
    /// Lanes of what changes something that is there, each with a connection.
    #[serde(default = "default_changes_lanes")]
    pub changes_lanes: u16,
    /// Lanes of what begins (codes, devices, used assertions), each with a connection.
    #[serde(default = "default_begins_lanes")]
    pub begins_lanes: u16,
}

/// Protection of the connections to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostgresTls {
    /// TLS; the certificate is from a trusted authority and names the host.
    #[default]
    VerifyFull,
    /// TLS; the certificate is from a trusted authority, whatever it names.
    VerifyCa,
    /// None: loopback and Unix sockets only.
    Off,
}

fn default_schema() -> String {
    "jeton".to_owned()
}

fn default_changes_lanes() -> u16 {
    3
}

fn default_begins_lanes() -> u16 {
    2
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            deployment: String::new(),
            max_staleness: Duration::from_secs(1),
            allow_unsafe_engine: UnsafeEngine::Never,
            cells: Vec::new(),
        }
    }
}

impl PostgresConfig {
    /// Checks the settings, for a node that uses this engine; reads no file.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.deployment.is_empty() || self.deployment.len() > 64 {
            let rule = "a name of the installation, at most 64 bytes; `jeton migrate` writes it to the database";
            return Err(SettingError::new("deployment", quoted(&self.deployment), rule));
        }
        check_period("max_staleness", self.max_staleness)?;
        if self.max_staleness > STALEST {
            return Err(SettingError::new("max_staleness", format!("{:?}", self.max_staleness), "at most 10s"));
        }
        match &self.cells[..] {
            [cell] => cell.check().map_err(|error| error.within("cells[0]")),
            cells => Err(SettingError::new(
                "cells",
                format!("{} cells", cells.len()),
                "exactly one, [[store.postgres.cells]] with id = 0: this release serves no further cells",
            )),
        }
    }
}

impl PostgresCell {
    fn check(&self) -> Result<(), SettingError> {
        if self.id != 0 {
            return Err(SettingError::new("id", self.id, "0: this release serves no further cells"));
        }
        if self.hosts.is_empty() {
            return Err(SettingError::new("hosts", "empty", "at least one, like [\"db1.example:5432\"]"));
        }
        let hosts: Vec<Host> = self.hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?;
        for (setting, value) in [("database", &self.database), ("user", &self.user)] {
            if value.is_empty() || value.len() > 63 || value.contains('\0') {
                return Err(SettingError::new(setting, quoted(value), "1 to 63 bytes"));
            }
        }
        let mut letters = self.schema.bytes();
        let first = letters.next().is_some_and(|letter| letter.is_ascii_lowercase() || letter == b'_');
        if !first
            || self.schema.len() > 63
            || !letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_')
        {
            return Err(SettingError::new("schema", quoted(&self.schema), "1 to 63 of a-z, 0-9 and _, no digit first"));
        }
        if self.client_certificate_file.is_some() != self.client_key_file.is_some() {
            let value = if self.client_key_file.is_some() { "only the key" } else { "only the certificate" };
            return Err(SettingError::new("client_certificate_file", value, "stands together with client_key_file"));
        }
        if self.tls == PostgresTls::Off {
            if let Some(host) = hosts.iter().find(|host| !host.is_local()) {
                let rule = "verify-full or verify-ca for a server that is not on this machine";
                return Err(SettingError::new("tls", format!("off, for {host}"), rule));
            }
        } else if let Some(host) = hosts.iter().find(|host| matches!(host, Host::Socket { .. })) {
            return Err(SettingError::new("tls", format!("on, for {host}"), "off for a Unix socket"));
        }
        for (setting, lanes) in [("changes_lanes", self.changes_lanes), ("begins_lanes", self.begins_lanes)] {
            if !(1..=MOST_LANES).contains(&lanes) {
                return Err(SettingError::new(setting, lanes, "1 to 64"));
            }
        }
        Ok(())
    }
}

fn quoted(value: &str) -> String {
    format!("{value:?}")
}
