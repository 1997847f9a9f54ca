//! Secrets at rest: argon2id in PHC format.
//!
//! Every hash that is written has the same cost as the decoy, or the time of an answer would tell who exists
//! (CHECKLIST 16); so a hash of a user that is imported must have it too. After the cost was changed this is so again for
//! a user who logged in since: a right password is hashed again then.

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// Bytes of a hash's output.
const OUTPUT: usize = 32;
/// A salt and an output that no password has.
const DECOY: &str = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The cost of a password check. The default is the first choice of OWASP: about 20 ms and 19 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cost {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes; one thread computes them all.
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

impl Cost {
    /// Checks the bounds: 8 to 256 MiB, at most 16 passes and 8 lanes.
    ///
    /// # Errors
    /// The rule.
    pub fn check(&self) -> Result<(), &'static str> {
        let bounded = (8 * 1024..=256 * 1024).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=8).contains(&self.lanes);
        if bounded { Ok(()) } else { Err("8 to 256 MiB of memory, 1 to 16 passes, 1 to 8 lanes") }
    }

    /// Reads the cost of a hash in PHC format.
    pub fn of(phc: &str) -> Option<Self> {
        let params = Params::try_from(&PasswordHash::new(phc).ok()?).ok()?;
        Some(Self { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() })
    }

    /// Returns a hash at this cost that no password has.
    pub fn decoy(&self) -> String {
        format!("$argon2id$v=19${self}{DECOY}")
    }

    /// Checks a hash that was made elsewhere.
    ///
    /// # Errors
    /// The form that it must have.
    pub fn check_phc(&self, phc: &str) -> Result<(), String> {
        let right = PasswordHash::new(phc).is_ok_and(|hash| {
            let known = hash.algorithm.as_str() == "argon2id" && hash.version == Some(19);
            let sized = hash.salt.is_some() && hash.hash.as_ref().is_some_and(|hash| hash.len() == OUTPUT);
            known && sized && hash.params.to_string() == self.to_string()
        });
        let rule = || format!("must be argon2id in PHC format: $argon2id$v=19${self}$salt$hash with {OUTPUT} bytes");
        if right { Ok(()) } else { Err(rule()) }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// If it cannot be hashed.
    pub fn hash(&self, password: &str) -> Result<String, &'static str> {
        let unusable = "the password could not be hashed";
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT)).map_err(|_| unusable)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| unusable)
    }
}

/// The memory for hashes, kept by a thread from one to the next: asking the system for 19 MiB each time costs page
/// faults that every other thread of the process waits for.
#[derive(Default)]
pub struct Workspace(Vec<Block>);

impl Workspace {
    /// Returns whether `phc` is a hash of `password`.
    pub fn verify(&mut self, password: &str, phc: &str) -> bool {
        self.output(password, phc).unwrap_or(false)
    }

    fn output(&mut self, password: &str, phc: &str) -> Option<bool> {
        let hash = PasswordHash::new(phc).ok()?;
        let params = Params::try_from(&hash).ok()?;
        self.0.resize_with(params.block_count().max(self.0.len()), Block::new);
        let blocks = self.0.get_mut(..params.block_count())?;
        let (salt, wanted) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
        let mut output = zeroize::Zeroizing::new(vec![0; wanted.len()]);
        // an imported one may be of the version before
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        argon2.hash_password_into_with_memory(password.as_bytes(), salt.as_ref(), &mut output, blocks).ok()?;
        Some(output.ct_eq(wanted.as_bytes()).into())
    }

    /// Returns the memory to the system.
    pub fn release(&mut self) {
        self.0 = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_verified_in_memory_that_was_used_before() {
        let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
        let (horse, mut workspace) = (cost.hash("horse").unwrap(), Workspace::default());
        for _ in 0..2 {
            assert!(workspace.verify("horse", &horse));
            assert!(!workspace.verify("donkey", &horse));
            assert!(!workspace.verify("horse", &cost.decoy()));
            assert!(!workspace.verify("horse", "horse"));
        }
        let (small, other) = (cost.hash("horse").unwrap(), Cost::default().hash("horse").unwrap());
        assert!(workspace.verify("horse", &other) && workspace.verify("horse", &small), "memory of another cost");
        workspace.release();
        assert!(workspace.verify("horse", &horse));
    }

    #[test]
    fn a_hash_of_the_version_before_is_verified_by_that_version() {
        let params = Params::new(8 * 1024, 1, 1, Some(OUTPUT)).unwrap();
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x10, params).hash_password(b"horse").unwrap().to_string();
        assert!(old.contains("v=16"), "{old}");
        let mut workspace = Workspace::default();
        assert!(workspace.verify("horse", &old) && !workspace.verify("donkey", &old));
        assert!(!workspace.verify("horse", &old.replace("v=16", "v=17")));
    }

    #[test]
    fn checklist_16_an_imported_hash_must_cost_what_the_decoy_costs() {
        let cost = Cost::default();
        assert_eq!((cost.check_phc(&cost.decoy()), Cost::of(&cost.decoy())), (Ok(()), Some(cost)));
        assert_eq!(cost.check_phc(&cost.hash("horse").unwrap()), Ok(()));
        for other in [Cost { passes: 3, ..cost }, Cost { memory_kib: 8 * 1024, ..cost }, Cost { lanes: 2, ..cost }] {
            assert!(cost.check_phc(&other.decoy()).is_err(), "{other}");
        }
        for bad in ["horse", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(cost.check_phc(bad).is_err(), "{bad}");
        }
        assert!(Cost { memory_kib: 1024 * 1024, ..cost }.check().is_err() && cost.check().is_ok());
    }
}
