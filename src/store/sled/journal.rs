//! The journal in front of sled: rows of one commit, appended and fsynced in one write each. sled's own flush wakes
//! seven threads and waits for one of them, three times the cost of the fsync; so rows become durable here and reach
//! sled's log in the background, by a checkpoint for every few megabytes.
//!
//! Always true: a commit that was answered is in a journal file or behind a finished checkpoint. Two files alternate; one
//! is written again only after the checkpoint that covers it. On opening, what is newer than sled is put into it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::broken;
use crate::store::{StoreError, codec};

/// Bytes of a journal file. It is filled with zeros once, so that an fsync has no metadata to write.
const CAPACITY: usize = if cfg!(test) { 128 << 10 } else { 8 << 20 };
/// `length u32 | crc32 u32 | number u64 | previous u64`, big-endian; the crc is over all that follows it.
const HEAD: usize = 24;
pub(super) const FILES: [&str; 2] = ["journal.0", "journal.1"];

/// A row as it is journaled: its key and its encoded value; empty if the row was forgotten.
pub(super) type Record = ([u8; codec::KEY_LEN], Vec<u8>);

/// The rows of one commit.
pub(super) struct Entry {
    /// The number of the commit.
    pub(super) number: u64,
    /// The number of the commit before it.
    pub(super) previous: u64,
    /// What it wrote.
    pub(super) rows: Vec<Record>,
}

/// When an entry must be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before anybody hears of it.
    Now,
    /// With the next one: what is lost will be done again.
    WithTheNext,
}

/// Two files, one of which is being appended to.
pub(super) struct Journal(Mutex<Active>);

struct Active {
    files: [File; 2],
    active: usize,
    /// Where the next entry goes.
    at: usize,
    /// The commit before the next entry.
    previous: u64,
}

impl Journal {
    /// Opens the files, and makes them if they are not there; gives what is in them, oldest first.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Entry>), StoreError> {
        let file = |name: &str| open_file(&path.join(name)).map_err(|error| broken(error.into()));
        let files = [file(FILES[0])?, file(FILES[1])?];
        let mut entries = Vec::new();
        for file in &files {
            entries.extend(read(file).map_err(|error| broken(error.into()))?);
        }
        entries.sort_by_key(|entry| entry.number);
        Ok((Self(Mutex::new(Active { files, active: 0, at: 0, previous: 0 })), entries))
    }

    /// Notes that everything up to `number` is durable in sled.
    pub(super) fn covered(&self, number: u64) {
        self.lock().previous = number;
    }

    /// Appends a commit; false if it does not fit.
    pub(super) fn append(&self, number: u64, rows: &[Record], durable: When) -> Result<bool, StoreError> {
        let mut active = self.lock();
        let mut bytes = vec![0; HEAD];
        for (key, value) in rows {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(value);
        }
        if active.at + bytes.len() > CAPACITY {
            return Ok(false);
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[8..16].copy_from_slice(&number.to_be_bytes());
        bytes[16..24].copy_from_slice(&active.previous.to_be_bytes());
        let crc = crc32fast::hash(&bytes[8..]);
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes[4..8].copy_from_slice(&crc.to_be_bytes());
        let (file, at) = (&active.files[active.active], active.at as u64);
        let written = file.write_all_at(&bytes, at).and_then(|()| match durable {
            When::Now => file.sync_data(),
            When::WithTheNext => Ok(()),
        });
        written.map_err(|error| broken(error.into()))?;
        active.at += bytes.len();
        active.previous = number;
        Ok(true)
    }

    /// Whether it is time to go on in the other file.
    pub(super) fn is_full(&self) -> bool {
        self.lock().at > CAPACITY / 4 * 3
    }

    /// Goes on in the other file, whose entries are all behind a finished checkpoint; the number of the newest commit
    /// of the one that is left, which the next checkpoint must cover.
    pub(super) fn switch(&self) -> Result<u64, StoreError> {
        let mut active = self.lock();
        // no entry of the other file may be durable before all of this one are
        active.files[active.active].sync_data().map_err(|error| broken(error.into()))?;
        active.active = 1 - active.active;
        active.at = 0;
        Ok(active.previous)
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_file(path: &Path) -> std::io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() < CAPACITY as u64 {
        let have = file.metadata()?.len();
        file.write_all_at(&vec![0; CAPACITY - usize::try_from(have).unwrap_or_default()], have)?;
        file.sync_all()?;
    }
    Ok(file)
}

/// The entries of a file, up to the first that is torn, stale or was never written.
fn read(file: &File) -> std::io::Result<Vec<Entry>> {
    let mut bytes = vec![0; CAPACITY];
    file.read_exact_at(&mut bytes, 0)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = &bytes[..];
    while let Some((entry, length)) = parse(rest) {
        if entries.last().is_some_and(|last| entry.number <= last.number) {
            break;
        }
        entries.push(entry);
        rest = &rest[length..];
    }
    Ok(entries)
}

fn parse(bytes: &[u8]) -> Option<(Entry, usize)> {
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let length = usize::try_from(word(0)?).ok()?;
    if length < HEAD || crc32fast::hash(bytes.get(8..length)?) != word(4)? {
        return None;
    }
    let mut entry = Entry { number: long(8)?, previous: long(16)?, rows: Vec::new() };
    let mut rest = &bytes[HEAD..length];
    while !rest.is_empty() {
        let (key, after) = rest.split_at_checked(codec::KEY_LEN)?;
        let (len, after) = after.split_at_checked(4)?;
        let len = usize::try_from(u32::from_be_bytes(len.try_into().ok()?)).ok()?;
        let (value, after) = after.split_at_checked(len)?;
        entry.rows.push((key.try_into().ok()?, value.to_vec()));
        rest = after;
    }
    Some((entry, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u8) -> Record {
        ([n; codec::KEY_LEN], vec![n; 100])
    }

    #[test]
    fn entries_are_read_back_and_a_torn_or_stale_one_ends_them() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, entries) = Journal::open(dir.path()).unwrap();
        assert!(entries.is_empty());
        for number in 1..=5 {
            assert!(journal.append(number, &[record(number as u8), record(9)], When::Now).unwrap());
        }
        let numbers = |dir: &Path| -> Vec<(u64, u64)> {
            Journal::open(dir).unwrap().1.iter().map(|entry| (entry.previous, entry.number)).collect()
        };
        assert_eq!(numbers(dir.path()), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
        // a new pass over the file leaves stale entries behind its own
        assert_eq!((journal.switch().unwrap(), journal.switch().unwrap()), (5, 5));
        assert!(journal.append(6, &[record(6), record(9)], When::Now).unwrap());
        assert_eq!(numbers(dir.path()), [(5, 6)], "what lies behind is older");
        let path = dir.path().join(FILES[0]);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..HEAD + 2 * (codec::KEY_LEN + 4 + 100) {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            std::fs::write(&path, torn).unwrap();
            assert!(numbers(dir.path()).iter().all(|(_, number)| *number != 6), "byte {at}");
        }
    }

    #[test]
    fn a_commit_that_does_not_fit_is_not_begun() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path()).unwrap();
        let large = ([1; codec::KEY_LEN], vec![0; CAPACITY]);
        assert!(!journal.append(1, &[large], When::Now).unwrap());
        assert!(journal.append(1, &[record(1)], When::Now).unwrap());
    }
}
