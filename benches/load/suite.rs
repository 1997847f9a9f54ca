//! The one documented call that fills the table of figures: starts jeton and its floor, runs them in
//! turn so that both meet the same machine, and says for each aim whether it is met.

use anyhow::bail;

mod bench;
mod idle;
mod machine;
mod rows;
pub(crate) mod service;
mod table;

use crate::measure::MeasureOptions;
use bench::Bench;
use table::Table;

/// Settings of the suite.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SuiteOptions {
    /// Rounds of floor and scenario; ratios are medians over them.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    measure: MeasureOptions,
    /// Connections of each run.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Clients they belong to: one each keeps a client below 1,000 requests a second, as in a fleet.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Codes fetched before each run of `code`; a run ends early when they are spent.
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    codes: usize,
    /// Idle connections to hold.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    idle_connections: usize,
    /// Scope to ask for.
    #[arg(long, default_value = "api:read")]
    scope: String,
    /// One more argument for it; may be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs everything and prints the table; an error if an aim is not met or something could not be measured.
pub(crate) fn suite(options: &SuiteOptions) -> anyhow::Result<()> {
    crate::child::end_with_signals();
    let machine = machine::describe(&options.measure.data_root);
    eprint!("{machine}");
    let mut table = Table::default();
    let outcome = fill(options, &mut table);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&table)?);
    } else {
        println!("{machine}\n{table}");
    }
    outcome?;
    let missed = table.rows.iter().filter(|row| !row.met).count();
    if missed > 0 {
        bail!("{missed} of {} aims are not met", table.rows.len());
    }
    Ok(())
}

fn fill(options: &SuiteOptions, table: &mut Table) -> anyhow::Result<()> {
    let service = idle::start_and_idle(options, table)?;
    Bench::prepare(options, service)?.fill(table)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
