//! Hooks over a made-up other side: what is let through, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::Time;

/// The behaviour of the other side.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Answer(u16),
    Break,
    Hang,
}

struct Other {
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
}

impl Post for Other {
    fn post(&self, _body: Vec<u8>) -> Posting<'_> {
        let does = *self.does.lock().unwrap();
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match does {
                Does::Answer(status) => Ok((status, Bytes::from_static(b"{}"))),
                Does::Break => Err("broken".to_owned()),
                Does::Hang => std::future::pending().await,
            }
        })
    }
}

struct World {
    hook: Hook,
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
    clock: Clock,
    metrics: Metrics,
}

impl World {
    fn new() -> Self {
        let (does, asked) = (Arc::new(Mutex::new(Does::Answer(200))), Arc::default());
        let settings = HookSettings {
            timeout: Duration::from_millis(20),
            max_in_flight: 2,
            breaker_failures: 3,
            ..HookSettings::at("https://hook.example/")
        };
        let post = Other { does: does.clone(), asked: Arc::clone(&asked) };
        let hook = Hook::new(HookKind::Grant, &settings, Box::new(post));
        Self { hook, does, asked, clock: Clock::manual(Time::from_secs(1_000)), metrics: Metrics::new() }
    }

    fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    async fn call(&self) -> Result<(u16, Bytes), HookError> {
        self.hook.call(b"{}".to_vec(), &self.clock, &self.metrics).await
    }

    fn open(&self) -> i64 {
        self.metrics.hook_breakers_open.with_label_values(&["grant"]).get()
    }
}

#[tokio::test]
async fn failures_in_a_row_open_the_breaker_and_one_good_probe_closes_it() {
    let world = World::new();
    // a refusal of the hook's is an answer, and ends a row of failures
    for does in [Does::Answer(500), Does::Break, Does::Answer(400), Does::Answer(503), Does::Hang] {
        world.does(does);
        assert_eq!(world.call().await.is_ok(), does == Does::Answer(400));
    }
    assert_eq!(world.open(), 0);
    world.does(Does::Break);
    assert_eq!(world.call().await, Err(HookError::Failed("broken".to_owned())));
    assert_eq!(world.open(), 1);
    let asked = world.asked.load(Ordering::Relaxed);
    world.does(Does::Answer(200));
    assert_eq!(world.call().await, Err(HookError::Open));
    assert_eq!(world.asked.load(Ordering::Relaxed), asked, "it is left alone");
    world.clock.advance(Duration::from_secs(5));
    world.does(Does::Hang);
    let (probe, beside) = tokio::join!(world.call(), world.call());
    assert_eq!((probe, beside), (Err(HookError::Late), Err(HookError::Open)), "one probe");
    world.clock.advance(Duration::from_secs(5));
    world.does(Does::Answer(200));
    assert!(world.call().await.is_ok());
    assert!(world.call().await.is_ok());
    assert_eq!(world.open(), 0);
}

#[tokio::test]
async fn who_is_slowed_down_by_the_hook_does_not_take_it_from_everybody_else() {
    let world = World::new();
    world.does(Does::Answer(429));
    for _ in 0..10 {
        assert_eq!(world.call().await, Err(HookError::Limited));
    }
    assert_eq!(world.open(), 0);
    world.does(Does::Answer(200));
    assert!(world.call().await.is_ok());
}

#[tokio::test]
async fn a_probe_that_is_dropped_does_not_keep_the_breaker_half_open() {
    let world = World::new();
    world.does(Does::Break);
    for _ in 0..3 {
        assert!(world.call().await.is_err());
    }
    world.clock.advance(Duration::from_secs(5));
    world.does(Does::Hang);
    let dropped = tokio::time::timeout(Duration::from_millis(1), world.call()).await;
    assert!(dropped.is_err());
    world.clock.advance(Duration::from_secs(5));
    world.does(Does::Answer(200));
    assert!(world.call().await.is_ok());
    // and a hook that goes while its breaker is open leaves nothing in the gauge
    let world = World::new();
    world.does(Does::Break);
    for _ in 0..3 {
        assert!(world.call().await.is_err());
    }
    let metrics = world.metrics.clone();
    drop(world);
    assert_eq!(metrics.hook_breakers_open.with_label_values(&["grant"]).get(), 0);
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_there_may_be() {
    let world = World::new();
    world.does(Does::Hang);
    let (one, two, three) = tokio::join!(world.call(), world.call(), world.call());
    assert_eq!((one, two, three), (Err(HookError::Late), Err(HookError::Late), Err(HookError::Busy)));
    let count = |outcome| world.metrics.hook_requests.with_label_values(&["grant", outcome]).get();
    assert_eq!((count("late"), count("busy"), count("answered")), (2, 1, 0));
}

#[test]
fn a_hook_is_https_or_on_this_machine_and_its_limits_have_limits() {
    for url in ["https://hook.example/x?y=1", "http://127.0.0.1:9000/", "http://localhost:1", "http://[::1]:1/"] {
        assert!(HookSettings::at(url).check().is_ok(), "{url}");
    }
    for url in ["http://hook.example/", "ftp://127.0.0.1/", "https://a:b@hook.example/", "https://a.example/#b", "x"] {
        assert_eq!(HookSettings::at(url).check().unwrap_err().0, "url", "{url}");
    }
    let with = |change: fn(&mut HookSettings)| {
        let mut settings = HookSettings::at("https://hook.example/");
        change(&mut settings);
        settings.check().map_err(|(setting, ..)| setting)
    };
    assert_eq!(with(|s| s.timeout = Duration::from_secs(11)).unwrap_err(), "timeout");
    assert_eq!(with(|s| s.timeout = Duration::ZERO).unwrap_err(), "timeout");
    assert_eq!(with(|s| s.max_in_flight = 0).unwrap_err(), "max_in_flight");
    assert_eq!(with(|s| s.breaker_failures = 0).unwrap_err(), "breaker_failures");
    assert_eq!(with(|s| s.breaker_pause = Duration::from_secs(601)).unwrap_err(), "breaker_pause");
}
