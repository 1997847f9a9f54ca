//! New connections to the servers of a cell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::{Config, NoTls};

use super::config::{PostgresCell, PostgresTls};
use super::connection::ServerConnection;
use super::host::Host;
use super::tls;
use crate::cause::chain;
use crate::secret_file;
use crate::setting::SettingError;
use crate::store::rows::Session;

/// Longest time to connect, from the name to the first statement.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// Settings of every session. Plans take rows by their keys in the order of the arrays, so that two statements never
/// lock rows in opposite orders; and nothing but this node ends a wait.
const SESSION: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off \
    -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c synchronous_commit=on \
    -c default_transaction_isolation=read\\ committed -c statement_timeout=0 -c lock_timeout=0 \
    -c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0";

/// Connects to the servers of a cell.
pub(super) struct Dialer {
    pub(super) hosts: Vec<Host>,
    cell: PostgresCell,
    sessions: AtomicU64,
}

impl Dialer {
    pub(super) fn new(cell: PostgresCell) -> Result<Self, SettingError> {
        let hosts = cell.hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?;
        Ok(Self { hosts, cell, sessions: AtomicU64::new(1) })
    }

    /// Connects to the host of this index, within [`CONNECT`].
    ///
    /// # Errors
    /// The reason, without secrets.
    pub(super) async fn connect(&self, index: usize) -> Result<ServerConnection, String> {
        let host = self.hosts.get(index).ok_or("there is no such host")?;
        let dialled = tokio::time::timeout(CONNECT, self.dial(host, index)).await;
        dialled.unwrap_or_else(|_| Err(format!("no answer within {} s", CONNECT.as_secs())))
    }

    async fn dial(&self, host: &Host, index: usize) -> Result<ServerConnection, String> {
        let session = Session(self.sessions.fetch_add(1, Ordering::Relaxed));
        let cell = self.cell.clone();
        // files on a slow mount must not hold up other tasks
        let read = tokio::task::spawn_blocking(move || {
            let password = cell.password_file.as_deref().map(secret_file::read_line).transpose();
            let password = password.map_err(|error| error.to_string())?;
            let tls = if cell.tls == PostgresTls::Off { None } else { Some(tls::connector(&cell)?) };
            Ok::<_, String>((password, tls))
        });
        let (password, tls) = read.await.map_err(|error| error.to_string())??;
        let mut config = self.config(host);
        if let Some(password) = &password {
            config.password(password.as_bytes());
        }
        let failed = |error: tokio_postgres::Error| chain(&error);
        Ok(match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls).await.map_err(failed)?;
                ServerConnection::start(client, connection, session, index)
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                ServerConnection::start(client, connection, session, index)
            }
        })
    }

    fn config(&self, host: &Host) -> Config {
        let mut config = Config::new();
        match host {
            Host::Tcp { name, port } => config.host(name).port(*port),
            Host::Socket { directory, port } => config.host_path(directory).port(*port),
        };
        let mode = if self.cell.tls == PostgresTls::Off { SslMode::Disable } else { SslMode::Require };
        config
            .dbname(&self.cell.database)
            .user(&self.cell.user)
            .application_name("jeton")
            .options(format!("-c search_path={} {SESSION}", self.cell.schema))
            .ssl_mode(mode)
            .channel_binding(ChannelBinding::Prefer)
            .connect_timeout(CONNECT)
            // a server that is cut off is noticed while a statement waits
            .tcp_user_timeout(Duration::from_secs(4))
            .keepalives_idle(Duration::from_secs(2))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(3);
        config
    }

    /// Returns the name of the host of this index, for messages.
    pub(super) fn name(&self, index: usize) -> String {
        self.hosts.get(index).map(Host::to_string).unwrap_or_default()
    }

    /// Returns the cell that is dialled.
    pub(super) fn cell(&self) -> &PostgresCell {
        &self.cell
    }
}
