//! Give a device its user code (RFC 8628 section 3.2).

use super::key::{Cell, Key};
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// Make a user code name a device.
#[derive(Clone, Debug)]
pub struct NameUserCode {
    /// A [`Key::user_code`].
    pub key: Key,
    /// The device.
    pub family: Id,
    /// The cell that holds the device.
    pub cell: Cell,
    /// When the code expires.
    pub keep_until: Time,
}

/// Why a user code cannot name the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameRefusal {
    /// It still names another one.
    #[error("taken")]
    Taken,
}

impl Operation for NameUserCode {
    type Done = ();
    type Refusal = NameRefusal;

    const NAME: &'static str = "name_user_code";
    const BEGINS: bool = true;

    fn key(&self) -> Key {
        self.key
    }

    fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Result<(), NameRefusal>> {
        match row {
            Some(Row::UserCode { family, keep_until, .. }) if seen.now < *keep_until => {
                Transition::keep(if *family == self.family { Ok(()) } else { Err(NameRefusal::Taken) })
            }
            _ => {
                let (family, keep_until, cell) = (self.family, self.keep_until, self.cell.0);
                Transition::put(Row::UserCode { family, keep_until, cell }, Ok(()))
            }
        }
    }
}
