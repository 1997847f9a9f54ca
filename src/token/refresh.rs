//! Refresh tokens (RFC 6749 section 1.5): `head | generation | MAC`. A successor is derived, never stored: the same
//! family, the next generation, and the MAC over both.

use super::signed;
use super::wire::{self, Head};
use crate::vault::{MacUse, Vault};

const KIND: (&str, MacUse) = (wire::REFRESH, MacUse::Refresh);

/// A refresh token: one whose MAC was verified, or a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Key, cell and family.
    pub head: Head,
    /// Number of the rotation of the family.
    pub generation: u32,
}

impl RefreshToken {
    /// Reads a token that `issuer` issued; `None` if it is anything else.
    pub fn parse(text: &str, issuer: &str, vault: &Vault) -> Option<Self> {
        let (head, generation) = signed::parse(KIND, text, issuer, vault)?;
        Some(Self { head, generation: u32::from_be_bytes(generation) })
    }

    /// Writes the token of `issuer`; `None` if the vault no longer has its key.
    pub fn encode(&self, issuer: &str, vault: &Vault) -> Option<String> {
        signed::encode(KIND, self.head, self.generation.to_be_bytes(), issuer, vault)
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
