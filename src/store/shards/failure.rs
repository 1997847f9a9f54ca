//! Why the store cannot go on in this process, told once and to everybody.

use tokio::sync::watch;

/// The reason, once there is one.
pub(super) type Failure = watch::Sender<Option<String>>;

/// Says once why the store cannot go on.
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
