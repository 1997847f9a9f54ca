//! The papers of the repository, held to what they say: the commands of the first page run as they stand, every link leads
//! somewhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::{Dev, jeton};
use crate::support::tools::{bounded, repository, succeeds};

/// Longest first page, in lines.
const PAGE: usize = 150;

/// The shell commands below a heading of the first page.
fn commands(page: &str, heading: &str) -> String {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

/// Protects an API and logs somebody in, with nothing but what stands on the first page.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_first_page_work_beside_a_running_jeton_dev() {
    let page = std::fs::read_to_string(repository("README.md")).unwrap();
    let dir = TempDir::new().unwrap();
    let (public, admin) = (free_port(), free_port());
    let mut command = jeton();
    // the data directory and the admin token are those of a plain `jeton dev`
    command.args(["dev", "--listen", &public.to_string(), "--admin-listen", &admin.to_string()]);
    let child = command.current_dir(&dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let dev = Dev { child, public, admin };
    dev.ready().await;
    let sections = ["Two commands", "Protect an API", "Log somebody in"].map(|heading| commands(&page, heading));
    let preparation =
        sections[0].lines().skip_while(|line| !line.starts_with("SERVICE=")).collect::<Vec<_>>().join("\n");
    let script = format!("set -euo pipefail\n{preparation}\n{}\necho\n{}", sections[1], sections[2])
        .replace("127.0.0.1:8080", &public.to_string())
        .replace("127.0.0.1:9080", &admin.to_string());
    let mut shell = bounded("bash");
    shell.arg("-c").arg(script).current_dir(&dir);
    let said = succeeds("the first page", shell).await;
    let (introspection, refreshed) = said.trim().split_once('\n').unwrap_or_else(|| panic!("two answers: {said}"));
    assert!(introspection.contains(r#""active":true"#), "{said}");
    assert!(refreshed.contains(r#""refresh_token":"jrt_"#) && refreshed.contains(r#""id_token":""#), "{said}");
}

/// Every page in the repository that git knows.
fn pages() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(repository("")).output();
    let names = listed.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    let mut pages: Vec<PathBuf> = String::from_utf8(names).unwrap().lines().map(repository).collect();
    // an archive of the sources has no git
    pages.extend(["", "src", "config", "ops", "benches", "tests"].map(|dir| repository(dir).join("README.md")));
    pages
}

#[test]
fn every_link_between_the_papers_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let local = !target.is_empty() && !target.contains("://") && !target.contains(char::is_whitespace);
            if local && !page.parent().unwrap_or(Path::new("")).join(target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_first_page_is_one_page() {
    let lines = std::fs::read_to_string(repository("README.md")).unwrap().lines().count();
    assert!(lines <= PAGE, "{lines} lines; what is about one folder stands in its README.md");
}
