//! CHECKLIST E2, E3, E13: kill -9, power cuts, full and failing disks, against the real binary under load.
//!
//! Nothing here trusts the server's own account: the load remembers what was acknowledged, and that is what must be
//! there afterwards. `JETON_KILLS`, `JETON_CUTS` and `JETON_FILLS` set how often; `ops/experiment` runs the full forms.

mod image;
pub(crate) mod load;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jeton::internals::Stopwatch;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::http::request;
use crate::support::process::{Dev, jeton};
use crate::support::{ADMIN_TOKEN, Answer, free_port, say, web_metadata};
use image::Image;
use load::{Dice, Load, pause};

/// Families under load.
const CHAINS: usize = 64;
/// How soon a server must be ready again (E2). Only held against a full run: a debug build on a busy machine may be slow.
const RECOVERY: Duration = Duration::from_secs(2);

/// How late a timer of this process may be.
const STANDSTILL: Duration = Duration::from_secs(4);

/// How often, from the environment; and whether this is a full run.
fn times(name: &str, short: usize) -> (usize, bool) {
    std::env::var(name).map_or((short, false), |text| (text.parse().expect("a number"), true))
}

/// A server that is started again and again on the same addresses, so that its issuer stays the same.
struct Site {
    public: std::net::SocketAddr,
    admin: std::net::SocketAddr,
    log: PathBuf,
    slowest: Duration,
    /// Rounds that prove nothing, see [`Site::work`].
    void: usize,
    /// A library loaded into the server.
    preload: Option<PathBuf>,
}

impl Site {
    fn new(dir: &Path) -> Self {
        Self {
            public: free_port(),
            admin: free_port(),
            log: dir.join("log"),
            slowest: Duration::ZERO,
            void: 0,
            preload: None,
        }
    }

    async fn start(&mut self, data: &Path) -> Dev {
        let watch = Stopwatch::start();
        let dress = |command: &mut Command| {
            if let Some(library) = &self.preload {
                command.env("LD_PRELOAD", library);
            }
        };
        let dev = Dev::dressed(self.public, self.admin, data, &self.log, dress).await;
        self.slowest = self.slowest.max(watch.elapsed());
        dev
    }

    /// Starts on a new data directory, with a client whose grace is longer than any restart takes.
    async fn found(&mut self, data: &Path) -> (Dev, Load) {
        let dev = self.start(data).await.settled().await;
        self.slowest = Duration::ZERO;
        let mut metadata = web_metadata();
        metadata["jeton"] = serde_json::json!({ "refresh_token_grace": 60 });
        metadata["grant_types"].as_array_mut().unwrap().push("client_credentials".into());
        let client = dev.client(metadata).await;
        let load = Load::new(self.public, self.admin, client, CHAINS);
        (dev, load)
    }

    /// Lets the load work for `span`. If that was much longer by this process's own clock, the experiment itself stood
    /// still (a paused virtual machine, a neighbour's SIGSTOP: seen): deadlines and graces passed that nobody could
    /// keep, and the round does not count.
    async fn work(&mut self, load: &mut Load, span: Duration) -> bool {
        let watch = Stopwatch::start();
        load.start();
        pause(span).await;
        let counts = watch.elapsed() < span + STANDSTILL;
        if !counts {
            self.void += 1;
            say(format_args!("a round is void: {span:?} took {:?}", watch.elapsed()));
        }
        counts
    }

    /// The end of an experiment: nothing may be wrong.
    fn conclude(&self, name: &str, rounds: usize, load: &Load, wrong: &[String]) {
        say(format_args!(
            "result: {name}: {rounds} rounds, {} acknowledged refreshes, {} logins, {} revocations, {} answers lost, \
             {} turned away, slowest start {} ms, {} rounds void, {} violations",
            load.refreshes(),
            load.logins(),
            load.revocations(),
            load.lost(),
            load.turned_away(),
            self.slowest.as_millis(),
            self.void,
            wrong.len()
        ));
        assert!(wrong.is_empty(), "{name}: {:#?}", &wrong[..wrong.len().min(10)]);
        assert!(load.refreshes() > 0, "the load did something");
        assert!(self.void <= 1 + rounds / 20, "the machine is too unsteady to tell");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_kill_9_loses_nothing_that_was_acknowledged() {
    let (kills, full) = times("JETON_KILLS", 4);
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let (mut site, mut dice) = (Site::new(dir.path()), Dice::new(2));
    let (mut dev, mut load) = site.found(&data).await;
    let mut wrong = Vec::new();
    for _ in 0..kills {
        let counts = site.work(&mut load, Duration::from_millis(dice.between(50, 1_500))).await;
        dev.kill();
        load.end().await;
        if !counts {
            load.forget();
        }
        dev = site.start(&data).await;
        wrong.extend(load.verify().await);
    }
    site.conclude("kill -9", kills, &load, &wrong);
    assert!(!full || site.slowest < RECOVERY, "ready again after {:?}", site.slowest);
}

/// What the disk has at the cut is the image file: whatever only the page cache of the file system on it knows is lost.
#[tokio::test(flavor = "multi_thread")]
async fn e3_a_power_cut_loses_nothing_that_was_acknowledged() {
    let (cuts, full) = times("JETON_CUTS", 2);
    let dir = TempDir::new().unwrap();
    let Some(mut image) = Image::make(dir.path(), 192) else { return };
    let (mut site, mut dice) = (Site::new(dir.path()), Dice::new(3));
    let (mut dev, mut load) = site.found(&image.data()).await;
    let mut wrong = Vec::new();
    for _ in 0..cuts {
        let counts = site.work(&mut load, Duration::from_millis(dice.between(200, 2_500))).await;
        stop_in_its_tracks(&dev);
        let after = image.snapshot();
        dev.kill();
        load.end().await;
        if !counts {
            load.forget();
        }
        drop(image);
        image = after.mount();
        dev = site.start(&image.data()).await;
        wrong.extend(load.verify().await);
    }
    drop(dev);
    site.conclude("power cut", cuts, &load, &wrong);
    assert!(!full || site.slowest < RECOVERY, "ready again after {:?}", site.slowest);
}

/// The same check on a disk that went back in time must find what is missing, or it would prove nothing.
#[tokio::test(flavor = "multi_thread")]
async fn e3_the_check_finds_what_an_older_disk_has_lost() {
    let dir = TempDir::new().unwrap();
    let Some(image) = Image::make(dir.path(), 192) else { return };
    let mut site = Site::new(dir.path());
    let (mut dev, mut load) = site.found(&image.data()).await;
    load.start();
    pause(Duration::from_millis(500)).await;
    stop_in_its_tracks(&dev);
    let older = image.snapshot();
    signal(&dev, "CONT");
    pause(Duration::from_secs(1)).await;
    dev.kill();
    load.end().await;
    drop(image);
    let image = older.mount();
    let _dev = site.start(&image.data()).await;
    let wrong = load.verify().await;
    let about = |what: &str| wrong.iter().filter(|line| line.contains(what)).count();
    say(format_args!("result: control: {} violations found on an older disk, as there must be", wrong.len()));
    assert!(about("an acknowledged refresh token is refused") > CHAINS / 2, "{wrong:#?}");
    assert!(about("a spent code works again") + about("a revoked token works") > 0, "{wrong:#?}");
}

/// A server whose fsyncs do nothing must be found out: the power cut is real.
#[tokio::test(flavor = "multi_thread")]
async fn e3_the_check_finds_what_a_server_without_fsync_loses() {
    let dir = TempDir::new().unwrap();
    let Some(image) = Image::make(dir.path(), 192) else { return };
    let Some(library) = no_fsync(dir.path()) else { return };
    let mut site = Site::new(dir.path());
    // keys and client are durable: what is lost is what the load did
    let (mut dev, mut load) = site.found(&image.data()).await;
    dev.terminate().await;
    site.preload = Some(library);
    let mut dev = site.start(&image.data()).await;
    load.start();
    pause(Duration::from_millis(500)).await;
    stop_in_its_tracks(&dev);
    let after = image.snapshot();
    dev.kill();
    load.end().await;
    drop(image);
    let image = after.mount();
    site.preload = None;
    let _dev = site.start(&image.data()).await;
    let wrong = load.verify().await;
    say(format_args!("result: control without fsync: {} violations found, as there must be", wrong.len()));
    let lost = wrong.iter().filter(|line| line.contains("an acknowledged refresh token is refused: 400")).count();
    assert!(lost > CHAINS / 2, "{wrong:#?}");
}

/// A library whose `fsync` and `fdatasync` say that all is well; `None` without a C compiler.
fn no_fsync(dir: &Path) -> Option<PathBuf> {
    let (source, library) = (dir.join("nosync.c"), dir.join("nosync.so"));
    std::fs::write(&source, "int fsync(int fd) { return 0; }\nint fdatasync(int fd) { return 0; }\n").unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    if compiled.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    say("no control without fsync: needs a C compiler");
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn e13_a_full_disk_stops_writes_only_and_only_while_it_is_full() {
    let (fills, _) = times("JETON_FILLS", 1);
    let dir = TempDir::new().unwrap();
    let Some(image) = Image::make(dir.path(), 64) else { return };
    let (mut site, mut dice) = (Site::new(dir.path()), Dice::new(13));
    let (mut dev, mut load) = site.found(&image.data()).await;
    let mut wrong = Vec::new();
    for _ in 0..fills {
        load.start();
        pause(Duration::from_millis(dice.between(200, 800))).await;
        image.fill();
        // no write may slip through to where sled would fail, also not by its own housekeeping
        pause(Duration::from_millis(1_500)).await;
        look_at_a_full_disk(&dev, &load).await;
        image.make_room();
        dev.ready().await;
        pause(Duration::from_millis(300)).await;
        load.end().await;
        assert!(dev.child.try_wait().unwrap().is_none(), "the same process goes on");
        wrong.extend(load.verify().await);
    }
    dev.kill();
    let _dev = site.start(&image.data()).await;
    wrong.extend(load.verify().await);
    assert!(load.turned_away() > 0, "the disk was full for the load, too");
    site.conclude("full disk", fills, &load, &wrong);
}

async fn look_at_a_full_disk(dev: &Dev, load: &Load) {
    for _ in 0..5 {
        let refused = load.login().await;
        let written = dev.admin("POST", "/issuers/main/clients", web_metadata()).await;
        assert_eq!((refused.status, refused.error().as_str()), (503, "temporarily_unavailable"), "{}", refused.text());
        assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
        assert_eq!(written.status, 503, "{}", written.text());
    }
    let get = |to, path| request(to, "GET", path, &[], b"");
    assert_eq!(get(dev.public, "/oauth2/jwks").await.status, 200);
    let token = load.client_credentials().await;
    assert_eq!(token.status, 200, "{}", token.text());
    assert_eq!(load.introspect(&token.get("access_token")).await["active"], true);
    assert_eq!(get(dev.admin, "/livez").await.status, 200);
    let ready = get(dev.admin, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("make room"), "{}", ready.text());
}

/// The image lies on a file system that runs out of room below it: its own says there is plenty, and writing fails.
#[tokio::test(flavor = "multi_thread")]
async fn e13_a_failing_disk_stops_the_node_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let Some(image) = Image::make_thin(dir.path(), 192, 40) else { return };
    let mut site = Site::new(dir.path());
    let (mut dev, mut load) = site.found(&image.data()).await;
    load.start();
    pause(Duration::from_millis(500)).await;
    image.starve();
    let ended = async {
        loop {
            if let Some(status) = dev.child.try_wait().unwrap() {
                return status;
            }
            pause(Duration::from_millis(50)).await;
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(60), ended).await;
    load.end().await;
    let status = status.expect("a node whose disk fails stops");
    let log = std::fs::read_to_string(&site.log).unwrap();
    assert_eq!(status.code(), Some(70), "{log}");
    assert!(log.contains("the disk failed") && log.contains("check it, then start jeton again"), "{log}");
    let image = image.replace();
    let _dev = site.start(&image.data()).await;
    let wrong = load.verify().await;
    site.conclude("failing disk", 1, &load, &wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    Dev::start(&data, &dir.path().join("log")).await.kill();
    let db = sled::Config::new().path(data.join("store")).segment_size(2 << 20).open().unwrap();
    db.open_tree("meta").unwrap().insert("layout", &[3, 0, 0, 0, 0, 9][..]).unwrap();
    db.flush().unwrap();
    drop(db);
    let mut command = jeton();
    command.args(["dev", "--admin-token", ADMIN_TOKEN, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let output = command.arg("--data-dir").arg(&data).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{message}");
    assert!(message.contains("was written by a newer jeton (format 3, this one reads up to 2)"), "{message}");
    assert!(message.contains("start that version or restore a backup"), "{message}");
}

/// Nothing more is acknowledged after this, and nothing more written.
fn stop_in_its_tracks(dev: &Dev) {
    signal(dev, "STOP");
    let tasks = format!("/proc/{}/task", dev.child.id());
    let watch = Stopwatch::start();
    let stopped = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['T', 't']))
    };
    while !std::fs::read_dir(&tasks).unwrap().all(stopped) {
        assert!(watch.elapsed() < Duration::from_secs(10), "every thread stops");
        std::thread::yield_now();
    }
}

fn signal(dev: &Dev, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(dev.child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

impl Load {
    async fn introspect(&self, token: &str) -> Value {
        let answer: Answer = self.ask("/oauth2/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn client_credentials(&self) -> Answer {
        self.ask("/oauth2/token", &[("grant_type", "client_credentials"), ("scope", "api:read")]).await
    }
}
