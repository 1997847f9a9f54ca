//! The table of figures, row by row: aim, measured, met or not.

use std::fmt;

use serde::Serialize;

use crate::report::Report;

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// One row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it should be, with its unit.
    pub(crate) aim: String,
    /// The figure, with its unit.
    pub(crate) measured: String,
    /// Whether it is as it should be, and nothing failed meanwhile.
    pub(crate) met: bool,
}

/// All rows.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Table {
    /// In the order of benches/README.md.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Adds a row. `trouble` says what failed meanwhile; then the aim is not met, whatever the figure.
    pub(crate) fn add(&mut self, what: &str, unit: &str, aim: Aim, figure: f64, detail: &str, trouble: &str) {
        let (sign, bound, held) = match aim {
            Aim::AtLeast(bound) => (">=", bound, figure >= bound),
            Aim::AtMost(bound) => ("<=", bound, figure <= bound),
        };
        let mut measured = format!("{figure:.2}{unit}");
        for part in [detail, trouble].into_iter().filter(|part| !part.is_empty()) {
            measured.push_str(&format!("; {part}"));
        }
        self.rows.push(Row {
            what: what.to_owned(),
            aim: format!("{sign} {bound}{unit}"),
            measured,
            met: held && trouble.is_empty(),
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | aim | measured | met |\n| --- | --- | --- | --- |")?;
        for Row { what, aim, measured, met } in &self.rows {
            writeln!(f, "| {what} | {aim} | {measured} | {} |", if *met { "yes" } else { "**no**" })?;
        }
        Ok(())
    }
}

/// Runs of a scenario, each next to a run of its floor.
#[derive(Default)]
pub(crate) struct Pairs {
    pairs: Vec<(Report, Report)>,
    /// Why a pair is missing.
    broken: Vec<String>,
}

impl Pairs {
    /// Adds a run of the floor and the run that followed it.
    pub(crate) fn add(&mut self, floor: anyhow::Result<Report>, run: anyhow::Result<Report>) {
        match (floor, run) {
            (Ok(floor), Ok(run)) => self.pairs.push((floor, run)),
            (Err(error), _) | (_, Err(error)) => self.broken.push(format!("{error:#}")),
        }
    }

    /// The median of run / floor over the pairs.
    pub(crate) fn ratio(&self) -> f64 {
        median(self.ratios())
    }

    /// The median of the runs' right answers a second.
    pub(crate) fn peak(&self) -> f64 {
        median(self.pairs.iter().map(|(_, run)| run.per_second).collect())
    }

    /// The same of the floor.
    pub(crate) fn floor_peak(&self) -> f64 {
        median(self.pairs.iter().map(|(floor, _)| floor.per_second).collect())
    }

    /// Both medians and each ratio, in words.
    pub(crate) fn detail(&self) -> String {
        let floor = self.floor_peak();
        let each: Vec<String> = self.ratios().iter().map(|ratio| format!("{ratio:.2}")).collect();
        format!("{:.0}/s of {floor:.0}/s; rounds {}", self.peak(), each.join(" "))
    }

    /// What failed in any run.
    pub(crate) fn trouble(&self) -> String {
        let runs = self.pairs.iter().flat_map(|(floor, run)| [floor, run]);
        let trouble = runs.map(Report::trouble).filter(|trouble| !trouble.is_empty());
        trouble.chain(self.broken.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    fn ratios(&self) -> Vec<f64> {
        self.pairs.iter().map(|(floor, run)| run.per_second / floor.per_second).collect()
    }
}

/// The middle one; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
