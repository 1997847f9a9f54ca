//! The mount that a secret file is on: whether only this container has it, and whether modes can be changed there.
//!
//! Kubernetes and Docker Swarm put secrets into a memory file system that is mounted, read only, into one container and
//! nowhere else but where only root gets. Such a mount is only ours if this process is in a container: the first process
//! of its process namespace, or on a root of layers (`overlay`). Everywhere else somebody could be logged in. Both signs
//! are there on a plain machine, too: images of composefs boot from an overlay, systemd gives a service a process
//! namespace (`PrivatePIDs=`), and its `ProtectSystem=strict` makes the `/run` of every user of the machine look read only.
//! So neither counts where systemd runs the machine: `/run/systemd/system` is there (`sd_booted(3)`), which no container
//! has but one that runs systemd itself.

use std::path::{Path, PathBuf};

/// Directory that exists if systemd is the first process of the machine.
const SYSTEMD: &str = "/run/systemd/system";
/// Directory of Docker's secret volumes.
const DOCKER: &str = "/run/secrets";

/// The mounts below which a file is, as this process sees them.
pub(super) struct Mounts {
    /// Mount of the file.
    own: Option<Mount>,
    /// Mount of `/`.
    root: Option<Mount>,
    signs: ContainerSigns,
    /// True if the path, before its links are followed, is one that Kubernetes or Docker makes.
    looks_mounted: bool,
}

/// Signs of a container, besides its mounts.
#[derive(Clone, Copy)]
struct ContainerSigns {
    is_first_process: bool,
    is_under_systemd: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    at: PathBuf,
    kind: String,
    read_only: bool,
}

impl Mounts {
    pub(super) fn of_process(path: &Path) -> Self {
        let resolved = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let signs =
            ContainerSigns { is_first_process: std::process::id() == 1, is_under_systemd: Path::new(SYSTEMD).is_dir() };
        Self::of(&table, &resolved, signs)
    }

    fn of(table: &str, file: &Path, signs: ContainerSigns) -> Self {
        let all: Vec<Mount> = table.lines().filter_map(parse).collect();
        // a later mount hides an earlier one at the same place
        let above = |path: &Path| {
            let over = all.iter().filter(|mount| path.starts_with(&mount.at));
            over.max_by_key(|mount| mount.at.components().count()).cloned()
        };
        let is_data =
            |part: &std::ffi::OsStr| part.to_str().is_some_and(|part| part.starts_with("..") && part.len() > 2);
        let looks_mounted = file.starts_with(DOCKER) || file.iter().any(is_data);
        Self { own: above(file), root: above(Path::new("/")), signs, looks_mounted }
    }

    /// Returns whether only this container sees the mount of the file.
    pub(super) fn is_only_ours(&self) -> bool {
        let layered = self.root.as_ref().is_some_and(|root| root.kind.ends_with("overlay") || root.kind == "overlayfs");
        let ContainerSigns { is_first_process, is_under_systemd } = self.signs;
        let in_container = (is_first_process || layered) && !is_under_systemd;
        let own = self.own.as_ref().filter(|own| own.at != Path::new("/"));
        in_container && own.is_some_and(|own| own.read_only && is_memory(&own.kind))
    }

    /// Returns whether the file is on a volume, whose modes are set where it is defined.
    pub(super) fn is_volume(&self) -> bool {
        let own = self.own.as_ref().filter(|own| own.at != Path::new("/"));
        self.looks_mounted || own.is_some_and(|own| own.read_only)
    }
}

fn is_memory(kind: &str) -> bool {
    kind == "tmpfs" || kind == "ramfs"
}

/// Parses a line of `/proc/self/mountinfo`: `id parent major:minor root place options ... - kind source options`.
fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(4);
    let (at, options) = (before.next()?, before.next()?);
    let mut after = after.split(' ');
    let (kind, of_system) = (after.next()?, after.nth(1).unwrap_or_default());
    let read_only = [options, of_system].iter().any(|options| options.split(',').any(|option| option == "ro"));
    Some(Mount { at: PathBuf::from(unescape(at)), kind: kind.to_owned(), read_only })
}

/// Blanks, tabs, line ends and backslashes stand there as three octal digits.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "\
700 600 0:90 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u
701 700 0:91 / /proc rw,nosuid - proc proc rw
710 700 0:95 / /etc/jeton/secrets ro,relatime - tmpfs tmpfs rw,size=65536k
711 700 8:1 /data /var/lib/jeton rw,relatime - ext4 /dev/sda1 rw
712 700 8:1 /host\\040file /run/secrets/token ro,relatime - ext4 /dev/sda1 rw
";
    const HOST: &str = "\
20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
21 20 0:20 / /run rw,nosuid - tmpfs tmpfs rw,mode=755
22 20 0:21 / /srv/secrets ro,relatime - tmpfs tmpfs ro
";

    #[test]
    fn a_read_only_memory_mount_is_only_ours_in_a_container() {
        let ours = |table: &str, file: &str, is_first_process| {
            let signs = ContainerSigns { is_first_process, is_under_systemd: false };
            Mounts::of(table, Path::new(file), signs).is_only_ours()
        };
        assert!(ours(POD, "/etc/jeton/secrets/..2026/admin.token", false));
        assert!(!ours(POD, "/etc/jeton/admin.token", false), "on the container's own layers");
        assert!(!ours(POD, "/var/lib/jeton/admin.token", true), "a disk that others may have");
        assert!(!ours(POD, "/run/secrets/token", true), "a file of the host");
        assert!(!ours(HOST, "/srv/secrets/admin.token", false), "everybody on this machine reads it");
        assert!(!ours(HOST, "/run/jeton/admin.token", false));
        // a sandbox without layers
        assert!(ours(HOST, "/srv/secrets/admin.token", true));
        assert!(!ours("", "/srv/secrets/admin.token", true), "nothing is known");
    }

    /// Fedora CoreOS and others: the root is an image of composefs.
    #[test]
    fn a_machine_that_systemd_runs_is_no_container() {
        const COMPOSEFS: &str = "\
20 1 0:30 / / ro,relatime - overlay composefs ro,lowerdir=/run/ostree/.private/cfsroot-lower
21 20 0:20 / /run ro,nosuid - tmpfs tmpfs rw,mode=755
";
        for is_first_process in [false, true] {
            let ours = |is_under_systemd| {
                let signs = ContainerSigns { is_first_process, is_under_systemd };
                Mounts::of(COMPOSEFS, Path::new("/run/jeton/admin.token"), signs).is_only_ours()
            };
            assert!(!ours(true) && ours(false));
        }
    }

    #[test]
    fn a_volume_is_where_chmod_is_of_no_use() {
        let signs = ContainerSigns { is_first_process: false, is_under_systemd: false };
        let volume = |table: &str, file: &str| Mounts::of(table, Path::new(file), signs).is_volume();
        assert!(volume(POD, "/etc/jeton/secrets/admin.token"));
        assert!(volume(POD, "/run/secrets/token"));
        assert!(volume(HOST, "/home/x/..2026_11/token"), "a volume of Kubernetes by its layout");
        assert!(!volume(HOST, "/etc/jeton/admin.token"));
        assert!(!volume(POD, "/var/lib/jeton/admin.token"));
    }
}
