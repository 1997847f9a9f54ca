//! Device codes (RFC 8628 section 3.2): `head | expiry | MAC`.
//!
//! A device code says by itself when it expires, so a late poll is told so without a row.

use super::signed;
use super::wire::{self, Head};
use crate::clock::Time;
use crate::vault::{MacUse, Vault};

const KIND: (&str, MacUse) = (wire::DEVICE, MacUse::Device);

/// A device code: one whose MAC was verified, or a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceCode {
    /// Key, cell and family.
    pub head: Head,
    /// Time of expiry.
    pub expires_at: Time,
}

impl DeviceCode {
    /// Reads a code that `issuer` issued; `None` if it is anything else.
    pub(crate) fn parse(text: &str, issuer: &str, vault: &Vault) -> Option<Self> {
        let (head, expires_at) = signed::parse(KIND, text, issuer, vault)?;
        Some(Self { head, expires_at: Time::from_millis(u64::from_be_bytes(expires_at)) })
    }

    /// Writes the code of `issuer`; `None` if the vault no longer has its key.
    pub(crate) fn encode(&self, issuer: &str, vault: &Vault) -> Option<String> {
        signed::encode(KIND, self.head, self.expires_at.as_millis().to_be_bytes(), issuer, vault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn a_device_code_is_read_back_by_its_issuer_only_and_no_changed_character_passes() {
        let vault = Vault::ephemeral();
        let head = Head { key: vault.current(), cell: crate::state::Cell(7), family: Id::random() };
        let code = DeviceCode { head, expires_at: Time::from_millis(1_700_000_000_123) };
        let text = code.encode("main", &vault).unwrap();
        assert_eq!(DeviceCode::parse(&text, "main", &vault), Some(code));
        assert_eq!(DeviceCode::parse(&text, "other", &vault), None);
        for at in 0..text.len() {
            for replacement in *b"A_x" {
                let mut bent = text.clone().into_bytes();
                if bent[at] != replacement {
                    bent[at] = replacement;
                    assert_eq!(DeviceCode::parse(&String::from_utf8(bent).unwrap(), "main", &vault), None);
                }
            }
        }
    }
}
