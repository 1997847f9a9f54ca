//! The encodings in which proxies write a client's certificate into a header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::x509::{Chain, MAX_CHAIN};

/// The encoding of a certificate in a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// PEM, percent-encoded, perhaps with intermediates after it: nginx (`$ssl_client_escaped_cert`), AWS ALB.
    #[default]
    PemUrl,
    /// DER in base64, perhaps with intermediates after commas: HAProxy (`ssl_c_der,base64`), Traefik.
    DerBase64,
    /// A Structured Field byte sequence (RFC 9440 section 2.2): `Client-Cert`.
    Rfc9440,
}

impl Format {
    /// Reads a header's value.
    pub(super) fn read(self, text: &[u8]) -> Option<Chain> {
        match self {
            Self::PemUrl => Chain::from_pem(&percent_decode(text).collect::<Vec<u8>>()).ok(),
            Self::DerBase64 => {
                let parts = text.split(|&byte| byte == b',').take(MAX_CHAIN + 1).map(<[u8]>::trim_ascii);
                let ders = parts.map(|part| STANDARD.decode(part).ok().map(CertificateDer::from));
                Chain::from_der(&ders.collect::<Option<Vec<_>>>()?).ok()
            }
            Self::Rfc9440 => {
                let bytes = text.strip_prefix(b":")?.strip_suffix(b":")?;
                Chain::from_der(&[STANDARD.decode(bytes).ok()?.into()]).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

    use super::*;

    #[test]
    fn rfc9440_2_2_and_what_proxies_send_is_read_and_nothing_else() {
        let made = rcgen::generate_simple_self_signed(vec!["client.example".to_owned()]).unwrap().cert;
        let pem = percent_encode(made.pem().as_bytes(), NON_ALPHANUMERIC).to_string();
        let der = STANDARD.encode(made.der());
        let structured = format!(":{der}:");
        let formats = [Format::PemUrl, Format::DerBase64, Format::Rfc9440];
        for (text, format) in [&pem, &der, &structured].into_iter().zip(formats) {
            assert_eq!(format.read(text.as_bytes()).unwrap().leaf().der(), made.der());
            for other in formats.into_iter().filter(|other| *other != format) {
                assert_eq!(other.read(text.as_bytes()), None, "{other:?}");
            }
            // the last characters of PEM are its line end
            for cut in [1, text.len() / 2, text.len() - 10] {
                assert_eq!(format.read(&text.as_bytes()[..cut]), None, "{format:?} {cut}");
            }
        }
        assert!(Format::DerBase64.read(format!("{der}, {der}").as_bytes()).is_some());
        assert_eq!(Format::DerBase64.read([der.as_str(); MAX_CHAIN + 1].join(",").as_bytes()), None);
    }
}
