//! The gate: what a server must be before a node uses it. Pure, over the facts that `facts` asks the server for.
//!
//! The settings only say what a server promises; that it keeps its promise is shown by a confirmation alone.

use super::config::UnsafeEngine;
use super::facts::ServerFacts;
use super::schema::NEWEST;

/// Oldest version of PostgreSQL that is used.
const OLDEST_SERVER: i32 = 150_000;

/// The values that the gate compares a server with.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) deployment: String,
    pub(super) cell: i32,
    pub(super) allow_unsafe: UnsafeEngine,
}

/// The result of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Name of the rule.
    pub(super) rule: &'static str,
    /// The state of the server, in words.
    pub(super) found: String,
    pub(super) outcome: RuleOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RuleOutcome {
    Passed,
    /// The rule does not hold, and the settings say that it need not.
    Waived,
    /// The rule does not hold; holds what to do.
    Failed {
        advice: String,
        /// False if it may come to hold by itself, as when a standby becomes the primary.
        lasting: bool,
    },
}

impl Verdict {
    /// Returns the failure in words, and whether it is lasting.
    pub(super) fn failure(&self) -> Option<(String, bool)> {
        match &self.outcome {
            RuleOutcome::Failed { advice, lasting } => Some((format!("{}; {advice}", self.found), *lasting)),
            RuleOutcome::Passed | RuleOutcome::Waived => None,
        }
    }
}

/// Judges a server, rule by rule. The rules about the tables are left out for a standby.
pub(super) fn judge(facts: &ServerFacts, expected: &Expected) -> Vec<Verdict> {
    let in_recovery = if facts.in_recovery { "it is a standby" } else { "it is a primary" };
    let mut verdicts = vec![
        rule("primary", in_recovery, !facts.in_recovery, "wait until the cluster has a primary, or start one", false),
        rule(
            "version",
            format!("PostgreSQL {}", facts.version / 10_000),
            facts.version >= OLDEST_SERVER,
            "use PostgreSQL 15 or later",
            true,
        ),
        rule(
            "encoding",
            format!("the database is encoded as {}", facts.encoding),
            facts.encoding == "UTF8",
            "create the database with ENCODING 'UTF8'",
            true,
        ),
    ];
    verdicts.extend(settings(facts).map(|verdict| waived(verdict, expected.allow_unsafe)));
    if !facts.in_recovery {
        verdicts.extend(tables(facts, expected));
    }
    verdicts
}

/// The rules that promise that no acknowledged commit is lost.
fn settings(facts: &ServerFacts) -> impl Iterator<Item = Verdict> {
    let on = |name: &'static str, value: &str| {
        rule(name, format!("{name} = {value}"), value == "on", &format!("set {name} = on on the server"), true)
    };
    let commit = &facts.synchronous_commit;
    let standbys = &facts.synchronous_standby_names;
    let named = if standbys.is_empty() { "empty" } else { standbys };
    [
        on("fsync", &facts.fsync),
        on("full_page_writes", &facts.full_page_writes),
        rule(
            "synchronous_commit",
            format!("synchronous_commit = {commit}"),
            commit == "on" || commit == "remote_apply",
            "a pooler takes away the settings of sessions; connect to PostgreSQL itself",
            true,
        ),
        rule(
            "synchronous_standby_names",
            format!("synchronous_standby_names = {named}"),
            !standbys.is_empty(),
            "name the standbys on the server, as in ANY 1 (*), or set allow_unsafe_engine = \"always\" if one copy is \
             enough",
            true,
        ),
    ]
    .into_iter()
}

fn waived(verdict: Verdict, allowed: UnsafeEngine) -> Verdict {
    match verdict.outcome {
        RuleOutcome::Failed { .. } if allowed != UnsafeEngine::Never => {
            Verdict { outcome: RuleOutcome::Waived, ..verdict }
        }
        _ => verdict,
    }
}

/// The rules about what stands in the database.
fn tables(facts: &ServerFacts, expected: &Expected) -> Vec<Verdict> {
    let Some(meta) = &facts.meta else {
        let found = "the role finds no tables of jeton in its schema";
        return vec![rule("schema", found, false, "run `jeton migrate`, as the role that owns them", true)];
    };
    let schema = format!("schema {}, this jeton needs {NEWEST}", meta.schema);
    let advice = if meta.schema > NEWEST {
        "start the jeton that wrote it, or a newer one"
    } else {
        "run `jeton migrate` with this jeton"
    };
    let known = meta.schema >= NEWEST && meta.oldest <= NEWEST;
    vec![
        rule("schema", schema, known, advice, true),
        rule(
            "deployment",
            format!("the database is of the deployment {:?}", meta.deployment),
            meta.deployment == expected.deployment,
            &format!("this node is of {:?}; correct store.postgres.deployment, or the database", expected.deployment),
            true,
        ),
        rule(
            "cell",
            format!("the database is cell {}", meta.cell),
            meta.cell == expected.cell,
            &format!("it stands in the settings as cell {}; correct its id, or its hosts", expected.cell),
            true,
        ),
    ]
}

fn rule(rule: &'static str, found: impl Into<String>, holds: bool, advice: &str, lasting: bool) -> Verdict {
    let failed = || RuleOutcome::Failed { advice: advice.to_owned(), lasting };
    Verdict { rule, found: found.into(), outcome: if holds { RuleOutcome::Passed } else { failed() } }
}

#[cfg(test)]
mod tests {
    use super::super::facts::MetaRow;
    use super::*;

    fn facts() -> ServerFacts {
        ServerFacts {
            in_recovery: false,
            version: 150_018,
            encoding: "UTF8".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            synchronous_standby_names: "ANY 1 (*)".to_owned(),
            timeline: 3,
            meta: Some(MetaRow::of(NEWEST, "prod", 0)),
        }
    }

    fn failed(facts: &ServerFacts, allow_unsafe: UnsafeEngine) -> Vec<&'static str> {
        let expected = Expected { deployment: "prod".to_owned(), cell: 0, allow_unsafe };
        judge(facts, &expected).iter().filter(|verdict| verdict.failure().is_some()).map(|own| own.rule).collect()
    }

    #[test]
    fn a_server_that_keeps_every_rule_passes() {
        assert_eq!(failed(&facts(), UnsafeEngine::Never), [""; 0]);
    }

    #[test]
    fn each_rule_fails_alone() {
        let off = || "off".to_owned();
        let meta = |schema, deployment: &str, cell| Some(MetaRow::of(schema, deployment, cell));
        for (rule, broken) in [
            ("primary", ServerFacts { in_recovery: true, ..facts() }),
            ("version", ServerFacts { version: 140_011, ..facts() }),
            ("encoding", ServerFacts { encoding: "LATIN1".to_owned(), ..facts() }),
            ("fsync", ServerFacts { fsync: off(), ..facts() }),
            ("full_page_writes", ServerFacts { full_page_writes: off(), ..facts() }),
            ("synchronous_commit", ServerFacts { synchronous_commit: "local".to_owned(), ..facts() }),
            ("synchronous_standby_names", ServerFacts { synchronous_standby_names: String::new(), ..facts() }),
            ("schema", ServerFacts { meta: None, ..facts() }),
            ("schema", ServerFacts { meta: meta(NEWEST + 1, "prod", 0), ..facts() }),
            ("schema", ServerFacts { meta: meta(NEWEST - 1, "prod", 0), ..facts() }),
            ("deployment", ServerFacts { meta: meta(NEWEST, "test", 0), ..facts() }),
            ("cell", ServerFacts { meta: meta(NEWEST, "prod", 1), ..facts() }),
        ] {
            assert_eq!(failed(&broken, UnsafeEngine::Never), [rule]);
        }
    }

    #[test]
    fn a_newer_schema_passes_if_it_says_so() {
        let newer = MetaRow { oldest: NEWEST, ..MetaRow::of(NEWEST + 1, "prod", 0) };
        assert_eq!(failed(&ServerFacts { meta: Some(newer), ..facts() }, UnsafeEngine::Never), [""; 0]);
    }

    #[test]
    fn what_is_waived_is_the_settings_and_never_the_identity() {
        let unsafe_one = ServerFacts {
            fsync: "off".to_owned(),
            full_page_writes: "off".to_owned(),
            synchronous_standby_names: String::new(),
            meta: Some(MetaRow::of(NEWEST, "test", 1)),
            ..facts()
        };
        for allowed in [UnsafeEngine::Managed, UnsafeEngine::Always] {
            assert_eq!(failed(&unsafe_one, allowed), ["deployment", "cell"]);
        }
    }
}
