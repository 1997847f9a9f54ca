//! Where the threads of the daemon run: bulkheads between those that serve and those that hash.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;

use crate::support::process::Serve;

/// Name and allowed cores of every thread of a process.
fn threads(pid: u32) -> Vec<(String, String)> {
    let field = |status: &str, name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).ok())
        .map(|status| (field(&status, "Name:").unwrap(), field(&status, "Cpus_allowed_list:").unwrap()))
        .collect()
}

/// How many cores a list like `0-3,8` names.
fn count(list: &str) -> usize {
    let number = |text: &str| text.parse::<usize>().unwrap();
    list.split(',').map(|part| part.split_once('-').map_or(1, |(first, last)| number(last) - number(first) + 1)).sum()
}

#[tokio::test]
async fn each_io_worker_has_a_core_of_its_own_and_no_other_thread_is_bound() {
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let all = own.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let workers = std::thread::available_parallelism().unwrap().get();
    let serve = Serve::start("").await;
    let bound: Vec<_> = threads(serve.child.id()).into_iter().filter(|(_, cores)| cores != all).collect();
    // one core is all there is, and a share of more cores than there are workers is not dealt out
    let expected = if workers > 1 && count(all) == workers { workers } else { 0 };
    assert_eq!(bound.len(), expected, "{bound:?}");
    assert!(bound.iter().all(|(name, _)| name.starts_with("tokio-rt-worker")), "{bound:?}");
    assert_eq!(bound.iter().map(|(_, cores)| cores).collect::<BTreeSet<_>>().len(), expected, "{bound:?}");
}
