//! The whole of a database: its file, its side files, and who holds locks on it.

use std::path::{Path, PathBuf};

use super::damage_report::DamageReport;
use super::header_report::HeaderReport;
use super::journal_report::JournalReport;
use super::reading::{Findings, Looked};
use super::schema_report::SchemaReport;
use super::seen_version::{PageCountSource, SeenVersion};
use super::wal_index_report::WalIndexReport;
use super::wal_report::WalReport;
use crate::error::{Error, Result};
use crate::format::PageSize;
use crate::format::database_header::{DATABASE_HEADER_BYTES, JournalMode};
use crate::lock::{LockHolder, LockStyle, lock_holders};
use crate::os::file_system::network_kind;
use crate::os::place::Place;
use crate::side_files::SideFiles;
use crate::source::SourceOptions;

/// What a database is, as far as can be told without changing anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DatabaseReport {
    /// The database file, symbolic links resolved.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Whether SHARED was held while it was looked at. If not, a writer was at work (or the lock is not to be had, or
    /// another lock style or none was asked for), and what is said may mix two versions.
    pub read_under_lock: bool,
    /// The first 100 bytes of the file; `None` for an empty file, which is an empty database.
    pub header: Option<HeaderReport>,
    /// The same of the version that a reader sees, with log and hot journal laid over the file; `None` when no version could be
    /// seen (`SchemaReport::unread` says why), and of an empty database.
    pub current_header: Option<HeaderReport>,
    /// What a reader goes by; `None` when no version could be seen.
    pub journal_mode: Option<JournalMode>,
    /// The size in pages of the version that a reader sees, which is that of a copy; `None` when no version could be seen.
    pub page_count: Option<u32>,
    /// What told it.
    pub page_count_told_by: Option<PageCountSource>,
    /// Bytes of the file behind the last page, which are no part of the database. SQLite passes over them. 0 where a log or a hot
    /// journal still has to cut the file.
    pub bytes_behind: u64,
    /// The file `-journal`, if there is one.
    pub journal: Option<JournalReport>,
    /// The file `-wal`, if there is one.
    pub wal: Option<WalReport>,
    /// The file `-shm`, if there is one.
    pub wal_index: Option<WalIndexReport>,
    /// What the database has in it.
    pub schema: SchemaReport,
    /// Whether it is in WAL mode and was last written by an SQLite that can lose committed pages of such a database:
    /// a reason to bring the application a newer one. What is there is not wrong for that.
    pub wal_reset_fault: bool,
    /// The kind of network file system that it lies on, as far as the system tells: locks there may not reach programs
    /// on other hosts, and not all who hold some are listed.
    pub network_file_system: Option<&'static str>,
    /// Who held which lock just before.
    pub locks: Vec<LockHolder>,
    /// All that is wrong, in the schema too; empty for a healthy database. Pages other than those of the schema are not
    /// looked into.
    pub damage: Vec<DamageReport>,
}

/// Looks at the database at `path`, its side files and locks, and tells what is found.
///
/// Nothing is written. Page count, mode and schema are those of the version that a copy would have; damage is told in the
/// report.
///
/// # Errors
///
/// [`NotADatabase`](crate::ErrorKind::NotADatabase); when there is no such file, when it is not a file, or when it or a side file
/// cannot be opened or read.
///
/// ```no_run
/// use litecopy::inspect::inspect_database;
///
/// # fn main() -> litecopy::Result<()> {
/// let report = inspect_database("app.db")?;
/// println!("{report:#?}");
/// # Ok(())
/// # }
/// ```
pub fn inspect_database(path: impl AsRef<Path>) -> Result<DatabaseReport> {
    inspect_database_with(path, &SourceOptions::new())
}

/// The same with other options than the defaults: what exceeds a limit is left out, and named.
///
/// # Errors
///
/// As [`inspect_database`].
pub fn inspect_database_with(path: impl AsRef<Path>, options: &SourceOptions) -> Result<DatabaseReport> {
    let path = path.as_ref();
    let files = SideFiles::of(path)?;
    // Asked before we lock anything, so that our own lock is not among them.
    let database = open_database(files.database())?;
    let locks = lock_holders(path)?;
    let byte_ranges = options.lock_style == LockStyle::Posix && !options.immutable;
    let database = if byte_ranges { database.locked()? } else { database };
    let read_under_lock = database.is_locked();

    let mut findings = Findings::default();
    let header = read_header(&database)?;
    let is_empty = header.is_none();
    let holds = |names: &[&str]| locks.iter().any(|holder| names.contains(&holder.lock));

    let journal = Looked::open(files.journal())?
        .map(|looked| {
            // Asked after the journal was seen and before it is read, as SQLite does.
            let listed = holds(&["RESERVED", "PENDING", "EXCLUSIVE"]);
            let writer_lives = database.reserved_by_other()?.unwrap_or(listed);
            let mut journal = JournalReport::read(&looked, writer_lives, is_empty, &mut findings)?;
            let page_size = header.as_ref().and_then(|header| header.page_size).and_then(PageSize::new);
            journal.count_records(&looked, page_size, &options.limits, &mut findings)?;
            Ok(journal)
        })
        .transpose()?;
    let wal = Looked::open(files.wal())?
        .map(|looked| WalReport::read(&looked, &options.limits, &mut findings))
        .transpose()?;
    let wal_index = Looked::open(files.wal_index())?
        .map(|looked| WalIndexReport::read(&looked, holds(&["DMS"]), &mut findings))
        .transpose()?;

    // SHARED is still held, where it was to be had: what is read is of the same version, in rollback mode at least.
    let (seen, schema) = match SeenVersion::look(path, options, &mut findings)? {
        Ok((seen, schema)) => (Some(seen), schema),
        Err(unread) => (None, unread),
    };
    findings.0.extend(schema.damage.iter().cloned());
    let current_header = seen.as_ref().and_then(|seen| seen.header.clone());
    let wal_reset_fault = seen.as_ref().is_some_and(|seen| {
        seen.journal_mode == JournalMode::Wal
            && current_header.as_ref().is_some_and(|header| header.has_wal_reset_fault)
    });
    Ok(DatabaseReport {
        path: files.database().path().to_owned(),
        size_bytes: database.size_bytes,
        read_under_lock,
        header,
        current_header,
        journal_mode: seen.as_ref().map(|seen| seen.journal_mode),
        page_count: seen.as_ref().map(|seen| seen.page_count),
        page_count_told_by: seen.as_ref().map(|seen| seen.page_count_told_by),
        bytes_behind: seen.as_ref().map_or(0, |seen| seen.bytes_behind),
        journal,
        wal,
        wal_index,
        schema,
        wal_reset_fault,
        network_file_system: network_kind(files.database().path()),
        locks,
        damage: findings.0,
    })
}

fn open_database(place: &Place) -> Result<Looked> {
    Looked::open(place)?.ok_or_else(|| Error::io("open", place.path())(std::io::ErrorKind::NotFound.into()))
}

fn read_header(database: &Looked) -> Result<Option<HeaderReport>> {
    // One byte counts as none, as in SQLite.
    if database.size_bytes <= 1 {
        return Ok(None);
    }
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    database.read(&mut bytes, 0)?;
    Ok(Some(HeaderReport::read(&bytes)))
}
