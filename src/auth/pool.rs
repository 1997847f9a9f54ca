//! Imported client secrets in the hash pool, for the admin API.

use crate::client::secret::{MAX_SECRET, SecretHash};
use crate::slow_hash::Full;
pub(crate) use crate::slow_hash::HashPool;
pub(super) use crate::slow_hash::HashTurn;

impl HashPool {
    /// Returns the stored form of an imported secret.
    ///
    /// # Errors
    /// [`Full`]; inside, the reason why the secret cannot be hashed.
    pub async fn import(&self, secret: &str) -> Result<Result<SecretHash, &'static str>, Full> {
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Ok(Err("a client secret has 1 to 512 bytes"));
        }
        Ok(self.enter_as_operator().await?.hash(secret).await?.map(SecretHash::Argon2))
    }

    /// Returns whether `phc` is a hash of `secret`.
    ///
    /// # Errors
    /// [`Full`].
    pub async fn check(&self, secret: &str, phc: &str) -> Result<bool, Full> {
        self.enter_as_operator().await?.verify(secret, phc).await
    }
}
