//! `jeton migrate`: leads the tables of a shared engine to the schema of this program.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::{CommandFailure, finish};
use super::output::{complain, say};
use super::{exit, runtime};
use crate::config::{EngineKind, Source, load};
use crate::store::postgres::{MigrationState, PostgresConfig, migrate as migrate_database, migration_state};

#[derive(Args)]
pub(super) struct MigrateArgs {
    /// The configuration file
    #[arg(long, short, env = "JETON_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Change nothing; end with 1 if there is something to do
    #[arg(long)]
    check: bool,
}

pub(super) fn migrate(args: MigrateArgs) -> ExitCode {
    let loaded = match load(&Source { file: Some(args.config), ..Source::default() }) {
        Ok(loaded) => loaded,
        Err(error) => return complain(exit::CONFIG, &error),
    };
    let store = loaded.config.store;
    if store.engine != EngineKind::Postgres {
        return finish(Err(CommandFailure::usage("store.engine is not \"postgres\"; other engines need no migration")));
    }
    finish(runtime::small().and_then(|runtime| runtime.block_on(run(&store.postgres, args.check))))
}

async fn run(config: &PostgresConfig, check: bool) -> Result<(), CommandFailure> {
    let failed = |error: crate::store::StoreError| CommandFailure::new(exit::UNAVAILABLE, error.to_string());
    if !check {
        let MigrationState { found, newest } = migrate_database(config).await.map_err(failed)?;
        say(if found == newest {
            format!("good: the schema is {newest} already")
        } else {
            format!("good: the schema was {found} and is {newest} now")
        });
        return Ok(());
    }
    let MigrationState { found, newest } = migration_state(config).await.map_err(failed)?;
    if found < newest {
        let message = format!("the schema is {found}, and this jeton leads to {newest}: run `jeton migrate`");
        return Err(CommandFailure::new(exit::FAILED, message));
    }
    if found > newest {
        let message = format!("the schema is {found}, and this jeton knows those up to {newest}: use a newer one");
        return Err(CommandFailure::new(exit::FAILED, message));
    }
    say(format!("good: the schema is {newest}"));
    Ok(())
}
