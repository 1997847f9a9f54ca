//! The public keys of somebody else (RFC 7517 section 5): of a client, as it registered them or as its `jwks_uri` gives
//! them, of a trusted issuer, of a federated provider.
//!
//! Members that are not for signatures, or that nothing here can use, are passed over as section 5 asks: one of them must
//! not spoil a set that somebody relies on. Where a client registers its set its owner is there to mend it, and the first
//! member that is wrong is refused; one that says of itself what nothing here knows is passed over there, too.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use url::Url;

use crate::jose::{JwkError, Owner, PublicJwk, Scheme, VerifyingKey};
use crate::protocol::uri::shown;
use crate::x509::{Certificate, Thumbprint};

/// Most keys of one set.
pub(crate) const MAX_KEYS: usize = 16;
/// Longest `kid` that a key may have, in bytes.
const MAX_KID: usize = 256;
/// Longest name of a key that is shown, in characters.
const MAX_SHOWN: usize = 32;

/// Keys of one owner.
#[derive(Debug, Default)]
pub struct KeySet(Vec<KeySetMember>);

#[derive(Debug)]
struct KeySetMember {
    kid: Option<String>,
    alg: Option<Scheme>,
    key: VerifyingKey,
    public: PublicJwk,
    /// The one certificate that may stand for the key (`x5c`, `x5t#S256`); without one any may.
    certificate: Result<Option<Thumbprint>, Unfit>,
}

/// A member of a set that was passed over although it may be for signatures.
#[derive(Debug, thiserror::Error)]
#[error("keys[{index}]: {reason}")]
pub struct Skipped {
    index: usize,
    reason: Unusable,
}

/// The reason why a member cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("the key is not a JSON object")]
    NoObject,
    #[error("at most {MAX_KEYS} keys are used")]
    TooMany,
    #[error("the `kid` is longer than {MAX_KID} bytes")]
    LongName,
    #[error("the `use` {0} is none that jeton knows (sig, enc, jwt-svid)")]
    UnknownUse(String),
    #[error("the `alg` {0} is none that jeton verifies")]
    UnknownAlg(String),
    #[error(transparent)]
    Key(JwkError),
}

impl Skipped {
    /// Returns whether the key has a private part: everybody who reads the set has the key.
    pub fn is_private(&self) -> bool {
        matches!(self.reason, Unusable::Key(JwkError::Private(_)))
    }

    /// Returns whether the key is for an algorithm that nothing here verifies.
    pub fn has_unknown_alg(&self) -> bool {
        matches!(self.reason, Unusable::UnknownAlg(_))
    }

    /// Returns whether the key is of a kind or for a purpose that nothing here knows, and so perhaps nobody's mistake.
    fn is_unknown(&self) -> bool {
        let reason = &self.reason;
        matches!(reason, Unusable::Key(JwkError::Unsupported) | Unusable::UnknownUse(_) | Unusable::UnknownAlg(_))
    }
}

/// The reason why a key set was refused.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    #[error("must be a JSON object with an array `keys` of objects (RFC 7517 section 5)")]
    Malformed,
    #[error(transparent)]
    Unusable(Skipped),
    #[error(
        "has no key that can verify a signature (OKP Ed25519, EC P-256, P-384, P-521, RSA; `use` sig, jwt-svid or absent)"
    )]
    Empty,
}

/// The keys of a client.
#[derive(Clone, Debug, Default)]
pub enum ClientKeys {
    /// No keys.
    #[default]
    None,
    /// Registered with it (`jwks`).
    Inline(Arc<KeySet>),
    /// At its `jwks_uri`.
    Remote(Url),
}

impl KeySet {
    /// Reads a JWK set that is registered here: each member must be usable, or for something else.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(jwks: &Value) -> Result<Self, KeySetError> {
        let (set, skipped) = Self::members(jwks)?;
        match skipped.into_iter().find(|skipped| !skipped.is_unknown()) {
            Some(wrong) => Err(KeySetError::Unusable(wrong)),
            None => set.not_empty(),
        }
    }

    /// Reads somebody's JWK set: what can be used of it, and what cannot.
    ///
    /// # Errors
    /// If it is none, or nothing can be used.
    pub fn read(jwks: &Value) -> Result<(Self, Vec<Skipped>), KeySetError> {
        let (set, skipped) = Self::members(jwks)?;
        Ok((set.not_empty()?, skipped))
    }

    /// Returns the members of a JWK set that can be used, perhaps none, and those that cannot.
    ///
    /// # Errors
    /// If it is none.
    pub fn members(jwks: &Value) -> Result<(Self, Vec<Skipped>), KeySetError> {
        let keys = jwks.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        let (mut members, mut skipped) = (Vec::new(), Vec::new());
        for (index, key) in keys.iter().enumerate() {
            match key.as_object().map_or(Err(Unusable::NoObject), member) {
                Ok(Some(_)) if members.len() == MAX_KEYS => skipped.push(Skipped { index, reason: Unusable::TooMany }),
                Ok(member) => members.extend(member),
                Err(reason) => skipped.push(Skipped { index, reason }),
            }
        }
        Ok((Self(members), skipped))
    }

    /// The set, if it has a member.
    ///
    /// # Errors
    /// If it has none.
    pub fn not_empty(self) -> Result<Self, KeySetError> {
        if self.0.is_empty() { Err(KeySetError::Empty) } else { Ok(self) }
    }

    /// Returns whether each key says which algorithm it is for.
    pub fn has_algorithms(&self) -> bool {
        self.0.iter().all(|member| member.alg.is_some())
    }

    /// The keys that may have made a signature by `alg` under the name `kid`. A key without a name may have made any;
    /// a signature without a name may be by any key.
    pub fn candidates<'a>(&'a self, kid: Option<&'a str>, alg: Scheme) -> impl Iterator<Item = &'a VerifyingKey> {
        let named = move |member: &&KeySetMember| match (kid, &member.kid) {
            (Some(asked), Some(own)) => asked == own,
            (None, _) | (_, None) => true,
        };
        let fits = move |member: &&KeySetMember| member.alg.is_none_or(|own| own == alg) && member.key.fits(alg);
        self.0.iter().filter(named).filter(fits).map(|member| &member.key)
    }

    /// Returns whether a certificate is registered: itself, or its key without a certificate (RFC 8705 section 2.2.2).
    pub fn recognises(&self, thumbprint: Thumbprint, key: &PublicJwk) -> bool {
        let same = |member: &KeySetMember| match member.certificate {
            Ok(Some(registered)) => registered == thumbprint,
            Ok(None) => member.public == *key,
            Err(Unfit) => false,
        };
        self.0.iter().any(same)
    }

    /// Returns whether each certificate in it is one, and its key's. If not, the key still verifies signatures.
    pub fn has_fit_certificates(&self) -> bool {
        self.0.iter().all(|member| member.certificate.is_ok())
    }

    /// Returns whether there are keys for such a signature.
    pub fn has(&self, kid: Option<&str>, alg: Scheme) -> bool {
        self.candidates(kid, alg).next().is_some()
    }
}

/// The member, if it is for signatures.
fn member(jwk: &Map<String, Value>) -> Result<Option<KeySetMember>, Unusable> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let for_verifying = |operations: &Vec<Value>| operations.iter().any(|operation| operation == "verify");
    let operations = jwk.get("key_ops").and_then(Value::as_array);
    // checked first: a private part is no better in a key that is not used
    let parsed = PublicJwk::try_from(jwk.clone());
    if matches!(parsed, Err(JwkError::Private(_))) {
        return Err(Unusable::Key(parsed.err().unwrap_or(JwkError::Unsupported)));
    }
    let shown = |text: &str| shown(&text.chars().take(MAX_SHOWN).collect::<String>());
    match text("use") {
        // SPIFFE Trust Domain and Bundle, section 4.2.2: keys of JWT-SVIDs have a use of their own
        None | Some("sig" | "jwt-svid") => {}
        Some("enc" | "x509-svid") => return Ok(None),
        Some(other) => return Err(Unusable::UnknownUse(shown(other))),
    }
    if operations.is_some_and(|list| !for_verifying(list)) {
        return Ok(None);
    }
    let unknown = |name: &str| Unusable::UnknownAlg(shown(name));
    let alg = text("alg").map(|name| Scheme::parse(name).ok_or_else(|| unknown(name))).transpose()?;
    let public = parsed.map_err(Unusable::Key)?;
    let key = VerifyingKey::new(&public, Owner::SomebodyElse).map_err(Unusable::Key)?;
    let kid = text("kid").map(str::to_owned);
    if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(Unusable::LongName);
    }
    Ok(Some(KeySetMember { kid, alg, key, certificate: certificate(jwk, &public), public }))
}

/// The certificate of a member: the first of `x5c`, in base64 with padding, or what has the hash `x5t#S256`.
fn certificate(jwk: &Map<String, Value>, key: &PublicJwk) -> Result<Option<Thumbprint>, Unfit> {
    let named = match jwk.get("x5t#S256") {
        Some(text) => Some(text.as_str().and_then(Thumbprint::parse).ok_or(Unfit)?),
        None => None,
    };
    let Some(chain) = jwk.get("x5c") else { return Ok(named) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str).ok_or(Unfit)?;
    let first = STANDARD.decode(first).ok().and_then(|der| Certificate::from_der(&der).ok()).ok_or(Unfit)?;
    let fits = first.public_key().is_ok_and(|own| own == *key) && named.is_none_or(|named| named == first.thumbprint());
    if fits { Ok(Some(first.thumbprint())) } else { Err(Unfit) }
}

/// A certificate that is none, or not this key's.
#[derive(Debug)]
struct Unfit;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn key(more: Value) -> Value {
        let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": X });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::new(&json!({ "keys": keys }))
    }

    #[test]
    fn rfc_7517_section_5_members_for_other_uses_are_passed_over() {
        let others = [
            key(json!({ "use": "enc" })),
            key(json!({ "key_ops": ["encrypt"] })),
            key(json!({ "alg": "RSA-OAEP" })),
            json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        ];
        assert!(matches!(set(&others), Err(KeySetError::Empty)));
        let mut more = others.to_vec();
        more.push(key(json!({ "kid": "a", "use": "sig", "key_ops": ["verify"], "alg": "Ed25519" })));
        let set = set(&more).unwrap();
        assert_eq!(set.candidates(Some("a"), Scheme::EdDsa).count(), 1);
        assert_eq!(set.candidates(None, Scheme::EdDsa).count(), 1);
        assert_eq!(set.candidates(Some("b"), Scheme::EdDsa).count(), 0);
        assert_eq!(set.candidates(Some("a"), Scheme::Es256).count(), 0);
    }

    #[test]
    fn a_private_part_a_broken_member_and_too_many_are_refused() {
        let wrong = |keys: &[Value], at: usize| {
            let error = set(keys).unwrap_err();
            assert!(matches!(error, KeySetError::Unusable(Skipped { index, .. }) if index == at), "{error}");
        };
        wrong(&[key(json!({ "d": X, "use": "enc" }))], 0);
        wrong(&[key(json!({})), key(json!({ "x": "AA" }))], 1);
        wrong(&vec![key(json!({})); 17], 16);
        wrong(&[key(json!({ "kid": "k".repeat(257) }))], 0);
        wrong(&[json!("key")], 0);
        assert!(matches!(KeySet::new(&json!([])), Err(KeySetError::Malformed)));
    }

    #[test]
    fn rfc_7517_section_5_what_cannot_be_used_of_somebodys_set_is_passed_over() {
        let keys = [
            json!("key"),
            key(json!({ "d": X })),
            key(json!({ "x": "AA" })),
            json!({ "kty": "XYZ" }),
            key(json!({ "use": "enc" })),
            key(json!({ "kid": "k".repeat(257) })),
            key(json!({ "kid": "a" })),
            key(json!({ "kid": "a" })),
        ];
        let (set, skipped) = KeySet::read(&json!({ "keys": keys })).unwrap();
        assert_eq!(set.candidates(Some("a"), Scheme::EdDsa).count(), 2);
        let places: Vec<usize> = skipped.iter().map(|skipped| skipped.index).collect();
        assert_eq!(places, [0, 1, 2, 3, 5]);
        assert!(matches!(KeySet::read(&json!({ "keys": keys[..6] })), Err(KeySetError::Empty)));
        let (set, skipped) = KeySet::read(&json!({ "keys": vec![key(json!({})); 18] })).unwrap();
        assert_eq!((set.candidates(None, Scheme::EdDsa).count(), skipped.len()), (16, 2));
    }
}
