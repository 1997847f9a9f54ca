//! A connection to a server: its statements, and the notices that end its credibility.
//!
//! A commit whose wait for the standbys was cut short is acknowledged with a warning: such a connection is poisoned, and
//! nothing that it answers from then on is believed. No statement is ever cancelled: a cancelled wait is that very case.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Connection, Row, Statement};

use super::failure::{FailureKind, SqlFailure};
use super::query::Query;
use crate::store::rows::Session;

/// A statement under way; it goes on only while it is polled.
pub(super) type RunningStatement = Pin<Box<dyn Future<Output = Result<Vec<Row>, SqlFailure>> + Send>>;

/// A connection to a server. Dropped, it ends in order once its statements have.
pub(super) struct ServerConnection {
    client: Arc<Client>,
    prepared: Arc<Mutex<HashMap<&'static str, Statement>>>,
    poisoned: Arc<AtomicBool>,
    driver: AbortHandle,
    ended: watch::Receiver<bool>,
    /// Number of the session, another one for each connection.
    pub(super) session: Session,
    /// Index of the server among the hosts of the cell.
    pub(super) host: usize,
}

impl ServerConnection {
    /// Takes over a new connection and drives it in a task of its own.
    pub(super) fn start<S, T>(client: Client, connection: Connection<S, T>, session: Session, host: usize) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let poisoned = Arc::new(AtomicBool::new(false));
        let (end, ended) = watch::channel(false);
        let driving = drive(connection, Arc::clone(&poisoned));
        let driver = tokio::spawn(async move {
            driving.await;
            end.send_replace(true);
        });
        let (client, driver) = (Arc::new(client), driver.abort_handle());
        Self { client, prepared: Arc::default(), poisoned, driver, ended, session, host }
    }

    /// Returns whether statements can be sent and their answers believed.
    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.poisoned.load(Ordering::SeqCst)
    }

    /// Returns whether the server stopped to wait for its standbys on the connection.
    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Completes when the connection has ended.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // an error: the driver is gone, and with it the connection
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Runs a statement.
    pub(super) fn run(&self, query: Query) -> RunningStatement {
        let (client, prepared) = (Arc::clone(&self.client), Arc::clone(&self.prepared));
        let poisoned = Arc::clone(&self.poisoned);
        Box::pin(async move {
            let result = send(&client, &prepared, query).await;
            // the driver sees the warning before it hands on the answer
            if poisoned.load(Ordering::SeqCst) {
                let reason = "the server ended a wait for its standbys; nothing it answered is known to be durable";
                return Err(SqlFailure::new(FailureKind::Broken, reason));
            }
            result
        })
    }

    /// Runs statements without parameters.
    pub(super) async fn script(&self, text: &str) -> Result<(), SqlFailure> {
        self.client.batch_execute(text).await.map_err(|error| SqlFailure::of(&error))
    }

    /// Ends the connection at once, whatever runs on it.
    pub(super) fn abort(self) {
        self.driver.abort();
    }
}

async fn send(
    client: &Client,
    prepared: &Mutex<HashMap<&'static str, Statement>>,
    query: Query,
) -> Result<Vec<Row>, SqlFailure> {
    let known = prepared.lock().unwrap_or_else(PoisonError::into_inner).get(query.text).cloned();
    let statement = match known {
        Some(statement) => statement,
        None => {
            let new = client.prepare(query.text).await.map_err(|error| SqlFailure::of(&error).not_sent())?;
            prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(query.text, new.clone());
            new
        }
    };
    let params: Vec<_> =
        query.params.iter().map(|param| &**param as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
    // the answer is whole only with the server's word that the commit is done
    client.query(&statement, &params).await.map_err(|error| SqlFailure::of(&error))
}

async fn drive<S, T>(mut connection: Connection<S, T>, poisoned: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) if gave_up_waiting(&notice) => {
                poisoned.store(true, Ordering::SeqCst);
                tracing::warn!(code = notice.code().code(), "a server ended a wait for its standbys");
            }
            Some(Ok(AsyncMessage::Notice(notice))) => {
                tracing::debug!(code = notice.code().code(), message = notice.message(), "a notice of a server");
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection to a server ended");
                return;
            }
            None => return,
        }
    }
}

/// Returns whether a notice says that a commit was acknowledged before enough standbys had it. The text may be in the
/// server's language; the name of the function that says it is not.
fn gave_up_waiting(notice: &DbError) -> bool {
    notice.message().contains("synchronous replication") || notice.routine() == Some("SyncRepWaitForLSN")
}
