//! What a request shows of who sends it, in one place.

use std::net::IpAddr;

use crate::protocol::form::Form;
use crate::x509::Chain;

/// Everything in a request that can authenticate its client.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a [u8]>,
    /// The parameters.
    pub form: &'a Form<'a>,
    /// The certificate whose key the sender has.
    pub certificate: Option<&'a Chain>,
    /// Where the request comes from.
    pub peer: IpAddr,
}

impl<'a> Evidence<'a> {
    /// The `client_id`, if nothing else could prove it but a certificate.
    pub(super) fn bare_client_id(&self) -> Option<&'a str> {
        let proofs = ["client_secret", "client_assertion", "client_assertion_type"];
        let proof = self.authorization.is_some() || proofs.iter().any(|name| self.form.get(name).is_some());
        self.form.get("client_id").filter(|_| !proof)
    }
}
