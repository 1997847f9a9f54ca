//! Checks of the disk: the data directory and its lock, certificates, and the clock by the store's last write.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::daemon::{DaemonReport, StorePath};
use super::finding::Finding;
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::x509::Certificate;

const DAY: u64 = 86_400;
/// Time before its end from which a certificate is warned of, in seconds.
const SOON: u64 = 30 * DAY;
/// Accepted difference between clocks, in seconds.
const APART: u64 = 10;

/// Checks that files can be made in the directory, or in the nearest one above it that exists.
pub(super) fn data_directory(path: &Path) -> Finding {
    const CHECK: &str = "store_path";
    let shown = path.display();
    let Some(existing) = path.ancestors().find(|dir| dir.is_dir()) else {
        return Finding::bad(CHECK, format!("store.path {shown}: no directory above it exists; make one"));
    };
    let probe = existing.join(format!(".jeton-doctor-{}", std::process::id()));
    match File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe)) {
        Ok(()) => Finding::good(CHECK, format!("store.path {shown}: files can be made")),
        Err(error) => Finding::bad(CHECK, format!("store.path {shown}: {error}; give it to the user that runs jeton")),
    }
}

/// Checks the lock that a process with the store open holds. `daemon` is the report of the one that answers on the admin
/// listener, which may be on another machine if it is not `here`.
pub(super) fn lock(path: &Path, daemon: Option<&DaemonReport>, here: bool) -> Finding {
    let good = |told: String| Finding::good("store_lock", format!("store.path {}: {told}", path.display()));
    let bad = |told: String| Finding::bad("store_lock", format!("store.path {}: {told}", path.display()));
    let holder = match holder(&path.join("db")) {
        Ok(holder) => holder,
        Err(error) => return bad(format!("its lock cannot be looked at: {error}")),
    };
    let stop = "stop it, or set another store.path";
    match (holder, daemon.map(|known| &known.store)) {
        (None, None) => good("its lock is free".to_owned()),
        (Some(who), None) => bad(format!("its lock is held by {who}, which does not answer at admin.listen; {stop}")),
        (_, Some(StorePath::Unknown)) => Finding::warning(
            "store_lock",
            format!("store.path {}: the daemon that runs does not say which one it uses", path.display()),
        ),
        (holder, Some(StorePath::None)) => bad(format!(
            "the daemon that runs keeps nothing on disk, so it was started with another configuration{}; restart it",
            holder.map(|who| format!("; its lock is held by {who}")).unwrap_or_default()
        )),
        (holder, Some(StorePath::At(used))) if !is_same(path, used) => bad(format!(
            "the daemon that runs uses another data directory, {}, so it was started with another configuration{}; restart it",
            used.display(),
            holder.map(|who| format!("; this one's lock is held by {who}")).unwrap_or_default()
        )),
        (Some(who), Some(StorePath::At(_))) => good(format!("its lock is held by the daemon that runs ({who})")),
        (None, Some(StorePath::At(_))) if !here => {
            good("its lock is free on this machine; the daemon that was asked is elsewhere".to_owned())
        }
        (None, Some(StorePath::At(_))) => {
            bad("the daemon that runs does not hold its lock: was the directory replaced? restart it".to_owned())
        }
    }
}

/// Returns the process that holds the lock of a file, if one does.
fn holder(file: &Path) -> std::io::Result<Option<String>> {
    let file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // given back at once, when the file is closed
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            let inode = format!(":{}", file.metadata()?.ino());
            let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
            let process = locks.lines().find_map(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                match fields[..] {
                    [_, "FLOCK", _, _, process, place, ..] if place.ends_with(&inode) => Some(process.to_owned()),
                    _ => None,
                }
            });
            Ok(Some(process.map_or("another process".to_owned(), |process| format!("process {process}"))))
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// Checks the certificates of both listeners and of the authorities of clients.
pub(super) fn certificates(config: &Config) -> Vec<Finding> {
    let own = |tls: &Option<crate::config::TlsFiles>| tls.as_ref().map(|tls| tls.certificate.clone());
    let files = [
        ("public.tls", own(&config.public.tls)),
        ("admin.tls", own(&config.admin.tls)),
        ("public.client_ca_file", config.public.client_ca_file.clone()),
    ];
    let now = Clock::system().now();
    files.into_iter().filter_map(|(setting, file)| Some(certificate(setting, &file?, now))).collect()
}

/// Checks how long the certificates in a file stay valid: until the first of them ends.
fn certificate(setting: &str, file: &Path, now: Time) -> Finding {
    const CHECK: &str = "certificate";
    let shown = format!("{setting} {}", file.display());
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let read = read.and_then(|pem| Certificate::all_from_pem(&pem).map_err(|error| error.to_string()));
    let end = match read {
        Ok(all) => all.iter().map(|one| one.not_after()).min().unwrap_or_default(),
        Err(error) => return Finding::warning(CHECK, format!("{shown}: when it ends cannot be read: {error}")),
    };
    let date = end.to_rfc3339().unwrap_or_default();
    match end.as_secs().checked_sub(now.as_secs()) {
        None => Finding::bad(CHECK, format!("{shown}: expired at {date}; put a new one there and reload")),
        Some(left) if left < SOON => {
            let days = left / DAY;
            Finding::warning(CHECK, format!("{shown}: ends in {days} days, at {date}; put a new one there and reload"))
        }
        Some(left) => Finding::good(CHECK, format!("{shown}: ends in {} days, at {date}", left / DAY)),
    }
}

/// Checks this machine's clock against the store's last write and `dates` of answers.
pub(super) fn clock(config: &Config, dates: &[(String, Time)]) -> Finding {
    const CHECK: &str = "clock";
    let now = Clock::system().now().as_secs();
    let advice = "set this machine's clock (NTP): tokens would be refused, or live too long";
    let written = std::fs::metadata(config.store.path.join("db")).and_then(|about| about.modified()).ok();
    let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|since: Duration| since.as_secs());
    if let Some(ahead) = written.and_then(|written| written.checked_sub(now)).filter(|ahead| *ahead > APART) {
        return Finding::bad(CHECK, format!("clock: the store was written {ahead} s from now; {advice}"));
    }
    let apart = dates.iter().map(|(url, date)| (date.as_secs().abs_diff(now), url)).max();
    match apart {
        Some((apart, url)) if apart > APART => {
            Finding::bad(CHECK, format!("clock: {apart} s from that of {url}; {advice}"))
        }
        _ => Finding::good(
            CHECK,
            format!("clock: not before the store's last write, and as that of {} issuer URLs", dates.len()),
        ),
    }
}
