//! What a finished copy came to.

use crate::format::database_header::SqliteVersion;
use crate::format::{JournalMode, PageSize};
use crate::source::{ChangeStamp, Snapshot, SourceNotes};
use std::time::Duration;

/// What a finished copy came to.
///
/// # Examples
///
/// ```no_run
/// let report = litecopy::copy_database("app.db", "backup.db")?;
/// println!("{} pages of {} bytes", report.page_count, report.page_size.bytes());
/// println!("{} restarts; commits had to wait {:?} at most", report.restarts, report.longest_lock);
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// Pages of the copy.
    pub page_count: u32,
    /// The size of each.
    pub page_size: PageSize,
    /// How the source keeps its transactions.
    pub mode: JournalMode,
    /// In WAL mode, the SQLite that wrote the source last, when it has a fault by which committed pages can get lost
    /// ([`has_wal_reset_fault`](SqliteVersion::has_wal_reset_fault)). The copy is right: it is what the source holds.
    pub wal_reset_fault: Option<SqliteVersion>,
    /// The kind of network file system that the source lies on, as far as the system tells: locks there may not reach
    /// programs on other hosts.
    pub network_file_system: Option<&'static str>,
    /// What else is worth knowing of the source, although the copy is right.
    pub source_notes: SourceNotes,
    /// How often the copy restarted because the source had moved.
    pub restarts: u64,
    /// What tells this version of the source from later ones.
    pub stamp: Option<ChangeStamp>,
    /// How many bytes of pages were read from the source, those that were read again counted again.
    pub read_bytes: u64,
    /// How many bytes of pages the target wrote, if it counts them: not those that were there already.
    pub written_bytes: Option<u64>,
    /// How many tries found the source busy.
    pub busy_count: u64,
    /// Whether one snapshot was held over several steps.
    pub held: bool,
    /// For how long commits had to wait at most, because of a lock of ours; 0 in WAL mode, where they never have to.
    pub longest_lock: Duration,
    /// The sum of all such times.
    pub locked: Duration,
    /// From the first step to the end.
    pub elapsed: Duration,
}

impl CopyReport {
    /// What a snapshot tells of itself; restarts, busy tries and time are to be added.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            page_count: snapshot.page_count(),
            page_size: snapshot.page_size(),
            mode: snapshot.journal_mode(),
            wal_reset_fault: snapshot.wal_reset_fault(),
            network_file_system: snapshot.network_file_system(),
            source_notes: snapshot.notes(),
            stamp: Some(snapshot.stamp()),
            ..Self::default()
        }
    }

    /// The same, as another step's snapshot tells it.
    pub(super) fn seen_again(&self, snapshot: &Snapshot, restarts: bool) -> Self {
        Self {
            restarts: self.restarts + u64::from(restarts),
            held: self.held,
            longest_lock: self.longest_lock,
            locked: self.locked,
            ..Self::of(snapshot)
        }
    }

    /// A snapshot is over for which commits had to wait, and which lasted so long.
    pub(super) fn note_lock(&mut self, lasted: Duration) {
        self.longest_lock = self.longest_lock.max(lasted);
        self.locked += lasted;
    }

    /// The size of the copy.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.page_size.bytes_of(self.page_count)
    }
}
