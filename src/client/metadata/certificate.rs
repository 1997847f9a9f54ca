//! The name that the certificate of a client must have (RFC 8705 section 2.1.2).

use super::ClientMetadata;
use super::error::{MetadataError, refuse};
use crate::issuer::Issuer;
use crate::protocol::auth_method::{AuthMethod, CredentialKind};
use crate::x509::{AltName, Certificate, DistinguishedName};

/// Longest name, in bytes.
const MAX_NAME: usize = 2048;

/// The one name that a client's certificate must have (RFC 8705 section 2.1.2).
#[derive(Clone, Debug)]
pub enum CertificateName {
    /// The subject.
    Subject(DistinguishedName),
    /// A subject alternative name.
    Alt(AltName),
}

impl CertificateName {
    /// Returns whether the certificate is about the client.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Subject(name) => certificate.subject() == name,
            Self::Alt(name) => certificate.alt_names().iter().any(|own| own.matches(name)),
        }
    }
}

impl ClientMetadata {
    /// Returns the name that the certificate must have: exactly one for `tls_client_auth`, none for other methods.
    pub(super) fn certificate_rule(
        &self,
        method: AuthMethod,
        issuer: &Issuer,
    ) -> Result<Option<CertificateName>, MetadataError> {
        if !issuer.parts.certificates.allows(method.credential) {
            let rule = "the public listener must see client certificates (public.tls.client_certificates or \
                        public.proxy), and tls_client_auth needs public.client_ca_file";
            return refuse("token_endpoint_auth_method", method.name, rule);
        }
        if self.tls_client_certificate_bound_access_tokens && !issuer.parts.certificates.are_seen() {
            let rule =
                "the public listener must see client certificates (public.tls.client_certificates or public.proxy)";
            return refuse("tls_client_certificate_bound_access_tokens", true, rule);
        }
        let names = [
            ("tls_client_auth_subject_dn", &self.tls_client_auth_subject_dn),
            ("tls_client_auth_san_dns", &self.tls_client_auth_san_dns),
            ("tls_client_auth_san_uri", &self.tls_client_auth_san_uri),
            ("tls_client_auth_san_ip", &self.tls_client_auth_san_ip),
            ("tls_client_auth_san_email", &self.tls_client_auth_san_email),
        ];
        let mut given = names.into_iter().filter_map(|(field, name)| Some((field, name.as_deref()?)));
        match (method.credential, given.next(), given.next()) {
            (CredentialKind::NamedCertificate, Some((field, text)), None) => name(field, text).map(Some),
            (CredentialKind::NamedCertificate, None, _) => {
                let rule = format!("{} needs it, or one tls_client_auth_san_*", method.name);
                refuse("tls_client_auth_subject_dn", "absent", rule)
            }
            (CredentialKind::NamedCertificate, Some(_), Some((field, text))) => {
                refuse(field, text, "exactly one tls_client_auth_* (RFC 8705 section 2.1.2)")
            }
            (_, Some((field, text)), _) => refuse(field, text, "only with tls_client_auth"),
            (_, None, _) => Ok(None),
        }
    }
}

fn name(field: &'static str, text: &str) -> Result<CertificateName, MetadataError> {
    if text.is_empty() || text.len() > MAX_NAME {
        return refuse(field, text.len(), "1 to 2048 bytes");
    }
    let own = || text.to_owned();
    Ok(match field {
        "tls_client_auth_subject_dn" => match text.parse() {
            Ok(name) => CertificateName::Subject(name),
            Err(_) => {
                return refuse(field, text, "a distinguished name as RFC 4514 writes it: CN=client,O=Example,C=DE");
            }
        },
        "tls_client_auth_san_ip" => match text.parse() {
            Ok(address) => CertificateName::Alt(AltName::Ip(address)),
            Err(_) => return refuse(field, text, "an IPv4 or IPv6 address"),
        },
        "tls_client_auth_san_dns" => CertificateName::Alt(AltName::Dns(own())),
        "tls_client_auth_san_uri" => CertificateName::Alt(AltName::Uri(own())),
        _ => CertificateName::Alt(AltName::Email(own())),
    })
}
