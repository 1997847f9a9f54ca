//! What a process costs, from `/proc`: CPU time, resident memory now and at its peak.

use anyhow::Context as _;

/// Kernel ticks a second as `/proc` shows them: 100 on every Linux architecture that Rust runs on.
const TICKS: f64 = 100.0;

/// Use of resources at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// CPU seconds since the process started, all threads, user and system.
    pub(crate) cpu_seconds: f64,
    /// Resident bytes now.
    pub(crate) rss: u64,
    /// Most resident bytes since the start or the last [`forget_peak`].
    pub(crate) rss_peak: u64,
}

impl Usage {
    /// Of the process `pid`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {path}: is the process alive?"))
        };
        let stat = read("stat")?;
        // the second field is the name in parentheses and may contain anything, so count from its end
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        let status = read("status")?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>().ok()
        };
        Ok(Self {
            cpu_seconds: (ticks(11) + ticks(12)) / TICKS,
            rss: kib("VmRSS").unwrap_or(0) * 1024,
            rss_peak: kib("VmHWM").unwrap_or(0) * 1024,
        })
    }

    /// Of this process.
    pub(crate) fn own() -> anyhow::Result<Self> {
        Self::of(std::process::id())
    }
}

/// CPU seconds that the whole machine has spent on anything, time stolen by its host included.
pub(crate) fn machine_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.map(|field| field.parse().unwrap_or(0.0)).collect();
    // user, nice, system, (idle, iowait), irq, softirq, steal; guests are in user already
    [0, 1, 2, 5, 6, 7].iter().filter_map(|&at| ticks.get(at)).sum::<f64>() / TICKS
}

/// Starts the peak of resident memory anew. Another user's process does not allow it: then the peak stays that of its
/// whole life.
pub(crate) fn forget_peak(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
