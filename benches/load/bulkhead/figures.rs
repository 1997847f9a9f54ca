//! The ratios of the bulkhead figure, and whether they are met.

use std::fmt;

use crate::report::Report;

/// client_credentials alone and beside the flood.
pub(super) struct Round {
    pub(super) alone: Report,
    pub(super) beside: Report,
    pub(super) flood: Report,
    /// Mean wait for the grant in both, in microseconds.
    pub(super) queue: [f64; 2],
}

/// Rounds at peak and at half of it.
#[derive(Default)]
pub(super) struct Figures {
    peak: Vec<Round>,
    half: Vec<Round>,
}

impl Figures {
    pub(super) fn add(&mut self, peak: Round, half: Round) {
        self.peak.push(peak);
        self.half.push(half);
    }

    /// The rate within 10 % and the p99 within twice, at peak and at half of it, and no errors.
    pub(super) fn met(&self) -> bool {
        [&self.peak, &self.half].iter().all(|rounds| rate(rounds) >= 0.9 && p99(rounds) <= 2.0) && self.failed() == 0
    }

    fn failed(&self) -> u64 {
        self.peak.iter().chain(&self.half).map(|round| round.alone.failed() + round.beside.failed()).sum()
    }
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut all: Vec<f64> = rounds.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn of_rates(round: &Round) -> f64 {
    round.beside.per_second / round.alone.per_second
}

fn of_p99s(round: &Round) -> f64 {
    round.beside.latency.p99 / round.alone.latency.p99
}

fn rate(rounds: &[Round]) -> f64 {
    median(rounds, of_rates)
}

fn p99(rounds: &[Round]) -> f64 {
    median(rounds, of_p99s)
}

/// The ratio of each round, in their order.
fn each(rounds: &[Round], ratio: impl Fn(&Round) -> f64) -> String {
    rounds.iter().map(|round| format!("{:.2}", ratio(round))).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| client_credentials | alone | beside the flood | ratio | aim | each round |")?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for (load, rounds) in [("at peak", &self.peak), ("at half of it", &self.half)] {
            let (alone, beside) = (median(rounds, |r| r.alone.per_second), median(rounds, |r| r.beside.per_second));
            writeln!(
                f,
                "| rate {load} | {alone:.0}/s | {beside:.0}/s | {:.2} | >= 0.9 | {} |",
                rate(rounds),
                each(rounds, of_rates)
            )?;
            let (alone, beside) = (median(rounds, |r| r.alone.latency.p99), median(rounds, |r| r.beside.latency.p99));
            writeln!(
                f,
                "| p99 {load} | {alone:.2} ms | {beside:.2} ms | {:.2} | <= 2 | {} |",
                p99(rounds),
                each(rounds, of_p99s)
            )?;
            let [alone, beside] = [0, 1].map(|which| median(rounds, |r| r.queue[which]));
            writeln!(f, "| wait for its grant {load} | {alone:.0} us | {beside:.0} us | {:.2} | | |", beside / alone)?;
        }
        writeln!(f, "| failed requests | | {} | | 0 | |", self.failed())?;
        let all = || self.peak.iter().chain(&self.half);
        let (hashed, shed) = all().fold((0, 0), |(hashed, shed), r| (hashed + r.flood.right, shed + r.flood.failed()));
        write!(f, "The flood: {hashed} passwords hashed, {shed} refused at once.")
    }
}
