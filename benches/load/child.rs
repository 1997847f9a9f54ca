//! Processes that the suite starts. Each is killed when it is dropped and when the suite is told to end; the last part
//! of what it printed is kept for the message that says why it did not work.

use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

/// Bytes of output that are kept.
const TAIL: usize = 8 * 1024;

type Process = Arc<Mutex<std::process::Child>>;

/// Everything that runs now, for [`end_with_signals`].
static RUNNING: Mutex<Vec<(u32, Process)>> = Mutex::new(Vec::new());
/// Directories to remove when a signal ends the suite: their owners are not dropped then.
static SCRATCH: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A running process.
pub(crate) struct Child {
    process: Process,
    pid: u32,
    tail: Arc<Mutex<VecDeque<u8>>>,
}

impl Child {
    /// Starts `command`. Its output is read and forgotten, but for the tail: a file would grow, and its write-back
    /// would slow the fsyncs that are being measured.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("failed to start {program}"))?;
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        drain(child.stdout.take(), &tail);
        drain(child.stderr.take(), &tail);
        let pid = child.id();
        let process = Arc::new(Mutex::new(child));
        hold(&RUNNING).push((pid, process.clone()));
        Ok(Self { process, pid, tail })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it did.
    pub(crate) fn exited(&self) -> Option<ExitStatus> {
        hold(&self.process).try_wait().ok().flatten()
    }

    /// The last part of its output.
    pub(crate) fn last_words(&self) -> String {
        let tail: Vec<u8> = hold(&self.tail).iter().copied().collect();
        String::from_utf8_lossy(&tail).into_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        end(&self.process);
        hold(&RUNNING).retain(|(pid, _)| *pid != self.pid);
    }
}

/// Removes `directory` if a signal ends the suite.
pub(crate) fn remove_on_signal(directory: &Path) {
    hold(&SCRATCH).push(directory.to_owned());
}

/// Ends this process and everything it started on SIGTERM, SIGINT and SIGHUP.
pub(crate) fn end_with_signals() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let listen = |kind| signal(kind).context("failed to listen for signals");
            let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) =
                (listen(SignalKind::terminate()), listen(SignalKind::interrupt()), listen(SignalKind::hangup()))
            else {
                return;
            };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            for (_, process) in hold(&RUNNING).iter() {
                end(process);
            }
            for directory in hold(&SCRATCH).iter() {
                let _ = std::fs::remove_dir_all(directory);
            }
            std::process::exit(130);
        });
    });
}

fn end(process: &Process) {
    let mut process = hold(process);
    // it may have ended by itself
    let _ = process.kill();
    let _ = process.wait();
}

fn drain(output: Option<impl Read + Send + 'static>, tail: &Arc<Mutex<VecDeque<u8>>>) {
    let Some(mut output) = output else { return };
    let tail = tail.clone();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let mut tail = hold(&tail);
            tail.extend(&buffer[read.saturating_sub(TAIL)..read]);
            let surplus = tail.len().saturating_sub(TAIL);
            tail.drain(..surplus);
        }
    });
}

/// Locks; what a panicking thread left behind is as good as ever here.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
