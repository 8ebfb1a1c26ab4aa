//! The system's own list of locks, where it has one: Linux's `/proc/locks`, and what `/proc` says of open files.

use super::clock::Deadline;
#[cfg(target_os = "linux")]
use super::descriptors::{self, Descriptor};
use super::file_identity::FileIdentity;
use super::range_lock::{ByteRange, LockKind};
use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// A lock as the list names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedLock {
    pub(crate) kind: LockKind,
    pub(crate) process_id: Option<u32>,
    /// First and last byte.
    bytes: (u64, u64),
}

impl ListedLock {
    pub(crate) fn touches(&self, range: ByteRange) -> bool {
        self.bytes.0 < range.end() && range.start <= self.bytes.1
    }
}

/// All locks on a file that the list names; none where there is no list.
///
/// A lock that belongs to an open file is listed without a process; who has that file open is then looked up, as far as one
/// comes until the deadline.
#[cfg(target_os = "linux")]
pub(crate) fn of_file(identity: FileIdentity, deadline: Deadline) -> Vec<ListedLock> {
    let mut locks = listed_the_same(identity, deadline);
    if locks.iter().any(|lock| lock.process_id.is_none()) {
        name_owners(&mut locks, of_open_files(identity, deadline));
    }
    locks
}

/// Whether the list names a lock on `range` of a file that belongs to a process, and not to an open file.
#[cfg(target_os = "linux")]
pub(crate) fn process_locks(identity: FileIdentity, range: ByteRange) -> bool {
    listed_the_same(identity, Deadline::after(Some(PATIENCE)))
        .iter()
        .any(|lock| lock.process_id.is_some() && lock.touches(range))
}

/// The same where there is no list.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_locks(_: FileIdentity, _: ByteRange) -> bool {
    false
}

/// For how long it is gone on with where nobody says how long: a host may have very many locks.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_millis(250);

/// How often in a row the list has to say the same, and after how many readings it is believed all the same.
///
/// A long one comes in several pieces. Whoever locks or unlocks any file in between makes lines be left out, or said
/// twice.
#[cfg(target_os = "linux")]
const EQUAL_READINGS: u32 = 5;
#[cfg(target_os = "linux")]
const MOST_READINGS: u32 = 100;

/// The locks on a file, in order, as several readings of the list in a row have them.
#[cfg(target_os = "linux")]
fn listed_the_same(identity: FileIdentity, deadline: Deadline) -> Vec<ListedLock> {
    let (mut locks, mut equal) = (listed(identity), 1);
    for _ in 1..MOST_READINGS {
        if equal == EQUAL_READINGS || deadline.has_passed() {
            break;
        }
        let again = listed(identity);
        equal = if again == locks { equal + 1 } else { 1 };
        locks = again;
    }
    locks
}

/// The same, as one reading of the list has them.
#[cfg(target_os = "linux")]
fn listed(identity: FileIdentity) -> Vec<ListedLock> {
    in_list(&std::fs::read_to_string("/proc/locks").unwrap_or_default(), identity.kernel_name())
}

#[cfg(target_os = "linux")]
fn in_list(list: &str, file: (u32, u32, u64)) -> Vec<ListedLock> {
    let mut locks: Vec<_> = list.lines().filter_map(|line| parse(line, file)).collect();
    locks.sort_unstable_by_key(|lock| (lock.bytes, lock.kind, lock.process_id));
    // No process has the same lock twice; but two files that it has open may.
    locks.dedup_by(|one, other| one == other && one.process_id.is_some());
    locks
}

/// How many locks on a file a list names: the fuzz target `lock_list` reads lists that no system wrote.
#[cfg(all(fuzzing, target_os = "linux"))]
#[must_use]
pub fn locks_in_list(list: &str, file: (u32, u32, u64)) -> usize {
    in_list(list, file).len()
}

/// Gives each lock without a process that of an equal one in `owned`, as long as there is one.
#[cfg(target_os = "linux")]
fn name_owners(locks: &mut [ListedLock], mut owned: Vec<ListedLock>) {
    for lock in locks.iter_mut().filter(|lock| lock.process_id.is_none()) {
        let equal = |owned: &ListedLock| (owned.kind, owned.bytes) == (lock.kind, lock.bytes);
        if let Some(place) = owned.iter().position(equal) {
            lock.process_id = owned.swap_remove(place).process_id;
        }
    }
}

/// The locks on a file that belong to open files, with the processes that have these open, as far as we may look into
/// them: our user's own, or all for root.
#[cfg(target_os = "linux")]
fn of_open_files(identity: FileIdentity, deadline: Deadline) -> Vec<ListedLock> {
    let mut found = Vec::new();
    for Descriptor { process_id, number } in descriptors::of_file(identity, &[], deadline).found {
        let told = std::fs::read_to_string(format!("/proc/{process_id}/fdinfo/{number}")).unwrap_or_default();
        let listed =
            told.lines().filter_map(|line| parse(line.strip_prefix("lock:")?, identity.kernel_name()));
        let unnamed = listed.filter(|lock| lock.process_id.is_none());
        found.extend(unnamed.map(|lock| ListedLock { process_id: Some(process_id), ..lock }));
    }
    found
}

/// All locks on a file that the list names; none where there is no list.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of_file(_: FileIdentity, _: Deadline) -> Vec<ListedLock> {
    Vec::new()
}

/// The name of a running process, where the system tells it.
#[cfg(target_os = "linux")]
pub(crate) fn command_of(process_id: u32) -> Option<OsString> {
    let mut name = std::fs::read(format!("/proc/{process_id}/comm")).ok()?;
    name.pop_if(|last| *last == b'\n');
    Some(std::os::unix::ffi::OsStringExt::from_vec(name))
}

/// Elsewhere it is not asked for.
#[cfg(not(target_os = "linux"))]
pub(crate) fn command_of(_: u32) -> Option<OsString> {
    None
}

/// Reads a line such as `7: POSIX  ADVISORY  READ 4242 fe:00:131074 1073741826 1073742335`.
///
/// `flock` locks, leases, and those who wait for a lock (`->`) are no locks in SQLite's protocol.
#[cfg(target_os = "linux")]
fn parse(line: &str, (major, minor, inode): (u32, u32, u64)) -> Option<ListedLock> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, "POSIX" | "OFDLCK", _, kind, process, file, first, last] = fields.as_slice() else {
        return None;
    };
    let mut parts = file.split(':');
    let device = |part: Option<&str>| u32::from_str_radix(part?, 16).ok();
    let found = (device(parts.next())?, device(parts.next())?, parts.next()?.parse().ok()?);
    if found != (major, minor, inode) {
        return None;
    }
    Some(ListedLock {
        kind: match kind {
            "READ" => LockKind::Shared,
            "WRITE" => LockKind::Exclusive,
            _ => return None,
        },
        process_id: process.parse().ok().filter(|&process| process != 0),
        bytes: (first.parse().ok()?, if last == "EOF" { u64::MAX } else { last.parse().ok()? }),
    })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    const FILE: (u32, u32, u64) = (0xfe, 0, 131_074);

    #[test]
    fn a_line_names_kind_process_and_bytes() {
        let lock = parse("7: POSIX  ADVISORY  READ 4242 fe:00:131074 100 609", FILE).unwrap();
        assert_eq!(lock.kind, LockKind::Shared);
        assert_eq!(lock.process_id, Some(4242));
        assert!(lock.touches(ByteRange { start: 609, length: 1 }));
        assert!(!lock.touches(ByteRange { start: 610, length: 1 }));
    }

    #[test]
    fn a_lock_of_an_open_file_has_no_process_and_may_reach_the_end() {
        let lock = parse("2: OFDLCK ADVISORY  WRITE -1 fe:00:131074 100 EOF", FILE).unwrap();
        assert_eq!((lock.kind, lock.process_id), (LockKind::Exclusive, None));
        assert!(lock.touches(ByteRange { start: u64::MAX - 1, length: 1 }));
    }

    #[test]
    fn a_lock_of_an_open_file_is_named_by_who_has_it_open() {
        let listed = |process_id, last| ListedLock { kind: LockKind::Shared, process_id, bytes: (1, last) };
        let mut locks = [listed(Some(7), 1), listed(None, 1), listed(None, 1), listed(None, 2)];
        name_owners(&mut locks, vec![listed(Some(8), 1), listed(Some(9), 2)]);
        assert_eq!(locks, [listed(Some(7), 1), listed(Some(8), 1), listed(None, 1), listed(Some(9), 2)]);

        let file = tempfile::NamedTempFile::new().unwrap();
        let place = crate::os::place::Place::of_existing(file.path()).unwrap();
        let ours = crate::os::lock_file::LockFile::open(&place).unwrap();
        assert!(ours.try_lock(ByteRange { start: 5, length: 3 }, LockKind::Shared).unwrap());
        let process_id = Some(std::process::id());
        assert_eq!(
            of_file(ours.identity(), Deadline::after(None)),
            [ListedLock { kind: LockKind::Shared, process_id, bytes: (5, 7) }]
        );
    }

    #[test]
    fn what_a_torn_list_says_twice_counts_once_but_open_files_may_have_equal_locks() {
        let line = "7: POSIX  ADVISORY  READ 4242 fe:00:131074 100 609\n";
        let ours = "2: OFDLCK ADVISORY  READ -1 fe:00:131074 100 609\n";
        assert_eq!(in_list(&[line, ours, line, ours].concat(), FILE).len(), 3);
    }

    #[test]
    fn other_files_other_kinds_and_those_who_wait_are_left_out() {
        for line in [
            "7: POSIX  ADVISORY  READ 4242 fe:00:131075 100 609",
            "7: FLOCK  ADVISORY  WRITE 4242 fe:00:131074 0 EOF",
            "7: -> POSIX  ADVISORY  WRITE 4242 fe:00:131074 100 609",
            "nonsense",
            "",
        ] {
            assert_eq!(parse(line, FILE), None, "{line}");
        }
    }
}
