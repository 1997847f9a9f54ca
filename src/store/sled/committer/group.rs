//! A group of commands that share one fsync.
//!
//! Rows are read once, stepped in memory in order, and written once, whatever happened to them in between. Rows are
//! written one by one, not as one sled batch: operations are atomic per row, nothing was answered yet, and a batch
//! would lock out every reader.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::sync::oneshot;

use super::command::{Answers, Command, CommitReply, Needs, Work};
use crate::clock::Time;
use crate::state::{Key, Op, Row, Seen};
use crate::store::sled::disk::Disk;
use crate::store::{Answer, StoreError, check_size};

type Port<T> = oneshot::Sender<Result<T, StoreError>>;

/// A group of commands that share one fsync.
#[derive(Default)]
pub(super) struct Group {
    batches: Vec<(Vec<Op>, Port<Answers>)>,
    works: Vec<(Work, Needs)>,
    ops: usize,
}

/// A row during the group.
struct Slot {
    row: Option<Row>,
    stored: bool,
    changed: bool,
}

impl Group {
    /// Adds a command; returns the reply port of one that ends the committer.
    pub(super) fn add(&mut self, command: Command) -> Option<Port<()>> {
        match command {
            Command::Apply(ops, reply) => {
                self.ops += ops.len();
                self.batches.push((ops, reply));
            }
            Command::Run(work, needs) => {
                self.ops += 1;
                self.works.push((work, needs));
            }
            Command::Close(reply) => return Some(reply),
        }
        None
    }

    pub(super) fn ops(&self) -> usize {
        self.ops
    }

    /// Answers every command with an error; nothing was done.
    pub(super) fn refuse(self, error: &StoreError) {
        for (_, reply) in self.batches {
            let _ = reply.send(Err(error.clone()));
        }
        for (work, _) in self.works {
            let (_, answer) = work(Err(error.clone()));
            answer(&Ok(()));
        }
    }

    /// Does everything, makes it durable, answers.
    ///
    /// # Errors
    /// If the store cannot continue; every command was answered with the error.
    pub(super) fn commit(self, disk: &Disk, now: Time) -> Result<(), StoreError> {
        let mut slots = HashMap::with_capacity(self.ops);
        let mut answers: Vec<CommitReply> = Vec::with_capacity(self.batches.len() + self.works.len());
        let mut committed = Ok(());
        let mut wrote = false;
        for (ops, reply) in self.batches {
            let done: Answers = ops.iter().map(|op| apply(disk, op, &mut slots, now)).collect();
            done.iter().for_each(|done| note(&mut committed, done));
            answers.push(Box::new(move |committed| {
                let _ = reply.send(committed.clone().map(|()| done));
            }));
        }
        for (key, slot) in slots {
            if let (true, Some(row), Ok(())) = (slot.changed, &slot.row, &committed) {
                wrote = true;
                // a row that cannot be written after it was stepped leaves the group half done
                committed = disk.rows.put(&key, row, slot.stored).map_err(fatal);
            }
        }
        for (work, needs) in self.works {
            let (worked, answer) = work(committed.clone().map(|()| (disk, now)));
            note(&mut committed, &worked);
            wrote |= needs == Needs::Commit;
            answers.push(answer);
        }
        if wrote && committed.is_ok() {
            committed = disk.sync().map_err(fatal);
        }
        for answer in answers {
            answer(&committed);
        }
        committed
    }
}

/// Notes a failure of the engine, which fails the group; a damaged row fails only its own operation.
fn note<T>(committed: &mut Result<(), StoreError>, done: &Result<T, StoreError>) {
    if let (Ok(()), Err(error @ StoreError::Fatal(_))) = (&*committed, done) {
        *committed = Err(error.clone());
    }
}

fn fatal(error: StoreError) -> StoreError {
    if let StoreError::Fatal(_) = error { error } else { StoreError::Fatal(error.to_string()) }
}

fn apply(disk: &Disk, op: &Op, slots: &mut HashMap<Key, Slot>, now: Time) -> Result<Answer, StoreError> {
    check_size(op)?;
    let key = op.key();
    let slot = match slots.entry(key) {
        Entry::Occupied(occupied) => occupied.into_mut(),
        Entry::Vacant(vacant) => {
            let row = disk.rows.get(&key)?;
            vacant.insert(Slot { stored: row.is_some(), row, changed: false })
        }
    };
    let seen = Seen::alone(disk.rows.not_before(op, slot.row.as_ref()), now);
    let transition = op.step(slot.row.as_ref(), seen);
    if let Some(row) = transition.row {
        disk.rows.raise(&key, &row);
        slot.row = Some(row);
        slot.changed = true;
    }
    Ok(Answer { outcome: transition.answer, event: transition.event })
}
