//! The edits that something built in takes, counted over the sources: its file, the line that declares the file as a
//! module, and one line in a table. Nothing else may name it.

use std::path::{Path, PathBuf};

/// A kind of thing that is one file and one line.
struct Room {
    /// The folder of the files, below `src`.
    folder: &'static str,
    /// The file with the table.
    table: &'static str,
    /// Files of the folder that are no such thing.
    others: &'static [&'static str],
    /// Modules with another reason to be named elsewhere, such as a default.
    shared: &'static [&'static str],
    /// True if a module is called what its thing is called on the wire, so that a literal names it too.
    literal: bool,
}

const ROOMS: [Room; 3] = [
    Room {
        folder: "auth/methods",
        table: "auth/methods/mod.rs",
        others: &["mod"],
        // a client that registers no method, and a Basic header without a password
        shared: &["client_secret_basic", "none"],
        literal: true,
    },
    Room {
        folder: "dialect",
        table: "dialect/mod.rs",
        others: &["mod", "body", "built_in", "contract", "paths", "tests"],
        shared: &["rfc"],
        literal: false,
    },
    Room {
        folder: "grant",
        table: "grant/mod.rs",
        others: &[
            "mod",
            "accepted",
            "actor",
            "authorize",
            "binding",
            "context",
            "decide",
            "device",
            "error",
            "issue",
            "login",
            "poll_intervals",
            "portal",
            "request",
        ],
        shared: &[],
        literal: false,
    },
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file: no comment, and no test.
fn code(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(str::trim).filter(|line| !line.starts_with("//")).map(str::to_owned).collect()
}

/// The lines outside of its own file that name a module of a room, with their files.
fn named(room: &Room, module: &str, own: &Path) -> Vec<(String, String)> {
    let name = room.folder.rsplit('/').next().unwrap();
    let mut all = Vec::new();
    files(&source(), &mut all);
    let mut lines = Vec::new();
    for path in all.iter().filter(|path| !path.starts_with(own.with_extension("")) && *path != own) {
        let relative = path.strip_prefix(source()).unwrap().display().to_string();
        if relative.ends_with("tests.rs") {
            continue;
        }
        let names = |line: &str| {
            let path = line.match_indices(&format!("{module}::")).any(|(at, _)| {
                let before = &line[..at];
                let word = |before: char| before.is_ascii_alphanumeric() || before == '_' || before == ':';
                before.ends_with(&format!("{name}::")) || relative.starts_with(room.folder) && !before.ends_with(word)
            });
            path || room.literal && line.contains(&format!("\"{module}\""))
        };
        lines.extend(code(path).into_iter().filter(|line| names(line)).map(|line| (relative.clone(), line)));
    }
    lines
}

#[test]
fn each_client_authentication_method_grant_and_dialect_is_one_file_and_one_line() {
    for room in ROOMS {
        let mut modules = Vec::new();
        files(&source().join(room.folder), &mut modules);
        let things = modules.iter().filter(|path| path.parent().unwrap().ends_with(room.folder));
        let things: Vec<(&str, &PathBuf)> = things
            .map(|path| (path.file_stem().unwrap().to_str().unwrap(), path))
            .filter(|(module, _)| !room.others.contains(module))
            .collect();
        assert!(things.len() >= 6, "{}: {things:?}", room.folder);
        for (module, path) in things {
            let lines = named(&room, module, path);
            let in_table = |(file, line): &&(String, String)| {
                file == room.table && line.starts_with(['&', 'A']) && line.ends_with(',')
            };
            assert_eq!(lines.iter().filter(in_table).count(), 1, "{module}: {lines:#?}");
            if !room.shared.contains(&module) {
                assert_eq!(lines.len(), 1, "{module} takes more than one line: {lines:#?}");
            }
        }
    }
}
