//! Tests of this engine alone: files, locks, damage, a full disk.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use super::*;
use crate::clock::Time;
use crate::state::{Outcome, RedeemCode};
use crate::store::codec;
use crate::store::contract::{family, redeem, rotate};
use crate::store::size::MAX_VALUE;

const START: Time = Time::from_secs(1_800_000_000);

fn open(path: &Path) -> Result<Sled, StoreError> {
    let config = SledConfig { shards: 3, cache_capacity: 4 << 20, ..SledConfig::default() };
    Sled::open(path, config, Clock::manual(START))
}

async fn redeemed(store: &Sled, n: u8) -> bool {
    let answers = store.apply(0, vec![redeem(n, 1, START).into()]).await.unwrap();
    !answers[0].clone().unwrap().outcome.is_refused()
}

fn message(path: &Path) -> String {
    open(path).unwrap_err().to_string()
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er");
    let first = open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
    let message = message(&path);
    assert!(message.contains("another jeton uses the data directory"), "{message}");
    assert!(message.contains("deep/er"), "{message}");
    first.close().await.unwrap();
    // closing lets go of it even while somebody holds the handle
    open(&path).unwrap();
    drop(first);
}

#[test]
fn what_cannot_be_opened_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(message(&file).contains("is not a directory"), "{}", message(&file));
    // root may do anything
    let locked = dir.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o500)).unwrap();
    if let Err(error) = open(&locked) {
        assert!(error.to_string().contains("may not be used"), "{error}");
    }
}

#[test]
fn the_shard_count_stays() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let config = SledConfig { shards: 16, ..SledConfig::default() };
    assert_eq!(Sled::open(dir.path(), config, Clock::manual(START)).unwrap().lanes().count, 3);
}

#[test]
fn a_newer_layout_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let meta = store.disk().unwrap().db.open_tree("meta").unwrap();
    meta.insert("layout", &[codec::FORMAT + 1, 0, 0, 0, 0, 9][..]).unwrap();
    drop((store, meta));
    assert!(message(dir.path()).contains("was written by a newer jeton (format 3"), "{}", message(dir.path()));
}

#[tokio::test]
async fn a_damaged_row_is_refused_alone_and_never_swept() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let config = SledConfig { shards: 1, ..SledConfig::default() };
    let store = Sled::open(dir.path(), config, clock.clone()).unwrap();
    store.apply(0, vec![redeem(1, 1, START).into(), redeem(2, 1, START).into()]).await.unwrap();
    let tree = store.disk().unwrap().rows.tree().clone();
    let key = |n| codec::key_bytes(&Key::Family(family(n)));
    // another family's row, whole but in the wrong place
    tree.insert(key(1), tree.get(key(2)).unwrap().unwrap()).unwrap();
    let answers = store.apply(0, vec![rotate(2, 0, 1).into(), rotate(1, 0, 1).into()]).await.unwrap();
    let Ok(Answer { outcome: Outcome::Rotate(Ok(rotated)), .. }) = &answers[0] else { panic!("{answers:?}") };
    assert!(!rotated.replayed);
    assert!(matches!(&answers[1], Err(StoreError::Corrupt(why)) if why.contains("checksum")), "{answers:?}");
    clock.advance(Duration::from_secs(1_000));
    assert_eq!(store.sweep(0, 100).await.unwrap().forgotten, 1);
    assert!(tree.get(key(1)).unwrap().is_some());
    assert_eq!(store.health(), Health::Ready);
}

/// Files beside the log would need an fsync of their own; whole leaves of the longest rows must not become such files.
#[tokio::test]
async fn the_longest_rows_stay_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let ops = |range: std::ops::Range<u8>| {
        range
            .map(|n| {
                let grant = vec![n; MAX_VALUE - 512].into();
                Op::from(RedeemCode { grant, ..redeem(n, 1, START) })
            })
            .collect::<Vec<_>>()
    };
    store.apply(0, ops(0..100)).await.unwrap();
    for n in 0..100 {
        store.apply(0, vec![rotate(n, 0, 2).into()]).await.unwrap();
    }
    store.apply(0, ops(100..200)).await.unwrap();
    drop(store);
    let store = open(dir.path()).unwrap();
    let answers = store.apply(0, vec![rotate(99, 1, 3).into()]).await.unwrap();
    assert!(!answers[0].clone().unwrap().outcome.is_refused());
    assert_eq!(std::fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_disk_without_room_takes_no_writes_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let config = SledConfig { min_free: u64::MAX, ..SledConfig::default() };
    let store = Sled::open(dir.path(), config, Clock::manual(START)).unwrap();
    let refused = store.apply(0, vec![redeem(1, 1, START).into()]).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable { reason }) if reason.contains("make room")), "{refused:?}");
    let refused = store.drop_up_to("a", 1).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable { reason }) if reason.contains("make room")), "{refused:?}");
    assert!(matches!(store.health(), Health::Unavailable(_)));
    assert_eq!(store.peek(&[Key::Family(family(1))]).await.unwrap(), [None], "reads go on");
    drop(store);
    let store = open(dir.path()).unwrap();
    assert!(redeemed(&store, 1).await);
}

#[tokio::test]
async fn a_panic_of_the_committer_fails_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let gone = store.committer.run(Needs::Commit, |_, _| -> Result<(), StoreError> { panic!("on purpose") }).await;
    assert!(matches!(gone, Err(StoreError::Fatal(_) | StoreError::Indeterminate { .. })), "{gone:?}");
    while store.health() == Health::Ready {
        std::thread::yield_now();
    }
    assert!(matches!(store.health(), Health::Failed(_)));
    assert!(matches!(store.apply(0, vec![redeem(1, 1, START).into()]).await, Err(StoreError::Fatal(_))));
    assert!(matches!(store.peek(&[]).await, Err(StoreError::Fatal(_))));
}

/// Damage anywhere in the log is found when it is opened or read, or affects nothing that counts.
#[tokio::test]
async fn flipped_bytes_never_revive_a_spent_code() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for n in 0..40 {
        assert!(redeemed(&store, n).await);
    }
    drop(store);
    let log = std::fs::read(dir.path().join("db")).unwrap();
    let written = log.iter().rposition(|byte| *byte != 0).unwrap();
    let mut detected = 0;
    for offset in (20..written).step_by(written / 24) {
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir(copy.path().join("blobs")).unwrap();
        for file in ["conf", "committed"] {
            std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
        }
        let mut damaged = log.clone();
        damaged[offset] ^= 0x10;
        std::fs::write(copy.path().join("db"), damaged).unwrap();
        let Ok(store) = open(copy.path()) else {
            detected += 1;
            continue;
        };
        for n in 0..40 {
            match store.apply(0, vec![redeem(n, 2, START).into()]).await.map(|mut answers| answers.remove(0)) {
                Ok(Ok(answer)) if !answer.outcome.is_refused() => {
                    panic!("offset {offset}: code {n} was redeemed again")
                }
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => detected += 1,
            }
        }
    }
    assert!(detected > 0);
}

#[tokio::test]
async fn a_log_that_was_cut_is_not_an_older_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let old = std::fs::read(dir.path().join("db")).unwrap();
    assert!(redeemed(&store, 1).await);
    drop(store);
    std::fs::write(dir.path().join("db"), old).unwrap();
    assert!(message(dir.path()).contains("lost acknowledged changes"), "{}", message(dir.path()));
    std::fs::remove_file(dir.path().join("committed")).unwrap();
    open(dir.path()).unwrap();
}
