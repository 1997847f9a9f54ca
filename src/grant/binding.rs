//! The key that a request's access token is to be bound to. The binding is read before anything is spent, because an
//! error in it must not cost the client its code.

use super::{Error, TokenRequest};
use crate::state::SenderBinding;
use crate::token::access::Confirmation;
use crate::token::proof_key::ProofKey;

/// The binding of a request's access token.
pub(crate) struct Binding {
    /// The key that the sender proved to hold.
    sender: Option<SenderBinding>,
    /// The key that the client sent with the request.
    pub proof_key: Option<ProofKey>,
}

impl Binding {
    /// Reads the binding of a request's access token.
    ///
    /// # Errors
    /// If the client's tokens are bound to a certificate and it presented none, or if the key that it sent is not a
    /// key.
    pub(crate) fn asked(request: &TokenRequest) -> Result<Self, Error> {
        let proof_key = if request.issuer.parts.style.proof_keys { ProofKey::asked(&request.form)? } else { None };
        Ok(Self { sender: request.client.binding()?, proof_key })
    }

    /// Returns the `cnf` claim.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        Confirmation::of(self.sender, self.proof_key.as_ref().map(|proof| &proof.key))
    }
}
