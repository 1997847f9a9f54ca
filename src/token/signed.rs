//! Opaque credentials with a MAC: `head | number | MAC`. A forged or garbled one is refused before any I/O.

use super::wire::{self, HEAD_LEN, Head};
use crate::vault::{MacUse, Vault};

/// Longest credential of this form, in characters.
const MAX_LEN: usize = 128;

/// Reads the head and the number of a credential that `issuer` issued; `None` if it is anything else.
pub(super) fn parse<const N: usize>(
    (prefix, usage): (&str, MacUse),
    text: &str,
    issuer: &str,
    vault: &Vault,
) -> Option<(Head, [u8; N])> {
    let bytes = wire::decode(prefix, text, MAX_LEN)?;
    let (signed, mac) = bytes.split_at_checked(HEAD_LEN + N)?;
    let (head, number) = Head::split(signed)?;
    let number = number.try_into().ok()?;
    vault.verify_mac(head.key, usage, &[issuer.as_bytes(), signed], mac.try_into().ok()?).then_some((head, number))
}

/// Writes a credential of `issuer`; `None` if the vault no longer has the key of its head.
pub(super) fn encode<const N: usize>(
    (prefix, usage): (&str, MacUse),
    head: Head,
    number: [u8; N],
    issuer: &str,
    vault: &Vault,
) -> Option<String> {
    let mut bytes = Vec::with_capacity(HEAD_LEN + N + 32);
    bytes.extend_from_slice(&head.to_bytes());
    bytes.extend_from_slice(&number);
    let mac = vault.mac(head.key, usage, &[issuer.as_bytes(), &bytes])?;
    bytes.extend_from_slice(&mac);
    Some(wire::encode(prefix, &bytes))
}
