//! A log-linear histogram of nanoseconds: 128 steps an octave, so a percentile is at most 0.8 % too high.
//!
//! Recording is an index and an increment; no sample is dropped, whatever its size.

/// Steps an octave, as a power of two.
const STEP_BITS: u32 = 7;
const STEPS: u64 = 1 << STEP_BITS;
/// Values from here on (19 hours) share the last bucket; the maximum stays exact.
const LIMIT: u64 = 1 << 46;

/// Counts of values by size.
#[derive(Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    /// An empty histogram.
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; index(LIMIT - 1) + 1], count: 0, max: 0 }
    }

    /// Counts one value.
    pub(crate) fn record(&mut self, nanos: u64) {
        self.buckets[index(nanos.min(LIMIT - 1))] += 1;
        self.count += 1;
        self.max = self.max.max(nanos);
    }

    /// How many values were counted.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exactly.
    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that `share` (0 to 1) of all values do not exceed; 0 if there are none.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (at, &count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(at).min(self.max);
            }
        }
        self.max
    }
}

/// The bucket of a value: exact below [`STEPS`], then [`STEPS`] buckets for each power of two.
fn index(value: u64) -> usize {
    let at = match value.checked_ilog2() {
        Some(log) if log >= STEP_BITS => {
            let shift = log - STEP_BITS;
            (u64::from(shift + 1) << STEP_BITS) + (value >> shift) - STEPS
        }
        _ => value,
    };
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper_bound(at: usize) -> u64 {
    let at = at as u64;
    if at < STEPS {
        return at;
    }
    let shift = (at >> STEP_BITS) - 1;
    let base = (at & (STEPS - 1)) + STEPS;
    ((base + 1) << shift) - 1
}
