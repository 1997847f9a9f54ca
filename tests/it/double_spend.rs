//! CHECKLIST E1, 39, 51: racing redemptions of one code and racing refreshes of one token, against the real binary.
//! Sixteen racers on sixteen connections send all of a request but its last byte, then all the last byte.
//! `JETON_RACES` sets how many attempts of each kind there are; `ops/experiment double-spend` makes 100,000.

use std::collections::HashSet;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Wire, compose};
use crate::support::process::Dev;
use crate::support::{ADMIN_TOKEN, Answer, CALLBACK, CHALLENGE, VERIFIER, form, say, web_metadata};

const RACERS: usize = 16;
/// Races that run beside each other.
const LANES: usize = 4;
/// Rotations of one family before the next one is raced for.
const GENERATIONS: usize = 50;

/// Races of each kind, in each lane.
fn races() -> usize {
    let attempts: usize =
        std::env::var("JETON_RACES").map_or(3_200, |text| text.parse().expect("JETON_RACES is a number"));
    attempts.div_ceil(RACERS * LANES)
}

/// What the races of a lane came to.
#[derive(Default)]
struct Tally {
    races: usize,
    won: usize,
    refused: usize,
    wrong: Vec<String>,
}

/// The daemons that are raced on: the racers are spread over them.
pub(crate) struct Arena {
    pub(crate) public: Vec<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) admin_token: String,
    /// A client, and one whose refresh tokens have no grace.
    pub(crate) client: (String, String),
    pub(crate) strict: (String, String),
}

/// One lane: sixteen racers, a portal that makes codes, and the client they all are.
struct Lane {
    public: Vec<SocketAddr>,
    admin: SocketAddr,
    admin_token: String,
    racers: Vec<Wire>,
    portal: Wire,
    client: (String, String),
    tally: Tally,
}

impl Lane {
    async fn open(arena: &Arena, client: &(String, String)) -> Self {
        let mut racers = Vec::new();
        for public in arena.public.iter().cycle().take(RACERS) {
            racers.push(Wire::connect(*public).await.unwrap());
        }
        Self {
            public: arena.public.clone(),
            admin: arena.admin,
            admin_token: arena.admin_token.clone(),
            racers,
            portal: Wire::connect(arena.admin).await.unwrap(),
            client: client.clone(),
            tally: Tally::default(),
        }
    }

    async fn code(&mut self) -> String {
        let body = json!({
            "client_id": self.client.0, "redirect_uri": CALLBACK, "subject": "alice", "scope": "offline_access api:read",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        let bearer = format!("Bearer {}", self.admin_token);
        let path = "/admin/v1/issuers/main/codes";
        let request = compose(self.admin, "POST", path, &[("Authorization", &bearer)], body.to_string().as_bytes());
        let answer = self.portal.call(&request).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.get("code")
    }

    fn redemption(&self, code: &str) -> Vec<u8> {
        self.request(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
    }

    fn refresh(&self, token: &str) -> Vec<u8> {
        self.request(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn request(&self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut fields = fields.to_vec();
        fields.extend([("client_id", self.client.0.as_str()), ("client_secret", self.client.1.as_str())]);
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        compose(self.public[0], "POST", "/oauth2/token", &headers, form(&fields).as_bytes())
    }

    /// A refresh token of a new family.
    async fn login(&mut self) -> String {
        let code = self.code().await;
        let request = self.redemption(&code);
        let answer = self.racers[0].call(&request).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.get("refresh_token")
    }

    /// All racers send the same request at once. Gives the successes; everything else must be `invalid_grant`.
    async fn race(&mut self, request: &[u8]) -> Vec<Answer> {
        let (most, last) = request.split_at(request.len() - 1);
        for racer in &mut self.racers {
            racer.send(most).await.unwrap();
        }
        for racer in &mut self.racers {
            racer.send(last).await.unwrap();
        }
        let mut winners = Vec::new();
        for (racer, public) in self.racers.iter_mut().zip(self.public.iter().cycle()) {
            let answer = racer.answer().await.unwrap();
            match answer.status {
                200 => winners.push(answer),
                400 if answer.error() == "invalid_grant" => self.tally.refused += 1,
                other => self.tally.wrong.push(format!("{other}: {}", answer.text())),
            }
            if racer.closing {
                *racer = Wire::connect(*public).await.unwrap();
            }
        }
        self.tally.races += 1;
        self.tally.won += winners.len();
        winners
    }

    /// A request that must be refused as `invalid_grant`.
    async fn refused(&mut self, request: &[u8], what: &str) {
        let answer = self.racers[0].call(request).await.unwrap();
        if answer.status != 400 || answer.error() != "invalid_grant" {
            self.tally.wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
        }
    }

    /// Exactly one racer redeems a code; the others are replays, which end what the winner got (CHECKLIST 38, 39).
    async fn race_codes(mut self, races: usize) -> Tally {
        for race in 0..races {
            let code = self.code().await;
            let winners = self.race(&self.redemption(&code)).await;
            if winners.len() != 1 {
                self.tally.wrong.push(format!("{} winners of one code", winners.len()));
            } else if race % 8 == 0 {
                self.refused(&self.refresh(&winners[0].get("refresh_token")), "the winner's token after replays").await;
            }
        }
        self.tally
    }

    /// All racers get the same successor within the grace (CHECKLIST 51).
    async fn race_refreshes(mut self, races: usize) -> Tally {
        let mut spent: Vec<String> = Vec::new();
        for race in 0..races {
            if race % GENERATIONS == 0 {
                spent = vec![self.login().await];
            }
            let token = spent.last().unwrap().clone();
            let winners = self.race(&self.refresh(&token)).await;
            let successors: HashSet<String> = winners.iter().map(|answer| answer.get("refresh_token")).collect();
            if winners.len() != RACERS || successors.len() != 1 || successors.contains(&token) {
                self.tally.wrong.push(format!("{} successes, {} successors", winners.len(), successors.len()));
            }
            spent.extend(successors.into_iter().next());
            if race % GENERATIONS == GENERATIONS - 1 || race + 1 == races {
                let newest = spent.last().unwrap().clone();
                if let Some(older) = spent.len().checked_sub(3) {
                    self.refused(&self.refresh(&spent[older]), "a token two generations back").await;
                    self.refused(&self.refresh(&newest), "the newest token after reuse").await;
                }
            }
        }
        self.tally
    }

    /// Without grace there is one winner, and the others revoke the family (CHECKLIST 50).
    async fn race_strictly(mut self, races: usize) -> Tally {
        for _ in 0..races {
            let token = self.login().await;
            let winners = self.race(&self.refresh(&token)).await;
            if winners.len() == 1 {
                self.refused(&self.refresh(&winners[0].get("refresh_token")), "the winner's token after reuse").await;
            } else {
                self.tally.wrong.push(format!("{} winners of a strict refresh", winners.len()));
            }
        }
        self.tally
    }
}

/// Runs the races of every lane and says what they came to.
async fn compete<F: Future<Output = Tally> + Send + 'static>(
    name: &str,
    arena: &Arena,
    client: &(String, String),
    run: impl Fn(Lane) -> F,
) -> Tally {
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        lanes.push(tokio::spawn(run(Lane::open(arena, client).await)));
    }
    let mut all = Tally::default();
    for lane in lanes {
        let tally = lane.await.unwrap();
        all.races += tally.races;
        all.won += tally.won;
        all.refused += tally.refused;
        all.wrong.extend(tally.wrong);
    }
    say(format_args!(
        "result: {name}: {} attempts in {} races, {} won, {} refused, {} violations",
        all.races * RACERS,
        all.races,
        all.won,
        all.refused,
        all.wrong.len()
    ));
    assert!(all.wrong.is_empty(), "{name}: {:#?}", &all.wrong[..all.wrong.len().min(10)]);
    all
}

/// Runs all races of an arena; fails if a credential was spent twice, or anything was answered but a token or
/// `invalid_grant`.
pub(crate) async fn run(arena: &Arena) {
    let races = races();
    let codes = compete("racing redemptions", arena, &arena.client, |lane| lane.race_codes(races)).await;
    assert_eq!((codes.won, codes.refused), (codes.races, codes.races * (RACERS - 1)));
    let refreshes = compete("racing refreshes", arena, &arena.client, |lane| lane.race_refreshes(races)).await;
    assert_eq!((refreshes.won, refreshes.refused), (refreshes.races * RACERS, 0));
    let races = races.div_ceil(10);
    let strictly =
        compete("racing refreshes without grace", arena, &arena.strict, |lane| lane.race_strictly(races)).await;
    assert_eq!((strictly.won, strictly.refused), (strictly.races, strictly.races * (RACERS - 1)));
}

/// The metadata of a client whose refresh tokens have no grace.
pub(crate) fn strict_metadata() -> Value {
    let mut strict = web_metadata();
    strict["jeton"] = json!({ "refresh_token_grace": 0 });
    strict
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_no_credential_is_spent_twice() {
    let dir = TempDir::new().unwrap();
    let dev = Dev::start(&dir.path().join("data"), &dir.path().join("log")).await;
    let (client, strict) = (dev.client(web_metadata()).await, dev.client(strict_metadata()).await);
    let admin_token = ADMIN_TOKEN.to_owned();
    run(&Arena { public: vec![dev.public], admin: dev.admin, admin_token, client, strict }).await;
}
