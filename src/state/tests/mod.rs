//! Transitions driven by hand: one row, the latest not-before moment and the time.

use std::time::Duration;

use super::{Operation, Row, Seen, SenderBinding};
use crate::clock::Time;
use crate::x509::Thumbprint;

mod device;
mod family;

/// One row and the time, driven by hand.
struct World {
    row: Option<Row>,
    not_before: Time,
    now: Time,
}

impl World {
    fn new(now: Time) -> Self {
        Self { row: None, not_before: Time::ZERO, now }
    }

    /// Applies the operation to the one row.
    fn ask<O: Operation>(&mut self, op: O) -> Result<O::Done, O::Refusal> {
        let transition = op.step(self.row.as_ref(), Seen { not_before: self.not_before, now: self.now });
        if let Some(row) = transition.row {
            assert_ne!(self.row.as_ref(), Some(&row), "a write that changes nothing");
            self.row = Some(row);
        }
        transition.answer
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
    }
}

/// Returns a certificate that a sender can present.
fn certificate(seed: &str) -> SenderBinding {
    let text = format!("{seed:A<43}");
    SenderBinding::Certificate(Thumbprint::parse(&text).unwrap())
}
