//! A disk that can be cut off, filled or starved: an ext4 file system on a loop device.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::say;

/// A mounted disk image; unmounted and deleted when dropped.
pub(super) struct Image {
    dir: PathBuf,
    file: PathBuf,
    mount: PathBuf,
    /// The file system that the image lies on, if it is one of its own.
    below: Option<PathBuf>,
    size: u64,
    copies: u32,
}

/// What a disk had at one moment.
pub(super) struct Snapshot(Image);

impl Image {
    /// A new image of `mib` MiB below `dir`; `None`, with a word why, where that is not possible.
    pub(super) fn make(dir: &Path, mib: u64) -> Option<Self> {
        let image = Self {
            dir: dir.to_owned(),
            file: dir.join("disk.0"),
            mount: dir.join("mount.0"),
            below: None,
            size: mib << 20,
            copies: 0,
        };
        image.set_up()
    }

    /// The same on a file system that has only `room` MiB for it.
    pub(super) fn make_thin(dir: &Path, mib: u64, room: u64) -> Option<Self> {
        let below = dir.join("below");
        std::fs::create_dir(&below).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={room}m"), "jeton-test"]).arg(&below))
            .map_err(|why| say(format_args!("skipped: needs root/loop devices: {why}")))
            .ok()?;
        let image = Self {
            dir: dir.to_owned(),
            file: below.join("disk.0"),
            mount: dir.join("mount.0"),
            below: Some(below),
            size: mib << 20,
            copies: 0,
        };
        image.set_up()
    }

    fn set_up(self) -> Option<Self> {
        File::create(&self.file).and_then(|file| file.set_len(self.size)).unwrap();
        let made = run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&self.file));
        match made.and_then(|()| self.attach()) {
            Ok(()) => Some(self),
            Err(why) => {
                say(format_args!("skipped: needs root/loop devices: {why}"));
                None
            }
        }
    }

    fn attach(&self) -> Result<(), String> {
        std::fs::create_dir_all(&self.mount).unwrap();
        // a disk does not sync by itself while we look: no periodic commit of the journal
        run(Command::new("mount").args(["-o", "loop,commit=300"]).arg(&self.file).arg(&self.mount))
    }

    /// Where a server keeps its data.
    pub(super) fn data(&self) -> PathBuf {
        self.mount.join("data")
    }

    /// Where the next copy of the image is.
    fn next(&self) -> Self {
        let copies = self.copies + 1;
        Self {
            dir: self.dir.clone(),
            file: self.dir.join(format!("disk.{copies}")),
            mount: self.dir.join(format!("mount.{copies}")),
            below: None,
            size: self.size,
            copies,
        }
    }

    /// The image as it is: what the file system on it has not written is not there. Copied again until nothing moved
    /// meanwhile, so that it is the state of one moment.
    pub(super) fn snapshot(&self) -> Snapshot {
        let next = self.next();
        for _ in 0..20 {
            run(Command::new("cp").arg("--sparse=always").arg(&self.file).arg(&next.file)).unwrap();
            if run(Command::new("cmp").arg(&self.file).arg(&next.file)).is_ok() {
                return Snapshot(next);
            }
        }
        panic!("the image never came to rest");
    }

    /// Leaves no byte free.
    pub(super) fn fill(&self) {
        let mut filler = File::create(self.mount.join("filler")).unwrap();
        for block in [1 << 20, 4096] {
            let zeros = vec![7; block];
            while filler.write_all(&zeros).is_ok() {}
            let _ = filler.sync_all();
        }
    }

    /// Takes the filling out again.
    pub(super) fn make_room(&self) {
        std::fs::remove_file(self.mount.join("filler")).unwrap();
        // freed blocks count after the journal's next commit
        run(Command::new("sync").arg("-f").arg(&self.mount)).unwrap();
    }

    /// From now on no block that was never written can be.
    pub(super) fn starve(&self) {
        let mut filler = File::create(self.below.as_ref().unwrap().join("filler")).unwrap();
        let zeros = vec![7; 65536];
        while filler.write_all(&zeros).is_ok() {}
    }

    /// The disk as it is, moved to one that works.
    pub(super) fn replace(self) -> Self {
        let next = self.next();
        detach(&self.mount);
        run(Command::new("cp").arg("--sparse=always").arg(&self.file).arg(&next.file)).unwrap();
        next.attach().unwrap();
        next
    }
}

impl Snapshot {
    /// Mounts it, which replays its journal.
    pub(super) fn mount(self) -> Image {
        let Self(image) = self;
        image.attach().unwrap();
        image
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        detach(&self.mount);
        let _ = std::fs::remove_file(&self.file);
        if let Some(below) = &self.below {
            detach(below);
        }
    }
}

fn detach(mount: &Path) {
    let mounted = || {
        let mut mounts = String::new();
        File::open("/proc/mounts").and_then(|mut file| file.read_to_string(&mut mounts)).unwrap();
        mounts.lines().any(|line| line.split(' ').nth(1) == mount.to_str())
    };
    for attempt in 0..100 {
        if !mounted() {
            return;
        }
        // a process that was just killed lets go soon; after a second the kernel shall do it when it can
        let lazy: &[&str] = if attempt < 50 { &[] } else { &["-l"] };
        let _ = Command::new("umount").args(lazy).arg(mount).stderr(std::process::Stdio::null()).status();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
