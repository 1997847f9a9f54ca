//! Signing keys, documents, the lease, the end.

use std::time::Duration;

use super::{START, Subject};
use crate::clock::Clock;
use crate::id::Id;
use crate::store::{Document, StoredKey};

fn key(ring: &str, generation: u32) -> StoredKey {
    StoredKey {
        ring: ring.to_owned(),
        generation,
        id: Id([7; 16]),
        kid: format!("{ring}-{generation}"),
        sealed: vec![generation as u8; 80],
        announced_at: START,
        sign_from: START,
        rotate_at: START,
    }
}

fn document(name: &str, body: Option<&str>) -> Document {
    Document { kind: "client".to_owned(), name: name.to_owned(), version: 0, body: body.map(str::to_owned) }
}

pub(super) async fn keys_are_published_once<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    assert!(!s.store().publish_key(None, key("a/EdDSA", 2)).await.unwrap(), "begins with 1");
    assert!(s.store().publish_key(None, key("a/EdDSA", 1)).await.unwrap());
    s = s.reopen();
    assert!(!s.store().publish_key(None, key("a/EdDSA", 1)).await.unwrap());
    assert!(!s.store().publish_key(Some(1), key("a/EdDSA", 3)).await.unwrap());
    assert!(s.store().publish_key(Some(1), key("a/EdDSA", 2)).await.unwrap());
    assert!(s.store().publish_key(None, key("a/EdDSA2", 1)).await.unwrap(), "a ring is not its prefix");
    let race = s.store();
    let (one, two) =
        tokio::join!(race.publish_key(Some(2), key("a/EdDSA", 3)), race.publish_key(Some(2), key("a/EdDSA", 3)));
    assert!(one.unwrap() ^ two.unwrap());
    drop(race);
    s = s.reopen();
    let mut keys = s.store().keys().await.unwrap();
    keys.sort_by(|a, b| a.kid.cmp(&b.kid));
    assert_eq!(keys, [key("a/EdDSA", 1), key("a/EdDSA", 2), key("a/EdDSA", 3), key("a/EdDSA2", 1)]);
}

pub(super) async fn documents_are_given_page_by_page<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    for name in ["a/2", "a/1", "b/1", "a/30", "a/3", "a/\u{ff}"] {
        assert!(s.store().put_document(document(name, Some("{}")), 0).await.unwrap().is_some());
    }
    let version = s.store().document("client", "a/2").await.unwrap().unwrap().version;
    s.store().put_document(document("a/2", None), version).await.unwrap();
    let other = Document { kind: "clients".to_owned(), ..document("a/4", Some("{}")) };
    assert!(s.store().put_document(other, 0).await.unwrap().is_some());
    s = s.reopen();
    let (store, mut found, mut after) = (s.store(), Vec::new(), String::new());
    loop {
        let page = store.page("client", "a/", &after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.name.clone();
        found.extend(page.into_iter().map(|document| document.name));
    }
    assert_eq!(found, ["a/1", "a/3", "a/30", "a/\u{ff}"]);
}

pub(super) async fn keys_are_dropped_up_to_a_generation<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    for generation in 1..=3 {
        let before = (generation > 1).then(|| generation - 1);
        assert!(s.store().publish_key(before, key("a", generation)).await.unwrap());
        assert!(s.store().publish_key(before, key("b", generation)).await.unwrap());
    }
    s.store().drop_keys("a", 2).await.unwrap();
    s = s.reopen();
    let mut kids: Vec<_> = s.store().keys().await.unwrap().into_iter().map(|key| key.kid).collect();
    kids.sort();
    assert_eq!(kids, ["a-3", "b-1", "b-2", "b-3"]);
}

pub(super) async fn documents_change_by_compare_and_set<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    assert_eq!(s.store().put_document(document("x", Some("1")), 5).await.unwrap(), None);
    assert_eq!(s.store().put_document(document("x", Some("1")), 0).await.unwrap(), Some(1));
    s = s.reopen();
    assert_eq!(s.store().put_document(document("x", Some("2")), 0).await.unwrap(), None);
    assert_eq!(s.store().put_document(document("x", Some("2")), 1).await.unwrap(), Some(2));
    assert_eq!(s.store().put_document(document("y", Some("3")), 0).await.unwrap(), Some(3));
    assert_eq!(s.store().put_document(document("x", None), 2).await.unwrap(), Some(4));
    s = s.reopen();
    let (documents, version) = s.store().documents("client").await.unwrap();
    assert_eq!(documents, [Document { version: 3, ..document("y", Some("3")) }]);
    assert_eq!(version, 4);
    assert_eq!(s.store().put_document(document("x", Some("5")), 4).await.unwrap(), None, "it does not exist");
    assert_eq!(s.store().put_document(document("x", Some("5")), 0).await.unwrap(), Some(5));
}

pub(super) async fn changes_come_in_order<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    for (name, body, expected) in
        [("a", Some("1"), 0), ("b", Some("2"), 0), ("a", Some("3"), 1), ("c", Some("4"), 0), ("b", None, 2)]
    {
        assert!(s.store().put_document(document(name, body), expected).await.unwrap().is_some());
        s = s.reopen();
    }
    let seen = |(changes, _): (Vec<Document>, u64)| -> Vec<(u64, String, bool)> {
        changes.into_iter().map(|change| (change.version, change.name, change.body.is_some())).collect()
    };
    let all = seen(s.store().changes("client", 0).await.unwrap());
    assert_eq!(all, [(3, "a".to_owned(), true), (4, "c".to_owned(), true), (5, "b".to_owned(), false)]);
    assert_eq!(seen(s.store().changes("client", 4).await.unwrap()), [(5, "b".to_owned(), false)]);
    assert_eq!(seen(s.store().changes("client", 5).await.unwrap()), []);
    assert_eq!(seen(s.store().changes("client", u64::MAX).await.unwrap()), []);
}

pub(super) async fn a_document_is_read_by_its_name<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    let user = Document { kind: "user".to_owned(), ..document("main/ann", Some("1")) };
    assert_eq!(s.store().document("user", "main/ann").await.unwrap(), None);
    assert_eq!(s.store().put_document(user.clone(), 0).await.unwrap(), Some(1));
    s = s.reopen();
    let found = s.store().document("user", "main/ann").await.unwrap();
    assert_eq!(found, Some(Document { version: 1, ..user.clone() }));
    for (kind, name) in [("client", "main/ann"), ("user", "main/an"), ("user", "main/anna"), ("use", "rmain/ann")] {
        assert_eq!(s.store().document(kind, name).await.unwrap(), None, "{kind} {name}");
    }
    assert_eq!(s.store().put_document(Document { body: None, ..user }, 1).await.unwrap(), Some(2));
    assert_eq!(s.store().document("user", "main/ann").await.unwrap(), None, "deleted");
}

pub(super) async fn documents_of_another_kind_are_passed_over<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let user = |name| Document { kind: "user".to_owned(), ..document(name, Some("1")) };
    for new in [document("x", Some("1")), user("x"), user("y"), document("y", Some("1")), user("z")] {
        assert!(s.store().put_document(new, 0).await.unwrap().is_some());
    }
    let names = |documents: Vec<Document>| documents.into_iter().map(|found| found.name).collect::<Vec<_>>();
    let (clients, version) = s.store().documents("client").await.unwrap();
    assert_eq!((names(clients), version), (vec!["x".to_owned(), "y".to_owned()], 5));
    let (changes, version) = s.store().changes("client", 1).await.unwrap();
    assert_eq!((names(changes), version), (vec!["y".to_owned()], 5), "the feed is not read again for them");
    let (changes, version) = s.store().changes("client", version).await.unwrap();
    assert_eq!((names(changes), version), (Vec::new(), 5));
}

pub(super) async fn a_lease_is_ours<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    assert_eq!(s.store().lease("rotation", Id([1; 16]), Duration::from_secs(5)).await.unwrap(), Some(1));
}

pub(super) async fn a_closed_store_says_so<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    assert_eq!(s.store().put_document(document("x", Some("1")), 0).await.unwrap(), Some(1));
    super::closed(&*s.store()).await;
    assert!(s.store().apply(0, vec![super::redeem(1, 1, START)]).await.is_err());
}
