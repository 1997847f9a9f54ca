//! The reason for which the store cannot continue in this process, reported once and to all listeners.

use tokio::sync::watch;

/// The reason, once there is one.
pub(super) type Failure = watch::Sender<Option<String>>;

/// Reports the reason for which the store cannot continue; only the first is kept.
pub(super) fn report(failure: &Failure, why: String) {
    failure.send_if_modified(|reason| {
        let first = reason.is_none();
        if first {
            tracing::error!(%why, "the store failed; the node stops");
            *reason = Some(why);
        }
        first
    });
}
