//! A key that signs in this process: compact JWS with a pre-encoded header (RFC 7515 section 7.1, RFC 9068).
//!
//! EdDSA and ES256 sign where they are called, with one allocation. RSA signs on blocking threads, as many as there are
//! cores, so a burst of RSA never delays other work. The queue in front of the threads refuses nothing, because a token
//! that is to be signed has been paid for with a code or a refresh token; callers ask whether there is room before they
//! begin.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prometheus::Histogram;
use tokio::sync::Semaphore;

use super::KeyError;
use super::signer::Signer;
use crate::jose::Algorithm;
use crate::metrics::Stopwatch;

/// The `typ` of a JWS header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ {
    /// `at+jwt`: an access token (RFC 9068 section 2.1).
    AtJwt,
    /// `JWT`: an ID token and everything else.
    Jwt,
}

/// The threads that slow signatures share, and the queue in front of them.
#[derive(Debug)]
pub(super) struct Bench {
    running: Arc<Semaphore>,
    /// Number of signatures that are being made or wait for a thread.
    pending: AtomicUsize,
    /// Number of pending signatures from which on nothing new should be begun.
    full: usize,
}

/// Number of signatures, per thread, that may wait before nothing new is begun: 64 RSA signatures take 25 ms.
const QUEUE: usize = 64;

impl Bench {
    pub(super) fn new(threads: usize) -> Arc<Self> {
        let running = Arc::new(Semaphore::new(threads));
        Arc::new(Self { running, pending: AtomicUsize::new(0), full: threads * (QUEUE + 1) })
    }

    fn is_full(&self) -> bool {
        self.pending.load(Relaxed) >= self.full
    }
}

/// The place of one signature among the pending ones, until it is made or abandoned.
struct Seat(Arc<Bench>);

impl Seat {
    fn take(bench: &Arc<Bench>) -> Self {
        bench.pending.fetch_add(1, Relaxed);
        Self(Arc::clone(bench))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Relaxed);
    }
}

/// A signing key with everything that its signatures have in common.
pub struct LocalSigner {
    kid: String,
    signer: Signer,
    /// `base64url(header).` for each [`Typ`].
    headers: [String; 2],
    bench: Arc<Bench>,
    duration: Histogram,
}

impl LocalSigner {
    pub(super) fn new(kid: String, signer: Signer, bench: Arc<Bench>, duration: Histogram) -> Self {
        let header = |typ: &str| {
            let json = format!(r#"{{"alg":"{}","typ":"{typ}","kid":"{kid}"}}"#, signer.algorithm().name());
            URL_SAFE_NO_PAD.encode(json) + "."
        };
        let headers = [header("at+jwt"), header("JWT")];
        Self { kid, signer, headers, bench, duration }
    }

    /// Returns the key's thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the key's algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// Returns whether so many signatures wait for a thread that no request should be begun that ends in another
    /// signature of this key.
    pub fn is_overloaded(&self) -> bool {
        self.signer.is_slow() && self.bench.is_full()
    }

    /// Signs `claims`, the bytes of a JSON object, as a compact JWS. RSA waits for its turn, however long the queue:
    /// the queue holds no more than the requests in flight.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub async fn sign(self: &Arc<Self>, typ: Typ, claims: &[u8]) -> Result<String, KeyError> {
        let header = &self.headers[match typ {
            Typ::AtJwt => 0,
            Typ::Jwt => 1,
        }];
        let len = header.len() + (claims.len() * 4).div_ceil(3) + 1 + self.signer.encoded_len();
        let mut jws = String::with_capacity(len);
        jws.push_str(header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut jws);
        if !self.signer.is_slow() {
            return self.complete(jws);
        }
        let seat = Seat::take(&self.bench);
        // the semaphore is never closed
        let turn = Arc::clone(&self.bench.running).acquire_owned().await.map_err(|_| KeyError::Overloaded)?;
        let this = Arc::clone(self);
        let work = move || {
            // held until the work is done, even if nobody waits for it any more
            let _held = (seat, turn);
            this.complete(jws)
        };
        tokio::task::spawn_blocking(work).await.map_err(KeyError::Worker)?
    }

    fn complete(&self, mut jws: String) -> Result<String, KeyError> {
        let watch = Stopwatch::start();
        self.signer.complete(&mut jws).map_err(|source| KeyError::Signer { alg: self.algorithm(), source })?;
        self.duration.observe(watch.seconds());
        Ok(jws)
    }
}

/// Shows the key's thumbprint, never the key.
impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner").field("kid", &self.kid).field("signer", &self.signer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Jws;
    use crate::metrics::Metrics;

    fn local(alg: Algorithm, bench: Arc<Bench>) -> Arc<LocalSigner> {
        let signer = Signer::generate(alg).unwrap();
        let kid = signer.public().unwrap().thumbprint();
        let duration = Metrics::new().sign_duration.with_label_values(&[alg.name()]);
        Arc::new(LocalSigner::new(kid, signer, bench, duration))
    }

    #[tokio::test]
    async fn a_token_has_the_header_of_rfc_9068_section_2_1_and_the_claims_byte_for_byte() {
        for alg in Algorithm::ALL {
            let local = local(alg, Bench::new(1));
            for (typ, name) in [(Typ::AtJwt, "at+jwt"), (Typ::Jwt, "JWT")] {
                let token = local.sign(typ, br#"{"iss":"https://as.example"}"#).await.unwrap();
                assert_eq!(token.len(), token.capacity(), "one allocation of the right size");
                let jws = Jws::parse(&token).unwrap();
                jws.verify(&local.signer.public().unwrap(), alg).unwrap();
                assert_eq!(jws.payload(), br#"{"iss":"https://as.example"}"#);
                let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
                let expected = format!(r#"{{"alg":"{alg}","typ":"{name}","kid":"{}"}}"#, local.kid());
                assert_eq!(String::from_utf8(header).unwrap(), expected);
            }
        }
    }

    #[tokio::test]
    async fn rsa_is_overloaded_when_its_queue_is_full_and_refuses_no_signature_and_eddsa_does_not_care() {
        let bench = Bench::new(1);
        let (rsa, eddsa) = (local(Algorithm::Rs256, Arc::clone(&bench)), local(Algorithm::EdDsa, Arc::clone(&bench)));
        let turn = Arc::clone(&bench.running).acquire_owned().await.unwrap();
        let sign = || {
            let rsa = Arc::clone(&rsa);
            tokio::spawn(async move { rsa.sign(Typ::Jwt, b"{}").await })
        };
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| sign()).collect();
        while bench.pending.load(Relaxed) < QUEUE {
            tokio::task::yield_now().await;
        }
        assert!(!rsa.is_overloaded(), "there is room for one more");
        waiting.extend((0..10).map(|_| sign()));
        while bench.pending.load(Relaxed) < QUEUE + 10 {
            tokio::task::yield_now().await;
        }
        assert!(rsa.is_overloaded() && !eddsa.is_overloaded());
        assert!(eddsa.sign(Typ::Jwt, b"{}").await.is_ok());
        drop(turn);
        for task in waiting {
            assert!(task.await.unwrap().is_ok());
        }
        assert!(bench.pending.load(Relaxed) == 0 && !rsa.is_overloaded());
    }
}
