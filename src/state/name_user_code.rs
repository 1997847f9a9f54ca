//! Assignment of a user code to a device (RFC 8628 section 3.2).

use super::key::{Cell, Key};
use super::row::Row;
use super::transition::{Operation, Seen, Transition};
use crate::clock::Time;
use crate::id::Id;

/// The assignment of a user code to a device.
#[derive(Clone, Debug)]
pub struct NameUserCode {
    /// Key of the user code, made by [`Key::user_code`].
    pub key: Key,
    /// Id of the device's family.
    pub family: Id,
    /// Cell that holds the device.
    pub cell: Cell,
    /// Time at which the code expires.
    pub keep_until: Time,
}

/// The reasons for which a user code cannot be assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameRefusal {
    /// The code still names another device.
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
