//! The users of every issuer: checks logins by directory or webhook.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use super::directory::{self, Directory, DirectoryError, FoundUser, StoredUser};
use super::guard::Guard;
use super::login::LoginRequest;
use super::outcome::{HashError, LoginError, LoginOutcome};
use super::{prepared, webhook};
use crate::clock::Clock;
use crate::issuer::{Issuer, UserSource};
use crate::limit::network::network;
use crate::limit::node_count::NodeCount;
use crate::metrics::Metrics;
use crate::slow_hash::{Full, HashPool, HashPoolConfig, HashTurn, QueueShare, Waiting};
use crate::store::Documents;
use crate::token::Granted;

/// The users of every issuer. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    inner: Arc<UsersInner>,
}

struct UsersInner {
    directory: Directory,
    /// Each network has its turn in the queue, and each name there.
    pool: HashPool,
    /// Made at the first login: most installations have none.
    guard: OnceLock<Guard>,
    nodes: NodeCount,
    clock: Clock,
    metrics: Metrics,
}

impl Users {
    /// Starts the threads that check passwords.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub fn start(
        store: Arc<dyn Documents>,
        config: &HashPoolConfig,
        nodes: NodeCount,
        clock: Clock,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let inner = UsersInner {
            directory: Directory::new(store),
            pool: HashPool::start("password", config, metrics)?,
            guard: OnceLock::new(),
            nodes,
            clock,
            metrics: metrics.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the built-in directory.
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// Checks a login at `issuer` that `client` passed on, that came from `peer`, and that is `waiting` for the answer.
    ///
    /// # Errors
    /// The reason for which the login could not be decided.
    pub async fn check(
        &self,
        issuer: &Issuer,
        client: &str,
        login: &LoginRequest<'_>,
        peer: IpAddr,
        waiting: &Waiting,
    ) -> Result<LoginOutcome, LoginError> {
        let decided = self.guarded(issuer, client, login, peer, waiting).await;
        let outcome = match &decided {
            Ok(LoginOutcome::Admitted { .. }) => "ok",
            Ok(LoginOutcome::Refused { .. }) => "refused",
            Ok(LoginOutcome::Partial { .. }) => "partial",
            Err(LoginError::Throttled(_)) => "throttled",
            Err(LoginError::Full(_)) => "shed",
            Err(LoginError::Store(_) | LoginError::Hook(_) | LoginError::HookAnswer(_) | LoginError::NoSource) => {
                "unavailable"
            }
        };
        self.inner.metrics.password_checks.with_label_values(&[issuer.settings.users.source.name(), outcome]).inc();
        decided
    }

    async fn guarded(
        &self,
        issuer: &Issuer,
        client: &str,
        login: &LoginRequest<'_>,
        peer: IpAddr,
        waiting: &Waiting,
    ) -> Result<LoginOutcome, LoginError> {
        let (clock, metrics) = (&self.inner.clock, &self.inner.metrics);
        let guard = self.inner.guard.get_or_init(|| Guard::new(&self.inner.nodes));
        let attempt = guard.admit(&issuer.id, login.username, peer, clock.now()).map_err(LoginError::Throttled)?;
        let decided = match issuer.settings.users.source {
            UserSource::Directory => self.by_directory(issuer, login, peer, waiting).await,
            UserSource::Webhook => match &issuer.parts.user_hook {
                Some(hook) => webhook::ask(hook, issuer, client, login, peer, clock, metrics).await,
                None => Err(LoginError::NoSource),
            },
            UserSource::None => Err(LoginError::NoSource),
        };
        match &decided {
            Ok(LoginOutcome::Admitted { .. }) => attempt.succeeded(clock.now()),
            // counted when it was let in. One that was right and not enough counts too, or the throttle would tell; and so
            // does an answer that cannot be used, or a service that says no in its own way would be guessed at for ever
            Ok(LoginOutcome::Refused { .. } | LoginOutcome::Partial { .. }) | Err(LoginError::HookAnswer(_)) => {}
            Err(
                LoginError::Throttled(_)
                | LoginError::Full(_)
                | LoginError::Store(_)
                | LoginError::Hook(_)
                | LoginError::NoSource,
            ) => attempt.give_back(clock.now()),
        }
        decided
    }

    /// One point read and one hash, whoever is asked for; twice as many if what was sent is not in the form in which names
    /// and passwords are stored now, because they may have been stored as they were sent.
    async fn by_directory(
        &self,
        issuer: &Issuer,
        login: &LoginRequest<'_>,
        peer: IpAddr,
        waiting: &Waiting,
    ) -> Result<LoginOutcome, LoginError> {
        let pool = &self.inner.pool;
        let found = self.inner.directory.find(&issuer.id, login.username).await?;
        let phc = found.as_ref().map_or_else(|| pool.cost().decoy(), |found| found.user.hash.clone());
        let client = format!("{}/{}", issuer.id, login.username);
        let share = QueueShare { source: network(peer), client };
        // an address may be an application with all its users, so one that has its share is no guesser
        let turn = pool.enter_while(waiting, share).await.map_err(|_| Full)?;
        let password = prepared::password(login.password);
        let mut right = turn.verify(&password, &phc).await?;
        let mut is_old = pool.cost().check_phc(&phc).is_err();
        if !right && *password != *login.password {
            right = turn.verify(login.password, &phc).await?;
            is_old |= right;
        }
        let verdict = match found {
            Some(found) if right && !found.user.disabled => {
                if is_old {
                    self.hash_again(&turn, issuer, &password, &found).await;
                }
                let StoredUser { subject, claims, .. } = found.user;
                let about = Granted { amr: vec!["pwd".to_owned()], ..claims.into() };
                LoginOutcome::Admitted { subject, about: Box::new(about) }
            }
            Some(_) | None => LoginOutcome::Refused { message: None },
        };
        // not before a password is hashed again
        drop(turn);
        Ok(verdict)
    }

    /// Stores the password of somebody who logged in at the cost and in the form of now, because its hash has another one.
    /// If that fails, the next login tries again.
    async fn hash_again(&self, turn: &HashTurn<'_>, issuer: &Issuer, password: &str, found: &FoundUser) {
        if let Ok(Ok(hash)) = turn.hash(password).await {
            let user = StoredUser { hash, ..found.user.clone() };
            // somebody who changed the user meanwhile was first
            let _ = self.inner.directory.put(&issuer.id, &found.name, &user, found.version).await;
        }
    }

    /// Returns the stored form of a new password.
    ///
    /// # Errors
    /// If it breaks a rule, or cannot be hashed now.
    pub async fn hash(&self, password: &str) -> Result<String, HashError> {
        if password.is_empty() || password.len() > directory::MAX_PASSWORD {
            return Err(HashError::Rule(format!("password: 1 to {} bytes", directory::MAX_PASSWORD)));
        }
        let turn = self.inner.pool.enter_as_operator().await?;
        let hashed = turn.hash(&prepared::password(password)).await?;
        hashed.map_err(|rule| HashError::Rule(format!("password: {rule}")))
    }

    /// Checks the stored form of a password that somebody else hashed.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn check_hash(&self, phc: &str) -> Result<(), DirectoryError> {
        self.inner.pool.cost().check_phc(phc).map_err(|rule| DirectoryError::Rule(format!("password_hash: {rule}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::issuer::{IssuerParts, IssuerSettings, UsersSettings};
    use crate::protocol::form::Form;
    use crate::store::memory::Memory;
    use crate::user::UserClaims;

    #[tokio::test]
    async fn checklist_16_a_right_login_brings_a_hash_to_the_cost_of_now() {
        let clock = Clock::manual(Time::from_secs(1_900_000_000));
        let store = Arc::new(Memory::new(1, clock.clone()));
        let start = |passes| {
            let cost = crate::slow_hash::Cost { memory_kib: 8 * 1024, passes, lanes: 1 };
            // room for every hash of this test: on a busy machine the overdue thread does them, and they keep their places
            // until the other thread has looked at them
            let config = HashPoolConfig { workers: 1, queue: 8, cost };
            Users::start(store.clone(), &config, NodeCount::default(), clock.clone(), &Metrics::new()).unwrap()
        };
        let users = UsersSettings { source: UserSource::Directory, ..UsersSettings::default() };
        let settings = IssuerSettings { url: "https://id.example".to_owned(), users, ..Default::default() };
        let issuer = Issuer::new("main", settings, IssuerParts::default()).unwrap();
        let (old, new) = (start(1), start(2));
        let hash = old.hash("horse").await.unwrap();
        let (subject, claims) = ("u-1".to_owned(), UserClaims::default());
        let ann = StoredUser { hash: hash.clone(), subject, claims, disabled: false };
        new.directory().put("main", "ann", &ann, 0).await.unwrap();
        let stored = async || new.directory().find("main", "ann").await.unwrap().unwrap().user.hash;
        for (password, right) in [("donkey", false), ("horse", true), ("horse", true)] {
            let body = format!("username=ann&password={password}");
            let form = Form::parse(body.as_bytes()).ok().unwrap();
            let login = LoginRequest::read(&form, &issuer.settings.users).unwrap();
            let edge = Arc::new(());
            let waiting = Arc::downgrade(&edge);
            let verdict = new.check(&issuer, "app", &login, [127, 0, 0, 1].into(), &waiting).await.unwrap();
            assert_eq!(matches!(verdict, LoginOutcome::Admitted { .. }), right);
            assert_eq!((new.check_hash(&stored().await).is_ok(), stored().await == hash), (right, !right));
        }
    }
}
