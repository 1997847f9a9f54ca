//! Codes that are raced for on three nodes at once, and shown again later: each is redeemed once.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::history::{History, Promise};
use super::{Cluster, connect, redemption, refresh, within};
use crate::crash::load::{Dice, pause};
use crate::support::Answer;
use crate::support::http::Wire;

/// A code is shown again at the latest this long after it was issued: it is valid for a minute.
const LATEST: Duration = Duration::from_secs(58);
/// Time between two tries to show a code again.
const BETWEEN: Duration = Duration::from_millis(500);
/// Codes that wait to be shown again.
const WAITING: usize = 5_000;

/// A code that was won.
struct Won {
    code: String,
    made: Duration,
}

/// A racer on one node.
struct Racer {
    node: usize,
    wire: Option<Wire>,
}

pub(super) struct Racers {
    cluster: Cluster,
    client: (String, String),
    history: Arc<History>,
    dice: Dice,
    racers: [Racer; 3],
    portal: Racer,
    /// By the time at which it is shown again.
    won: BTreeMap<Duration, Won>,
}

impl Racers {
    pub(super) fn new(cluster: &Cluster, client: &(String, String), history: &Arc<History>, number: usize) -> Self {
        Self {
            cluster: cluster.clone(),
            client: client.clone(),
            history: history.clone(),
            dice: Dice::new(number as u64 + 1_001),
            racers: [0, 1, 2].map(|node| Racer { node, wire: None }),
            portal: Racer { node: number, wire: None },
            won: BTreeMap::new(),
        }
    }

    pub(super) async fn work(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            let acknowledged = self.race().await;
            self.show_again().await;
            // what is away is not asked without a pause
            let wait = if acknowledged { self.dice.between(5, 30) } else { 250 };
            pause(Duration::from_millis(wait)).await;
        }
        // what is still valid is shown again as well
        let end = self.history.now() + LATEST;
        while !self.won.is_empty() && self.history.now() < end {
            self.show_again().await;
            pause(Duration::from_millis(50)).await;
        }
    }

    /// One code, a racer on each node; returns whether somebody won it.
    async fn race(&mut self) -> bool {
        let made = self.history.now();
        let Some(code) = self.code().await else { return false };
        let fields = with_client(&self.client, &redemption(&code));
        let [one, two, three] = &mut self.racers;
        let (cluster, history) = (&self.cluster, &self.history);
        let answers = tokio::join!(
            one.ask(cluster, history, &fields),
            two.ask(cluster, history, &fields),
            three.ask(cluster, history, &fields)
        );
        let answers = [answers.0, answers.1, answers.2];
        let winners: Vec<&Answer> = answers.iter().flatten().filter(|answer| answer.status == 200).collect();
        let losers = answers.iter().flatten().filter(|answer| answer.status == 400).count();
        self.history.count(|totals| totals.losers += losers as u64);
        match winners[..] {
            [] if losers == answers.len() => {
                self.history.broke(Promise::Orderly, "nobody won a fresh code, and everybody was answered".to_owned());
            }
            [] => {}
            [winner] => {
                self.history.acknowledged(|totals| totals.codes += 1);
                if losers > 0 && self.dice.one_in(8) {
                    self.is_over(&winner.get("refresh_token")).await;
                }
            }
            _ => self.history.broke(Promise::CodeOnce, format!("{} racers won one code", winners.len())),
        }
        let any = !winners.is_empty();
        if any {
            let due = self.history.now() + Duration::from_millis(self.dice.between(1_000, 50_000));
            if self.won.len() < WAITING {
                self.won.insert(due, Won { code, made });
            }
        }
        any
    }

    async fn code(&mut self) -> Option<String> {
        let request = self.cluster.code_request(&self.client.0);
        let wire = match &mut self.portal.wire {
            Some(wire) => wire,
            none => match connect(self.cluster.admin(self.portal.node)).await {
                Ok(wire) => none.insert(wire),
                Err(_) => {
                    self.portal.node += 1;
                    return None;
                }
            },
        };
        match within(wire.call(&request)).await {
            Ok(answer) if answer.status == 201 => Some(answer.get("code")),
            _ => {
                self.portal = Racer { node: self.portal.node + 1, wire: None };
                None
            }
        }
    }

    /// The losers were replays, which end what the winner got (RFC 6749 section 4.1.2).
    async fn is_over(&mut self, token: &str) {
        let fields = with_client(&self.client, &refresh(token));
        let racer = &mut self.racers[self.dice.between(0, 3) as usize];
        if let Some(answer) = racer.ask(&self.cluster, &self.history, &fields).await
            && answer.status == 200
        {
            self.history.broke(Promise::Acknowledged, "the tokens of a replayed code live on".to_owned());
        }
    }

    /// Shows the codes again that are due.
    async fn show_again(&mut self) {
        for _ in 0..16 {
            let now = self.history.now();
            let Some(first) = self.won.first_entry().filter(|first| *first.key() <= now) else { return };
            let won = first.remove();
            if now > won.made + LATEST {
                self.history.count(|totals| totals.unproven += 1);
                continue;
            }
            let fields = with_client(&self.client, &redemption(&won.code));
            let racer = &mut self.racers[self.dice.between(0, 3) as usize];
            match racer.ask(&self.cluster, &self.history, &fields).await {
                Some(answer) if answer.status == 200 => {
                    let after = (now - won.made).as_secs_f64();
                    self.history.broke(Promise::CodeOnce, format!("a code was won again after {after:.1} s"));
                }
                Some(_) => self.history.count(|totals| totals.replayed += 1),
                None => _ = self.won.insert(now + BETWEEN, won),
            }
        }
    }
}

fn with_client(client: &(String, String), fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = fields.to_vec();
    fields.extend([("client_id", client.0.as_str()), ("client_secret", client.1.as_str())]);
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Racer {
    /// The answer to one token request: 200 or 400. `None` if it was 503 or did not come.
    async fn ask(&mut self, cluster: &Cluster, history: &History, fields: &[(String, String)]) -> Option<Answer> {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sent = history.now();
        let answered = async {
            let wire = match &mut self.wire {
                Some(wire) => wire,
                none => none.insert(connect(cluster.public(self.node)).await?),
            };
            within(wire.post("/oauth2/token", &fields)).await
        };
        match answered.await {
            Ok(answer) if answer.status == 503 => history.unavailable(sent),
            Ok(answer) if answer.status == 200 || answer.error() == "invalid_grant" => return Some(answer),
            Ok(answer) => {
                let how = format!("an unexpected answer to a redemption: {} {}", answer.status, answer.text());
                history.broke(Promise::Orderly, how);
            }
            Err(error) => {
                history.broken(sent, error.kind() == io::ErrorKind::TimedOut);
                self.wire = None;
            }
        }
        None
    }
}
