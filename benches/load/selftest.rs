//! Checks the generator itself: a wrong ruler is worse than none. `load selftest` runs it and fails loudly.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::admin::{Admin, counter_sum};
use crate::child::Child;
use crate::histogram::Histogram;
use crate::http::{Answer, parse, string_member};
use crate::pace::Schedule;
use crate::request::{Auth, Target};
use crate::run::{Pace, Plan, run};
use crate::scenario::{Scenario, Setup};
use crate::workload::Workload;

type Check = fn() -> anyhow::Result<()>;

const CHECKS: [(&str, Check); 6] = [
    ("percentiles agree with a sorted list", percentiles),
    ("answers are read however they are split", answers),
    ("members and counters are found", members),
    ("the schedule is even and complete", schedule),
    ("a stall is felt by everyone who was due", stall),
    ("every scenario runs, each code and token presented once", scenarios),
];

/// Runs every check; the first that fails ends it.
pub(crate) fn selftest() -> anyhow::Result<()> {
    crate::child::end_with_signals();
    for (name, check) in CHECKS {
        check().with_context(|| format!("not true: {name}"))?;
        println!("ok: {name}");
    }
    Ok(())
}

fn percentiles() -> anyhow::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        // xorshift: spread over all magnitudes, the same every time
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut histogram = Histogram::new();
    let mut sorted: Vec<u64> = (0..100_000).map(|_| random() >> (20 + random() % 40)).collect();
    sorted.iter().for_each(|&value| histogram.record(value));
    sorted.sort_unstable();
    for (share, rank) in [(0.000_001, 1), (0.5, 50_000), (0.99, 99_000), (0.999, 99_900), (1.0, 100_000)] {
        let (exact, shown) = (sorted[rank - 1], histogram.percentile(share));
        ensure!(shown >= exact && shown - exact <= exact / 128, "{share}: {shown} is not just above {exact}");
    }
    ensure!(histogram.count() == 100_000 && histogram.max() == sorted[99_999], "count and maximum are exact");
    let mut edge = Histogram::new();
    edge.record(u64::MAX);
    ensure!(Histogram::new().percentile(0.5) == 0 && edge.max() == u64::MAX, "empty and huge are no panic");
    Ok(())
}

fn answers() -> anyhow::Result<()> {
    let plain = &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nconnection: Close\r\n\r\nhello"[..];
    let chunked = &b"HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"[..];
    let empty = &b"HTTP/1.1 204 No Content\r\n\r\n"[..];
    for (bytes, status, body, close) in
        [(plain, 200, &b"hello"[..], true), (chunked, 400, b"hello", false), (empty, 204, b"", false)]
    {
        for split in 0..bytes.len() {
            ensure!(parse(&mut bytes[..split].to_vec())?.is_none(), "{split} bytes of {} suffice", bytes.len());
        }
        let mut buffer = bytes.to_vec();
        let Answer { status: found, body: range, total, close: closes } = parse(&mut buffer)?.context("not whole")?;
        ensure!((found, &buffer[range], total, closes) == (status, body, bytes.len(), close), "wrong parts");
    }
    for bad in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 200\r\nx\r\n\r\n"] {
        ensure!(parse(&mut bad.as_bytes().to_vec()).is_err(), "{bad:?} is taken for an answer");
    }
    Ok(())
}

fn members() -> anyhow::Result<()> {
    let body = br#"{"code_x":"no","x":"code","code" : "jac_1","refresh_token":"jrt_2"}"#;
    ensure!(string_member(body, "code") == Some("jac_1"), "another member was taken for `code`");
    ensure!(string_member(body, "refresh_token") == Some("jrt_2") && string_member(body, "id_token").is_none());
    let metrics = "# HELP ops x\nops{op=\"a b\"} 2\nops{op=\"c\"} 3\nops_total 7\n";
    ensure!(counter_sum(metrics, "ops") == 5.0, "the sum is over one metric and all its labels");
    Ok(())
}

fn schedule() -> anyhow::Result<()> {
    let schedule = Schedule::new(1000.0, Duration::from_secs(2));
    ensure!(schedule.total() == 2000 && schedule.at(0) == Some(Duration::ZERO) && schedule.at(2000).is_none());
    ensure!(schedule.at(500) == Some(Duration::from_millis(500)));
    for (millis, due) in [(0, 1), (10, 11), (1999, 2000), (9999, 2000)] {
        ensure!(schedule.due(Duration::from_millis(millis)) == due, "at {millis} ms {due} are due");
    }
    Ok(())
}

/// One connection, 200 requests a second, and a server that once sleeps 300 ms: 60 requests were due meanwhile, so the
/// 99th percentile of 200 must show it. A generator that waits for its answers would show it once.
fn stall() -> anyhow::Result<()> {
    const STALL: Duration = Duration::from_millis(300);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        for number in 0.. {
            if stream.read(&mut buffer)? == 0 {
                break;
            }
            if number == 50 {
                std::thread::sleep(STALL);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
        Ok(())
    });
    let request = Target::parse(&format!("http://{address}"))?.get("/", &[]);
    let plan = plan("stall", &address.to_string(), Pace::Open(200.0), Duration::from_secs(1))?;
    let report = run(&plan, vec![Workload::same(request, b"ok")])?;
    ensure!(report.right == 200 && report.failed() == 0, "200 were due: {report}");
    ensure!(report.latency.p99 > 250.0 && report.latency.p50 < 100.0, "the stall does not show: {report}");
    Ok(())
}

/// Against the stand-in, which gives a code and a token of each generation only once.
fn scenarios() -> anyhow::Result<()> {
    let free = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let (public, admin) = (free()?, free()?);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["dev", "--admin-token=selftest", &format!("--listen={public}"), &format!("--admin-listen={admin}")]);
    let stub = Child::start(&mut command)?;
    for _ in 0..500 {
        if std::net::TcpStream::connect(public).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let admin = Admin::new(&format!("http://{admin}"), "selftest", "main")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clients = runtime.block_on(admin.register(3, "client_secret_post", "read"))?;
    let setup = Setup {
        target: Target::parse(&format!("http://{public}"))?,
        admin: Some(admin),
        clients,
        auth: Auth::Post,
        scope: "read".to_owned(),
        connections: 4,
        codes: 2000,
        chains: 3,
    };
    for scenario in
        [Scenario::ClientCredentials, Scenario::Code, Scenario::Refresh, Scenario::Introspect, Scenario::Jwks]
    {
        for pace in [Pace::Closed, Pace::Open(500.0)] {
            let workloads = runtime.block_on(setup.prepare(scenario))?;
            let mut plan = plan(scenario.name(), &public.to_string(), pace, Duration::from_millis(500))?;
            plan.pid = Some(stub.pid());
            let report = run(&plan, workloads)?;
            ensure!(report.failed() == 0 && report.right > 0, "it did not go well: {report}\n{}", stub.last_words());
            ensure!(matches!(pace, Pace::Closed) || report.right == 250, "250 were due: {report}");
        }
    }
    Ok(())
}

fn plan(name: &str, address: &str, pace: Pace, duration: Duration) -> anyhow::Result<Plan> {
    let address = address.parse()?;
    Ok(Plan {
        name: name.to_owned(),
        address,
        spread: false,
        pace,
        warmup: Duration::ZERO,
        duration,
        requests: None,
        pid: None,
    })
}
