//! What an engine keeps under a key.

use serde::{Deserialize, Serialize};

use super::device::{Decision, Device};
use super::family::Family;
use super::key::{Key, NotBeforeOf};
use crate::clock::Time;
use crate::id::Id;

/// What an engine keeps under a key. The order of the variants is part of the format on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// A redeemed grant and everything that came from it.
    Family(Box<Family>),
    /// A code that was presented with wrong proof and is not redeemed.
    MissedCode {
        /// Wrong presentations so far; `u8::MAX` voids the code.
        misses: u8,
        /// When the code itself has expired.
        keep_until: Time,
    },
    /// A revoked access token or a used assertion.
    Mark {
        /// The request that made the mark, so that its retry is not a replay.
        attempt: Id,
        /// When what it marks has expired by itself.
        keep_until: Time,
    },
    /// Everything issued at or before `at` is void.
    NotBefore {
        /// The moment.
        at: Time,
        /// When everything issued before `at` has expired by itself.
        keep_until: Time,
    },
    /// A device authorization that was not consumed; it becomes the family.
    Device(Box<Device>),
    /// A user code and the device it names.
    UserCode {
        /// The device.
        family: Id,
        /// When the code expires.
        keep_until: Time,
        /// The cell that holds the device.
        cell: u16,
    },
}

impl Row {
    /// When the row may be forgotten.
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

    /// The keys of the not-before moments that concern what the row stands for, as far as it says.
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

    /// The not-before moment that the row holds; [`Time::ZERO`] if the row is of another kind or absent.
    pub fn not_before(row: Option<&Self>) -> Time {
        if let Some(Self::NotBefore { at, .. }) = row { *at } else { Time::ZERO }
    }
}
