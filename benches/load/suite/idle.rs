//! What a jeton costs that nobody uses: time to ready, idle memory, memory of idle connections.

use std::time::Duration;

use super::service::{Program, Service};
use super::table::{Aim, Table, median};
use super::{SuiteOptions, runtime};
use crate::connection::Connection;
use crate::process::Usage;
use crate::request::Target;

const MIB: f64 = 1024.0 * 1024.0;
/// Starts with an empty store whose median is reported.
const STARTS: usize = 3;
/// How long connections are left alone before they count as idle.
const SETTLE: Duration = Duration::from_secs(3);

/// Time to ready, idle memory, memory of idle connections; gives the service that was started last.
pub(super) fn start_and_idle(options: &SuiteOptions, table: &mut Table) -> anyhow::Result<Service> {
    let program = Program {
        path: options.measure.program.clone(),
        arguments: options.server_arg.clone(),
        data_root: options.measure.data_root.clone(),
    };
    let mut ready = Vec::new();
    for _ in 1..STARTS {
        ready.push(program.start()?.ready_after.as_secs_f64() * 1000.0);
    }
    let service = program.start()?;
    ready.push(service.ready_after.as_secs_f64() * 1000.0);
    let detail = format!("median of {STARTS} starts");
    table.add("start to ready, empty store", " ms", Aim::AtMost(300.0), median(ready), &detail, "");

    // what a start allocates and gives back is not idle memory
    std::thread::sleep(Duration::from_secs(1));
    let idle = Usage::of(service.child.pid())?;
    table.add("idle memory", " MiB", Aim::AtMost(40.0), bytes(idle.rss) / MIB, "", "");

    let target = Target::parse(&service.url)?;
    let request = target.get("/oauth2/jwks", &[]);
    let runtime = runtime()?;
    let held = runtime.block_on(async {
        let mut held = Vec::with_capacity(options.idle_connections);
        for _ in 0..options.idle_connections {
            let mut connection = Connection::open(target.address).await?;
            connection.exchange(&request).await?;
            held.push(connection);
        }
        anyhow::Ok(held)
    });
    let (count, trouble) = match &held {
        Ok(held) => (held.len(), String::new()),
        Err(error) => (options.idle_connections, error.to_string()),
    };
    // a connection is idle once it has been left alone for a while, not while its last answer is under way
    std::thread::sleep(SETTLE);
    let each =
        bytes(Usage::of(service.child.pid())?.rss.saturating_sub(idle.rss)) / 1024.0 / bytes(count.max(1) as u64);
    let detail = format!("{count} connections, 3 s after one request each");
    table.add("memory per idle connection", " KiB", Aim::AtMost(10.0), each, &detail, &trouble);
    Ok(service)
}

fn bytes(count: u64) -> f64 {
    count as f64
}
