//! Log lines: JSON, or text on a terminal, through a bounded queue that drops rather than stalls a request (and counts
//! what it dropped).

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, reload};

use crate::config::{LogConfig, LogFormat, log_filter};
use crate::server::LogControl;

/// The running log; lines are written out when it is dropped.
pub(super) struct Log {
    /// Changes the filter.
    pub(super) control: LogControl,
    /// Lines dropped since the start.
    pub(super) dropped: ErrorCounter,
    _guard: WorkerGuard,
}

/// Starts logging; once per process.
pub(super) fn start(config: &LogConfig) -> Log {
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(65_536).finish(std::io::stderr());
    let dropped = writer.error_counter();
    // checked with the settings
    let filter = log_filter(&config.filter).unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let (filter, handle) = reload::Layer::new(filter);
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let lines = if json {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(writer)
            .boxed()
    } else {
        fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(writer).boxed()
    };
    // a second start in one process (tests) keeps the first log
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    let control: LogControl =
        Arc::new(move |directives: &str| handle.reload(log_filter(directives)?).map_err(|error| error.to_string()));
    Log { control, dropped, _guard: guard }
}
