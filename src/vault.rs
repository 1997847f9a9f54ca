//! The master key ring and everything derived from it: refresh token MACs, sealed codes, sealed access tokens, sealed
//! grants, sealed signing keys, keyed hashes of client secrets, sealed client secrets.
//!
//! The store never holds a master key, so what it holds cannot be used without this file (CHECKLIST 76). The first
//! entry of the ring makes new values; older entries stay valid for what they made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::id::{Id, random_bytes};
use crate::secret_file::{self, SecretFileError};

/// What a sealed value is, so that one can never be opened as another.
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

/// What a MAC is for; each use has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacUse {
    /// The tail of a refresh token.
    Refresh,
    /// The stored form of a client secret.
    ClientSecret,
    /// The tail of a device code.
    Device,
}

/// The master key ring. At least one entry, at most 16. The running one takes in new entries, see [`Vault::take_in`].
pub struct Vault {
    entries: ArcSwap<Vec<Arc<Entry>>>,
}

struct Entry {
    id: u8,
    /// Tells two keys under one id apart, and nothing else.
    fingerprint: [u8; 32],
    code: LessSafeKey,
    grant: LessSafeKey,
    signing_key: LessSafeKey,
    hmac_secret: LessSafeKey,
    access_token: LessSafeKey,
    refresh: hmac::Key,
    client_secret: hmac::Key,
    device: hmac::Key,
}

/// Why the master key file cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum VaultError {
    #[error("{source}; `jeton init` makes one")]
    Unreadable { source: SecretFileError },
    #[error(transparent)]
    Unusable(SecretFileError),
    #[error(
        "entry {id} has another key than the running one, which everything made with it needs; give the new key an id of its own"
    )]
    Changed { id: u8 },
    #[error("the master key file {path} is wrong at line {line}: {rule}")]
    Malformed { path: PathBuf, line: usize, rule: &'static str },
}

const MAX_ENTRIES: usize = 16;
/// Bytes of a master key.
const KEY_LEN: usize = 32;

impl Vault {
    /// Reads the ring from `path`: one entry a line, `<id 1-255> <32 bytes in base64>`, newest first, `#` comments.
    ///
    /// # Errors
    /// If the file cannot be used as a secret file (see [`crate::secret_file`]), or has a malformed line.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let text = secret_file::read(path).map_err(|source| match source {
            SecretFileError::Unreadable { .. } => VaultError::Unreadable { source },
            SecretFileError::Exposed { .. } | SecretFileError::Content { .. } => VaultError::Unusable(source),
        })?;
        Self::parse(&text).map_err(|(line, rule)| VaultError::Malformed { path: path.to_owned(), line, rule })
    }

    /// The text of a new ring file with one random entry.
    pub fn generate() -> Zeroizing<String> {
        let key = Zeroizing::new(random_bytes::<KEY_LEN>());
        Zeroizing::new(format!(
            "# jeton master keys: the first line makes new values, older lines stay valid. Keep this file secret.\n1 {}\n",
            STANDARD.encode(*key)
        ))
    }

    /// Parses the text of a ring file; the error is the line (from 1) and the rule it broke.
    ///
    /// # Errors
    /// The first malformed line.
    pub fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, key) = line.split_once(' ').ok_or((line_number, "expected `<id> <key in base64>`"))?;
            let id: u8 = id.parse().map_err(|_| (line_number, "the id must be a number from 1 to 255"))?;
            let key = Zeroizing::new(STANDARD.decode(key.trim()).map_err(|_| (line_number, "the key is not base64"))?);
            if id == 0 || entries.iter().any(|entry| entry.id == id) {
                return Err((line_number, "the id must be from 1 to 255 and occur once"));
            }
            if key.len() != KEY_LEN {
                return Err((line_number, "the key must be 32 bytes long"));
            }
            if entries.len() == MAX_ENTRIES {
                return Err((line_number, "at most 16 master keys; remove those older than the longest lifetime"));
            }
            entries.push(Arc::new(Entry::derive(id, &key)));
        }
        if entries.is_empty() { Err((1, "no key in the file; `jeton init` makes one")) } else { Ok(Self::of(entries)) }
    }

    /// A ring with one random entry that is written nowhere.
    pub fn ephemeral() -> Self {
        Self::of(vec![Arc::new(Entry::derive(1, &*Zeroizing::new(random_bytes::<KEY_LEN>())))])
    }

    fn of(entries: Vec<Arc<Entry>>) -> Self {
        Self { entries: ArcSwap::from_pointee(entries) }
    }

    /// What the ring would be with the entries of `new`, in their order, before those that only it has: what they made must
    /// stay valid while this process runs. Nothing changes yet.
    ///
    /// # Errors
    /// If both have an id with different keys.
    pub fn merged(&self, new: Self) -> Result<Merged, VaultError> {
        let (running, mut entries) = (self.entries.load(), new.entries.into_inner().to_vec());
        let mut kept = Vec::new();
        for old in running.iter() {
            match entries.iter().find(|entry| entry.id == old.id) {
                Some(same) if same.fingerprint == old.fingerprint => {}
                Some(_) => return Err(VaultError::Changed { id: old.id }),
                None => kept.push(Arc::clone(old)),
            }
        }
        let drops = !kept.is_empty();
        entries.extend(kept);
        Ok(Merged { entries, drops })
    }

    /// New values are made by the first entry of `merged` from now on, and each entry of it opens what it made.
    pub fn take_in(&self, merged: Merged) {
        self.entries.store(Arc::new(merged.entries));
    }

    /// The id of the entry that makes new values.
    pub fn current(&self) -> u8 {
        self.first().id
    }

    fn first(&self) -> Arc<Entry> {
        Arc::clone(&self.entries.load()[0])
    }

    /// The ids of all entries, newest first.
    pub fn ids(&self) -> impl Iterator<Item = u8> + use<> {
        self.entries.load().iter().map(|entry| entry.id).collect::<Vec<_>>().into_iter()
    }

    /// The 32-byte MAC over `parts`, each preceded by its length; `None` if the ring has no entry `key`.
    pub fn mac(&self, key: u8, usage: MacUse, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let context = self.mac_context(key, usage, parts)?;
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        Some(mac)
    }

    /// Whether `mac` is the MAC over `parts`, compared in constant time; false if the ring has no entry `key`.
    pub fn verify_mac(&self, key: u8, usage: MacUse, parts: &[&[u8]], mac: &[u8; 32]) -> bool {
        self.mac(key, usage, parts)
            .is_some_and(|expected| subtle::ConstantTimeEq::ct_eq(&expected[..], &mac[..]).into())
    }

    fn mac_context(&self, key: u8, usage: MacUse, parts: &[&[u8]]) -> Option<hmac::Context> {
        let entry = self.entry(key)?;
        let mut context = hmac::Context::with_key(match usage {
            MacUse::Refresh => &entry.refresh,
            MacUse::ClientSecret => &entry.client_secret,
            MacUse::Device => &entry.device,
        });
        for part in parts {
            context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            context.update(part);
        }
        Some(context)
    }

    /// Seals `plain` (AES-256-GCM-SIV) as `key id | ciphertext | tag`: 17 bytes longer than `plain`.
    ///
    /// `id` is the random name of what is sealed; its first 96 bits are the nonce. GCM-SIV keeps its promises if a
    /// nonce ever repeats, so no counter and no stored nonce are needed (RFC 8452 section 1).
    pub fn seal(&self, purpose: Purpose, id: &Id, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let entry = self.first();
        let mut sealed = Vec::with_capacity(plain.len() + 17);
        sealed.push(entry.id);
        sealed.extend_from_slice(plain);
        #[expect(clippy::expect_used, reason = "fails only for inputs of gigabytes; every input here is bounded")]
        let tag = entry
            .aead(purpose)
            .seal_in_place_separate_tag(nonce(id), Aad::from(aad), &mut sealed[1..])
            .expect("sealing a bounded value succeeds");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`Vault::seal`] made with the same purpose, id and `aad`; `None` for anything else.
    pub fn open(&self, purpose: Purpose, id: &Id, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&key, body) = sealed.split_first()?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let len = self.entry(key)?.aead(purpose).open_in_place(nonce(id), Aad::from(aad), &mut buffer).ok()?.len();
        buffer.truncate(len);
        Some(buffer)
    }

    fn entry(&self, id: u8) -> Option<Arc<Entry>> {
        self.entries.load().iter().find(|entry| entry.id == id).cloned()
    }
}

/// A ring with the entries of another, see [`Vault::merged`].
pub struct Merged {
    entries: Vec<Arc<Entry>>,
    drops: bool,
}

impl Merged {
    /// Whether the other ring lacks an entry that is still in use until a restart.
    pub fn drops(&self) -> bool {
        self.drops
    }
}

/// Shows which keys there are, never what they are.
impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Entry {
    fn derive(id: u8, master: &[u8]) -> Self {
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

    fn aead(&self, purpose: Purpose) -> &LessSafeKey {
        match purpose {
            Purpose::Code => &self.code,
            Purpose::Grant => &self.grant,
            Purpose::SigningKey => &self.signing_key,
            Purpose::ClientSecret => &self.hmac_secret,
            Purpose::AccessToken => &self.access_token,
        }
    }
}

fn nonce(id: &Id) -> Nonce {
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&id.0[..12]);
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_with_its_purpose_id_and_aad() {
        let vault = Vault::ephemeral();
        let id = Id::random();
        let sealed = vault.seal(Purpose::Code, &id, b"aad", b"payload");
        assert_eq!(vault.open(Purpose::Code, &id, b"aad", &sealed).unwrap().as_slice(), b"payload");
        assert!(vault.open(Purpose::Grant, &id, b"aad", &sealed).is_none());
        assert!(vault.open(Purpose::Code, &Id::random(), b"aad", &sealed).is_none());
        assert!(vault.open(Purpose::Code, &id, b"other", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(vault.open(Purpose::Code, &id, b"aad", &bent).is_none(), "byte {at} is not protected");
        }
    }

    #[test]
    fn an_older_entry_stays_valid_behind_a_newer_one() {
        let old = Vault::generate();
        let old_line = old.lines().last().unwrap();
        let id = Id::random();
        let sealed = Vault::parse(&old).unwrap().seal(Purpose::Grant, &id, b"", b"x");
        let both = Vault::parse(&format!("2 {}\n{old_line}", STANDARD.encode([7; 32]))).unwrap();
        assert_eq!(both.current(), 2);
        assert!(both.open(Purpose::Grant, &id, b"", &sealed).is_some());
    }

    #[test]
    fn a_running_ring_takes_in_new_entries_and_loses_none() {
        let line = |id: u8, byte: u8| format!("{id} {}\n", STANDARD.encode([byte; 32]));
        let running = Vault::parse(&line(1, 1)).unwrap();
        let id = Id::random();
        let sealed = running.seal(Purpose::Grant, &id, b"", b"x");
        let merged = running.merged(Vault::parse(&(line(2, 2) + &line(1, 1))).unwrap()).unwrap();
        assert!(!merged.drops() && running.current() == 1, "nothing changes before it is taken in");
        running.take_in(merged);
        assert_eq!(running.ids().collect::<Vec<_>>(), [2, 1]);
        assert!(running.open(Purpose::Grant, &id, b"", &sealed).is_some());
        assert_eq!(running.seal(Purpose::Grant, &id, b"", b"x")[0], 2);
        let merged = running.merged(Vault::parse(&line(2, 2)).unwrap()).unwrap();
        assert!(merged.drops());
        running.take_in(merged);
        assert!(running.open(Purpose::Grant, &id, b"", &sealed).is_some(), "until a restart");
        assert!(matches!(running.merged(Vault::parse(&line(1, 9)).unwrap()), Err(VaultError::Changed { id: 1 })));
    }

    #[test]
    fn a_malformed_ring_names_its_line() {
        assert_eq!(Vault::parse("# c\nx y").unwrap_err().0, 2);
        assert_eq!(Vault::parse("").unwrap_err().0, 1);
        assert!(Vault::parse("1 AAAA").unwrap_err().1.contains("32 bytes"));
    }

    #[test]
    fn parts_of_a_mac_cannot_slide_into_each_other() {
        let vault = Vault::ephemeral();
        let key = vault.current();
        let mac = |parts: &[&[u8]]| vault.mac(key, MacUse::Refresh, parts);
        assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
        assert_ne!(mac(&[b"a"]), vault.mac(key, MacUse::ClientSecret, &[b"a"]));
    }
}
