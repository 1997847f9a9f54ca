//! The progress of a batch: which operations are open, which wait for a confirmation, which are answered. Pure.
//!
//! Nothing is answered from a read that was not confirmed (rule F): an old primary goes on answering reads until it is
//! demoted, and a recovering one shows rows that no standby has. Answers that needed no write wait in `waiting` until
//! something is committed on the connection on which their rows were read. [`ConsumeRefusal::Pending`] alone needs no
//! confirmation.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{Asked, Basis, KnownRows, Stepped, SteppedRow, step};
use crate::state::{ConsumeRefusal, Key, Op, Outcome, Seen};
use crate::store::rows::{RowChange, RowInsert, Session, Stamp, StampedRow};
use crate::store::{Answer, StoreError, check_size};

/// A write without an answer: the stamp that it wrote, and the answers of its operations if it was done.
type UnknownWrite = (Stamp, Vec<(usize, Answer)>);

/// A batch in progress.
pub(super) struct OpBatch<'a> {
    ops: &'a [Op],
    keys: Vec<Key>,
    /// Operations that have not been stepped, or have to be stepped again.
    open: BTreeSet<usize>,
    /// Answers of operations that were stepped without a write, on rows read in `session`.
    waiting: Vec<(usize, Answer)>,
    session: Option<Session>,
    /// True if something was committed in `session` since the last read.
    committed: bool,
    /// Writes without an answer; at most one per row has been done or may yet be done.
    unknown: BTreeMap<Key, Vec<UnknownWrite>>,
    results: Vec<Option<Result<Answer, StoreError>>>,
}

/// A row to write, with the answers of its operations once it is written.
pub(super) struct RowWrite {
    pub(super) key: Key,
    stamp: Stamp,
    answers: Vec<(usize, Answer)>,
}

/// The writes of one call: inserts or changes, never both, keys ascending. An insert waits for a transaction that
/// changes the existing row, so two statements that did both could deadlock with each other.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) inserts: Vec<RowInsert>,
    pub(super) inserted: Vec<RowWrite>,
    pub(super) changes: Vec<RowChange>,
    pub(super) changed: Vec<RowWrite>,
}

impl<'a> OpBatch<'a> {
    /// Creates the batch, with nothing done yet; operations that are too large fail here.
    pub(super) fn new(ops: &'a [Op]) -> Self {
        let results: Vec<_> = ops.iter().map(|op| check_size(op).err().map(Err)).collect();
        let open = (0..ops.len()).filter(|index| results[*index].is_none()).collect();
        let keys = ops.iter().map(Op::key).collect();
        let (waiting, unknown) = (Vec::new(), BTreeMap::new());
        Self { ops, keys, open, waiting, session: None, committed: false, unknown, results }
    }

    /// Returns whether every operation has its result.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty()
    }

    /// Returns the session to confirm, if only a confirmation is needed.
    pub(super) fn to_confirm(&self) -> Option<Session> {
        if self.open.is_empty() && !self.waiting.is_empty() { self.session } else { None }
    }

    /// Notes that rows were read in `session`: answers that wait in another session are to be stepped again.
    pub(super) fn read_in(&mut self, session: Session) {
        if self.session != Some(session) {
            self.reopen();
        }
        (self.session, self.committed) = (Some(session), false);
    }

    /// Has the waiting operations stepped again, because their session has ended.
    pub(super) fn reopen(&mut self) {
        self.open.extend(self.waiting.drain(..).map(|(index, _)| index));
        (self.session, self.committed) = (None, false);
    }

    /// Accepts the outcomes of unanswered writes whose rows carry a stamp that this batch wrote: the write was done,
    /// though no answer arrived.
    pub(super) fn recognise(&mut self, known: &KnownRows) {
        for (key, found) in known {
            let Ok(Some(StampedRow { stamp, .. })) = found else { continue };
            let own = self.unknown.get(key).into_iter().flatten().find(|(written, _)| written == stamp);
            for (index, answer) in own.into_iter().flat_map(|(_, answers)| answers) {
                if self.open.remove(index) {
                    self.waiting.push((*index, answer.clone()));
                }
            }
        }
    }

    /// Steps the open operations on the known rows.
    pub(super) fn step(&self, known: &KnownRows, seen: Seen, guess: bool) -> Stepped {
        let asked = self.open.iter().map(|&index| Asked { index, key: self.keys[index], op: &self.ops[index] });
        step(asked, known, seen, guess)
    }

    /// Fails single operations.
    pub(super) fn fail_alone(&mut self, failed: Vec<(usize, StoreError)>) {
        for (index, error) in failed {
            self.open.remove(&index);
            self.results[index] = Some(Err(error));
        }
    }

    /// Sorts stepped rows into writes and into answers that change nothing and wait. Rows whose operations saw one of
    /// `lost`, a moment of this batch that was not written, stay open.
    pub(super) fn writes(&mut self, rows: BTreeMap<Key, SteppedRow>, lost: &BTreeSet<Key>) -> Writes {
        let mut writes = Writes::default();
        for (key, SteppedRow { basis, row, answers, saw }) in rows {
            if !saw.is_disjoint(lost) {
                continue;
            }
            let Some(row) = row else {
                self.keep(answers);
                continue;
            };
            let stamp = Stamp::random();
            let (to, write) = (StampedRow { stamp, row }, RowWrite { key, stamp, answers });
            match basis {
                Basis::Read(Some(expected)) => {
                    writes.changes.push(RowChange { key, expected, to });
                    writes.changed.push(write);
                }
                Basis::Read(None) => {
                    writes.inserts.push(RowInsert { key, to, unless: Vec::new() });
                    writes.inserted.push(write);
                }
                Basis::Guess(unless) => {
                    writes.inserts.push(RowInsert { key, to, unless: unless.into_iter().collect() });
                    writes.inserted.push(write);
                }
            }
        }
        writes
    }

    fn keep(&mut self, answers: Vec<(usize, Answer)>) {
        for (index, answer) in answers {
            self.open.remove(&index);
            let needs_no_proof = matches!(answer.outcome, Outcome::ConsumeDevice(Err(ConsumeRefusal::Pending)));
            if self.committed || needs_no_proof {
                self.results[index] = Some(Ok(answer));
            } else {
                self.waiting.push((index, answer));
            }
        }
    }

    /// Answers the operations on the rows of `keys`; returns the keys of the other rows, which stay open.
    pub(super) fn won(&mut self, writes: Vec<RowWrite>, keys: &[Key]) -> Vec<Key> {
        let (mut lost, keys) = (Vec::new(), keys.iter().collect::<BTreeSet<_>>());
        for write in writes {
            if keys.contains(&write.key) {
                self.answer(write.answers);
            } else {
                lost.push(write.key);
            }
        }
        lost
    }

    /// Remembers writes that got no answer.
    pub(super) fn unanswered(&mut self, writes: Vec<RowWrite>) {
        for RowWrite { key, stamp, answers } in writes {
            self.unknown.entry(key).or_default().push((stamp, answers));
        }
    }

    /// Answers the waiting operations: something was committed in their session after the read.
    pub(super) fn confirmed(&mut self) {
        self.committed = true;
        let waiting = std::mem::take(&mut self.waiting);
        self.answer(waiting);
    }

    fn answer(&mut self, answers: Vec<(usize, Answer)>) {
        for (index, answer) in answers {
            self.open.remove(&index);
            self.results[index] = Some(Ok(answer));
        }
    }

    /// Returns the results. Operations without one fail with `error`, or as indeterminate if one of their writes got no
    /// answer.
    pub(super) fn finish(self, error: &StoreError) -> Vec<Result<Answer, StoreError>> {
        let Self { keys, unknown, results, .. } = self;
        let failed = |key: &Key| match error {
            StoreError::Unavailable { reason } | StoreError::Indeterminate { reason } => {
                let reason = reason.clone();
                if unknown.contains_key(key) {
                    StoreError::Indeterminate { reason }
                } else {
                    StoreError::Unavailable { reason }
                }
            }
            other => other.clone(),
        };
        results.into_iter().zip(&keys).map(|(result, key)| result.unwrap_or_else(|| Err(failed(key)))).collect()
    }
}
