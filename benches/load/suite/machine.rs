//! What the figures were measured on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use jeton::internals::Stopwatch;

use crate::histogram::Histogram;

/// Writes of the disk probe.
const PROBES: usize = 200;

/// Cores, processor, kernel, compiler, and what an fsync costs where the data is: as lines of Markdown.
pub(crate) fn describe(data_root: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "- machine: {cores} cores, {}, Linux {}, load average at the start {}\n- {}\n- data in `{}` ({}): {}\n",
        model.map_or("unknown processor", |(_, model)| model),
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown"),
        rustc(),
        data_root.display(),
        file_system(data_root),
        sync_cost(data_root),
    )
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    version.unwrap_or_else(|| "rustc unknown".to_owned())
}

/// The type of the file system that holds `path`.
fn file_system(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = fields.filter(|fields| fields.len() > 2 && path.starts_with(fields[1]));
    let longest = holding.max_by_key(|fields| fields[1].len());
    longest.map_or("unknown", |fields| fields[2]).to_owned()
}

/// The cost of an append of 4 KiB with `fdatasync`, without which nothing durable can be answered.
fn sync_cost(data_root: &Path) -> String {
    let probe = || -> std::io::Result<Histogram> {
        fs::create_dir_all(data_root)?;
        let mut file: File = tempfile::tempfile_in(data_root)?;
        let mut histogram = Histogram::new();
        for _ in 0..PROBES {
            let watch = Stopwatch::start();
            file.write_all(&[1; 4096])?;
            file.sync_data()?;
            histogram.record(u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(histogram)
    };
    match probe() {
        Ok(histogram) => format!(
            "4 KiB append and fdatasync p50 {} us, p99 {} us",
            histogram.percentile(0.5) / 1000,
            histogram.percentile(0.99) / 1000
        ),
        Err(error) => format!("fdatasync failed: {error}"),
    }
}
