//! The rollback journal whole: whether it is hot and why, its segments, and its records.

use std::path::{Path, PathBuf};

use super::journal_report::JournalReport;
use super::journal_segments::{JournalSegment, read_segments};
use super::named_file::{NamedFile, SideFileKind};
use super::reading::{Findings, Looked};
use crate::error::Result;
use crate::format::PageSize;
use crate::format::byte_reader::ByteReader;
use crate::format::journal_header::JOURNAL_MAGIC;
use crate::lock::{LockStyle, lock_holders};
use crate::side_files::SideFiles;
use crate::source::SourceOptions;
use crate::state::journal::JournalState;

const JOURNAL: SideFileKind = SideFileKind {
    suffix: "-journal",
    is_magic: |bytes| bytes.starts_with(&JOURNAL_MAGIC),
    place_of: SideFiles::journal,
};

/// What a rollback journal is, and all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct JournalContents {
    /// The file that the journal is, or would be.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What SQLite would make of it.
    pub state: JournalVerdict,
    /// Why, in words.
    pub why: String,
    /// The super-journal of a transaction over several databases, where one is named.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::optional"))]
    pub super_journal: Option<PathBuf>,
    /// What is in it, also where it is not hot.
    pub segments: Vec<JournalSegment>,
    /// Whether SHARED was held on the database meanwhile. If not, a writer was at work, or there is no database, or no lock was
    /// asked for.
    pub read_under_lock: bool,
    /// What is wrong with it.
    pub damage: Vec<String>,
}

/// What a journal is to who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum JournalVerdict {
    /// A writer died: who opens the database next must roll back first.
    Hot,
    /// It is one, but nobody rolls it back.
    Cold,
    /// There is none.
    None,
    /// Its first byte is zero: the transaction ended, or its writer had not synced it yet.
    Zeroed,
    /// 0 bytes.
    Empty,
}

impl JournalVerdict {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::None => "none",
            Self::Zeroed => "zeroed",
            Self::Empty => "empty",
        }
    }
}

/// Reads the journal of the database at `path`; or the journal at `path` itself, also one whose database is not there.
///
/// SHARED is taken where it is to be had at once: a writer is not waited for, but told.
///
/// ```no_run
/// use litecopy::SourceOptions;
/// use litecopy::inspect::{JournalVerdict, inspect_journal};
///
/// let journal = inspect_journal("app.db", &SourceOptions::new())?;
/// if journal.state == JournalVerdict::Hot {
///     println!("a writer died: {}", journal.why);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
///
/// # Errors
///
/// Whatever keeps the files from being read; [`LimitExceeded`](crate::ErrorKind::LimitExceeded). Damage is none.
pub fn inspect_journal(path: impl AsRef<Path>, options: &SourceOptions) -> Result<JournalContents> {
    let NamedFile { place, database } = JOURNAL.find(path.as_ref())?;
    let path = place.path().to_owned();
    let byte_ranges = options.lock_style == LockStyle::Posix && !options.immutable;
    let holders = match &database {
        Some(files) if byte_ranges => lock_holders(files.database().path())?,
        _ => Vec::new(),
    };
    let database = match &database {
        Some(files) => Looked::open(files.database())?,
        None => None,
    };
    let database = match database {
        Some(looked) if byte_ranges => Some(looked.locked()?),
        unlocked => unlocked,
    };
    let Some(journal) = Looked::open(&place)? else { return Ok(JournalContents::none(path)) };
    // Asked after the journal was seen and before it is read, as SQLite does.
    let listed = holders.iter().any(|holder| matches!(holder.lock, "RESERVED" | "PENDING" | "EXCLUSIVE"));
    let writer_lives = match &database {
        Some(looked) => looked.reserved_by_other()?.unwrap_or(listed),
        None => false,
    };
    let is_empty = database.as_ref().is_some_and(|looked| looked.size_bytes <= 1);
    let mut findings = Findings::default();
    let report = JournalReport::read(&journal, writer_lives, is_empty, &mut findings)?;
    let page_size = database.as_ref().map(page_size_of).transpose()?.flatten();
    let segments = read_segments(journal.bytes(), &path, page_size, &options.limits)?;
    let (state, why) = verdict(&report, database.is_some());
    Ok(JournalContents {
        path,
        size_bytes: report.size_bytes,
        state,
        why: why.to_owned(),
        super_journal: report.super_journal,
        segments,
        read_under_lock: database.as_ref().is_some_and(Looked::is_locked),
        damage: findings.0.into_iter().map(|damage| damage.message).collect(),
    })
}

impl JournalContents {
    fn none(path: PathBuf) -> Self {
        Self {
            path,
            size_bytes: 0,
            state: JournalVerdict::None,
            why: "there is no journal".to_owned(),
            super_journal: None,
            segments: Vec::new(),
            read_under_lock: false,
            damage: Vec::new(),
        }
    }
}

/// The page size that the database's header names.
fn page_size_of(database: &Looked) -> Result<Option<PageSize>> {
    let mut bytes = [0; 18];
    database.read(&mut bytes, 0)?;
    Ok(ByteReader::at(&bytes, 16).be_u16().ok().and_then(PageSize::from_header_code))
}

fn verdict(report: &JournalReport, has_database: bool) -> (JournalVerdict, &'static str) {
    match report.state {
        JournalState::Empty => (JournalVerdict::Empty, "it has no bytes, which counts as none"),
        JournalState::Zeroed => (
            JournalVerdict::Zeroed,
            "its first byte is zero: the transaction ended, or its writer had not changed the database yet",
        ),
        JournalState::OfLiveWriter => {
            (JournalVerdict::Cold, "its writer lives: somebody holds RESERVED or more on the database")
        }
        JournalState::DatabaseEmpty => {
            (JournalVerdict::Cold, "the database is empty: there is nothing to bring back")
        }
        JournalState::Committed => {
            (JournalVerdict::Cold, "its super-journal is gone: the transaction was committed")
        }
        JournalState::Hot if !has_database => (
            JournalVerdict::Hot,
            "it begins as one that was synced; its database is not here, so whether its writer lives cannot be asked",
        ),
        JournalState::Hot => (
            JournalVerdict::Hot,
            "it begins as one that was synced, and no writer lives: who opens the database next rolls back first",
        ),
    }
}
