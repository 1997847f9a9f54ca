//! Subject alternative names (RFC 5280 section 4.2.1.6), the four kinds that name a client.

use core::net::IpAddr;

use x509_cert::ext::pkix::name::GeneralName;

use super::X509Error;

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AltName {
    /// A host name. A wildcard is no more than a name with a star.
    Dns(String),
    /// A URI, such as a SPIFFE id.
    Uri(String),
    /// An address.
    Ip(IpAddr),
    /// A mailbox.
    Email(String),
}

impl AltName {
    /// Reads a name; `None` if it is of another kind.
    pub(super) fn read(name: &GeneralName) -> Result<Option<Self>, X509Error> {
        Ok(Some(match name {
            GeneralName::DnsName(text) => Self::Dns(text.to_string()),
            GeneralName::UniformResourceIdentifier(text) => Self::Uri(text.to_string()),
            GeneralName::Rfc822Name(text) => Self::Email(text.to_string()),
            GeneralName::IpAddress(bytes) => Self::Ip(match bytes.as_bytes() {
                four if four.len() == 4 => <[u8; 4]>::try_from(four).map_err(|_| X509Error::AltName)?.into(),
                other => <[u8; 16]>::try_from(other).map_err(|_| X509Error::AltName)?.into(),
            }),
            GeneralName::OtherName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => return Ok(None),
        }))
    }

    /// Compares two names: host names without regard to case (RFC 5280 section 7.2), mailboxes so in the part after the
    /// `@` only (section 7.5), the rest byte for byte.
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dns(one), Self::Dns(two)) => one.eq_ignore_ascii_case(two),
            (Self::Email(one), Self::Email(two)) => match (one.rsplit_once('@'), two.rsplit_once('@')) {
                (Some((one, host)), Some((two, other))) => one == two && host.eq_ignore_ascii_case(other),
                _ => one == two,
            },
            (one, two) => one == two,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_5280_section_7_names_are_compared_as_their_kind_is() {
        let dns = |name: &str| AltName::Dns(name.to_owned());
        let email = |name: &str| AltName::Email(name.to_owned());
        assert!(dns("Client.Example").matches(&dns("client.example")));
        assert!(!dns("*.example").matches(&dns("client.example")));
        assert!(email("a@B.example").matches(&email("a@b.EXAMPLE")));
        assert!(!email("A@b.example").matches(&email("a@b.example")));
        assert!(!dns("a@b.example").matches(&email("a@b.example")));
        let uri = |name: &str| AltName::Uri(name.to_owned());
        assert!(!uri("spiffe://x/A").matches(&uri("spiffe://x/a")));
        let ip = |text: &str| AltName::Ip(text.parse().unwrap());
        assert!(ip("2001:db8::1").matches(&ip("2001:0DB8:0:0::1")));
        assert!(!ip("10.0.0.1").matches(&ip("10.0.0.2")));
    }
}
