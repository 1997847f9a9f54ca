//! The series `process_...` that Prometheus expects of every program, read from `/proc` at each scrape.

use prometheus::core::{Collector, Desc};
use prometheus::{IntCounter, IntGauge, proto};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::family::MetricFamily;
use crate::clock::Clock;

/// Reads what the kernel counts of this process. Without `/proc` there are no series.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    /// Stays 0: each scrape has a counter of its own, as scrapes may overlap.
    cpu: IntCounter,
    open_fds: IntGauge,
    max_fds: IntGauge,
    virtual_memory: IntGauge,
    resident_memory: IntGauge,
    start_time: IntGauge,
    threads: IntGauge,
}

impl ProcessCollector {
    pub(super) fn new() -> Self {
        let gauge = |name, help| IntGauge::create(name, help, &[]);
        let collector = Self {
            cpu: cpu(),
            open_fds: gauge("process_open_fds", "Number of open file descriptors."),
            max_fds: gauge("process_max_fds", "Maximum number of open file descriptors."),
            virtual_memory: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes."),
            resident_memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
            start_time: gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds."),
            threads: gauge("process_threads", "Number of OS threads in the process."),
        };
        if let Some((stat, boot)) = Stat::read().zip(boot_time()) {
            collector.start_time.set(whole(boot + stat.start_ticks / clock_ticks_per_second()));
        }
        collector
    }

    fn gauges(&self) -> [&IntGauge; 6] {
        let Self { cpu: _, open_fds, max_fds, virtual_memory, resident_memory, start_time, threads } = self;
        [open_fds, max_fds, virtual_memory, resident_memory, start_time, threads]
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.cpu.desc().into_iter().chain(self.gauges().into_iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let Some(stat) = Stat::read() else { return Vec::new() };
        let cpu = cpu();
        cpu.inc_by(stat.cpu_ticks / clock_ticks_per_second());
        if let Some(open) = open_fds() {
            self.open_fds.set(whole(open));
        }
        if let Some(max) = getrlimit(Resource::Nofile).current {
            self.max_fds.set(whole(max));
        }
        self.virtual_memory.set(whole(stat.virtual_bytes));
        self.resident_memory.set(whole(stat.resident_pages.saturating_mul(page_size() as u64)));
        self.threads.set(whole(stat.threads));
        cpu.collect().into_iter().chain(self.gauges().into_iter().flat_map(Collector::collect)).collect()
    }
}

fn cpu() -> IntCounter {
    IntCounter::create("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", &[])
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The numbers of `/proc/self/stat`, in its units.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    /// Since the machine started.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&std::fs::read("/proc/self/stat").ok()?))
    }

    fn parse(text: &str) -> Option<Self> {
        // the second field is the program's name in parentheses, in which anything may stand
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // by its number in proc_pid_stat(5)
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// Returns the moment at which the machine started, in seconds since the epoch; asked of the kernel, because a service may
/// be shown nothing under `/proc` but its own process.
fn boot_time() -> Option<u64> {
    let up = u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).ok()?;
    Clock::system().now().as_secs().checked_sub(up)
}

/// Returns the number of open files: Linux 6.2 and later say so in the size of the directory, others have to be counted.
fn open_fds() -> Option<u64> {
    const OPEN: &str = "/proc/self/fd";
    match std::fs::metadata(OPEN).ok()?.len() {
        // less the one that counts
        0 => u64::try_from(std::fs::read_dir(OPEN).ok()?.count()).ok()?.checked_sub(1),
        open => Some(open),
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::*;

    #[test]
    fn fields_are_counted_from_the_end_of_the_name() {
        let line = |name: &str| {
            format!(
                "4711 ({name}) S 1 2 3 0 -1 4194560 9 0 0 0 250 151 7 7 20 0 13 0 68000 178257920 2560 18446744073709551615 1"
            )
        };
        let expected =
            Stat { cpu_ticks: 401, threads: 13, start_ticks: 68_000, virtual_bytes: 178_257_920, resident_pages: 2560 };
        for name in ["jeton", "tokio-rt worker", "a) R 1 (b", ")", ""] {
            assert_eq!(Stat::parse(&line(name)).as_ref(), Some(&expected), "{name}");
        }
        let cut = line("jeton").split(" 2560").next().map(Stat::parse);
        assert_eq!(cut, Some(None));
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn the_series_are_those_that_every_program_has() {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::new())).unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let described: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let expected = "\
# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
# HELP process_max_fds Maximum number of open file descriptors.
# TYPE process_max_fds gauge
# HELP process_open_fds Number of open file descriptors.
# TYPE process_open_fds gauge
# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
# HELP process_threads Number of OS threads in the process.
# TYPE process_threads gauge
# HELP process_virtual_memory_bytes Virtual memory size in bytes.
# TYPE process_virtual_memory_bytes gauge";
        assert_eq!(described, expected.lines().collect::<Vec<_>>());

        let value = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            found.and_then(|value| value.parse::<u64>().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        let (open, resident) = (value("process_open_fds"), value("process_resident_memory_bytes"));
        // standard input, output and error at least
        assert!((3..=value("process_max_fds")).contains(&open), "{text}");
        assert!(resident > 1 << 20 && resident <= value("process_virtual_memory_bytes"), "{text}");
        assert!(value("process_threads") >= 1, "{text}");
        assert!(value("process_cpu_seconds_total") < 86_400, "{text}");
        let age = Clock::system().now().as_secs() + 2 - value("process_start_time_seconds");
        assert!(age < 86_400, "{text}");
    }

    #[test]
    fn what_happens_shows_at_the_next_scrape() {
        let collector = ProcessCollector::new();
        let open = |collector: &ProcessCollector| {
            collector.collect();
            collector.open_fds.get()
        };
        let before = open(&collector);
        // more than other tests of this process close meanwhile
        let files: Vec<_> = (0..300).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(open(&collector) >= before + 100);
        drop(files);
    }
}
