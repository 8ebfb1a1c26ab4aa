//! The whole of a database: its file, its side files, and who holds locks on it.

use std::path::{Path, PathBuf};

use super::header_report::HeaderReport;
use super::journal_report::JournalReport;
use super::reading::{Findings, Looked};
use super::schema_report::{SchemaReport, inspect_schema};
use super::wal_index_report::WalIndexReport;
use super::wal_report::WalReport;
use crate::error::{Error, Result};
use crate::format::database_header::{DATABASE_HEADER_BYTES, DatabaseHeader, JournalMode};
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
    /// Its first 100 bytes; `None` for an empty file, which is an empty database.
    pub header: Option<HeaderReport>,
    /// What SQLite would go by; `None` when the file is no database.
    pub journal_mode: Option<JournalMode>,
    /// The size in pages that SQLite would believe; `None` when the file is no database.
    pub page_count: Option<u32>,
    /// What told it.
    pub page_count_told_by: Option<PageCountSource>,
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

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DamageReport {
    /// Which file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// What, where, and the value found.
    pub message: String,
}

/// What a page count was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum PageCountSource {
    /// The database header.
    Header,
    /// The size of the file: the header's count does not count.
    FileSize,
    /// The last commit in the log.
    Wal,
}

/// Looks at the database at `path`, its side files and locks, and tells what is found.
///
/// Nothing is written. Damage, also a file that is no database at all, is told in the report.
///
/// # Errors
///
/// When there is no such file, when it is not a file, or when it or a side file cannot be opened or read.
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
    let header = read_header(&database, &mut findings)?;
    let is_empty = header.is_none();
    let holds = |names: &[&str]| locks.iter().any(|holder| names.contains(&holder.lock));

    let journal = Looked::open(files.journal())?
        .map(|looked| {
            // Asked after the journal was seen and before it is read, as SQLite does.
            let listed = holds(&["RESERVED", "PENDING", "EXCLUSIVE"]);
            let writer_lives = database.reserved_by_other()?.unwrap_or(listed);
            JournalReport::read(&looked, writer_lives, is_empty, &mut findings)
        })
        .transpose()?;
    let wal = Looked::open(files.wal())?
        .map(|looked| WalReport::read(&looked, &options.limits, &mut findings))
        .transpose()?;
    let wal_index = Looked::open(files.wal_index())?
        .map(|looked| WalIndexReport::read(&looked, holds(&["DMS"]), &mut findings))
        .transpose()?;

    let parsed = header.as_ref().and_then(|(_, parsed)| parsed.as_ref());
    let journal_mode = journal_mode(is_empty, parsed, wal.as_ref());
    let page_count = page_count(&database, parsed, wal.as_ref(), is_empty, &mut findings);
    // SHARED is still held, where it was to be had: what is read is of the same version, in rollback mode at least.
    let schema =
        options.open(path).map_or_else(SchemaReport::unread, |mut source| inspect_schema(&mut source));
    findings.0.extend(schema.damage.iter().cloned());
    let header = header.map(|(report, _)| report);
    let newest = wal.as_ref().and_then(|wal| wal.database_header.as_ref()).or(header.as_ref());
    let wal_reset_fault =
        journal_mode == Some(JournalMode::Wal) && newest.is_some_and(|header| header.has_wal_reset_fault);
    Ok(DatabaseReport {
        path: files.database().path().to_owned(),
        size_bytes: database.size_bytes,
        read_under_lock,
        header,
        journal_mode,
        page_count: page_count.map(|(count, _)| count),
        page_count_told_by: page_count.map(|(_, told_by)| told_by),
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

/// The header as it is stored and, where SQLite accepts it, as it is meant; `None` for an empty database.
type Header = Option<(HeaderReport, Option<DatabaseHeader>)>;

fn read_header(database: &Looked, findings: &mut Findings) -> Result<Header> {
    // One byte counts as none, as in SQLite.
    if database.size_bytes <= 1 {
        return Ok(None);
    }
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    database.read(&mut bytes, 0)?;
    let parsed = DatabaseHeader::parse(&bytes);
    if let Err(damage) = &parsed {
        findings.add(&database.path, damage);
    }
    Ok(Some((HeaderReport::read(&bytes), parsed.ok())))
}

fn journal_mode(
    is_empty: bool,
    header: Option<&DatabaseHeader>,
    wal: Option<&WalReport>,
) -> Option<JournalMode> {
    if is_empty {
        return Some(JournalMode::Rollback);
    }
    // A log that is there and not empty is used, whatever the header says.
    let has_log = wal.is_some_and(|wal| wal.size_bytes > 0);
    header.map(|header| {
        if has_log || header.journal_mode() == JournalMode::Wal {
            JournalMode::Wal
        } else {
            JournalMode::Rollback
        }
    })
}

fn page_count(
    database: &Looked,
    header: Option<&DatabaseHeader>,
    wal: Option<&WalReport>,
    is_empty: bool,
    findings: &mut Findings,
) -> Option<(u32, PageCountSource)> {
    if is_empty {
        return Some((0, PageCountSource::FileSize));
    }
    let header = header?;
    if let Some(wal) = wal.filter(|wal| wal.commit_count > 0) {
        if wal.page_size != header.page_size.bytes() {
            let message =
                format!("log page size {}, that of the database is {}", wal.page_size, header.page_size);
            findings.add(&database.path, message);
        }
        return Some((wal.page_count, PageCountSource::Wal));
    }
    let in_file = u32::try_from(header.page_size.pages_in(database.size_bytes)).unwrap_or(u32::MAX);
    if let Err(damage) = header.checked_page_count(in_file) {
        findings.add(&database.path, damage);
    }
    let told_by = if header.size_is_valid() { PageCountSource::Header } else { PageCountSource::FileSize };
    Some((header.believed_page_count(in_file), told_by))
}
