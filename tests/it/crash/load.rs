//! Chains of refreshes, logins and revocations that remember what was acknowledged, and the check that it is still so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::http::{Wire, compose, post_form};
use crate::support::{ADMIN_TOKEN, Answer, CALLBACK, CHALLENGE, VERIFIER};

/// Families that a worker keeps; more are forgotten by it.
const KEPT: usize = 4;
/// Revoked and dead tokens that a worker remembers.
const REMEMBERED: usize = 32;

/// Waits; there is nothing to wait for but time.
pub(crate) async fn pause(span: Duration) {
    let _ = tokio::time::timeout(span, std::future::pending::<()>()).await;
}

/// Numbers that are the same in every run.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From `least` up to, not including, `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        least + self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % (most - least)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.between(0, n) == 0
    }
}

/// Whom the load talks to, and as whom.
#[derive(Clone)]
struct Target {
    public: SocketAddr,
    admin: SocketAddr,
    client: (String, String),
}

/// A family: its spent code and the refresh tokens that were acknowledged, in order.
struct Family {
    code: String,
    tokens: Vec<String>,
    /// A revocation of it was under way when the answers stopped.
    maybe_revoked: bool,
}

/// What a worker did.
#[derive(Clone, Copy, Default)]
struct Count {
    refreshes: usize,
    logins: usize,
    revocations: usize,
    lost: usize,
    turned_away: usize,
}

/// One connection's worth of load.
struct Worker {
    target: Target,
    dice: Dice,
    families: Vec<Family>,
    /// A refresh token and the code of families that must be dead.
    dead: Vec<(String, String)>,
    wrong: Vec<String>,
    count: Count,
}

/// The load.
pub(super) struct Load {
    target: Target,
    workers: Vec<Worker>,
    running: Vec<JoinHandle<Worker>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub(super) fn new(public: SocketAddr, admin: SocketAddr, client: (String, String), workers: usize) -> Self {
        let target = Target { public, admin, client };
        let worker = |seed| Worker {
            target: target.clone(),
            dice: Dice::new(seed as u64 + 1),
            families: Vec::new(),
            dead: Vec::new(),
            wrong: Vec::new(),
            count: Count::default(),
        };
        let workers = (0..workers).map(worker).collect();
        Self { target, workers, running: Vec::new(), stop: Arc::default() }
    }

    pub(super) fn start(&mut self) {
        self.stop.store(false, Ordering::SeqCst);
        for mut worker in self.workers.drain(..) {
            let stop = self.stop.clone();
            self.running.push(tokio::spawn(async move {
                // a connection that ends is how a worker learns that the server was killed
                if let Err(error) = worker.work(&stop).await
                    && error.kind() == io::ErrorKind::TimedOut
                {
                    worker.wrong.push("a request was not answered in 20 s".to_owned());
                }
                worker
            }));
        }
    }

    /// Waits until every worker has stopped.
    pub(super) async fn end(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for worker in self.running.drain(..) {
            let worker = tokio::time::timeout(Duration::from_secs(60), worker).await;
            self.workers.push(worker.expect("a worker stops").unwrap());
        }
    }

    /// Forgets what the last work came to.
    pub(super) fn forget(&mut self) {
        for worker in &mut self.workers {
            worker.families.clear();
            worker.dead.clear();
            worker.wrong.clear();
        }
    }

    /// What was acknowledged and is not so.
    pub(super) async fn verify(&mut self) -> Vec<String> {
        let mut running = Vec::new();
        for mut worker in self.workers.drain(..) {
            running.push(tokio::spawn(async move {
                if let Err(error) = worker.verify().await {
                    worker.wrong.push(format!("the check itself failed: {error}"));
                }
                worker
            }));
        }
        let mut wrong = Vec::new();
        for worker in running {
            let mut worker = tokio::time::timeout(Duration::from_secs(120), worker).await.unwrap().unwrap();
            wrong.append(&mut worker.wrong);
            self.workers.push(worker);
        }
        wrong
    }

    /// A login beside the load.
    pub(super) async fn login(&self) -> Answer {
        let mut portal = Wire::connect(self.target.admin).await.unwrap();
        let code = self.target.code(&mut portal).await.unwrap();
        self.ask("/oauth2/token", &redemption(&code)).await
    }

    /// A request of the client, on a connection of its own.
    pub(super) async fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        post_form(self.target.public, path, &[], &self.target.with_client(fields)).await
    }

    fn sum(&self, of: impl Fn(&Count) -> usize) -> usize {
        self.workers.iter().map(|worker| of(&worker.count)).sum()
    }

    pub(super) fn refreshes(&self) -> usize {
        self.sum(|count| count.refreshes)
    }

    pub(super) fn logins(&self) -> usize {
        self.sum(|count| count.logins)
    }

    pub(super) fn revocations(&self) -> usize {
        self.sum(|count| count.revocations)
    }

    /// Answers that never came because the server was gone.
    pub(super) fn lost(&self) -> usize {
        self.sum(|count| count.lost)
    }

    /// Answers that said "try again".
    pub(super) fn turned_away(&self) -> usize {
        self.sum(|count| count.turned_away)
    }
}

impl Target {
    fn with_client<'a>(&'a self, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut fields = fields.to_vec();
        fields.extend([("client_id", self.client.0.as_str()), ("client_secret", self.client.1.as_str())]);
        fields
    }

    /// A code of the portal; making one writes nothing.
    async fn code(&self, portal: &mut Wire) -> io::Result<String> {
        let body = json!({
            "client_id": self.client.0, "redirect_uri": CALLBACK, "subject": "alice", "scope": "offline_access api:read",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        let (path, bearer) = ("/admin/v1/issuers/main/codes", format!("Bearer {ADMIN_TOKEN}"));
        let headers = [("Authorization", bearer.as_str())];
        let answer = portal.call(&compose(self.admin, "POST", path, &headers, body.to_string().as_bytes())).await?;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Ok(answer.get("code"))
    }
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

fn refresh(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

impl Worker {
    /// Works until it is told to stop or the server is gone.
    async fn work(&mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut wire = Wire::connect(self.target.public).await?;
        let mut portal = Wire::connect(self.target.admin).await?;
        while !stop.load(Ordering::SeqCst) {
            if self.families.is_empty() || self.dice.one_in(24) {
                self.log_in(&mut wire, &mut portal).await?;
            } else if self.dice.one_in(48) {
                self.revoke(&mut wire).await?;
            } else {
                self.refresh(&mut wire).await?;
            }
        }
        Ok(())
    }

    /// Sends a request until its answer is not "try again".
    async fn send(&mut self, wire: &mut Wire, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let target = self.target.clone();
        loop {
            let answer = wire.post(path, &target.with_client(fields)).await;
            match &answer {
                Ok(busy) if busy.status == 503 => {
                    self.count.turned_away += 1;
                    if busy.header("retry-after").is_none() {
                        self.wrong.push(format!("503 without Retry-After: {}", busy.text()));
                    }
                    pause(Duration::from_millis(20)).await;
                }
                Ok(_) => return answer,
                Err(_) => {
                    self.count.lost += 1;
                    return answer;
                }
            }
        }
    }

    async fn log_in(&mut self, wire: &mut Wire, portal: &mut Wire) -> io::Result<()> {
        let code = self.target.code(portal).await?;
        let answer = self.send(wire, "/oauth2/token", &redemption(&code)).await?;
        if answer.status != 200 {
            self.wrong.push(format!("a fresh code is refused: {} {}", answer.status, answer.text()));
            return Ok(());
        }
        self.count.logins += 1;
        if self.families.len() == KEPT {
            self.families.remove(0);
        }
        self.families.push(Family { code, tokens: vec![answer.get("refresh_token")], maybe_revoked: false });
        Ok(())
    }

    async fn refresh(&mut self, wire: &mut Wire) -> io::Result<()> {
        let at = self.dice.between(0, self.families.len() as u64) as usize;
        let token = self.families[at].newest();
        let answer = self.send(wire, "/oauth2/token", &refresh(&token)).await?;
        if answer.status == 200 {
            self.count.refreshes += 1;
            self.families[at].tokens.push(answer.get("refresh_token"));
        } else {
            self.wrong.push(format!("a refresh under load is refused: {} {}", answer.status, answer.text()));
            self.families.remove(at);
        }
        Ok(())
    }

    async fn revoke(&mut self, wire: &mut Wire) -> io::Result<()> {
        let at = self.dice.between(0, self.families.len() as u64) as usize;
        let token = self.families[at].newest();
        self.families[at].maybe_revoked = true;
        let answer = self.send(wire, "/oauth2/revoke", &[("token", &token)]).await?;
        let family = self.families.remove(at);
        if answer.status == 200 {
            self.count.revocations += 1;
            self.bury(token, family.code);
        } else {
            self.wrong.push(format!("a revocation is refused: {} {}", answer.status, answer.text()));
        }
        Ok(())
    }

    fn bury(&mut self, token: String, code: String) {
        if self.dead.len() == REMEMBERED {
            self.dead.remove(0);
        }
        self.dead.push((token, code));
    }

    /// Asks the server that came back for everything that the one before acknowledged.
    async fn verify(&mut self) -> io::Result<()> {
        let mut wire = Wire::connect(self.target.public).await?;
        for (token, code) in self.dead.clone() {
            self.must_refuse(&mut wire, &refresh(&token), "a revoked token works").await?;
            self.must_refuse(&mut wire, &redemption(&code), "the spent code of a revoked family works").await?;
        }
        for mut family in std::mem::take(&mut self.families) {
            // a revocation whose answer was lost may have happened or not
            if family.maybe_revoked {
                continue;
            }
            let newest = family.newest();
            let answer = self.send(&mut wire, "/oauth2/token", &refresh(&newest)).await?;
            if answer.status != 200 {
                let (status, text, count) = (answer.status, answer.text(), family.tokens.len());
                self.wrong.push(format!("an acknowledged refresh token is refused: {status} {text} after {count}"));
                self.must_refuse(&mut wire, &redemption(&family.code), "a spent code works again").await?;
                continue;
            }
            family.tokens.push(answer.get("refresh_token"));
            // what was asked for twice is answered twice with the same
            let again = self.send(&mut wire, "/oauth2/token", &refresh(&newest)).await?;
            if again.status != 200 || again.get("refresh_token") != family.newest() {
                self.wrong.push(format!("a retry gives something else: {} {}", again.status, again.text()));
            }
            if self.dice.one_in(4) {
                self.reuse(&mut wire, family).await?;
            } else {
                self.families.push(family);
            }
        }
        Ok(())
    }

    /// A token two generations back, or the code, is refused, and the family is over.
    async fn reuse(&mut self, wire: &mut Wire, family: Family) -> io::Result<()> {
        match family.tokens.len().checked_sub(3) {
            Some(at) => {
                self.must_refuse(wire, &refresh(&family.tokens[at]), "a token two generations back works").await?;
            }
            None => self.must_refuse(wire, &redemption(&family.code), "a spent code works").await?,
        }
        self.must_refuse(wire, &refresh(&family.newest()), "the newest token works after reuse").await?;
        self.bury(family.newest(), family.code);
        Ok(())
    }

    async fn must_refuse(&mut self, wire: &mut Wire, fields: &[(&str, &str)], what: &str) -> io::Result<()> {
        let answer = self.send(wire, "/oauth2/token", fields).await?;
        if answer.status != 400 || answer.error() != "invalid_grant" {
            self.wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
        }
        Ok(())
    }
}

impl Family {
    fn newest(&self) -> String {
        self.tokens.last().cloned().unwrap_or_default()
    }
}
