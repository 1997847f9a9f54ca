//! The rows under load: which runs make which row.

use super::bench::Bench;
use super::table::{Aim, Pairs, Table};
use crate::report::Report;
use crate::run::Pace;
use crate::scenario::Scenario;

impl Bench<'_> {
    /// Runs everything and adds its rows.
    pub(super) fn fill(&self, table: &mut Table) -> anyhow::Result<()> {
        let [mut machine, mut refresh, mut code, mut introspect] = [(); 4].map(|()| Pairs::default());
        let mut operations = 0.0;
        for _ in 0..self.options.rounds {
            let before = self.operations()?;
            machine
                .add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::ClientCredentials, Pace::Closed));
            operations += self.operations()? - before;
            refresh.add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::Refresh, Pace::Closed));
            code.add(self.floor(&self.signing, Pace::Closed), self.measure(Scenario::Code, Pace::Closed));
            introspect.add(self.floor(&self.verifying, Pace::Closed), self.measure(Scenario::Introspect, Pace::Closed));
        }
        for (what, pairs, aim) in [
            ("client_credentials / limit", &machine, 0.85),
            ("refresh, durable / limit", &refresh, 0.6),
            ("code redemption, durable / limit", &code, 0.5),
            ("introspection of a JWT / limit that verifies", &introspect, 0.8),
        ] {
            table.add(what, "", Aim::AtLeast(aim), pairs.ratio(), &pairs.detail(), &pairs.trouble());
        }
        // a counter that never moves would prove anything
        let trouble = if self.operations()? > operations { "" } else { "refresh did not move the counter either" };
        table.add("store operations of client_credentials", "", Aim::AtMost(0.0), operations, "", trouble);
        let floor = self.floor(&self.signing, Pace::Open(half(machine.floor_peak())));
        let floor = floor.map(|report| report.latency.p99);
        for (what, scenario, pairs, aim) in [
            ("client_credentials p99 at half of peak", Scenario::ClientCredentials, &machine, 5.0),
            ("refresh p99 at half of peak", Scenario::Refresh, &refresh, 15.0),
        ] {
            add_latency(table, what, aim, self.measure(scenario, Pace::Open(half(pairs.peak()))), &floor);
        }
        let (report, floor) = self.jwks_while_saturated();
        add_latency(table, "JWKS p99 while /token is saturated", 2.0, report, &floor.map(|report| report.latency.p99));
        Ok(())
    }
}

/// Half of a peak; a rate must not be zero.
fn half(peak: f64) -> f64 {
    (peak / 2.0).max(1.0)
}

/// Adds a row for a p99. `floor` is the p99 of the floor under the same kind of load.
fn add_latency(table: &mut Table, what: &str, aim: f64, report: anyhow::Result<Report>, floor: &anyhow::Result<f64>) {
    let report = match report {
        Ok(report) => report,
        Err(error) => return table.add(what, " ms", Aim::AtMost(aim), f64::NAN, "", &format!("{error:#}")),
    };
    let floor = floor.as_ref().map_or_else(|_| "not measured".to_owned(), |p99| format!("{p99:.2} ms"));
    let detail = format!(
        "{:.0}/s {}, p50 {:.2} ms, p99.9 {:.2} ms; p99 of limit {floor}",
        report.per_second, report.pace, report.latency.p50, report.latency.p999
    );
    table.add(what, " ms", Aim::AtMost(aim), report.latency.p99, &detail, &report.trouble());
}
