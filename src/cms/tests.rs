use proptest::prelude::*;

use super::*;

/// Made by `openssl cms -sign -binary -nodetach`, under an ECDSA certificate with the serial number 0x8001.
const DER: &[u8] = include_bytes!("document.der");
/// Made with `-indef -stream` of the same content: indefinite lengths, content in pieces.
const BER: &[u8] = include_bytes!("document.ber");
const CONTENT: &[u8] = br#"{"instance-id":"i-1","audience":"{\"aud\":\"idaas_1\",\"signingTime\":1900000000}"}"#;

#[test]
fn rfc_5652_section_5_openssl_signs_and_we_read_it_in_der_and_in_ber() {
    for bytes in [DER, BER] {
        let document = SignedDocument::open(bytes, &[]).unwrap();
        assert_eq!(document.content(), CONTENT);
        assert_eq!(document.signer().serial(), "008001");
        assert_eq!(document.signer().subject().texts("CN").collect::<Vec<_>>(), ["attester"]);
        assert_eq!(document.certificates().len(), 1);
        assert!(document.signing_time().is_some());
    }
}

#[test]
fn what_is_no_signed_document_is_refused() {
    assert_eq!(SignedDocument::open(&[0; MAX_DOCUMENT + 1], &[]).unwrap_err(), CmsError::TooLong);
    for bytes in [&b""[..], b"0", b"{}", &DER[1..], &DER[..DER.len() - 1], &[0x30, 0x80].repeat(4000)] {
        assert_eq!(SignedDocument::open(bytes, &[]).unwrap_err(), CmsError::Malformed);
    }
    let trailing = [DER, b"0"].concat();
    assert_eq!(SignedDocument::open(&trailing, &[]).unwrap_err(), CmsError::Malformed);
}

#[test]
fn no_bit_can_be_changed_so_that_another_content_or_signer_is_believed() {
    let real = SignedDocument::open(DER, &[]).unwrap();
    for bit in 0..DER.len() * 8 {
        let mut bytes = DER.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(document) = SignedDocument::open(&bytes, &[]) else { continue };
        assert_eq!(document.content(), CONTENT, "bit {bit}");
        assert_eq!(document.signing_time(), real.signing_time(), "bit {bit}");
        // what vouches for the certificate is the chain, which is another question; its key must be the same
        assert_eq!(document.signer().public_key().unwrap(), real.signer().public_key().unwrap(), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0..DER.len(), cut in 0..200usize) {
        let _ = SignedDocument::open(&bytes, &[]);
        for sample in [DER, BER] {
            let end = (at + cut).min(sample.len());
            let start = at.min(end);
            let _ = SignedDocument::open(&[&sample[..start], &bytes, &sample[end..]].concat(), &[]);
        }
    }
}
