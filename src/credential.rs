//! Prefixes of credentials, so that one in a wrong place is not repeated in a log or a message.

use std::path::Path;

/// Prefix of refresh tokens.
pub(crate) const REFRESH: &str = "jrt_";
/// Prefix of authorization codes.
pub(crate) const CODE: &str = "jac_";
/// Prefix of opaque access tokens.
pub(crate) const ACCESS: &str = "jat_";
/// Prefix of device codes.
pub(crate) const DEVICE: &str = "jdc_";
/// Prefix of client secrets that jeton generated.
pub(crate) const CLIENT_SECRET: &str = "jcs_";
/// Prefix of admin tokens.
pub(crate) const ADMIN_TOKEN: &str = "jad_";

/// Text shown in the place of a secret.
const HIDDEN: &str = "(not shown: it looks like a secret)";

/// Returns whether a text has the prefix of a credential of ours; such a text must not stand in a log, whatever it is.
pub(crate) fn is_credential(text: &str) -> bool {
    [REFRESH, CODE, ACCESS, DEVICE, CLIENT_SECRET, ADMIN_TOKEN].iter().any(|prefix| text.starts_with(prefix))
}

/// Returns whether a text is one of our credentials, or contains the hash of a secret (the PHC string of argon2).
pub(crate) fn is_secret(text: &str) -> bool {
    is_credential(text.trim_start()) || text.contains("$argon2")
}

/// Returns the value of a setting as a message may repeat it.
pub(crate) fn shown(value: &str) -> &str {
    if is_secret(value) { HIDDEN } else { value }
}

/// Returns a path as a message may repeat it: it may be the secret itself instead of the name of its file.
pub(crate) fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklist_75_a_secret_in_the_place_of_a_path_is_not_shown() {
        for hidden in ["jad_0123", " jcs_0123", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"] {
            assert_eq!(shown_path(Path::new(hidden)), HIDDEN);
        }
        for plain in ["/etc/jeton/admin.token", "admin.token", "./jad_", ""] {
            assert_eq!(shown_path(Path::new(plain)), plain);
        }
    }
}
