//! Transitions driven by hand: one row, the latest not-before moment and the time.

use std::time::Duration;

use super::{Operation, Outage, Row, Seen, SenderBinding};
use crate::clock::Time;
use crate::x509::Thumbprint;

mod device;
mod family;

/// One row and the time, driven by hand.
struct World {
    row: Option<Row>,
    not_before: Time,
    now: Time,
    outage: Option<Outage>,
}

impl World {
    fn new(now: Time) -> Self {
        Self { row: None, not_before: Time::ZERO, now, outage: None }
    }

    /// Applies the operation to the one row.
    fn ask<O: Operation>(&mut self, op: O) -> Result<O::Done, O::Refusal> {
        let seen = Seen { outage: self.outage, ..Seen::alone(self.not_before, self.now) };
        let transition = op.step(self.row.as_ref(), seen);
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
