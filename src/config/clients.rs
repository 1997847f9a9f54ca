//! The section `clients`: clients that stand in the file, and the stored form of their secrets.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secrets::secret_line;
use crate::client::Client;
use crate::client::metadata::{ClientMetadata, check_new_client_id};
use crate::client::secret::{Presented, SecretHash, StoredSecret, check_phc, is_generated};
use crate::clock::Time;
use crate::credential::shown_path;
use crate::issuer::Issuer;
use crate::protocol::auth_method::CredentialKind;
use crate::registry::{StoredClient, resolve};
use crate::vault::Vault;

/// A client in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileClient {
    /// The issuer it belongs to.
    pub issuer: String,
    /// Client id.
    pub client_id: String,
    /// Secrets of the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FileSecret>,
    /// RFC 7591 metadata, with the `jeton` object.
    #[serde(default)]
    pub metadata: ClientMetadata,
}

/// A secret of a client in the file: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FileSecret {
    /// An argon2id hash in PHC format (`jeton client hash-secret` makes one).
    Argon2(String),
    /// A file with a secret that jeton generated (`jcs_...`).
    File(PathBuf),
}

impl FileClient {
    /// Checks the client and resolves it for its issuer.
    ///
    /// # Errors
    /// The first rule that it breaks, or the secret file that cannot be used.
    pub(super) fn resolved(&self, issuer: &Issuer, vault: &Vault) -> Result<Client, String> {
        let secrets = self.secrets.iter().enumerate();
        let method = issuer.method(self.metadata.token_endpoint_auth_method);
        let for_hmac = method.is_some_and(|method| method.credential == CredentialKind::HmacSecret);
        let secrets: Result<Vec<_>, String> =
            secrets.map(|(index, secret)| self.stored(index, secret, for_hmac, vault)).collect();
        check_new_client_id(&self.client_id).map_err(|error| error.to_string())?;
        self.metadata.check_written().map_err(|error| error.to_string())?;
        let stored = StoredClient { metadata: self.metadata.clone(), secrets: secrets? };
        resolve(stored, &self.client_id, 0, issuer).map_err(|error| error.to_string())
    }

    /// Returns the stored form of a secret; `index` is its place in the list, for messages.
    fn stored(&self, index: usize, secret: &FileSecret, for_hmac: bool, vault: &Vault) -> Result<StoredSecret, String> {
        let (hash, sealed) = match secret {
            FileSecret::Argon2(phc) => {
                check_phc(phc).map_err(|rule| format!("secrets[{index}].argon2: {rule}"))?;
                if for_hmac {
                    return Err(format!(
                        "secrets[{index}].argon2: client_secret_jwt needs the secret itself; name its file"
                    ));
                }
                (SecretHash::Argon2(phc.clone()), None)
            }
            FileSecret::File(path) => {
                let text = secret_line(path, "`jeton client create` prints a secret to put there")?;
                if !is_generated(&text) {
                    let rule = "must hold a secret that jeton generated (jcs_...); for any other, give its argon2 hash";
                    return Err(format!("secrets[{index}].file: {} {rule}", shown_path(path)));
                }
                let presented = Presented { vault, issuer: &self.issuer, client: &self.client_id, secret: &text };
                let hash = presented.keyed().ok_or_else(|| format!("secrets[{index}].file: cannot be hashed"))?;
                (hash, for_hmac.then(|| presented.seal()))
            }
        };
        Ok(StoredSecret { secret_id: format!("file-{index}"), hash, sealed, created_at: Time::ZERO, expires_at: None })
    }
}
