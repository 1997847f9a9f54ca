//! Everything in a request that can authenticate its client.

use std::net::IpAddr;

use super::sender::SenderProof;
use crate::protocol::form::Form;
use crate::x509::Chain;

/// The parameter that names a federated credential of the client.
pub(super) const CREDENTIAL: &str = "application_federated_credential_name";

/// Returns the assertion of a request whose `client_assertion_type` is one of `types` (RFC 7521 section 4.2).
pub(super) fn typed_assertion<'a>(form: &'a Form<'_>, types: &[&str]) -> Option<&'a str> {
    let is_typed = form.get("client_assertion_type").is_some_and(|kind| types.contains(&kind));
    form.get("client_assertion").filter(|_| is_typed)
}

/// The evidence in a request of its sender.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a [u8]>,
    /// The parameters.
    pub(super) form: &'a Form<'a>,
    /// The certificate whose key the sender holds, as a credential.
    pub(super) certificate: Option<&'a Chain>,
    /// The proof of the sender, made of the same certificate.
    pub(super) sender: SenderProof,
    /// The address that the request comes from.
    pub(super) peer: IpAddr,
}

impl<'a> Evidence<'a> {
    /// Takes the `Authorization` header, the parameters, the certificate whose key the sender holds and the address of a
    /// request.
    pub fn new(
        authorization: Option<&'a [u8]>,
        form: &'a Form<'a>,
        certificate: Option<&'a Chain>,
        peer: IpAddr,
    ) -> Self {
        Self { authorization, form, certificate, sender: SenderProof::of(certificate), peer }
    }

    /// Returns the `client_id` if the request has no credential but perhaps a certificate.
    pub(super) fn bare_client_id(&self) -> Option<&'a str> {
        let proofs = ["client_secret", "client_assertion", "client_assertion_type"];
        let proof = self.authorization.is_some() || proofs.iter().any(|name| self.form.get(name).is_some());
        self.form.get("client_id").filter(|_| !proof)
    }
}
