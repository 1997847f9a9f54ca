//! Kinds of metrics, and the series that exist before their first event.

use prometheus::{Counter, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

/// Two decades around the latency objective, in seconds.
const LATENCY_BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// A label, with its values if they are a closed set that is known here.
pub(super) struct Label {
    pub(super) name: &'static str,
    pub(super) values: Option<&'static [&'static str]>,
}

impl Label {
    fn names(labels: &[Self]) -> Vec<&'static str> {
        labels.iter().map(|label| label.name).collect()
    }

    /// Returns every combination of values, if each label has its set.
    fn combinations(labels: &[Self]) -> Vec<Vec<&'static str>> {
        labels.iter().fold(vec![Vec::new()], |begun, label| {
            let values = label.values.into_iter().flatten().copied();
            values.flat_map(|value| begun.iter().map(move |begun| [&begun[..], &[value]].concat())).collect()
        })
    }
}

/// A kind of metric, created with every series that is known before its first event.
pub(super) trait MetricFamily: Sized {
    fn create(name: &str, help: &str, labels: &[Label]) -> Self;
}

macro_rules! single {
    ($kind:ident) => {
        impl MetricFamily for $kind {
            fn create(name: &str, help: &str, _: &[Label]) -> Self {
                Self::new(name, help).expect("a valid metric")
            }
        }
    };
}

macro_rules! family {
    ($kind:ident, |$name:ident, $help:ident| $opts:expr) => {
        impl MetricFamily for $kind {
            fn create($name: &str, $help: &str, labels: &[Label]) -> Self {
                let family = Self::new($opts, &Label::names(labels)).expect("a valid metric");
                for values in Label::combinations(labels) {
                    let _ = family.with_label_values(&values);
                }
                family
            }
        }
    };
}

single!(Counter);
single!(Gauge);
single!(IntCounter);
single!(IntGauge);
family!(IntCounterVec, |name, help| Opts::new(name, help));
family!(IntGaugeVec, |name, help| Opts::new(name, help));
family!(HistogramVec, |name, help| HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec()));
