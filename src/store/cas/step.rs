//! The transitions of a batch, made one after the other on rows as they were read or guessed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Time;
use crate::state::{Key, Op, Row, Seen};
use crate::store::rows::{Stamp, StampedRow};
use crate::store::{Answer, StoreError};

/// The known rows, see [`ReadRows`](crate::store::rows::ReadRows).
pub(super) type KnownRows = BTreeMap<Key, Result<Option<StampedRow>, StoreError>>;

/// An operation of a batch with its position and its key.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) index: usize,
    pub(super) key: Key,
    pub(super) op: &'a Op,
}

/// The results of the operations of a batch, provided that no row changes in between.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    /// Keys of the rows that must be read first; while there are any, the other members are incomplete.
    pub(super) missing: BTreeSet<Key>,
    /// The rows that the operations touch.
    pub(super) rows: BTreeMap<Key, SteppedRow>,
    /// Operations that fail because the stored row is damaged.
    pub(super) failed: Vec<(usize, StoreError)>,
}

/// A row after the operations on it.
#[derive(Debug)]
pub(super) struct SteppedRow {
    pub(super) basis: Basis,
    /// New value of the row; `None` if nothing changes it.
    pub(super) row: Option<Row>,
    /// Answers of the operations on the row, by position.
    pub(super) answers: Vec<(usize, Answer)>,
    /// Not-before moments raised in this batch that the operations saw.
    pub(super) saw: BTreeSet<Key>,
}

/// The basis of the transitions of a row.
#[derive(Debug)]
pub(super) enum Basis {
    /// The row was read, with this stamp.
    Read(Option<Stamp>),
    /// The row was guessed to be absent, and so were these. A guess may only lead to a write, which proves it.
    Guess(BTreeSet<Key>),
}

/// Steps the operations in order; the not-before moment of `seen` is filled in for each of them. With `guess`, rows of
/// operations that begin something are assumed to be absent instead of read first.
pub(super) fn step<'a>(asked: impl Iterator<Item = Asked<'a>>, known: &KnownRows, seen: Seen, guess: bool) -> Stepped {
    let mut stepped = Stepped::default();
    for asked in asked {
        stepped.take(asked, known, seen, guess);
    }
    stepped
}

impl Stepped {
    fn take(&mut self, asked: Asked<'_>, known: &KnownRows, seen: Seen, guess: bool) {
        let Asked { index, key, op } = asked;
        let before = match known.get(&key) {
            Some(Err(error)) => return self.failed.push((index, error.clone())),
            Some(Ok(found)) => found.as_ref(),
            None if self.missing.contains(&key) => return,
            None if self.rows.contains_key(&key) || (guess && op.begins()) => None,
            None => return self.read_first(asked),
        };
        let working = self.rows.get(&key).and_then(|stepped| stepped.row.as_ref());
        let row = working.or(before.map(|found| &found.row));
        let guessed = !known.contains_key(&key);
        let mut moments = Moments::default();
        for moment in op.not_before(row).into_iter().flatten() {
            let raised = self.rows.get(&moment).and_then(|stepped| stepped.row.as_ref());
            moments.see(moment, raised, known.get(&moment), guessed);
        }
        if let Some(error) = moments.damaged {
            return self.failed.push((index, error));
        }
        if !moments.missing.is_empty() {
            return self.missing.extend(moments.missing);
        }
        let transition = op.step(row, Seen { not_before: moments.latest, ..seen });
        if guessed && transition.row.is_none() {
            self.rows.remove(&key);
            return self.read_first(asked);
        }
        let basis = || match known.get(&key) {
            Some(_) => Basis::Read(before.map(|found| found.stamp)),
            None => Basis::Guess(BTreeSet::new()),
        };
        let stepped = self.rows.entry(key).or_insert_with(|| SteppedRow::new(basis()));
        if let Basis::Guess(unless) = &mut stepped.basis {
            unless.extend(moments.guessed);
        }
        stepped.saw.extend(moments.raised);
        stepped.answers.push((index, Answer { outcome: transition.answer, event: transition.event }));
        if transition.row.is_some() {
            stepped.row = transition.row;
        }
    }

    /// Has the row read, together with the moments that are known to apply.
    fn read_first(&mut self, asked: Asked<'_>) {
        self.missing.insert(asked.key);
        self.missing.extend(asked.op.not_before(None).into_iter().flatten());
    }
}

impl SteppedRow {
    fn new(basis: Basis) -> Self {
        Self { basis, row: None, answers: Vec::new(), saw: BTreeSet::new() }
    }
}

/// The not-before moments that apply to one operation.
#[derive(Default)]
struct Moments {
    latest: Time,
    raised: Vec<Key>,
    guessed: Vec<Key>,
    missing: Vec<Key>,
    damaged: Option<StoreError>,
}

impl Moments {
    fn see(
        &mut self,
        moment: Key,
        raised: Option<&Row>,
        known: Option<&Result<Option<StampedRow>, StoreError>>,
        guess: bool,
    ) {
        match (raised, known) {
            (Some(row), _) => {
                self.latest = self.latest.max(Row::not_before(Some(row)));
                self.raised.push(moment);
            }
            (None, Some(Ok(found))) => {
                self.latest = self.latest.max(Row::not_before(found.as_ref().map(|found| &found.row)));
            }
            (None, Some(Err(error))) => self.damaged = Some(error.clone()),
            (None, None) if guess => self.guessed.push(moment),
            (None, None) => self.missing.push(moment),
        }
    }
}
