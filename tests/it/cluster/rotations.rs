//! Workers that own families: each refreshes, repeats what was not answered, and revokes, and knows what must be.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::history::{History, PATIENCE, Promise};
use super::{Cluster, connect, generation, redemption, refresh, within};
use crate::crash::load::{Dice, pause};
use crate::support::Answer;
use crate::support::http::Wire;

/// Families of a worker.
const FAMILIES: usize = 4;
/// Revoked tokens that a worker remembers.
const REMEMBERED: usize = 64;
/// Longest time for which a request is repeated.
const LONGEST: Duration = Duration::from_secs(240);
/// Time between two tries of a request.
const BETWEEN: Duration = Duration::from_millis(250);

/// A family of which the newest token was acknowledged.
struct Family {
    token: String,
    generation: u32,
    /// Nobody has used its first token yet.
    fresh: bool,
}

/// The end of a request that was repeated until it was answered.
struct Answered {
    answer: Answer,
    /// When the first try was sent that got no answer, or 503.
    uncertain: Option<Duration>,
}

pub(super) struct Rotator {
    cluster: Cluster,
    client: (String, String),
    history: Arc<History>,
    dice: Dice,
    node: usize,
    wire: Option<Wire>,
    families: Vec<Family>,
    dead: Vec<String>,
}

impl Rotator {
    pub(super) fn new(cluster: &Cluster, client: &(String, String), history: &Arc<History>, number: usize) -> Self {
        Self {
            cluster: cluster.clone(),
            client: client.clone(),
            history: history.clone(),
            dice: Dice::new(number as u64 + 1),
            node: number,
            wire: None,
            families: Vec::new(),
            dead: Vec::new(),
        }
    }

    pub(super) async fn work(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            if self.families.len() < FAMILIES {
                self.log_in().await;
            } else if self.dice.one_in(64) {
                self.revoke().await;
            } else {
                let at = self.dice.between(0, self.families.len() as u64) as usize;
                self.rotate(at).await;
            }
            pause(Duration::from_millis(self.dice.between(5, 30))).await;
        }
    }

    /// Everything that was acknowledged is still so, on every node.
    pub(super) async fn verify(&mut self) {
        for _ in 0..self.cluster.nodes.len() {
            self.move_on();
            for at in (0..self.families.len()).rev() {
                self.rotate(at).await;
            }
        }
        for token in std::mem::take(&mut self.dead) {
            if let Some(Answered { answer, .. }) = self.ask("/oauth2/token", &refresh(&token)).await
                && answer.status != 400
            {
                let how = format!("a revoked token is answered {} {}", answer.status, answer.text());
                self.history.broke(Promise::Acknowledged, how);
            }
        }
    }

    fn move_on(&mut self) {
        self.node += 1;
        self.wire = None;
    }

    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let mut fields = fields.to_vec();
        fields.extend([("client_id", self.client.0.as_str()), ("client_secret", self.client.1.as_str())]);
        let wire = match &mut self.wire {
            Some(wire) => wire,
            none => none.insert(connect(self.cluster.public(self.node)).await?),
        };
        within(wire.post(path, &fields)).await
    }

    /// Sends a request, to one node after the other, until it is answered with anything but 503.
    async fn ask(&mut self, path: &str, fields: &[(&str, &str)]) -> Option<Answered> {
        let (began, mut uncertain) = (self.history.now(), None);
        while self.history.now() < began + LONGEST {
            let sent = self.history.now();
            match self.send(path, fields).await {
                Ok(answer) if answer.status == 503 => {
                    self.history.unavailable(sent);
                    if answer.header("retry-after").is_none() {
                        self.history.broke(Promise::Orderly, format!("503 without Retry-After: {}", answer.text()));
                    }
                }
                Ok(answer) => return Some(Answered { answer, uncertain }),
                Err(error) => self.history.broken(sent, error.kind() == io::ErrorKind::TimedOut),
            }
            uncertain.get_or_insert(sent);
            self.move_on();
            pause(BETWEEN).await;
        }
        self.history.broke(Promise::Orderly, format!("{path} was not answered in {} s", LONGEST.as_secs()));
        None
    }

    async fn log_in(&mut self) {
        let request = self.cluster.code_request(&self.client.0);
        let Ok(mut portal) = connect(self.cluster.admin(self.node)).await else { return self.move_on() };
        let code = match within(portal.call(&request)).await {
            Ok(answer) if answer.status == 201 => answer.get("code"),
            _ => return self.move_on(),
        };
        let began = self.history.now();
        let Some(Answered { answer, uncertain }) = self.ask("/oauth2/token", &redemption(&code)).await else { return };
        match answer.status {
            200 => {
                let token = answer.get("refresh_token");
                self.history.acknowledged(|totals| totals.codes += 1);
                self.families.push(Family { generation: generation(&token), token, fresh: true });
            }
            // the same code from the same client in another request is a replay, and it may have become too old
            400 if uncertain.is_some() => {}
            status => {
                let (text, took) = (answer.text(), self.history.now() - began);
                self.history
                    .broke(Promise::Orderly, format!("a fresh code is refused after {took:?}: {status} {text}"));
            }
        }
    }

    async fn rotate(&mut self, at: usize) {
        let token = self.families[at].token.clone();
        let Some(Answered { answer, uncertain }) = self.ask("/oauth2/token", &refresh(&token)).await else {
            self.families.remove(at);
            return;
        };
        if answer.status == 200 {
            let next = answer.get("refresh_token");
            let (before, after) = (self.families[at].generation, generation(&next));
            if after != before + 1 {
                let how = format!("the successor of generation {before} is generation {after}");
                self.history.broke(Promise::Forward, how);
            }
            self.history.acknowledged(|totals| totals.rotations += 1);
            self.families[at] = Family { token: next, generation: after, fresh: false };
            return;
        }
        let family = self.families.remove(at);
        self.lost(&family, &answer, uncertain);
    }

    /// A family that must live was refused.
    fn lost(&self, family: &Family, answer: &Answer, uncertain: Option<Duration>) {
        let how = format!("generation {}: {} {}", family.generation, answer.status, answer.text());
        let waited = uncertain.map(|first| self.history.now().saturating_sub(first));
        match waited {
            _ if answer.status != 400 || answer.error() != "invalid_grant" => {
                self.history.broke(Promise::Orderly, format!("an unexpected answer: {how}"));
            }
            None if family.fresh => self.history.broke(Promise::Durable, format!("an acknowledged login, {how}")),
            None => self.history.broke(Promise::Acknowledged, format!("an acknowledged rotation, {how}")),
            Some(waited) if waited <= PATIENCE => {
                self.history.broke(Promise::OwnRetry, format!("repeated for {:.1} s, {how}", waited.as_secs_f64()));
            }
            Some(_) => self.history.count(|totals| totals.late += 1),
        }
    }

    async fn revoke(&mut self) {
        let at = self.dice.between(0, self.families.len() as u64) as usize;
        let family = self.families.remove(at);
        let Some(Answered { answer, .. }) = self.ask("/oauth2/revoke", &[("token", &family.token)]).await else {
            return;
        };
        if answer.status != 200 {
            let how = format!("a revocation is answered {} {}", answer.status, answer.text());
            return self.history.broke(Promise::Orderly, how);
        }
        self.history.acknowledged(|totals| totals.revocations += 1);
        if self.dead.len() == REMEMBERED {
            self.dead.remove(0);
        }
        self.dead.push(family.token);
    }
}
