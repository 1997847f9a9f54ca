//! Rules for what is registered or configured now: how URIs and names are written, and what nobody should ask for. A client
//! that was stored before them stays usable, and its URIs are compared byte for byte like all others.

use super::ClientMetadata;
use super::error::{MetadataError, refuse};
use crate::protocol::auth_method::MethodName;
use crate::protocol::uri::{self, UriError};

impl ClientMetadata {
    /// Checks that URIs are their own canonical forms, that no name has a control character or blanks at its ends, and that a
    /// public client does not ask for introspection, which it is refused anyway.
    ///
    /// # Errors
    /// The first that does not keep its rule, with the right form if there is one.
    pub fn check_written(&self) -> Result<(), MetadataError> {
        let uris = [
            ("jwks_uri", &self.jwks_uri),
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("tos_uri", &self.tos_uri),
            ("policy_uri", &self.policy_uri),
        ];
        let uris = uris.into_iter().filter_map(|(field, uri)| Some((field, uri.as_ref()?)));
        for (field, uri) in uris.chain(self.redirect_uris.iter().map(|uri| ("redirect_uris", uri))) {
            if let Err(error) = uri::canonical(uri) {
                return refuse(field, uri, error.to_string());
            }
        }
        let names = [
            ("client_name", &self.client_name),
            ("software_id", &self.software_id),
            ("software_version", &self.software_version),
            ("tls_client_auth_subject_dn", &self.tls_client_auth_subject_dn),
            ("tls_client_auth_san_dns", &self.tls_client_auth_san_dns),
            ("tls_client_auth_san_uri", &self.tls_client_auth_san_uri),
            ("tls_client_auth_san_ip", &self.tls_client_auth_san_ip),
            ("tls_client_auth_san_email", &self.tls_client_auth_san_email),
        ];
        let names = names.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?)));
        let targets = self.jeton.token_exchange.iter().flat_map(|policy| policy.audiences.iter().flatten());
        let names = names
            .chain(self.contacts.iter().map(|contact| ("contacts", contact)))
            .chain(targets.map(|target| ("jeton.token_exchange.audiences", target)));
        for (field, name) in names {
            if !uri::is_clean(name) {
                return refuse(field, name, UriError::Unclean.to_string());
            }
        }
        let is_public = self.token_endpoint_auth_method == MethodName::NONE;
        if let Some(reach) = self.jeton.introspection.filter(|_| is_public) {
            let rule = "a public client cannot introspect (RFC 7662 section 2.1)";
            return refuse("jeton.introspection", format_args!("{reach:?}"), rule);
        }
        Ok(())
    }
}
