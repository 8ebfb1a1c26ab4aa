//! Who has a file open, with a lock or without one, as far as the system tells.
//!
//! | asked | what it tells | what it does not |
//! |---|---|---|
//! | a lease (Linux: `F_SETLEASE`), given back at once | whether anybody at all has the file open besides us, in any process, user's or container's | who. Only the file's owner and root may ask, and not every file system answers |
//! | the descriptors of all processes (`/proc`) | who | those of processes that we may not look into, or that another container hides |
//!
//! Elsewhere nothing is told. Who opens the file after the question is not told either.

use super::lock_file::LockFile;
#[cfg(feature = "evidence")]
use super::place::Place;
#[cfg(feature = "evidence")]
use std::io;

/// Who has a file open besides the descriptor that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells"))]
pub(crate) enum Openers {
    Nobody,
    /// Somebody, of which these processes could be told.
    Somebody(Vec<u32>),
    /// Nobody that the system would tell of.
    Untold,
}

/// The processes that have a file open, by their descriptors alone: nothing is asked of the file itself. Descriptors of ours that wait to
/// be used again do not count.
#[cfg(feature = "evidence")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenerList {
    /// In order.
    pub(crate) process_ids: Vec<u32>,
    /// Whether all processes could be looked into. Without a list of processes, no.
    pub(crate) complete: bool,
}

/// Lists who has the file open that lies at `place`.
#[cfg(feature = "evidence")]
pub(crate) fn list(place: &Place) -> io::Result<OpenerList> {
    #[cfg(target_os = "linux")]
    return Ok(place.identity()?.map(linux::list).unwrap_or_default());
    #[cfg(not(target_os = "linux"))]
    {
        let _ = place;
        Ok(OpenerList::default())
    }
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

#[cfg(target_os = "linux")]
mod linux {
    #[cfg(feature = "evidence")]
    use super::OpenerList;
    use super::Openers;
    use crate::os::clock::Deadline;
    use crate::os::descriptors;
    #[cfg(feature = "evidence")]
    use crate::os::file_identity::FileIdentity;
    use crate::os::lease;
    use crate::os::lock_file::LockFile;
    use crate::os::parked_files;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

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
        let all = descriptors::of_file(file.identity(), &ours, Deadline::after(Some(PATIENCE)));
        let mut processes: Vec<u32> = all.found.iter().map(|descriptor| descriptor.process_id).collect();
        processes.dedup();
        match (sole, processes.is_empty()) {
            // Somebody, of whom we may not know.
            (Some(false), true) if !others_parked => Openers::Somebody(Vec::new()),
            (_, false) => Openers::Somebody(processes),
            (_, true) if all.complete => Openers::Nobody,
            (_, true) => Openers::Untold,
        }
    }

    #[cfg(feature = "evidence")]
    pub(super) fn list(identity: FileIdentity) -> OpenerList {
        let ours = parked_files::descriptors(identity);
        let all = descriptors::of_file(identity, &ours, Deadline::after(Some(PATIENCE)));
        let mut process_ids: Vec<u32> = all.found.iter().map(|descriptor| descriptor.process_id).collect();
        process_ids.sort_unstable();
        process_ids.dedup();
        OpenerList { process_ids, complete: all.complete }
    }

    /// Whether no other description of the file is open, our own included; `None` where the system does not tell.
    fn is_sole_opener(file: &File) -> Option<bool> {
        let sole = lease::take(file).ok()?;
        if sole {
            lease::give_back(file);
        }
        Some(sole)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::os::place::Place;
        use std::path::Path;
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
