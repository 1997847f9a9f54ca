//! The bounded queue between who logs and the thread that writes: a line that finds no room is dropped and counted, so
//! that nobody waits for whoever reads the log.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

/// How often the end of the log looks for room behind the lines that wait, and how long it rests in between.
const TRIES: (u32, Duration) = (10, Duration::from_millis(10));
/// Longest time for the last lines, which a reader that stands still would never take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the writing thread is given.
enum Entry {
    Line(Vec<u8>),
    End,
}

/// Takes lines from any thread.
pub(super) struct Lines {
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

/// The thread that writes; when this is dropped, it has written all lines or has been given up.
pub(super) struct Writing {
    entries: SyncSender<Entry>,
    /// Disconnected when the thread ends.
    ended: Receiver<()>,
    dropped: Arc<AtomicU64>,
}

/// Starts to write to `output`; `room` lines may wait.
pub(super) fn start(room: usize, mut output: impl Write + Send + 'static) -> (Lines, Writing) {
    let (entries, given) = mpsc::sync_channel(room);
    let (ending, ended) = mpsc::sync_channel(0);
    let write = move || {
        let _ending: SyncSender<()> = ending;
        for entry in given {
            match entry {
                // there is nowhere to say that it cannot be written; the next one may
                Entry::Line(line) => _ = output.write_all(&line),
                Entry::End => break,
            }
        }
        let _ = output.flush();
    };
    // without a thread, every line is dropped and counted; but then the runtime does not start either
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(write);
    let dropped = Arc::<AtomicU64>::default();
    (Lines { entries: entries.clone(), dropped: dropped.clone() }, Writing { entries, ended, dropped })
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.entries.try_send(Entry::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writing {
    /// Returns how many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let (tries, rest) = TRIES;
        for _ in 0..tries {
            match self.entries.try_send(Entry::End) {
                Err(TrySendError::Full(_)) => std::thread::sleep(rest),
                Err(TrySendError::Disconnected(_)) => return,
                Ok(()) => {
                    let _ = self.ended.recv_timeout(LAST_LINES);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Says that it was given a line, and takes it when it is allowed to.
    struct Reader {
        given: mpsc::Sender<()>,
        allowed: Receiver<io::Result<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.given.send(());
            // who is gone allows everything
            self.allowed.recv().unwrap_or(Ok(()))?;
            self.taken.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The other end of a [`Reader`].
    struct Hand {
        given: Receiver<()>,
        allow: mpsc::Sender<io::Result<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Hand {
        fn taken(&self) -> String {
            String::from_utf8(self.taken.lock().unwrap().clone()).unwrap()
        }
    }

    fn log(room: usize) -> (Lines, Writing, Hand) {
        let (given_by, given) = mpsc::channel();
        let (allow, allowed) = mpsc::channel();
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let (lines, writing) = start(room, Reader { given: given_by, allowed, taken: taken.clone() });
        (lines, writing, Hand { given, allow, taken })
    }

    fn say(lines: &Lines, line: &str) {
        let mut lines = lines;
        lines.write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (lines, writing, hand) = log(2);
        say(&lines, "1\n");
        hand.given.recv().unwrap();
        for line in ["2\n", "3\n", "4\n", "5\n"] {
            say(&lines, line);
        }
        assert_eq!(writing.dropped(), 2);
        let Hand { allow, taken, .. } = hand;
        drop(allow);
        drop(writing);
        assert_eq!(String::from_utf8(taken.lock().unwrap().clone()).unwrap(), "1\n2\n3\n");
        say(&lines, "6\n");
    }

    #[test]
    fn the_end_waits_for_the_last_line() {
        let (lines, writing, hand) = log(65_536);
        for _ in 0..10_000 {
            say(&lines, "line\n");
        }
        let Hand { allow, taken, .. } = hand;
        drop(allow);
        drop(writing);
        assert_eq!(taken.lock().unwrap().len(), 50_000);
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stands_still() {
        for room in [1, 2] {
            let (lines, writing, hand) = log(room);
            say(&lines, "1\n");
            hand.given.recv().unwrap();
            say(&lines, "2\n");
            drop(writing);
            assert_eq!(hand.taken(), "");
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_does_not_end_the_log() {
        let (lines, writing, hand) = log(3);
        hand.allow.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        hand.allow.send(Ok(())).unwrap();
        say(&lines, "lost\n");
        say(&lines, "written\n");
        drop(writing);
        assert_eq!(hand.taken(), "written\n");
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 0);
    }
}
