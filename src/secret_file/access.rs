//! Access to a secret file by owner, group and mode, as a pure function of what the system reports.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::SecretFileError;
use super::mount::Mounts;
use crate::credential::shown_path;

const RULE: &str = "a secret file belongs to root or to the user that runs jeton, and only these two, or a group that this \
                    user is in, may read it";

/// Owner, group and mode of a file, after every symbolic link.
#[derive(Clone, Copy, Debug)]
struct FileAttributes {
    owner: u32,
    group: u32,
    mode: u32,
}

/// The user and groups of this process.
struct Reader {
    user: u32,
    groups: Vec<u32>,
}

impl Reader {
    fn of_process() -> Self {
        let mut groups: Vec<u32> =
            rustix::process::getgroups().unwrap_or_default().iter().map(|id| id.as_raw()).collect();
        groups.push(rustix::process::getegid().as_raw());
        Self { user: rustix::process::geteuid().as_raw(), groups }
    }
}

/// The way in which others can use a file.
#[derive(Debug, PartialEq, Eq)]
enum Exposure {
    Owner,
    Writable,
    Group,
    World,
}

/// Checks the file at `path`, which is open and is what `metadata` says.
pub(super) fn check(path: &Path, metadata: &Metadata) -> Result<(), SecretFileError> {
    let facts = FileAttributes { owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & 0o777 };
    let reader = Reader::of_process();
    let mounts = || Mounts::of_process(path);
    let exposure = match exposure(facts, &reader, is_handed_over(path), || mounts().is_only_ours()) {
        Ok(()) => return Ok(()),
        Err(exposure) => exposure,
    };
    let FileAttributes { owner, group, mode } = facts;
    let what = match exposure {
        Exposure::Owner if reader.user == 0 => {
            format!("belongs to uid {owner} and has mode {mode:03o}, so not only that user and root can read it")
        }
        Exposure::Owner => format!("belongs to uid {owner}, who can change it"),
        Exposure::Writable => format!("has mode {mode:03o}, so others can change it"),
        Exposure::Group => format!("has mode {mode:03o}, so group {group} can read it, which jeton's user is not in"),
        Exposure::World => format!("has mode {mode:03o}, so others can read it"),
    };
    let shown = shown_path(path);
    let fix = if mounts().is_volume() {
        "it is on a volume, whose mode is not changed there: for Kubernetes set `defaultMode: 0440` of the secret volume and \
         `fsGroup` of the pod's securityContext, for Docker set uid, gid and mode of the secret (`mode: 0440`)"
            .to_owned()
    } else if exposure == Exposure::Owner && reader.user != 0 {
        format!("run `chown {} {shown}` and `chmod 600 {shown}`", reader.user)
    } else {
        format!("run `chmod 600 {shown}`")
    };
    Err(SecretFileError::Exposed { path: path.to_owned(), found: format!("{what} ({RULE})"), fix })
}

fn exposure(
    file: FileAttributes,
    reader: &Reader,
    handed_over: bool,
    only_ours: impl FnOnce() -> bool,
) -> Result<(), Exposure> {
    // root reads and changes everything anyway: what another user keeps for itself is as safe as that user
    let kept = reader.user == 0 && file.mode & 0o077 == 0;
    if file.owner != 0 && file.owner != reader.user && !kept {
        return Err(Exposure::Owner);
    }
    if file.mode & 0o022 != 0 {
        return Err(Exposure::Writable);
    }
    // everybody may, so the group may, too
    if file.mode & 0o005 != 0 {
        return if only_ours() { Ok(()) } else { Err(Exposure::World) };
    }
    if file.mode & 0o050 != 0 && !handed_over && !reader.groups.contains(&file.group) {
        return Err(Exposure::Group);
    }
    Ok(())
}

/// Returns whether systemd handed the file over (`LoadCredential=`): root owns it, and the service reads it by an
/// access list, whose mask stat shows as bits of a group.
fn is_handed_over(path: &Path) -> bool {
    std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|dir| path.parent() == Some(Path::new(&dir)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(owner: u32, group: u32, mode: u32, only_ours: bool) -> Result<(), Exposure> {
        let reader = Reader { user: 1000, groups: vec![1000, 2000] };
        exposure(FileAttributes { owner, group, mode }, &reader, false, || only_ours)
    }

    #[test]
    fn a_secret_is_ours_or_roots_and_read_by_us_or_a_group_of_ours() {
        for (owner, group, mode, verdict) in [
            (1000, 1000, 0o600, Ok(())),
            (1000, 3000, 0o400, Ok(())),
            (0, 0, 0o600, Ok(())),
            (0, 2000, 0o440, Ok(())),
            (0, 1000, 0o640, Ok(())),
            (0, 0, 0o440, Err(Exposure::Group)),
            (1000, 3000, 0o640, Err(Exposure::Group)),
            (1001, 2000, 0o440, Err(Exposure::Owner)),
            (1001, 1001, 0o600, Err(Exposure::Owner)),
            (0, 2000, 0o460, Err(Exposure::Writable)),
            (1000, 1000, 0o602, Err(Exposure::Writable)),
            (0, 0, 0o444, Err(Exposure::World)),
            (1000, 1000, 0o604, Err(Exposure::World)),
        ] {
            assert_eq!(judged(owner, group, mode, false), verdict, "{owner} {group} {mode:o}");
        }
    }

    #[test]
    fn a_mount_of_our_own_lets_everybody_in_it_read_and_nobody_write() {
        assert_eq!(judged(0, 0, 0o444, true), Ok(()));
        assert_eq!(judged(0, 0, 0o644, true), Ok(()));
        assert_eq!(judged(0, 0, 0o666, true), Err(Exposure::Writable));
        assert_eq!(judged(1001, 0, 0o444, true), Err(Exposure::Owner));
    }

    #[test]
    fn root_reads_what_another_user_keeps_for_itself() {
        let root = Reader { user: 0, groups: vec![0] };
        let judged = |mode| exposure(FileAttributes { owner: 1001, group: 1001, mode }, &root, false, || true);
        assert_eq!([judged(0o600), judged(0o400)], [Ok(()), Ok(())]);
        for mode in [0o640, 0o620, 0o604, 0o644] {
            assert_eq!(judged(mode), Err(Exposure::Owner), "{mode:o}");
        }
    }

    #[test]
    fn what_systemd_hands_over_shows_its_access_list_as_a_group() {
        let reader = Reader { user: 1000, groups: vec![1000] };
        let file = FileAttributes { owner: 0, group: 0, mode: 0o440 };
        assert_eq!(exposure(file, &reader, true, || false), Ok(()));
        assert_eq!(exposure(FileAttributes { mode: 0o444, ..file }, &reader, true, || false), Err(Exposure::World));
    }
}
