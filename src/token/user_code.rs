//! User codes (RFC 8628 section 6.1): twelve letters that spell no word and are not mistaken for each other.

use crate::id::random_bytes;

/// Consonants that are not mistaken for each other (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a user code: 20^12 codes are 51.8 bits, so that ten thousand guesses hit a waiting device with a chance
/// of less than 2^-38 (CHECKLIST 69). Eight letters, as others have, would leave 2^-21.
const LETTERS: usize = 12;
/// Letters between two dashes.
const GROUP: usize = 4;

/// Longest text that is read as a user code, in bytes: full-width letters with something as wide between any two.
const MAX_TYPED: usize = 128;

/// Maps a full-width character (U+FF01 to U+FF5E) to its ASCII one; returns any other unchanged.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// Returns whether `c` is ignored between letters: white space, dashes of every length, dots, underscores, and invisible
/// characters.
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
    /// Makes a random code, each letter equally likely.
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

    /// Reads what a person typed, in any case and width and with any separators; `None` if it cannot be a code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let bare = typed.chars().map(narrow).filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase());
        let letters: String = bare.collect();
        let fits = letters.len() == LETTERS && letters.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then_some(Self(letters))
    }

    /// Returns the twelve letters.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

/// Writes the letters with a dash after every fourth.
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
