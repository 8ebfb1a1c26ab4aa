//! A file system that is too small: what was there stays, nothing is left over, and once there is room the same command
//! succeeds.
//!
//! The small file system is mounted where nobody else sees it, in a process of its own, with which it goes away.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::Folder;
use crate::kinds::{KINDS, Kind, State};
use crate::shim::{finish, litecopy};
use crate::sources::Sources;
use crate::tell;

/// Set for a process that has the small file system: where.
const SMALL: &str = "LITECOPY_FAULTS_SMALL";
const ARGUMENTS: [&str; 5] =
    ["disk_full::process_with_a_small_disk", "--exact", "--ignored", "--nocapture", "--test-threads=1"];

/// Takes the room. Named as temporary files are, but not as any of ours.
const BALLAST: &str = ".litecopy-ballast";

/// How to mount one of 4 MiB on `$0`, its name first; what is beside it may be used for it.
const SMALL_DISKS: [(&str, &str); 2] = [
    ("tmpfs", "mount -t tmpfs -o size=4m none \"$0\""),
    (
        "ext4",
        "truncate -s 4M \"$0.image\" && mkfs.ext4 -q -m 0 -O ^has_journal -b 1024 \"$0.image\" && mount -o loop \"$0.image\" \"$0\"",
    ),
];

#[test]
fn on_a_small_disk() {
    for (name, mount) in SMALL_DISKS {
        let place = Folder::new();
        let small = place.join("small");
        fs::create_dir(&small).unwrap();
        let mut probe = on_small_disk(mount, &small);
        if !probe.arg("true").output().is_ok_and(|output| output.status.success()) {
            tell(&format!("SKIP: a full {name}: this machine does not let us mount a small one"));
            continue;
        }
        let mut process = on_small_disk(mount, &small);
        process.arg(std::env::current_exe().unwrap()).args(ARGUMENTS).env(SMALL, &small);
        let output = process.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("refused for want of room"), "{name}: {said}");
    }
}

/// Runs what is added to it where the small file system is mounted, seen by nobody else.
fn on_small_disk(mount: &str, small: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{mount} && exec \"$@\"")]).arg(small);
    command
}

#[test]
#[ignore = "the body of a process with a small disk, started by the other test"]
fn process_with_a_small_disk() {
    let Some(small) = std::env::var_os(SMALL).map(PathBuf::from) else { return };
    let sources = Sources::new(1000);
    for kind in KINDS {
        let mut refused = 0;
        for percent in [0, 1, 30, 60, 90, 97] {
            refused += usize::from(fill_and_copy(&sources, kind, &small, percent));
        }
        sources.assert_untouched();
        println!("{}: {refused} times refused for want of room", kind.name);
        assert!(refused >= 2, "{}", kind.name);
    }
}

/// Takes all the room that there is but for so many bytes.
fn fill(ballast: &Path, room: u64) {
    let mut file = File::create(ballast).unwrap();
    for chunk in [1 << 16, 1 << 10, 1] {
        while file.write(&vec![1; chunk]).is_ok() {}
    }
    let size_bytes = file.metadata().unwrap().len();
    file.set_len(size_bytes.saturating_sub(room)).unwrap();
}

/// Leaves so much room of what the source has, copies, and then copies with room; says whether the first copy was refused.
fn fill_and_copy(sources: &Sources, kind: &Kind, small: &Path, percent: u64) -> bool {
    kind.restore(sources, small);
    let ballast = small.join(BALLAST);
    let room = fs::metadata(sources.path("source.db")).unwrap().len() * percent / 100;
    fill(&ballast, room);
    let run = || finish(litecopy(&kind.arguments(sources, small)).spawn().unwrap());
    let (status, stderr) = run();
    let refused = status.code() != Some(0);
    let expected = if refused { State::Old } else { State::New };
    let what = format!("{}, {percent} %", kind.name);
    assert_eq!(kind.look(sources, small), Ok(expected), "{what}: {stderr}");
    assert_eq!(kind.left_over(small, expected), [BALLAST], "{what}: {stderr}");
    if refused {
        assert_eq!(status.code(), Some(1), "{what}: {stderr}");
        assert!(stderr.contains("make room on the target's file system"), "{what}: {stderr}");
        fs::remove_file(&ballast).unwrap();
        let (status, stderr) = run();
        assert_eq!(status.code(), Some(0), "{what}: {stderr}");
        assert_eq!(kind.look(sources, small), Ok(State::New), "{what}");
    }
    refused
}
