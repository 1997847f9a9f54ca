//! The values that an engine stores under the keys of rows.

use serde::{Deserialize, Serialize};

use super::device::{Decision, Device};
use super::family::Family;
use super::key::{Key, NotBeforeOf};
use crate::clock::Time;
use crate::id::Id;

/// The value that an engine stores under a key. The order of the variants is part of the format on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// A redeemed grant and everything that was issued from it.
    Family(Box<Family>),
    /// A code that was presented with a wrong proof and has not been redeemed.
    MissedCode {
        /// Number of wrong presentations so far; `u8::MAX` voids the code.
        misses: u8,
        /// Time at which the code itself has expired.
        keep_until: Time,
    },
    /// A revoked access token or a used assertion.
    Mark {
        /// Id of the request that made the mark, so that its retry is not a replay.
        attempt: Id,
        /// Time at which the marked token or assertion has expired by itself.
        keep_until: Time,
    },
    /// Everything issued at or before `at` is void.
    NotBefore {
        /// The moment.
        at: Time,
        /// Time at which everything issued before `at` has expired by itself.
        keep_until: Time,
    },
    /// A device authorization that has not been consumed; it becomes the family.
    Device(Box<Device>),
    /// A user code and the device that it names.
    UserCode {
        /// Id of the device's family.
        family: Id,
        /// Time at which the code expires.
        keep_until: Time,
        /// Cell that holds the device.
        cell: u16,
    },
}

impl Row {
    /// Returns the time from which the row may be deleted.
    pub fn keep_until(&self) -> Time {
        match self {
            Self::Family(family) => family.keep_until,
            Self::Device(device) => device.expires_at,
            Self::MissedCode { keep_until, .. }
            | Self::Mark { keep_until, .. }
            | Self::NotBefore { keep_until, .. }
            | Self::UserCode { keep_until, .. } => *keep_until,
        }
    }

    /// Returns the keys of the not-before moments that apply to the row, as far as the row names them.
    pub fn not_before_keys(&self) -> Vec<Key> {
        match self {
            Self::Family(family) => Key::all_not_before(&family.issuer, &family.client, &family.subject).into(),
            Self::Device(device) => match &device.decision {
                Decision::Approved { subject, .. } => {
                    Key::all_not_before(&device.issuer, &device.client, subject).into()
                }
                Decision::Pending | Decision::Denied => [NotBeforeOf::Issuer, NotBeforeOf::Client(&*device.client)]
                    .map(|of| Key::not_before(&device.issuer, &of))
                    .into(),
            },
            Self::MissedCode { .. } | Self::Mark { .. } | Self::NotBefore { .. } | Self::UserCode { .. } => Vec::new(),
        }
    }

    /// Returns the not-before moment that the row holds; [`Time::ZERO`] if the row is of another kind or absent.
    pub fn not_before(row: Option<&Self>) -> Time {
        if let Some(Self::NotBefore { at, .. }) = row { *at } else { Time::ZERO }
    }
}
