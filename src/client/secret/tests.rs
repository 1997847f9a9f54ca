//! Keyed hashes, imported secrets and their costs.

use super::*;
use crate::clock::Time;
use crate::issuer::cold::ColdSecrets;
use crate::vault::Vault;

fn stored(hash: SecretHash) -> Secret {
    counted(hash, &ColdSecrets::default())
}

fn counted(hash: SecretHash, cold: &ColdSecrets) -> Secret {
    let stored = StoredSecret { secret_id: "1".into(), hash, sealed: None, created_at: Time::ZERO, expires_at: None };
    Secret::new(stored, Some(cold))
}

#[test]
fn a_generated_secret_is_checked_by_one_keyed_hash() {
    let vault = Vault::ephemeral();
    let text = generate();
    let at = |client, secret| Presented { vault: &vault, issuer: "main", client, secret };
    let secret = stored(at("web", &text).keyed().unwrap());
    assert_eq!(secret.quick(&at("web", &text).hashes()), Quick::Right);
    assert_eq!(secret.quick(&at("web", "jcs_wrong").hashes()), Quick::Wrong);
    assert_eq!(secret.quick(&at("other", &text).hashes()), Quick::Wrong);
}

#[test]
fn an_imported_secret_costs_argon2_once_and_then_neither_right_nor_wrong_ones_do() {
    let vault = Vault::ephemeral();
    let at = |secret| Presented { vault: &vault, issuer: "main", client: "web", secret };
    let cold = ColdSecrets::default();
    let secret = counted(import("horse").unwrap(), &cold);
    assert_eq!(secret.quick(&at("horse").hashes()), Quick::Slow);
    assert!(cold.any(Time::ZERO) && secret.cold_hash().is_some());
    secret.found_right(&at("horse"));
    assert!(!cold.any(Time::ZERO) && secret.cold_hash().is_none());
    assert_eq!(secret.quick(&at("horse").hashes()), Quick::Right);
    assert_eq!(secret.quick(&at("donkey").hashes()), Quick::Wrong);
    // the same secret after a reload is warm, another one is cold until it is gone
    let again = counted(secret.stored.hash.clone(), &cold);
    again.inherit(&secret);
    assert_eq!((again.quick(&at("horse").hashes()), cold.any(Time::ZERO)), (Quick::Right, false));
    let other = counted(import("horse").unwrap(), &cold);
    other.inherit(&secret);
    assert!(other.cold_hash().is_some() && cold.any(Time::ZERO));
    drop(other);
    assert!(!cold.any(Time::ZERO));
}

#[test]
fn a_request_under_way_proves_a_secret_that_is_read_again_meanwhile() {
    let vault = Vault::ephemeral();
    let horse = Presented { vault: &vault, issuer: "main", client: "web", secret: "horse" };
    let (before, after) = (ColdSecrets::default(), ColdSecrets::default());
    let secret = counted(import("horse").unwrap(), &before);
    let again = counted(secret.stored.hash.clone(), &after);
    again.inherit(&secret);
    assert!(before.any(Time::ZERO) && after.any(Time::ZERO));
    secret.found_right(&horse);
    assert_eq!(
        (again.quick(&horse.hashes()), before.any(Time::ZERO), after.any(Time::ZERO)),
        (Quick::Right, false, false)
    );
    drop((secret, again));
    assert!(!before.any(Time::ZERO) && !after.any(Time::ZERO));
}

#[test]
fn an_imported_hash_with_unbounded_cost_is_refused() {
    assert!(check_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_ok());
    assert!(check_phc("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA").is_err());
    assert!(check_phc("horse").is_err());
}
