use std::sync::atomic::Ordering;
use std::time::Duration;

use super::test_store::TestStore;
use super::*;
use crate::clock::Time;
use crate::jose::Jws;

const HOUR: Duration = Duration::from_secs(3600);
const POLICY: Policy = Policy { period: Duration::from_secs(30 * 86400), announce: HOUR, longest_token: HOUR };
const ALG: Algorithm = Algorithm::EdDsa;

/// A cluster in a test: one store, one clock, one master key file.
struct World {
    store: Arc<TestStore>,
    vault: Arc<Vault>,
    clock: Clock,
    metrics: Metrics,
}

impl World {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            vault: Arc::new(Vault::ephemeral()),
            clock: Clock::manual(Time::from_secs(1_700_000_000)),
            metrics: Metrics::new(),
        }
    }

    async fn try_node(&self, rings: Vec<IssuerRings>) -> Result<Keys, KeyError> {
        let store: Arc<dyn KeyRings> = Arc::<TestStore>::clone(&self.store);
        Keys::start(rings, store, Arc::clone(&self.vault), self.clock.clone(), self.metrics.clone()).await
    }

    async fn node(&self) -> Keys {
        self.try_node(vec![rings("main", &[ALG])]).await.unwrap()
    }

    fn stored(&self) -> usize {
        self.store.keys.lock().unwrap().len()
    }
}

fn rings(issuer: &str, algorithms: &[Algorithm]) -> IssuerRings {
    IssuerRings { issuer: issuer.to_owned(), algorithms: algorithms.to_vec(), policy: POLICY }
}

fn signing(keys: &Keys, world: &World) -> String {
    keys.issuer("main").unwrap().signer(ALG, world.clock.now()).unwrap().kid().to_owned()
}

async fn token(keys: &Keys, world: &World) -> String {
    let issuer = keys.issuer("main").unwrap();
    issuer.signer(ALG, world.clock.now()).unwrap().sign(Typ::AtJwt, b"{}").await.unwrap()
}

fn verifies(keys: &Keys, token: &str) -> bool {
    let jws = Jws::parse(token).unwrap();
    let issuer = keys.issuer("main").unwrap();
    let known = issuer.verifier(jws.header().kid.as_deref().unwrap());
    known.is_some_and(|(key, alg)| jws.verify_with(key, alg).is_ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ring_signs_after_the_start_and_the_jwks_verifies_it_rfc_7517_section_5() {
    let world = World::new();
    let keys = world.try_node(vec![rings("main", &Algorithm::ALL), rings("other", &[ALG, ALG])]).await.unwrap();
    let issuer = keys.ready("main", Algorithm::ALL).await.unwrap();
    assert_eq!(world.stored(), 5);
    assert_eq!(issuer.algorithms().collect::<Vec<_>>(), Algorithm::ALL);
    let jwks: serde_json::Value = serde_json::from_slice(&issuer.jwks().body).unwrap();
    let members = jwks["keys"].as_array().unwrap();
    assert_eq!(members.len(), 4);
    for alg in Algorithm::ALL {
        let token = issuer.signer(alg, world.clock.now()).unwrap().sign(Typ::Jwt, b"{}").await.unwrap();
        let jws = Jws::parse(&token).unwrap();
        let member = members.iter().find(|member| member["kid"] == *jws.header().kid.as_deref().unwrap()).unwrap();
        assert_eq!((member["use"].as_str(), member["alg"].as_str()), (Some("sig"), Some(alg.name())));
        // parsing refuses private members
        let public = crate::jose::PublicJwk::parse(member.to_string().as_bytes()).unwrap();
        assert_eq!(public.thumbprint(), member["kid"]);
        jws.verify(&public, alg).unwrap();
        assert!(verifies(&keys, &token));
    }
    assert_eq!(issuer.jwks().max_age, HOUR / 2);
    assert!(issuer.jwks().etag.starts_with('"') && issuer.jwks().etag.ends_with('"'));
    assert!(keys.issuer("other").unwrap().verifier(&signing(&keys, &world)).is_none(), "issuers share no keys");
    assert!(keys.issuer("nobody").is_none());
}

/// Issue 8, number 34: two hundred issuers took 20 seconds to be ready, because each made an RSA key first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_issuers_sign_at_once_and_the_first_rsa_keys_are_made_beside_the_traffic_those_waited_for_first() {
    const MANY: usize = 100;
    let world = World::new();
    let many = || (0..MANY).map(|n| rings(&format!("tenant-{n}"), &[ALG, Algorithm::Rs256])).collect::<Vec<_>>();
    let keys = world.try_node(many()).await.unwrap();
    let last = || keys.issuer(&format!("tenant-{}", MANY - 1)).unwrap();
    assert!(last().signer(ALG, world.clock.now()).is_some());
    assert!(last().lacks(Algorithm::Rs256) && !last().is_complete());
    assert_eq!(last().jwks().max_age, Duration::ZERO, "nobody keeps a set that is not whole");
    // what lacks nothing does not wait
    keys.ready("tenant-0", [ALG]).await.unwrap();
    let whole = keys.ready(&format!("tenant-{}", MANY - 1), Algorithm::ALL).await.unwrap();
    assert!(whole.signer(Algorithm::Rs256, world.clock.now()).is_some());
    assert_eq!(whole.jwks().max_age, HOUR / 2);
    assert!(world.stored() < 2 * MANY, "the last issuer waited for those that nobody asked for");
    // an operator does not wait for them either
    let views = keys.rotate("tenant-50", Some(Algorithm::Rs256), RotationKind::Emergency).await.unwrap();
    assert!(views.iter().any(|view| view.state == "signing"));
    assert!(matches!(keys.ready("nobody", [ALG]).await, Err(KeyError::UnknownIssuer { .. })));
    keys.stop().await;
}

/// Once 64 requests of an issuer wait for its first key, the next is refused at once; a request for a JWK Set waits
/// only briefly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_for_a_first_key_are_bounded_for_each_issuer() {
    let world = World::new();
    // "main" comes last of a hundred
    let others = (0..99).map(|n| rings(&format!("tenant-{n}"), &[Algorithm::Rs256]));
    let all = others.chain([rings("main", &[ALG, Algorithm::Rs256])]).collect();
    let keys = world.try_node(all).await.unwrap();
    // from here on nothing is published, so whoever waits goes on waiting
    keys.stop().await;
    let mut waiting: Vec<_> = (0..waiting::MOST).map(|_| Box::pin(keys.ready("main", Algorithm::ALL))).collect();
    let polled = std::future::poll_fn(|cx| {
        let pending = waiting.iter_mut().all(|one| std::future::Future::poll(one.as_mut(), cx).is_pending());
        std::task::Poll::Ready(pending)
    });
    assert!(polled.await, "they wait");
    assert!(matches!(keys.ready("main", Algorithm::ALL).await, Err(KeyError::Unfinished { .. })));
    let partial = keys.whole("main").await.unwrap();
    assert!(partial.lacks(Algorithm::Rs256) && !partial.lacks(ALG));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_share_one_key() {
    let world = World::new();
    let (a, b, c) = tokio::join!(world.node(), world.node(), world.node());
    assert_eq!(world.stored(), 1);
    assert!(signing(&a, &world) == signing(&b, &world) && signing(&b, &world) == signing(&c, &world));
    assert_eq!(a.issuer("main").unwrap().jwks().etag, b.issuer("main").unwrap().jwks().etag);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_told_to_rotate_together_make_one_key() {
    for kind in [RotationKind::Planned, RotationKind::Emergency] {
        let world = World::new();
        let nodes = [world.node().await, world.node().await, world.node().await];
        let rotate = |node: &Keys| {
            let node = node.clone();
            async move { node.rotate("main", Some(ALG), kind).await.unwrap().len() }
        };
        let views = tokio::join!(rotate(&nodes[0]), rotate(&nodes[1]), rotate(&nodes[2]));
        assert_eq!((views, world.stored()), ((2, 2, 2), 2), "{kind:?}");
        for node in &nodes {
            assert_eq!(signing(node, &world), signing(&nodes[0], &world));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_key_is_announced_signs_on_its_moment_without_the_actor_and_the_old_one_is_dropped_in_the_end() {
    let world = World::new();
    let keys = world.node().await;
    let (old, old_token) = (signing(&keys, &world), token(&keys, &world).await);
    let views = keys.rotate("main", None, RotationKind::Planned).await.unwrap();
    let states: Vec<_> = views.iter().map(|view| (view.generation, view.state)).collect();
    assert_eq!(states, [(1, "signing"), (2, "announced")]);
    assert_eq!(views[1].sign_from, "2023-11-14T23:13:20Z");
    assert_eq!(keys.rotate("main", None, RotationKind::Planned).await.unwrap().len(), 2, "one successor at a time");
    // nobody moves from here on but the clock
    keys.stop().await;
    let published = keys.issuer("main").unwrap();
    world.clock.advance(HOUR - Duration::from_millis(1));
    assert_eq!(signing(&keys, &world), old);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(signing(&keys, &world), views[1].kid);
    assert!(verifies(&keys, &old_token));
    assert_eq!(published.views(world.clock.now())[0].state, "retired");
    let node = world.node().await;
    assert!(verifies(&node, &old_token));
    world.clock.advance(HOUR + ring::SKEW);
    node.refresh().await.unwrap();
    assert!(!verifies(&node, &old_token));
    assert_eq!(world.stored(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_key_signs_at_once_and_living_tokens_still_verify() {
    let world = World::new();
    let keys = world.node().await;
    let (old, old_token) = (signing(&keys, &world), token(&keys, &world).await);
    keys.rotate("main", Some(ALG), RotationKind::Planned).await.unwrap();
    let views = keys.rotate("main", Some(ALG), RotationKind::Emergency).await.unwrap();
    assert_eq!(views.iter().map(|view| view.state).collect::<Vec<_>>(), ["retired", "retired", "signing"]);
    assert_ne!(signing(&keys, &world), old);
    assert!(verifies(&keys, &old_token));
    let count = |kind| world.metrics.key_rotations.with_label_values(&["EdDSA", kind]).get();
    assert_eq!((count("first"), count("requested"), count("emergency")), (1, 1, 1));
    assert_eq!(world.metrics.keys.with_label_values(&["EdDSA", "retired"]).get(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_key_is_withdrawn_with_all_that_it_signed_and_all_that_was_announced() {
    let world = World::new();
    let keys = world.node().await;
    let old_token = token(&keys, &world).await;
    keys.rotate("main", Some(ALG), RotationKind::Planned).await.unwrap();
    let views = keys.rotate("main", Some(ALG), RotationKind::Withdrawal).await.unwrap();
    assert_eq!(views.iter().map(|view| (view.state, view.generation)).collect::<Vec<_>>(), [("signing", 3)]);
    assert!(!verifies(&keys, &old_token));
    assert!(verifies(&keys, &token(&keys, &world).await));
    assert_eq!(world.stored(), 1, "the stored private keys are gone as well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_key_of_an_algorithm_that_is_not_used_any_more_is_withdrawn_too() {
    let world = World::new();
    let keys = world.node().await;
    let old_token = token(&keys, &world).await;
    keys.reload(vec![rings("main", &[Algorithm::Es256])]).await.unwrap();
    assert!(verifies(&keys, &old_token));
    keys.rotate("main", None, RotationKind::Emergency).await.unwrap();
    assert!(verifies(&keys, &old_token), "an emergency is about what signs now");
    assert!(keys.rotate("main", Some(ALG), RotationKind::Withdrawal).await.unwrap().is_empty());
    assert!(!verifies(&keys, &old_token));
    assert!(world.store.keys.lock().unwrap().iter().all(|key| key.ring == "main/ES256"));
    let again = keys.rotate("main", Some(ALG), RotationKind::Withdrawal).await;
    assert!(matches!(again, Err(KeyError::UnknownAlgorithm { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_a_removed_algorithm_are_forgotten_once_nothing_they_signed_is_alive() {
    let world = World::new();
    let keys = world.node().await;
    keys.reload(vec![rings("main", &[Algorithm::Es256])]).await.unwrap();
    let left = || world.store.keys.lock().unwrap().iter().filter(|key| key.ring == "main/EdDSA").count();
    keys.refresh().await.unwrap();
    assert_eq!(left(), 1);
    world.clock.advance(POLICY.period + POLICY.announce + POLICY.longest_token + super::ring::SKEW);
    keys.refresh().await.unwrap();
    assert_eq!(left(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_node_is_known_before_it_signs() {
    let world = World::new();
    let (a, b) = (world.node().await, world.node().await);
    world.clock.advance(POLICY.period - POLICY.announce);
    a.refresh().await.unwrap();
    b.refresh().await.unwrap();
    assert_eq!(world.stored(), 2);
    world.clock.advance(POLICY.announce);
    assert_eq!(signing(&a, &world), signing(&b, &world));
    assert!(verifies(&b, &token(&a, &world).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_the_known_key_signs_on() {
    let world = World::new();
    let keys = world.node().await;
    world.store.down.store(true, Ordering::SeqCst);
    assert!(matches!(world.try_node(vec![rings("main", &[ALG])]).await, Err(KeyError::Store(_))));
    assert!(matches!(keys.rotate("main", None, RotationKind::Emergency).await, Err(KeyError::Store(_))));
    assert!(verifies(&keys, &token(&keys, &world).await));
    world.store.down.store(false, Ordering::SeqCst);
    assert_eq!(keys.rotate("main", None, RotationKind::Emergency).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_sealed_with_another_master_key_is_named_at_the_start_and_leaves_a_running_node_alone() {
    let mut world = World::new();
    let ours = world.node().await;
    let known = token(&ours, &world).await;
    world.vault = Arc::new(Vault::ephemeral());
    let Err(error) = world.try_node(vec![rings("main", &[ALG])]).await else { panic!("the vault cannot open it") };
    assert!(error.to_string().contains(&signing(&ours, &world)), "{error}");
    // the other way round: a node with another master key writes what ours cannot open
    world.store.keys.lock().unwrap().clear();
    let _theirs = world.node().await;
    assert!(matches!(ours.refresh().await, Err(KeyError::Sealed { .. })));
    assert!(verifies(&ours, &known));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_actor_is_replaced_and_its_keys_stay_in_use() {
    let world = World::new();
    let keys = world.node().await;
    let old = signing(&keys, &world);
    keys.rotation.kill();
    assert_eq!(signing(&keys, &world), old);
    let restarts = || world.metrics.actor_restarts.with_label_values(&["keys"]).get();
    let back = async {
        while restarts() == 0 || keys.refresh().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.unwrap();
    assert_eq!((signing(&keys, &world), restarts()), (old, 1));
    assert_eq!(keys.rotate("main", None, RotationKind::Emergency).await.unwrap().len(), 2);
    keys.stop().await;
    assert!(matches!(keys.refresh().await, Err(KeyError::Rotation(_))));
    assert_eq!(restarts(), 1, "stopping is not dying");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_adds_and_removes_issuers_and_a_removed_algorithm_still_verifies() {
    let world = World::new();
    let keys = world.node().await;
    let old_token = token(&keys, &world).await;
    keys.reload(vec![rings("main", &[Algorithm::Es256]), rings("new", &[ALG])]).await.unwrap();
    let main = keys.issuer("main").unwrap();
    assert!(main.signer(ALG, world.clock.now()).is_none());
    assert!(main.signer(Algorithm::Es256, world.clock.now()).is_some());
    assert!(verifies(&keys, &old_token));
    assert_eq!(main.views(world.clock.now())[1].state, "retired");
    let unknown = keys.rotate("main", Some(ALG), RotationKind::Planned).await;
    assert!(matches!(unknown, Err(KeyError::UnknownAlgorithm { .. })));
    assert!(keys.issuer("new").is_some());
    keys.reload(vec![rings("new", &[ALG])]).await.unwrap();
    assert!(keys.issuer("main").is_none());
    assert!(matches!(keys.rotate("main", None, RotationKind::Planned).await, Err(KeyError::UnknownIssuer { .. })));
    world.store.down.store(true, Ordering::SeqCst);
    assert!(keys.reload(vec![rings("third", &[ALG])]).await.is_err());
    assert!(keys.issuer("new").is_some() && keys.issuer("third").is_none());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_private_key() {
    let world = World::new();
    let keys = world.node().await;
    let row = world.store.keys.lock().unwrap()[0].clone();
    let private = world.vault.open(crate::vault::Purpose::SigningKey, &row.id, b"main/EdDSA", &row.sealed).unwrap();
    let shown = format!("{:?}", keys.issuer("main").unwrap());
    let seed = &private[private.len() - 32..];
    assert!(!shown.contains(&format!("{seed:?}")) && !shown.contains("SigningKey"), "{shown}");
}
