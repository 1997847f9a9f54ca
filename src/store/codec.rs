//! Encoding of stored values: `format u8 | CRC-32 u32 BE | postcard`.
//!
//! The checksum covers format, key and body, so a record that is damaged or stored under another key is always
//! detected. A format newer than [`FORMAT`] is refused, not guessed at.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::id::Id;
use crate::state::{Key, Row};

/// The newest format that this program writes and reads.
pub(crate) const FORMAT: u8 = 2;

/// Length of format and checksum, in bytes.
const HEADER: usize = 5;

/// Length of [`key_bytes`], in bytes.
pub(crate) const KEY_LEN: usize = 17;

/// The reasons for which stored bytes cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// The bytes were written in a newer format.
    #[error(
        "was written by a newer jeton (format {0}, this one reads up to {FORMAT}); start that version or restore a backup"
    )]
    Newer(u8),
    /// The bytes differ from those written under this key.
    #[error("is damaged ({0}); stop the node and restore the data directory from a backup")]
    Damaged(&'static str),
}

impl CodecError {
    /// Converts the error into one of the store, about `what` (which starts a sentence).
    pub(crate) fn about(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("{what} {self}"))
    }
}

/// Encodes `value` for storage under `key`.
///
/// # Errors
/// [`StoreError::Corrupt`] if the value cannot be expressed, which no value of this program's types can cause.
pub(crate) fn encode<T: Serialize>(key: &[u8], value: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&[FORMAT, 0, 0, 0, 0]);
    let mut bytes = postcard::to_extend(value, bytes)
        .map_err(|error| StoreError::Corrupt(format!("a value cannot be encoded ({error}); please report this")))?;
    let checksum = checksum(FORMAT, key, &bytes[HEADER..]);
    bytes[1..HEADER].copy_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

/// Decodes the value that [`encode`] produced for `key`.
///
/// # Errors
/// If the bytes are newer or damaged.
pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, CodecError> {
    parse(body(key, bytes)?.1)
}

/// Decodes the row that [`encode`] produced for `key`, in this format or the one before.
///
/// # Errors
/// If the bytes are newer or damaged.
pub(crate) fn decode_row(key: &[u8], bytes: &[u8]) -> Result<Row, CodecError> {
    match body(key, bytes)? {
        // families, devices and user codes ended before their last member, the binding or the cell: none, or 0
        (1, body) if matches!(body.first(), Some(0 | 4 | 5)) => parse(&[body, &[0]].concat()),
        (_, body) => parse(body),
    }
}

/// Returns format and body of the bytes that [`encode`] produced for `key`.
fn body<'a>(key: &[u8], bytes: &'a [u8]) -> Result<(u8, &'a [u8]), CodecError> {
    let Some((&[format, a, b, c, d], body)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(CodecError::Damaged("too short"));
    };
    // a damaged format byte fails here or at the checksum; a newer format may checksum in another way
    if format > FORMAT {
        return Err(CodecError::Newer(format));
    }
    if checksum(format, key, body) != u32::from_be_bytes([a, b, c, d]) {
        return Err(CodecError::Damaged("checksum mismatch"));
    }
    Ok((format, body))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(CodecError::Damaged("bytes left over")),
        Err(_) => Err(CodecError::Damaged("not understood")),
    }
}

fn checksum(format: u8, key: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[format]);
    crc.update(key);
    crc.update(body);
    crc.finalize()
}

/// Returns the stored form of a row's key: a byte for the kind, then the id.
pub(crate) fn key_bytes(key: &Key) -> [u8; KEY_LEN] {
    let mut bytes = [0; KEY_LEN];
    bytes[0] = match key {
        Key::Family(_) => 1,
        Key::Mark(_) => 2,
        Key::NotBefore(_) => NOT_BEFORE[0],
        Key::UserCode(_) => 4,
    };
    bytes[1..].copy_from_slice(&key.id().0);
    bytes
}

/// The prefix of the stored keys of all not-before moments.
pub(crate) const NOT_BEFORE: [u8; 1] = [3];

/// Returns the key from which [`key_bytes`] made `bytes`.
pub(crate) fn key_from_bytes(bytes: &[u8]) -> Option<Key> {
    let (kind, id) = bytes.split_first()?;
    let id = Id(id.try_into().ok()?);
    match kind {
        1 => Some(Key::Family(id)),
        2 => Some(Key::Mark(id)),
        3 => Some(Key::NotBefore(id)),
        4 => Some(Key::UserCode(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Time;

    fn row(id: [u8; 16], until: u64) -> (Vec<u8>, Row) {
        let key = key_bytes(&Key::Mark(Id(id)));
        (key.to_vec(), Row::Mark { attempt: Id([7; 16]), keep_until: Time::from_millis(until) })
    }

    #[test]
    fn every_single_bit_flip_is_detected() {
        let (key, row) = row([9; 16], 1_234_567_890_123);
        let bytes = encode(&key, &row).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<Row>(&key, &damaged).is_err(), "bit {bit} of the value");
        }
        for bit in 0..key.len() * 8 {
            let mut other = key.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode::<Row>(&other, &bytes), Err(CodecError::Damaged("checksum mismatch")), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let (key, row) = row([1; 16], 5);
        let mut bytes = encode(&key, &row).unwrap();
        bytes[0] = FORMAT + 1;
        let error = decode::<Row>(&key, &bytes).unwrap_err();
        assert_eq!(error, CodecError::Newer(3));
        let message = error.about("the row family 01").to_string();
        assert_eq!(
            message,
            "the row family 01 was written by a newer jeton (format 3, this one reads up to 2); \
             start that version or restore a backup"
        );
    }

    /// Encodes a row in the format before this one: the same, without the last member.
    fn encode_before(key: &[u8], row: &Row) -> Vec<u8> {
        let mut body = postcard::to_stdvec(row).unwrap();
        if matches!(row, Row::Family(_) | Row::Device(_) | Row::UserCode { .. }) {
            assert_eq!(body.pop(), Some(0), "none, or cell 0");
        }
        let checksum = checksum(1, key, &body).to_be_bytes();
        [&[1], &checksum[..], &body].concat()
    }

    #[test]
    fn rows_of_the_format_before_are_read() {
        let at = Time::from_millis(7);
        let family = crate::state::RedeemCode {
            family: Id([1; 16]),
            binding: None,
            ..crate::store::contract::redeem(1, 1, Time::from_secs(1))
        };
        let seen = crate::state::Seen::alone(Time::ZERO, Time::from_secs(1));
        let family = crate::state::Operation::step(&family, None, seen).row.unwrap();
        let device = Row::Device(Box::new(crate::state::Device {
            issuer: "main".into(),
            client: "tv".into(),
            grant: [1, 2].into(),
            attempt: Id([3; 16]),
            started_at: at,
            expires_at: at,
            decision: crate::state::Decision::Approved { subject: "alice".into(), at },
            binding: None,
        }));
        let rows = [
            family,
            device,
            Row::MissedCode { misses: 2, keep_until: at },
            Row::Mark { attempt: Id([1; 16]), keep_until: at },
            Row::NotBefore { at, keep_until: at },
            Row::UserCode { family: Id([1; 16]), keep_until: at, cell: 0 },
        ];
        let key = key_bytes(&Key::Family(Id([9; 16])));
        for row in rows {
            assert_eq!(decode_row(&key, &encode_before(&key, &row)), Ok(row.clone()));
            assert_eq!(decode_row(&key, &encode(&key, &row).unwrap()), Ok(row));
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(id: [u8; 16], until: u64) {
            let (key, row) = row(id, until);
            prop_assert_eq!(decode::<Row>(&key, &encode(&key, &row).unwrap()), Ok(row));
        }

        #[test]
        fn garbage_is_refused(id: [u8; 16], bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let (key, _) = row(id, 0);
            prop_assert!(decode::<Row>(&key, &bytes).is_err());
        }

        #[test]
        fn keys_survive(id: [u8; 16]) {
            for key in [Key::Family(Id(id)), Key::Mark(Id(id)), Key::NotBefore(Id(id)), Key::UserCode(Id(id))] {
                prop_assert_eq!(key_from_bytes(&key_bytes(&key)), Some(key));
            }
        }
    }
}
