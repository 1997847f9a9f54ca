//! What may stand where: the place of each foreign crate, and modules that are pure.

use super::OWN;

/// The module that a file is, with slashes: `a/b` for `a/b.rs` and for `a/b/mod.rs`.
fn place(file: &str) -> &str {
    let module = file.strip_suffix(".rs").unwrap_or(file);
    module.strip_suffix("/mod").unwrap_or(module)
}

/// Whether a module is a certain one or below it.
fn is_in(place: &str, module: &str) -> bool {
    place.strip_prefix(module).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

#[test]
fn each_foreign_crate_has_its_place() {
    type Allowed = fn(&str) -> bool;
    let places: [(&str, Allowed); 5] = [
        ("ractor::", |place| {
            place == "ask"
                || is_in(place, "router")
                || is_in(place, "server")
                || place.split('/').any(|part| part.ends_with("actor"))
        }),
        ("hyper::", |place| is_in(place, "http")),
        ("sled::", |place| is_in(place, "store/sled")),
        ("tokio_postgres::", |place| is_in(place, "store/postgres")),
        ("ed25519_dalek::", |place| is_in(place, "keys") || is_in(place, "jose")),
    ];
    let mut wrong = Vec::new();
    for (file, text) in &OWN.0 {
        for (name, allowed) in places {
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {name}"))
                        || line.contains(&format!(" {name}")) && !line.contains("crate::"))
            });
            if named && !allowed(place(file)) && !file.contains("test") {
                wrong.push(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_modules_have_no_async_no_io_and_no_clock_of_their_own() {
    let (sources, _) = &*OWN;
    for module in ["protocol", "jose", "x509", "token"] {
        let mut files = sources.iter().filter(|(file, _)| is_in(place(file), module)).peekable();
        assert!(files.peek().is_some(), "there is no module {module}: say here what it is called now");
        for (file, text) in files {
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for banned in ["async ", "std::fs", "std::net", "tokio::", "Clock::"] {
                assert!(
                    !code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(banned)),
                    "{file} has {banned}"
                );
            }
        }
    }
}
