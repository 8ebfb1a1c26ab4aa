//! Locks that belong to the whole process, shared out among its opens of a file by a table.
//!
//! POSIX locks know one owner, the process: a second open of the file would take over and drop the locks of the first.
//! So the table remembers, for each file, who of us holds what; the process's lock on each byte is the strongest of
//! those. (That closing any descriptor drops all locks is answered by `parked_files`.)

use super::fcntl::{self, Command};
use super::{Asker, ByteRange, Conflict, LockKind};
use crate::os::file_identity::FileIdentity;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Held {
    owner: u64,
    range: ByteRange,
    kind: LockKind,
}

type Table = Option<HashMap<FileIdentity, Vec<Held>>>;

static TABLE: Mutex<Table> = Mutex::new(None);

/// They always do.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(in crate::os) fn belong_to_process() -> bool {
    true
}

pub(in crate::os) fn try_lock(asker: Asker<'_>, range: ByteRange, kind: LockKind) -> io::Result<bool> {
    let mut table = table();
    let held = table.get_or_insert_default().entry(asker.identity).or_default();
    if conflict_within(held, asker.owner, range, kind).is_some() {
        return Ok(false);
    }
    // Nothing of another open is weakened by this: whatever it holds here is shared, or there were a conflict.
    if !fcntl::set(Command::SET_OF_PROCESS, asker.file, range, Some(kind))? {
        return Ok(false);
    }
    cut_out(held, asker.owner, range);
    held.push(Held { owner: asker.owner, range, kind });
    Ok(true)
}

pub(in crate::os) fn unlock(asker: Asker<'_>, range: ByteRange) -> io::Result<()> {
    let mut table = table();
    let held = table.get_or_insert_default().entry(asker.identity).or_default();
    cut_out(held, asker.owner, range);
    for piece in pieces(held, range) {
        let kind = held.iter().filter(|lock| overlap(lock.range, piece)).map(|lock| lock.kind).max();
        fcntl::set(Command::SET_OF_PROCESS, asker.file, piece, kind)?;
    }
    Ok(())
}

pub(in crate::os) fn find_conflict(
    asker: Asker<'_>,
    range: ByteRange,
    kind: LockKind,
) -> io::Result<Option<Conflict>> {
    let mut table = table();
    let held = table.get_or_insert_default().entry(asker.identity).or_default();
    if let Some(kind) = conflict_within(held, asker.owner, range, kind) {
        return Ok(Some(Conflict { kind, process_id: Some(std::process::id()) }));
    }
    fcntl::get(Command::GET_OF_PROCESS, asker.file, range, kind)
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn overlap(a: ByteRange, b: ByteRange) -> bool {
    a.start < b.end() && b.start < a.end()
}

fn conflict_within(held: &[Held], owner: u64, range: ByteRange, kind: LockKind) -> Option<LockKind> {
    held.iter()
        .filter(|other| other.owner != owner && overlap(other.range, range))
        .map(|other| other.kind)
        .filter(|&other| kind.max(other) == LockKind::Exclusive)
        .max()
}

/// Takes `range` out of what `owner` holds, keeping what lies before and behind it.
fn cut_out(held: &mut Vec<Held>, owner: u64, range: ByteRange) {
    let (touched, mut kept): (Vec<_>, Vec<_>) =
        held.drain(..).partition(|lock| lock.owner == owner && overlap(lock.range, range));
    for Held { owner, range: old, kind } in touched {
        for (start, end) in [(old.start, range.start), (range.end(), old.end())] {
            if start < end {
                kept.push(Held { owner, range: ByteRange { start, length: end - start }, kind });
            }
        }
    }
    *held = kept;
}

/// `range`, cut wherever a lock of the table begins or ends.
fn pieces(held: &[Held], range: ByteRange) -> Vec<ByteRange> {
    let mut cuts: Vec<u64> = held
        .iter()
        .flat_map(|lock| [lock.range.start, lock.range.end()])
        .filter(|&cut| range.start < cut && cut < range.end())
        .chain([range.start, range.end()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.iter()
        .zip(cuts.iter().skip(1))
        .map(|(&start, &end)| ByteRange { start, length: end - start })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    const RANGE: ByteRange = ByteRange { start: 10, length: 5 };

    struct Open(File, FileIdentity, u64);

    impl Open {
        fn asker(&self) -> Asker<'_> {
            Asker { file: &self.0, identity: self.1, owner: self.2 }
        }
    }

    /// Or what it holds would be told of the next file that gets its number.
    impl Drop for Open {
        fn drop(&mut self) {
            let everything = ByteRange { start: 0, length: i64::MAX.unsigned_abs() };
            unlock(self.asker(), everything).unwrap();
        }
    }

    fn open_twice(path: &std::path::Path) -> [Open; 2] {
        std::fs::write(path, "x").unwrap();
        [1, 2].map(|owner| {
            let file = File::options().read(true).write(true).open(path).unwrap();
            let identity = FileIdentity::of_file(&file).unwrap();
            Open(file, identity, owner)
        })
    }

    /// What another owner than this process sees: an open-file-description lock meets the process's locks.
    fn seen_from_outside(path: &std::path::Path, range: ByteRange) -> Option<LockKind> {
        let file = std::mem::ManuallyDrop::new(File::open(path).unwrap());
        fcntl::get(Command::GET_OF_OPEN_FILE, &file, range, LockKind::Exclusive)
            .unwrap()
            .map(|conflict| conflict.kind)
    }

    #[test]
    fn one_open_letting_go_keeps_the_lock_of_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let [a, b] = open_twice(&path);
        assert!(try_lock(a.asker(), RANGE, LockKind::Shared).unwrap());
        assert!(try_lock(b.asker(), RANGE, LockKind::Shared).unwrap());
        unlock(a.asker(), RANGE).unwrap();
        assert_eq!(seen_from_outside(&path, RANGE), Some(LockKind::Shared));
        unlock(b.asker(), RANGE).unwrap();
        assert_eq!(seen_from_outside(&path, RANGE), None);
    }

    #[test]
    fn two_opens_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = open_twice(&folder.path().join("file"));
        assert!(try_lock(a.asker(), RANGE, LockKind::Shared).unwrap());
        assert!(!try_lock(b.asker(), ByteRange::one(12), LockKind::Exclusive).unwrap());
        assert_eq!(
            find_conflict(b.asker(), ByteRange::one(12), LockKind::Exclusive).unwrap(),
            Some(Conflict { kind: LockKind::Shared, process_id: Some(std::process::id()) })
        );
        unlock(a.asker(), RANGE).unwrap();
        assert!(try_lock(b.asker(), RANGE, LockKind::Exclusive).unwrap());
        assert!(!try_lock(a.asker(), ByteRange::one(14), LockKind::Shared).unwrap());
    }

    #[test]
    fn a_part_can_be_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let [a, b] = open_twice(&path);
        assert!(try_lock(a.asker(), RANGE, LockKind::Exclusive).unwrap());
        unlock(a.asker(), ByteRange::one(12)).unwrap();
        assert_eq!(seen_from_outside(&path, ByteRange::one(12)), None);
        assert_eq!(seen_from_outside(&path, ByteRange::one(11)), Some(LockKind::Exclusive));
        assert!(try_lock(b.asker(), ByteRange::one(12), LockKind::Shared).unwrap());
        unlock(a.asker(), RANGE).unwrap();
        assert_eq!(seen_from_outside(&path, RANGE), Some(LockKind::Shared));
    }
}
