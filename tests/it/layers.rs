//! The architecture, checked: a module imports only modules above it, and each foreign crate has its one place
//!.

use std::path::{Path, PathBuf};

/// The order of `src/lib.rs`, top first.
const ORDER: [&str; 28] = [
    "clock",
    "id",
    "cause",
    "credential",
    "secret_file",
    "vault",
    "protocol",
    "jose",
    "x509",
    "cms",
    "token",
    "metrics",
    "ask",
    "slow_hash",
    "hook",
    "store",
    "keys",
    "client",
    "user",
    "grant",
    "inspect",
    "dialect",
    "router",
    "extend",
    "service",
    "http",
    "config",
    "server",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 50, "the sources are found");
    found
}

/// The module a file belongs to, and its path below `src`.
fn module(path: &Path) -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let first = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    (first, relative)
}

#[test]
fn a_module_imports_only_modules_above_it() {
    let rank = |module: &str| ORDER.iter().position(|own| *own == module);
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (own, relative) = module(&path);
        let Some(own_rank) = rank(&own) else { continue };
        // tests may reach down
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for import in code.split("crate::").skip(1) {
            let target: String = import.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if rank(&target).is_some_and(|target| target > own_rank) && !relative.contains("test") {
                wrong.push(format!("{relative} imports crate::{target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_foreign_crate_has_its_place() {
    type Allowed = fn(&str) -> bool;
    let places: [(&str, Allowed); 4] = [
        ("ractor::", |file| {
            file.ends_with("actor.rs")
                || file == "ask.rs"
                || file.contains("actor/")
                || file == "router/mod.rs"
                || file == "server.rs"
        }),
        ("hyper::", |file| file.starts_with("http/")),
        ("sled::", |file| file.starts_with("store/sled")),
        ("ed25519_dalek::", |file| file.starts_with("keys/") || file.starts_with("jose/")),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (_, relative) = module(&path);
        for (name, allowed) in places {
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {name}"))
                        || line.contains(&format!(" {name}")) && !line.contains("crate::"))
            });
            if named && !allowed(&relative) && !relative.contains("test") {
                wrong.push(format!("{relative} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_modules_have_no_async_no_io_and_no_clock_of_their_own() {
    for (path, text) in sources() {
        let (own, relative) = module(&path);
        if ["protocol", "jose", "x509", "token"].contains(&own.as_str()) {
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for banned in ["async ", "std::fs", "std::net", "tokio::", "Clock::"] {
                assert!(
                    !code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(banned)),
                    "{relative} has {banned}"
                );
            }
        }
    }
}
