//! Opaque access tokens: the claims of a JWT access token, sealed into the token itself, so issuing one writes nothing
//! and only this service can read it (RFC 6749 section 1.4, RFC 7662).

use super::access::AccessClaims;
use super::wire::{self, HEAD_LEN, Head};
use crate::id::Id;
use crate::state::Cell;
use crate::vault::{Purpose, Vault};

/// Longest opaque access token, in characters; bounded before it is decoded. As much as a parameter may be long, so
/// that whatever was issued can be introspected.
pub const MAX_LEN: usize = crate::protocol::form::MAX_VALUE;

/// Whether the text looks like one of these tokens; says nothing about whether it is one.
pub fn is_opaque(text: &str) -> bool {
    text.starts_with(wire::ACCESS)
}

/// The token as `issuer` hands it out; `None` if its claims are too long. Its head has a random name and not the
/// family's, so that two tokens of one login do not show that they are.
pub fn seal(claims: &AccessClaims, cell: Cell, issuer: &str, vault: &Vault) -> Option<String> {
    let name = Id::random();
    let head = Head { key: vault.current(), cell, family: name }.to_bytes();
    let plain = serde_json::to_vec(claims).ok()?;
    let sealed = vault.seal(Purpose::AccessToken, &name, &aad(&head, issuer), &plain);
    // the seal begins with the key id, which the head carries already
    let text = wire::encode(wire::ACCESS, &[&head[..], &sealed[1..]].concat());
    (text.len() <= MAX_LEN).then_some(text)
}

/// The claims of a token that `issuer` handed out; `None` if it is anything else. Says nothing about expiry or
/// revocation.
pub fn open(text: &str, issuer: &str, vault: &Vault) -> Option<AccessClaims> {
    let mut bytes = wire::decode(wire::ACCESS, text, MAX_LEN)?;
    let (head, _) = Head::split(&bytes)?;
    let head_bytes = head.to_bytes();
    // turn `head | ciphertext` into `key id | ciphertext` in place
    bytes[HEAD_LEN - 1] = head.key;
    let aad = aad(&head_bytes, issuer);
    let plain = vault.open(Purpose::AccessToken, &head.family, &aad, &bytes[HEAD_LEN - 1..])?;
    serde_json::from_slice(&plain).ok()
}

fn aad(head: &[u8; HEAD_LEN], issuer: &str) -> Vec<u8> {
    [&head[..], issuer.as_bytes()].concat()
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
