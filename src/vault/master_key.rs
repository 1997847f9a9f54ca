//! One master key and the keys derived from it, one for each purpose.

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

/// Length of a master key, in bytes.
pub(super) const KEY_LEN: usize = 32;

/// The kind of a sealed value; one kind cannot be opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The payload of an authorization code.
    Code,
    /// The grant of a stored family.
    Grant,
    /// A private signing key at rest.
    SigningKey,
    /// A client secret that an HMAC needs.
    ClientSecret,
    /// The claims of an opaque access token.
    AccessToken,
}

/// The use of a MAC; each has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacUse {
    /// The tail of a refresh token.
    Refresh,
    /// The stored form of a client secret.
    ClientSecret,
    /// The tail of a device code.
    Device,
}

/// A master key with the keys derived from it.
pub(super) struct MasterKey {
    pub(super) id: u8,
    /// Tells two keys apart, and nothing else.
    pub(super) fingerprint: [u8; 32],
    code: LessSafeKey,
    grant: LessSafeKey,
    signing_key: LessSafeKey,
    hmac_secret: LessSafeKey,
    access_token: LessSafeKey,
    refresh: hmac::Key,
    client_secret: hmac::Key,
    device: hmac::Key,
}

impl MasterKey {
    /// Returns the id and 64 bits of the fingerprint, by which nodes compare their keys.
    pub(super) fn digest(&self) -> String {
        let bytes: String = self.fingerprint[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}:{bytes}", self.id)
    }

    /// Derives the keys of every purpose from a master key (HKDF, RFC 5869).
    pub(super) fn derive(id: u8, master: &[u8]) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"jeton master key 1").extract(master);
        let derive = |label: &'static str| {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            #[expect(clippy::expect_used, reason = "32 bytes is far below the limit of HKDF-SHA256")]
            prk.expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut key[..]))
                .expect("HKDF gives 32 bytes");
            key
        };
        let aead = |label| {
            #[expect(clippy::expect_used, reason = "the key has the algorithm's length")]
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &derive(label)[..]).expect("32 bytes make a key"))
        };
        let mac = |label| hmac::Key::new(hmac::HMAC_SHA256, &derive(label)[..]);
        Self {
            id,
            fingerprint: *derive("fingerprint"),
            code: aead("authorization code"),
            grant: aead("stored grant"),
            signing_key: aead("signing key"),
            hmac_secret: aead("sealed client secret"),
            access_token: aead("opaque access token"),
            refresh: mac("refresh token"),
            client_secret: mac("client secret"),
            device: mac("device code"),
        }
    }

    /// Returns the key that seals values of this kind.
    pub(super) fn aead(&self, purpose: Purpose) -> &LessSafeKey {
        match purpose {
            Purpose::Code => &self.code,
            Purpose::Grant => &self.grant,
            Purpose::SigningKey => &self.signing_key,
            Purpose::ClientSecret => &self.hmac_secret,
            Purpose::AccessToken => &self.access_token,
        }
    }

    /// Returns the key of MACs of this use.
    pub(super) fn mac_key(&self, usage: MacUse) -> &hmac::Key {
        match usage {
            MacUse::Refresh => &self.refresh,
            MacUse::ClientSecret => &self.client_secret,
            MacUse::Device => &self.device,
        }
    }
}
