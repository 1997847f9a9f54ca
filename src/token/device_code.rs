//! What a device and its person hold (RFC 8628 sections 3.2 and 6.1): the device code, `head | expiry | MAC`, and the
//! user code, twelve letters that spell no word and look like no other.
//!
//! A device code says by itself when it expires, so a late poll is told so without a row.

use super::wire::{self, HEAD_LEN, Head};
use crate::clock::Time;
use crate::id::random_bytes;
use crate::vault::{MacUse, Vault};

/// Bytes before the MAC.
const SIGNED_LEN: usize = HEAD_LEN + 8;
/// Longest device code, in characters.
const MAX_LEN: usize = 128;

/// A device code whose MAC is right, or one about to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// Key, cell and family.
    pub head: Head,
    /// When it expires.
    pub expires_at: Time,
}

impl DeviceCode {
    /// Reads a code that `issuer` handed out; `None` if it is anything else.
    pub fn parse(text: &str, issuer: &str, vault: &Vault) -> Option<Self> {
        let bytes = wire::decode(wire::DEVICE, text, MAX_LEN)?;
        let (signed, mac) = bytes.split_at_checked(SIGNED_LEN)?;
        let (head, expires_at) = Head::split(signed)?;
        if !vault.verify_mac(head.key, MacUse::Device, &[issuer.as_bytes(), signed], mac.try_into().ok()?) {
            return None;
        }
        Some(Self { head, expires_at: Time::from_millis(u64::from_be_bytes(expires_at.try_into().ok()?)) })
    }

    /// The code as `issuer` hands it out; `None` if the vault no longer has its key.
    pub fn encode(&self, issuer: &str, vault: &Vault) -> Option<String> {
        let mut bytes = Vec::with_capacity(SIGNED_LEN + 32);
        bytes.extend_from_slice(&self.head.to_bytes());
        bytes.extend_from_slice(&self.expires_at.as_millis().to_be_bytes());
        let mac = vault.mac(self.head.key, MacUse::Device, &[issuer.as_bytes(), &bytes])?;
        bytes.extend_from_slice(&mac);
        Some(wire::encode(wire::DEVICE, &bytes))
    }
}

/// Consonants that are not mistaken for each other (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a user code: 20^12 codes are 51.8 bits, so that ten thousand guesses hit a waiting device with a chance
/// of less than 2^-38 (CHECKLIST 69). Eight letters, as others have, would leave 2^-21.
const LETTERS: usize = 12;
/// Letters between two dashes.
const GROUP: usize = 4;

/// Longest text that is read as a user code, in bytes: full-width letters with something as wide between any two.
const MAX_TYPED: usize = 128;

/// The ASCII character that a full-width one (U+FF01 to U+FF5E) stands for; any other as it is.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// What people, keyboards and text editors put between letters: white space, dashes of every length, dots, underscores,
/// and what cannot be seen.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '_' | '\u{ad}' | '\u{b7}' | '\u{2043}' | '\u{2212}' | '\u{3002}')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2e3a}' | '\u{2e3b}' | '\u{fe58}' | '\u{fe63}' | '\u{30fb}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A user code in its one form: twelve capital letters of the alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A fresh code, each letter equally likely.
    pub fn random() -> Self {
        let mut letters = String::with_capacity(LETTERS);
        while letters.len() < LETTERS {
            // 240 is the largest multiple of 20 in a byte
            let usable = random_bytes::<16>().into_iter().filter(|byte| *byte < 240);
            letters
                .extend(usable.take(LETTERS - letters.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 20)])));
        }
        Self(letters)
    }

    /// What a person typed, whatever its case, its width and what stands between its letters; `None` if it can be no code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let bare = typed.chars().map(narrow).filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase());
        let letters: String = bare.collect();
        let fits = letters.len() == LETTERS && letters.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then_some(Self(letters))
    }

    /// The twelve letters.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

/// As it is shown: with a dash after every fourth letter.
impl std::fmt::Display for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, letter) in self.0.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
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

    #[test]
    fn rfc8628_6_1_a_user_code_is_read_in_any_case_and_with_any_dashes() {
        let code = UserCode::random();
        let shown = code.to_string();
        assert_eq!(shown.len(), 14);
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), shown.replace('-', " - ")] {
            assert_eq!(UserCode::parse(&typed), Some(code.clone()), "{typed}");
        }
        for wrong in ["", "BCDF-GHJK", "BCDF-GHJK-LMN", "BCDF-GHJK-LMNPQ", "AEIO-UYAE-IOUY", "BCDF-GHJK-LMN\u{212a}"] {
            assert_eq!(UserCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_thousand_user_codes_use_every_letter_and_never_repeat() {
        let codes: std::collections::HashSet<String> = (0..1000).map(|_| UserCode::random().0).collect();
        assert_eq!(codes.len(), 1000);
        assert!(ALPHABET.iter().all(|letter| codes.iter().any(|code| code.starts_with(char::from(*letter)))));
    }
}
