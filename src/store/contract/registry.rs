//! Rules of signing keys, documents and closing.

#![expect(missing_docs, reason = "the name of each test says its rule")]

use super::{START, Subject};
use crate::clock::Clock;
use crate::id::Id;
use crate::store::{Document, StoredKey, USERS};

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

async fn put<S: Subject>(s: &S, document: Document, expected: u64) -> Option<u64> {
    s.engine().documents.put(document, expected).await.unwrap()
}

pub async fn keys_are_published_once<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    assert!(!s.engine().key_rings.publish(None, key("a/EdDSA", 2)).await.unwrap(), "begins with 1");
    assert!(s.engine().key_rings.publish(None, key("a/EdDSA", 1)).await.unwrap());
    s = s.reopen();
    assert!(!s.engine().key_rings.publish(None, key("a/EdDSA", 1)).await.unwrap());
    assert!(!s.engine().key_rings.publish(Some(1), key("a/EdDSA", 3)).await.unwrap());
    assert!(s.engine().key_rings.publish(Some(1), key("a/EdDSA", 2)).await.unwrap());
    assert!(s.engine().key_rings.publish(None, key("a/EdDSA2", 1)).await.unwrap(), "a ring is not its prefix");
    let race = s.engine().key_rings;
    let (one, two) = tokio::join!(race.publish(Some(2), key("a/EdDSA", 3)), race.publish(Some(2), key("a/EdDSA", 3)));
    assert!(one.unwrap() ^ two.unwrap());
    drop(race);
    s = s.reopen();
    let mut keys = s.engine().key_rings.keys().await.unwrap();
    keys.sort_by(|a, b| a.kid.cmp(&b.kid));
    assert_eq!(keys, [key("a/EdDSA", 1), key("a/EdDSA", 2), key("a/EdDSA", 3), key("a/EdDSA2", 1)]);
}

pub async fn documents_are_given_page_by_page<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    for name in ["a/2", "a/1", "b/1", "a/30", "a/3", "a/\u{ff}"] {
        assert!(s.engine().documents.put(document(name, Some("{}")), 0).await.unwrap().is_some());
    }
    let version = s.engine().documents.get("client", "a/2").await.unwrap().unwrap().version;
    s.engine().documents.put(document("a/2", None), version).await.unwrap();
    let other = Document { kind: "clients".to_owned(), ..document("a/4", Some("{}")) };
    assert!(s.engine().documents.put(other, 0).await.unwrap().is_some());
    s = s.reopen();
    let (store, mut found, mut after) = (s.engine().documents, Vec::new(), String::new());
    loop {
        let page = store.page("client", "a/", &after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.name.clone();
        found.extend(page.into_iter().map(|document| document.name));
    }
    assert_eq!(found, ["a/1", "a/3", "a/30", "a/\u{ff}"]);
}

pub async fn keys_are_dropped_up_to_a_generation<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    for generation in 1..=3 {
        let before = (generation > 1).then(|| generation - 1);
        assert!(s.engine().key_rings.publish(before, key("a", generation)).await.unwrap());
        assert!(s.engine().key_rings.publish(before, key("b", generation)).await.unwrap());
    }
    s.engine().key_rings.drop_up_to("a", 2).await.unwrap();
    s = s.reopen();
    let mut kids: Vec<_> = s.engine().key_rings.keys().await.unwrap().into_iter().map(|key| key.kid).collect();
    kids.sort();
    assert_eq!(kids, ["a-3", "b-1", "b-2", "b-3"]);
}

pub async fn documents_change_by_compare_and_set<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    assert_eq!(put(&s, document("x", Some("1")), 5).await, None);
    let first = put(&s, document("x", Some("1")), 0).await.unwrap();
    s = s.reopen();
    assert_eq!(put(&s, document("x", Some("2")), 0).await, None);
    let second = put(&s, document("x", Some("2")), first).await.unwrap();
    let other = put(&s, document("y", Some("3")), 0).await.unwrap();
    let gone = put(&s, document("x", None), second).await.unwrap();
    assert!(first < second && second < other && other < gone, "versions grow");
    s = s.reopen();
    let (documents, version) = s.engine().documents.list("client").await.unwrap();
    assert_eq!(documents, [Document { version: other, ..document("y", Some("3")) }]);
    assert!(version >= gone);
    assert_eq!(put(&s, document("x", Some("5")), gone).await, None, "it does not exist");
    assert!(put(&s, document("x", Some("5")), 0).await.unwrap() > gone);
}

pub async fn changes_come_in_order<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    let mut versions = Vec::new();
    for (name, body, expected) in [
        ("a", Some("1"), None),
        ("b", Some("2"), None),
        ("a", Some("3"), Some(0)),
        ("c", Some("4"), None),
        ("b", None, Some(1)),
    ] {
        let expected = expected.map_or(0, |at: usize| versions[at]);
        versions.push(put(&s, document(name, body), expected).await.unwrap());
        s = s.reopen();
    }
    let seen = |(changes, _): (Vec<Document>, u64)| -> Vec<(u64, String, bool)> {
        changes.into_iter().map(|change| (change.version, change.name, change.body.is_some())).collect()
    };
    let [.., a, c, b] = versions[..] else { panic!() };
    let all = seen(s.engine().documents.changes("client", 0).await.unwrap());
    assert_eq!(all, [(a, "a".to_owned(), true), (c, "c".to_owned(), true), (b, "b".to_owned(), false)]);
    assert_eq!(seen(s.engine().documents.changes("client", c).await.unwrap()), [(b, "b".to_owned(), false)]);
    assert_eq!(seen(s.engine().documents.changes("client", b).await.unwrap()), []);
    assert_eq!(seen(s.engine().documents.changes("client", u64::MAX).await.unwrap()), []);
}

pub async fn a_document_is_read_by_its_name<S: Subject>() {
    let mut s = S::open(1, Clock::manual(START));
    let user = Document { kind: "user".to_owned(), ..document("main/ann", Some("1")) };
    assert_eq!(s.engine().documents.get("user", "main/ann").await.unwrap(), None);
    let version = put(&s, user.clone(), 0).await.unwrap();
    s = s.reopen();
    let found = s.engine().documents.get("user", "main/ann").await.unwrap();
    assert_eq!(found, Some(Document { version, ..user.clone() }));
    for (kind, name) in [("client", "main/ann"), ("user", "main/an"), ("user", "main/anna"), ("use", "rmain/ann")] {
        assert_eq!(s.engine().documents.get(kind, name).await.unwrap(), None, "{kind} {name}");
    }
    assert!(put(&s, Document { body: None, ..user }, version).await.is_some());
    assert_eq!(s.engine().documents.get("user", "main/ann").await.unwrap(), None, "deleted");
}

pub async fn users_change_by_comparison_though_nobody_follows_them<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let user = |body| Document { kind: USERS.to_owned(), ..document("main/ann", body) };
    assert_eq!(put(&s, user(Some("1")), 7).await, None, "it does not exist");
    let first = put(&s, user(Some("1")), 0).await.unwrap();
    assert!(first > 0);
    assert_eq!(put(&s, user(Some("2")), 0).await, None, "it exists");
    let documents = s.engine().documents;
    let (one, two) = tokio::join!(documents.put(user(Some("2")), first), documents.put(user(Some("3")), first));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_some() ^ two.is_some(), "{one:?} {two:?}");
    let second = one.or(two).unwrap();
    assert_eq!(put(&s, user(None), first).await, None);
    assert!(put(&s, user(None), second).await.is_some());
    let again = put(&s, user(Some("4")), 0).await.unwrap();
    assert_eq!(put(&s, user(Some("5")), second).await, None, "the name of another one");
    let found = documents.get(USERS, "main/ann").await.unwrap();
    assert_eq!(found, Some(Document { version: again, ..user(Some("4")) }));
}

pub async fn documents_of_another_kind_are_passed_over<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    let user = |name| Document { kind: "user".to_owned(), ..document(name, Some("1")) };
    let mut versions = Vec::new();
    for new in [document("x", Some("1")), user("x"), user("y"), document("y", Some("1")), user("z")] {
        versions.push(put(&s, new, 0).await.unwrap());
    }
    let names = |documents: Vec<Document>| documents.into_iter().map(|found| found.name).collect::<Vec<_>>();
    let (clients, _) = s.engine().documents.list("client").await.unwrap();
    assert_eq!(names(clients), ["x", "y"]);
    let (changes, version) = s.engine().documents.changes("client", versions[0]).await.unwrap();
    assert_eq!(names(changes), ["y"]);
    let (changes, again) = s.engine().documents.changes("client", version).await.unwrap();
    assert_eq!((names(changes), again), (Vec::new(), version), "the feed is not read again");
}

pub async fn a_closed_store_says_so<S: Subject>() {
    let s = S::open(1, Clock::manual(START));
    assert!(put(&s, document("x", Some("1")), 0).await.is_some());
    super::subject::closed(&s.engine()).await;
    let answers = s.engine().ledger.apply(0, vec![super::redeem(1, 1, START).into()]).await;
    assert!(answers.is_err() || answers.is_ok_and(|answers| matches!(answers[..], [Err(_)])));
}
