//! What a request wants its access token bound to, read before anything is spent: what is wrong with it must not cost the
//! client its code.

use super::{Error, TokenRequest};
use crate::token::access::Confirmation;
use crate::token::proof_key::ProofKey;
use crate::x509::Thumbprint;

/// What the access token of a request is bound to.
pub struct Binding {
    certificate: Option<Thumbprint>,
    /// The key that the client brought along.
    pub proof_key: Option<ProofKey>,
}

impl Binding {
    /// The binding of a request's access token.
    ///
    /// # Errors
    /// If the client's tokens are bound to a certificate and it showed none, or what it brought along is no key.
    pub fn asked(request: &TokenRequest) -> Result<Self, Error> {
        let proof_key = if request.issuer.style.proof_keys { ProofKey::asked(&request.form)? } else { None };
        Ok(Self { certificate: request.client.binding()?, proof_key })
    }

    /// The `cnf` claim.
    pub fn confirmation(&self) -> Option<Confirmation> {
        Confirmation::of(self.certificate, self.proof_key.as_ref().map(|proof| &proof.key))
    }
}
