//! Which processes have a file open, by their descriptors, as far as Linux's `/proc` tells.

use super::clock::Deadline;
use super::file_identity::FileIdentity;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

/// A descriptor of a process, of the file that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) process_id: u32,
    pub(super) number: RawFd,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    pub(super) found: Vec<Descriptor>,
    /// Whether all processes could be looked into, in time.
    pub(super) complete: bool,
}

/// The descriptors of the file, but for `ours` of this process; no longer than until the deadline, for a host may have hundreds of
/// thousands of them.
pub(super) fn of_file(identity: FileIdentity, ours: &[RawFd], deadline: Deadline) -> Descriptors {
    let mut all = Descriptors { found: Vec::new(), complete: true };
    for (process_id, folder) in numbered::<u32>("/proc".as_ref()) {
        let descriptors = folder.join("fd");
        if std::fs::read_dir(&descriptors).is_err() {
            // One that has ended since has nothing open.
            all.complete &= !folder.exists();
            continue;
        }
        let ours = if process_id == std::process::id() { ours } else { &[] };
        for (number, path) in numbered::<RawFd>(&descriptors) {
            if deadline.has_passed() {
                all.complete = false;
                return all;
            }
            if !ours.contains(&number) && leads_to(&path, identity) {
                all.found.push(Descriptor { process_id, number });
            }
        }
    }
    all
}

/// Whether this process has the file open by another descriptor than `ours`; `None` where that cannot be told.
pub(super) fn process_has_open(identity: FileIdentity, ours: &[RawFd]) -> Option<bool> {
    let descriptors: &Path = "/proc/self/fd".as_ref();
    descriptors.exists().then(|| {
        numbered::<RawFd>(descriptors)
            .any(|(number, path)| !ours.contains(&number) && leads_to(&path, identity))
    })
}

/// Without asking the server of a file that lies elsewhere, which may be gone.
fn leads_to(descriptor: &Path, identity: FileIdentity) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    statx(CWD, descriptor, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)
        .is_ok_and(|it| (it.stx_dev_major, it.stx_dev_minor, it.stx_ino) == identity.kernel_name())
}

/// What lies in a folder under a number.
fn numbered<N: std::str::FromStr>(folder: &Path) -> impl Iterator<Item = (N, PathBuf)> + use<N> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    #[test]
    fn it_ends_at_the_deadline_and_says_so() {
        let file = tempfile::tempfile().unwrap();
        let identity = FileIdentity::of_file(&file).unwrap();
        let ours = Descriptor { process_id: std::process::id(), number: file.as_raw_fd() };
        assert!(of_file(identity, &[], Deadline::after(None)).found.contains(&ours));
        let late = of_file(identity, &[], Deadline::after(Some(Duration::ZERO)));
        assert_eq!((late.found, late.complete), (Vec::new(), false));
    }

    #[test]
    fn another_descriptor_of_the_process_is_told_from_ours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let identity = FileIdentity::of_file(file.as_file()).unwrap();
        let ours = [file.as_file().as_raw_fd()];
        assert_eq!(process_has_open(identity, &ours), Some(false));
        let _another = File::open(file.path()).unwrap();
        assert_eq!(process_has_open(identity, &ours), Some(true));
    }
}
