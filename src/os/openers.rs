//! Who has a file open, with a lock or without one, as far as the system tells.
//!
//! | asked | what it tells | what it does not |
//! |---|---|---|
//! | a lease (Linux: `F_SETLEASE`), given back at once | whether anybody at all has the file open besides us, in any process, user's or container's | who. Only the file's owner and root may ask, and not every file system answers |
//! | the descriptors of all processes (`/proc`) | who | those of processes that we may not look into, or that another container hides |
//!
//! Elsewhere nothing is told. Who opens the file after the question is not told either.

use super::lock_file::LockFile;

/// Who has a file open besides the descriptor that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Openers {
    Nobody,
    /// Somebody, of which these processes could be told.
    Somebody(Vec<u32>),
    /// Nobody that the system would tell of.
    Untold,
}

/// Asks who has the file open.
pub(crate) fn of_file(file: &LockFile) -> Openers {
    #[cfg(target_os = "linux")]
    return linux::of_file(file);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        Openers::Untold
    }
}

/// Whether this process has the file open by another descriptor than `ours`; `None` where that cannot be told.
#[cfg(target_os = "linux")]
pub(super) fn process_has_open(
    identity: super::file_identity::FileIdentity,
    ours: &[std::os::fd::RawFd],
) -> Option<bool> {
    let descriptors = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(descriptors.flatten().any(|descriptor| linux::is_another(&descriptor.path(), identity, ours)))
}

#[cfg(target_os = "linux")]
mod linux {
    use super::Openers;
    use crate::os::file_identity::FileIdentity;
    use crate::os::lease;
    use crate::os::lock_file::LockFile;
    use crate::os::parked_files;
    use std::fs::File;
    use std::os::fd::{AsRawFd, RawFd};
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// For how long the descriptors of all processes are gone through: some 100,000 of them.
    const PATIENCE: Duration = Duration::from_millis(300);

    pub(super) fn of_file(file: &LockFile) -> Openers {
        let Some(asked) = file.as_file() else { return Openers::Untold };
        let sole = is_sole_opener(asked);
        if sole == Some(true) {
            return Openers::Nobody;
        }
        let mut ours = parked_files::descriptors(file.identity());
        let others_parked = !ours.is_empty();
        ours.push(asked.as_raw_fd());
        let Found { processes, all } = descriptors_on(file.identity(), &ours);
        match (sole, processes.is_empty()) {
            // Somebody, of whom we may not know.
            (Some(false), true) if !others_parked => Openers::Somebody(Vec::new()),
            (_, false) => Openers::Somebody(processes),
            (_, true) if all => Openers::Nobody,
            (_, true) => Openers::Untold,
        }
    }

    /// Whether no other description of the file is open, our own included; `None` where the system does not tell.
    fn is_sole_opener(file: &File) -> Option<bool> {
        let sole = lease::take(file).ok()?;
        if sole {
            lease::give_back(file);
        }
        Some(sole)
    }

    struct Found {
        processes: Vec<u32>,
        /// Whether all processes could be looked into, in time.
        all: bool,
    }

    /// The processes that have the file open, by other descriptors than `ours`.
    fn descriptors_on(identity: FileIdentity, ours: &[RawFd]) -> Found {
        let begun = Instant::now();
        let mut found = Found { processes: Vec::new(), all: true };
        for (process, folder) in numbered("/proc".as_ref()) {
            let Ok(descriptors) = std::fs::read_dir(folder.join("fd")) else {
                // One that has ended since has nothing open.
                found.all &= !folder.exists();
                continue;
            };
            let is_ours = process == std::process::id();
            for descriptor in descriptors.flatten() {
                if begun.elapsed() > PATIENCE {
                    found.all = false;
                    return found;
                }
                let ours = if is_ours { ours } else { &[] };
                if is_another(&descriptor.path(), identity, ours) {
                    found.processes.push(process);
                    break;
                }
            }
        }
        found
    }

    /// Whether a name below `/proc/PID/fd` is a descriptor of the file, and none of `ours`.
    pub(super) fn is_another(descriptor: &Path, identity: FileIdentity, ours: &[RawFd]) -> bool {
        let number = descriptor.file_name().and_then(|name| name.to_str()?.parse().ok());
        !number.is_some_and(|number| ours.contains(&number)) && leads_to(descriptor, identity)
    }

    /// Without asking the server of a file that lies elsewhere, which may be gone.
    fn leads_to(descriptor: &Path, identity: FileIdentity) -> bool {
        use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
        statx(CWD, descriptor, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)
            .is_ok_and(|it| (it.stx_dev_major, it.stx_dev_minor, it.stx_ino) == identity.kernel_name())
    }

    fn numbered(folder: &Path) -> impl Iterator<Item = (u32, std::path::PathBuf)> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::os::place::Place;
        use std::process::{Child, Command, Stdio};

        /// Another process that has the file open, until its input ends.
        fn other(path: &Path) -> Child {
            use std::io::Read;
            let script = "exec 3<\"$0\"; echo up; read gone";
            let mut child = Command::new("sh")
                .args(["-c", script])
                .arg(path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
            child
        }

        #[test]
        fn somebody_else_is_seen_and_what_we_keep_ourselves_is_not() {
            let file = tempfile::NamedTempFile::new().unwrap();
            // Parked, not closed.
            let place = Place::of_existing(file.path()).unwrap();
            drop(LockFile::open(&place).unwrap());
            let ours = LockFile::open_to_write(&place).unwrap();
            let (_, path) = file.into_parts();
            assert_eq!(of_file(&ours), Openers::Nobody);
            let mut child = other(&path);
            assert_eq!(of_file(&ours), Openers::Somebody(vec![child.id()]));
            drop(child.stdin.take());
            child.wait().unwrap();
            assert_eq!(of_file(&ours), Openers::Nobody);
            // One of this process that is not ours.
            let _host = File::open(&path).unwrap();
            assert_eq!(of_file(&ours), Openers::Somebody(vec![std::process::id()]));
        }
    }
}
