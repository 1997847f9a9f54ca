//! Authorization codes (RFC 6749 section 4.1.2): the whole payload sealed into the code, so issuing one writes nothing
//! and the store never sees it. Inserting its family is the consumption.

use serde::{Deserialize, Serialize};

use super::granted::Granted;
use super::sealed;
use super::wire::{self, Head};
use crate::clock::Time;
use crate::protocol::pkce::Challenge;
use crate::state::Cell;
use crate::vault::{Purpose, Vault};

/// Longest code, in characters; bounded before it is decoded.
pub(crate) const MAX_LEN: usize = 8 * 1024;
const KIND: (&str, Purpose) = (wire::CODE, Purpose::Code);

/// The payload of a code.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Code {
    /// The client that the code was issued to.
    #[serde(rename = "c")]
    pub client_id: String,
    /// The redirect URI of the authorization request, byte for byte.
    #[serde(rename = "u")]
    pub redirect_uri: String,
    /// PKCE, if the authorization request had a challenge.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// Subject of the tokens.
    #[serde(rename = "s")]
    pub subject: String,
    /// The grant.
    #[serde(rename = "g")]
    pub granted: Granted,
    /// Time of issue.
    #[serde(rename = "i")]
    pub issued_at: Time,
    /// Time of expiry.
    #[serde(rename = "e")]
    pub expires_at: Time,
}

impl Code {
    /// Seals the code for the portal to hand out, under a fresh family id.
    pub(crate) fn seal(&self, cell: Cell, issuer: &str, vault: &Vault) -> String {
        // a struct of strings and JSON values always serialises
        sealed::seal(KIND, self, cell, issuer, vault).unwrap_or_default()
    }

    /// Opens a code that `issuer` issued; `None` if it is anything else. Checks neither expiry nor use.
    pub(crate) fn open(text: &str, issuer: &str, vault: &Vault) -> Option<(Head, Self)> {
        sealed::open(KIND, text, MAX_LEN, issuer, vault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn code() -> Code {
        Code {
            client_id: "web".into(),
            redirect_uri: "https://client.example/cb".into(),
            challenge: None,
            subject: "alice".into(),
            granted: Granted::default(),
            issued_at: Time::from_secs(1),
            expires_at: Time::from_secs(61),
        }
    }

    #[test]
    fn a_code_opens_for_its_issuer_only_and_two_codes_never_look_alike() {
        let vault = Vault::ephemeral();
        let (text, other) =
            (code().seal(Cell::default(), "main", &vault), code().seal(Cell::default(), "main", &vault));
        assert!(Code::open(&text, "main", &vault).unwrap().1 == code());
        assert!(Code::open(&text, "other", &vault).is_none());
        assert_ne!(text[12..40], other[12..40]);
    }

    #[test]
    fn no_changed_byte_passes() {
        let vault = Vault::ephemeral();
        let bytes = wire::decode(wire::CODE, &code().seal(Cell::default(), "main", &vault), MAX_LEN).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(Code::open(&wire::encode(wire::CODE, &bent), "main", &vault).is_none(), "byte {at}");
        }
    }

    #[test]
    fn rfc6749_10_10_a_million_codes_share_no_64_bits_of_their_family_id() {
        let mut seen = std::collections::HashSet::with_capacity(1_000_000);
        assert!((0..1_000_000).all(|_| seen.insert(u64::from_be_bytes(Id::random().0[..8].try_into().unwrap()))));
    }
}
