//! Names and passwords in one form, however a keyboard encodes them (RFC 8265): the same text is the same user and the
//! same password.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// A name as it is stored and compared: in NFC, its case kept (UsernameCasePreserved, RFC 8265 section 3.4.2).
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    NFC.normalize(text)
}

/// A password as it is hashed: spaces of every kind are U+0020, then NFC (OpaqueString, RFC 8265 section 4.2.2).
pub(super) fn password(text: &str) -> Zeroizing<String> {
    let is_space =
        |c: char| matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    let spaced: Zeroizing<String> = Zeroizing::new(text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect());
    Zeroizing::new(NFC.normalize(&spaced).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8265_3_4_2_a_name_is_composed_and_nothing_else() {
        for (sent, stored) in
            [("Ann", "Ann"), ("Zoe\u{308}", "Zo\u{eb}"), ("\u{212b}", "\u{c5}"), ("\u{ff21}", "\u{ff21}")]
        {
            assert_eq!(name(sent), stored);
        }
    }

    #[test]
    fn rfc8265_4_2_2_a_password_keeps_its_case_and_its_width() {
        for (sent, hashed) in [
            ("correct horse", "correct horse"),
            ("Cafe\u{301}\u{a0}\u{3000}", "Caf\u{e9}  "),
            ("\u{ff21}\t", "\u{ff21}\t"),
            ("\u{1f642}", "\u{1f642}"),
        ] {
            assert_eq!(*password(sent), hashed);
        }
    }
}
