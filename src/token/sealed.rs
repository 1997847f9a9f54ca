//! Opaque credentials whose payload is sealed into them: `head | ciphertext | tag`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{self, HEAD_LEN, Head};
use crate::id::Id;
use crate::state::Cell;
use crate::vault::{Purpose, Vault};

/// Seals `payload` for `issuer` under a fresh random name, which the head carries. `None` if it cannot be serialised.
pub(super) fn seal(
    (prefix, purpose): (&str, Purpose),
    payload: &impl Serialize,
    cell: Cell,
    issuer: &str,
    vault: &Vault,
) -> Option<String> {
    let name = Id::random();
    let head = Head { key: vault.current(), cell, family: name }.to_bytes();
    let plain = serde_json::to_vec(payload).ok()?;
    let sealed = vault.seal(purpose, &name, &aad(&head, issuer), &plain);
    // the seal begins with the key id, which the head carries already
    Some(wire::encode(prefix, &[&head[..], &sealed[1..]].concat()))
}

/// Opens a credential of at most `limit` characters that `issuer` sealed; `None` if it is anything else.
pub(super) fn open<T: DeserializeOwned>(
    (prefix, purpose): (&str, Purpose),
    text: &str,
    limit: usize,
    issuer: &str,
    vault: &Vault,
) -> Option<(Head, T)> {
    let mut bytes = wire::decode(prefix, text, limit)?;
    let (head, _) = Head::split(&bytes)?;
    let aad = aad(&head.to_bytes(), issuer);
    // turns `head | ciphertext` into `key id | ciphertext` in place
    bytes[HEAD_LEN - 1] = head.key;
    let plain = vault.open(purpose, &head.family, &aad, &bytes[HEAD_LEN - 1..])?;
    Some((head, serde_json::from_slice(&plain).ok()?))
}

fn aad(head: &[u8; HEAD_LEN], issuer: &str) -> Vec<u8> {
    [&head[..], issuer.as_bytes()].concat()
}
