//! A private CA: a root, one CA below it, and leaves with the keys that sign assertions.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};

use crate::support::assertion::Signer;

/// A CA with its certificate in PEM.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A leaf with its certificate in PEM.
pub(crate) struct Leaf {
    pub(crate) key: Signer,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Ca {
    pub(crate) fn root(name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn below(&self, name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A leaf for client authentication with a SPIFFE id.
    pub(crate) fn leaf(&self, name: &str) -> Leaf {
        self.leaf_with(name, |_| ())
    }

    pub(crate) fn leaf_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap();
        self.certify(name, &key, Signer::Ec("P-256", signer), change)
    }

    pub(crate) fn rsa_leaf(&self, name: &str) -> Leaf {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let signer = RsaKeyPair::from_pkcs8(&key.serialize_der()).unwrap();
        self.certify(name, &key, Signer::Rsa(Box::new(signer)), |_| ())
    }

    fn certify(&self, name: &str, key: &KeyPair, signer: Signer, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = named(name);
        params.serial_number = Some(vec![0x80, 0x01].into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let id = format!("spiffe://prod.example/ns/payments/sa/{name}");
        params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
        change(&mut params);
        let pem = params.signed_by(key, &self.issuer).unwrap().pem();
        Leaf { key: signer, pem, key_pem: key.serialize_pem() }
    }
}
