//! Opaque access tokens: the claims of a JWT access token, sealed into the token itself, so issuing one writes nothing
//! and only this service can read it (RFC 6749 section 1.4, RFC 7662).

use super::access::AccessClaims;
use super::sealed;
use super::wire;
use crate::state::Cell;
use crate::vault::{Purpose, Vault};

/// Longest opaque access token, in characters; bounded before it is decoded. As much as a parameter may be long, so
/// that whatever was issued can be introspected.
pub(crate) const MAX_LEN: usize = crate::protocol::form::MAX_VALUE;
const KIND: (&str, Purpose) = (wire::ACCESS, Purpose::AccessToken);

/// Returns whether the text has the prefix of an opaque access token.
pub(crate) fn is_opaque(text: &str) -> bool {
    text.starts_with(wire::ACCESS)
}

/// Seals `claims` into a token of `issuer`; `None` if it would be longer than [`MAX_LEN`]. Its head has a random name and
/// not the family's, so that two tokens of one login do not show that they belong together.
pub(crate) fn seal(claims: &AccessClaims, cell: Cell, issuer: &str, vault: &Vault) -> Option<String> {
    sealed::seal(KIND, claims, cell, issuer, vault).filter(|text| text.len() <= MAX_LEN)
}

/// Opens a token that `issuer` issued; `None` if it is anything else. Checks neither expiry nor revocation.
pub(crate) fn open(text: &str, issuer: &str, vault: &Vault) -> Option<AccessClaims> {
    sealed::open(KIND, text, MAX_LEN, issuer, vault).map(|(_, claims)| claims)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::protocol::scope::Scope;
    use crate::token::access::{Confirmation, ScopeStyle};

    fn claims(extra: Map<String, Value>) -> AccessClaims {
        AccessClaims {
            iss: "https://id.example".to_owned(),
            sub: "alice".to_owned(),
            aud: json!(["a", "b"]),
            client_id: "web".to_owned(),
            exp: 2,
            iat: 1,
            jti: "x".to_owned(),
            scope: ScopeStyle::Array.claim(&Scope::parse("openid").unwrap()),
            auth_time: Some(1),
            acr: None,
            amr: vec!["pwd".to_owned()],
            cnf: Some(Confirmation { x5t_s256: Some("x".to_owned()), jwk: None }),
            origins: Vec::new(),
            extra,
        }
    }

    fn as_json(claims: &AccessClaims) -> Value {
        serde_json::to_value(claims).unwrap()
    }

    #[test]
    fn a_token_opens_for_its_issuer_only_and_shows_nothing() {
        let vault = Vault::ephemeral();
        let own = claims(Map::new());
        let (text, other) = (
            seal(&own, Cell::default(), "main", &vault).unwrap(),
            seal(&own, Cell::default(), "main", &vault).unwrap(),
        );
        assert_eq!(as_json(&open(&text, "main", &vault).unwrap()), as_json(&own));
        assert!(open(&text, "other", &vault).is_none() && open(&text, "main", &Vault::ephemeral()).is_none());
        assert!(text.starts_with("jat_") && text[12..] != other[12..]);
        let bytes = wire::decode(wire::ACCESS, &text, MAX_LEN).unwrap();
        assert!(!bytes.windows(5).any(|part| part == b"alice"));
    }

    #[test]
    fn no_changed_byte_passes_and_nothing_can_be_put_before_or_behind() {
        let vault = Vault::ephemeral();
        let text = seal(&claims(Map::new()), Cell::default(), "main", &vault).unwrap();
        let bytes = wire::decode(wire::ACCESS, &text, MAX_LEN).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(open(&wire::encode(wire::ACCESS, &bent), "main", &vault).is_none(), "byte {at}");
        }
        for wrong in [format!("{text}A"), text.replace("jat_", "jac_"), text.replace("jat_", ""), "jat_".to_owned()] {
            assert!(open(&wrong, "main", &vault).is_none(), "{wrong}");
        }
    }

    #[test]
    fn claims_that_no_request_could_carry_are_not_issued() {
        let long = Map::from_iter([("x".to_owned(), Value::from("y".repeat(MAX_LEN)))]);
        assert_eq!(seal(&claims(long), Cell::default(), "main", &Vault::ephemeral()), None);
    }
}
