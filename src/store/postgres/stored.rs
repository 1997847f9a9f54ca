//! Rows as the tables hold them, in two parts: PostgreSQL logs only the part of a row that an update changes, so what
//! no rotation changes stands apart from the rest, and before it.
//!
//! `fixed` is the unchanging part of a family and empty for other rows; `moving` is `format u8 | rest | CRC-32 BE`. The
//! checksum covers key, fixed and moving, so a row that is damaged or stored under another key is always detected.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::Id;
use crate::state::family::Revocation;
use crate::state::{Family, Row, SenderBinding};
use crate::store::StoreError;
use crate::store::codec::FORMAT;

/// Length of the checksum at the end, in bytes.
const CHECKSUM: usize = 4;

/// The two parts of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredRow {
    pub(super) fixed: Vec<u8>,
    pub(super) moving: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct FixedFamily<'a> {
    issuer: &'a str,
    client: &'a str,
    subject: &'a str,
    grant: &'a [u8],
    authorized_at: Time,
    expires_at: Time,
    binding: Option<SenderBinding>,
}

#[derive(Serialize, Deserialize)]
struct MovingFamily {
    generation: u32,
    key: u8,
    replays: u16,
    attempt: Id,
    rotated_at: Time,
    idle_until: Time,
    keep_until: Time,
    revoked: Option<Revocation>,
}

/// The rest of a row, for writing. The order of the variants is part of the format.
#[derive(Serialize)]
enum MovingRef<'a> {
    Family(MovingFamily),
    Other(&'a Row),
}

/// The rest of a row, as it is read.
#[derive(Deserialize)]
enum Moving {
    Family(MovingFamily),
    Other(Row),
}

/// Encodes a row for storage under `key`.
///
/// # Errors
/// [`StoreError::Corrupt`] if the value cannot be expressed, which no row can cause.
pub(super) fn encode(key: &[u8], row: &Row) -> Result<StoredRow, StoreError> {
    let (fixed, rest) = match row {
        Row::Family(family) => {
            let (fixed, moving) = split(family);
            (bytes(&fixed, Vec::with_capacity(family.grant.len() + 128))?, MovingRef::Family(moving))
        }
        other => (Vec::new(), MovingRef::Other(other)),
    };
    let mut moving = bytes(&rest, vec![FORMAT])?;
    let checksum = checksum(key, &fixed, &moving);
    moving.extend_from_slice(&checksum.to_be_bytes());
    Ok(StoredRow { fixed, moving })
}

/// Decodes the row that [`encode`] produced for `key`.
///
/// # Errors
/// [`StoreError::Corrupt`] if the bytes are newer or damaged.
pub(super) fn decode(key: &[u8], fixed: &[u8], moving: &[u8]) -> Result<Row, StoreError> {
    parse(key, fixed, moving).map_err(|why| {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        StoreError::Corrupt(format!("the stored row {hex} {why}"))
    })
}

fn parse(key: &[u8], fixed: &[u8], moving: &[u8]) -> Result<Row, String> {
    let damaged = |how: &str| format!("is damaged ({how}); restore the database from a backup");
    let Some((covered, found)) = moving.split_last_chunk::<CHECKSUM>() else { return Err(damaged("too short")) };
    let Some((&format, rest)) = covered.split_first() else { return Err(damaged("too short")) };
    if format > FORMAT {
        return Err(format!(
            "was written by a newer jeton (format {format}, this one reads up to {FORMAT}); start that version"
        ));
    }
    if checksum(key, fixed, covered) != u32::from_be_bytes(*found) {
        return Err(damaged("checksum mismatch"));
    }
    let read = |result: Result<Row, postcard::Error>| result.map_err(|_| damaged("not understood"));
    match postcard::from_bytes(rest) {
        Ok(Moving::Family(moving)) => read(postcard::from_bytes(fixed).map(|fixed| joined(fixed, moving))),
        Ok(Moving::Other(row)) => Ok(row),
        Err(error) => read(Err(error)),
    }
}

fn split(family: &Family) -> (FixedFamily<'_>, MovingFamily) {
    // every member, by name: a new one must be given its place
    let Family {
        issuer,
        client,
        subject,
        grant,
        authorized_at,
        generation,
        key,
        replays,
        attempt,
        rotated_at,
        idle_until,
        expires_at,
        keep_until,
        revoked,
        binding,
    } = family;
    let fixed = FixedFamily {
        issuer,
        client,
        subject,
        grant,
        authorized_at: *authorized_at,
        expires_at: *expires_at,
        binding: *binding,
    };
    let moving = MovingFamily {
        generation: *generation,
        key: *key,
        replays: *replays,
        attempt: *attempt,
        rotated_at: *rotated_at,
        idle_until: *idle_until,
        keep_until: *keep_until,
        revoked: *revoked,
    };
    (fixed, moving)
}

fn joined(fixed: FixedFamily<'_>, moving: MovingFamily) -> Row {
    let FixedFamily { issuer, client, subject, grant, authorized_at, expires_at, binding } = fixed;
    let MovingFamily { generation, key, replays, attempt, rotated_at, idle_until, keep_until, revoked } = moving;
    Row::Family(Box::new(Family {
        issuer: issuer.into(),
        client: client.into(),
        subject: subject.into(),
        grant: grant.into(),
        authorized_at,
        generation,
        key,
        replays,
        attempt,
        rotated_at,
        idle_until,
        expires_at,
        keep_until,
        revoked,
        binding,
    }))
}

fn bytes<T: Serialize>(value: &T, before: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, before)
        .map_err(|error| StoreError::Corrupt(format!("a row cannot be encoded ({error}); please report this")))
}

fn checksum(key: &[u8], fixed: &[u8], moving: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in [key, fixed, moving] {
        crc.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        crc.update(part);
    }
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Key, Operation, RedeemCode, Seen};
    use crate::store::codec::key_bytes;

    /// A family, with everything that a family can have.
    fn family() -> Row {
        let seen = Seen::alone(Time::ZERO, Time::from_secs(1));
        let thumbprint = crate::x509::Thumbprint::parse(&"A".repeat(43)).unwrap();
        let binding = Some(SenderBinding::Certificate(thumbprint));
        let redeem = RedeemCode { binding, ..crate::store::contract::redeem(1, 1, Time::from_secs(1)) };
        let Some(Row::Family(family)) = redeem.step(None, seen).row else { panic!("a family") };
        let reason = crate::state::family::RevocationReason::TokenReused;
        let revoked = Some(Revocation { at: Time::from_secs(2), reason });
        Row::Family(Box::new(Family { generation: 70_000, replays: 2, revoked, ..*family }))
    }

    fn rows() -> Vec<Row> {
        let at = Time::from_millis(1_800_000_000_123);
        vec![
            family(),
            Row::MissedCode { misses: 2, keep_until: at },
            Row::Mark { attempt: Id([1; 16]), keep_until: at },
            Row::NotBefore { at, keep_until: at },
            Row::UserCode { family: Id([1; 16]), keep_until: at, cell: 7 },
        ]
    }

    const KEY: Key = Key::Family(Id([9; 16]));

    #[test]
    fn what_was_encoded_is_decoded() {
        for row in rows() {
            let key = key_bytes(&KEY);
            let StoredRow { fixed, moving } = encode(&key, &row).unwrap();
            assert_eq!(fixed.is_empty(), !matches!(row, Row::Family(_)));
            assert_eq!(decode(&key, &fixed, &moving), Ok(row));
        }
    }

    #[test]
    fn a_rotation_changes_nothing_of_the_fixed_part() {
        let key = key_bytes(&KEY);
        let Row::Family(before) = family() else { panic!("a family") };
        let later = Time::from_secs(99);
        let after = Family {
            generation: 70_001,
            replays: 0,
            attempt: Id([7; 16]),
            rotated_at: later,
            idle_until: later,
            keep_until: later,
            ..*before.clone()
        };
        let (before, after) = (encode(&key, &Row::Family(before)), encode(&key, &Row::Family(Box::new(after))));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!(before.fixed, after.fixed);
        assert!(after.moving.len() < 64, "{} bytes", after.moving.len());
    }

    #[test]
    fn every_single_bit_flip_is_detected() {
        let key = key_bytes(&KEY);
        for row in rows() {
            let StoredRow { fixed, moving } = encode(&key, &row).unwrap();
            let parts = [key.to_vec(), fixed, moving];
            for part in 0..parts.len() {
                for bit in 0..parts[part].len() * 8 {
                    let mut damaged = parts.clone();
                    damaged[part][bit / 8] ^= 1 << (bit % 8);
                    let [key, fixed, moving] = &damaged;
                    assert!(decode(key, fixed, moving).is_err(), "{row:?}, part {part}, bit {bit}");
                }
            }
            let [key, fixed, moving] = &parts;
            for len in 0..moving.len() {
                assert!(decode(key, fixed, &moving[..len]).is_err());
            }
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let key = key_bytes(&KEY);
        let StoredRow { fixed, mut moving } = encode(&key, &family()).unwrap();
        moving[0] = FORMAT + 1;
        let error = decode(&key, &fixed, &moving).unwrap_err().to_string();
        assert!(error.contains("was written by a newer jeton"), "{error}");
    }
}
