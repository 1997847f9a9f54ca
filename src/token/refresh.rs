//! Refresh tokens (RFC 6749 section 1.5): `head | generation | MAC`. A successor is derived, never stored: the same
//! family, the next generation, and the MAC over both. A forged or garbled one is refused before any I/O.

use super::wire::{self, HEAD_LEN, Head};
use crate::vault::{MacUse, Vault};

/// Bytes before the MAC.
const SIGNED_LEN: usize = HEAD_LEN + 4;
/// Longest refresh token, in characters.
const MAX_LEN: usize = 128;

/// A refresh token whose MAC is right, or one about to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Key, cell and family.
    pub head: Head,
    /// Which rotation of the family it stands for.
    pub generation: u32,
}

impl RefreshToken {
    /// Reads a token that `issuer` handed out; `None` if it is anything else.
    pub fn parse(text: &str, issuer: &str, vault: &Vault) -> Option<Self> {
        let bytes = wire::decode(wire::REFRESH, text, MAX_LEN)?;
        let (signed, mac) = bytes.split_at_checked(SIGNED_LEN)?;
        let (head, generation) = Head::split(signed)?;
        let mac = mac.try_into().ok()?;
        if !vault.verify_mac(head.key, MacUse::Refresh, &[issuer.as_bytes(), signed], mac) {
            return None;
        }
        Some(Self { head, generation: u32::from_be_bytes(generation.try_into().ok()?) })
    }

    /// The token as `issuer` hands it out; `None` if the vault no longer has its key.
    pub fn encode(&self, issuer: &str, vault: &Vault) -> Option<String> {
        let mut bytes = Vec::with_capacity(SIGNED_LEN + 32);
        bytes.extend_from_slice(&self.head.to_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        let mac = vault.mac(self.head.key, MacUse::Refresh, &[issuer.as_bytes(), &bytes])?;
        bytes.extend_from_slice(&mac);
        Some(wire::encode(wire::REFRESH, &bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn token(vault: &Vault) -> RefreshToken {
        RefreshToken {
            head: Head { key: vault.current(), cell: crate::state::Cell(7), family: Id::random() },
            generation: 7,
        }
    }

    #[test]
    fn a_token_is_read_back_by_its_issuer_only() {
        let vault = Vault::ephemeral();
        let token = token(&vault);
        let text = token.encode("main", &vault).unwrap();
        assert_eq!(RefreshToken::parse(&text, "main", &vault), Some(token));
        assert_eq!(RefreshToken::parse(&text, "other", &vault), None);
        assert_eq!(RefreshToken::parse(&text, "main", &Vault::ephemeral()), None);
    }

    #[test]
    fn the_same_family_and_generation_give_the_same_string() {
        let vault = Vault::ephemeral();
        let token = token(&vault);
        assert_eq!(token.encode("main", &vault), token.encode("main", &vault));
    }

    #[test]
    fn no_changed_character_passes() {
        let vault = Vault::ephemeral();
        let text = token(&vault).encode("main", &vault).unwrap();
        for at in 0..text.len() {
            for replacement in *b"A_x" {
                let mut bent = text.clone().into_bytes();
                if bent[at] != replacement {
                    bent[at] = replacement;
                    let bent = String::from_utf8(bent).unwrap();
                    assert_eq!(RefreshToken::parse(&bent, "main", &vault), None, "{bent}");
                }
            }
        }
    }
}
