//! The rollback journal: whether it is hot, and what it would bring back.

use std::path::PathBuf;

use super::reading::{Findings, Looked};
use crate::error::Result;
use crate::format::damage::Damage;
use crate::format::journal_header::{JOURNAL_HEADER_BYTES, JournalHeader, RecordCount};
use crate::format::super_journal::{TAIL_BYTES, super_journal_name};

/// What a `-journal` file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct JournalReport {
    /// The file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// What SQLite would make of it.
    pub state: JournalState,
    /// The records that the first segment is said to have; `None` for "as many as the file holds", or no header.
    pub record_count: Option<u32>,
    /// The size in pages that a rollback brings the database back to.
    pub initial_page_count: Option<u32>,
    /// The length of the header and the alignment of segments.
    pub sector_bytes: Option<u32>,
    /// The page size; `None` in journals of very old writers.
    pub page_size: Option<u32>,
    /// The super-journal of a transaction over several databases, where one is named.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::optional"))]
    pub super_journal: Option<PathBuf>,
}

/// What a journal means for who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JournalState {
    /// 0 bytes: counts as absent.
    Empty,
    /// Its first byte is zero: the transaction ended (PERSIST), or its writer had not synced it yet.
    Zeroed,
    /// Somebody holds RESERVED or more: the journal of a living writer.
    OfLiveWriter,
    /// The database is empty: nothing to bring back.
    DatabaseEmpty,
    /// Its super-journal is gone: the transaction was committed.
    Committed,
    /// A writer died. Who opens the database next must roll back first.
    Hot,
}

impl JournalReport {
    pub(super) fn read(
        looked: &Looked,
        writer_lives: bool,
        database_is_empty: bool,
        findings: &mut Findings,
    ) -> Result<Self> {
        let mut bytes = [0; JOURNAL_HEADER_BYTES];
        let there = looked.read(&mut bytes, 0)?;
        let header = JournalHeader::parse(bytes.get(..there).unwrap_or_default());
        let super_journal = read_super_journal(looked, findings)?;
        let state = if looked.size_bytes == 0 {
            JournalState::Empty
        } else if writer_lives {
            JournalState::OfLiveWriter
        } else if database_is_empty {
            JournalState::DatabaseEmpty
        } else if bytes.first() == Some(&0) {
            JournalState::Zeroed
        } else if super_journal.as_ref().is_some_and(|path| is_absent_or_empty(path)) {
            JournalState::Committed
        } else {
            JournalState::Hot
        };
        match &header {
            Err(damage) if state == JournalState::Hot && !matches!(damage, Damage::JournalZeroed) => {
                findings.add(&looked.path, format!("hot, but nothing in it can be rolled back: {damage}"));
            }
            _ => {}
        }
        let header = header.ok();
        Ok(Self {
            path: looked.path.clone(),
            size_bytes: looked.size_bytes,
            state,
            record_count: header.and_then(|h| match h.record_count {
                RecordCount::Stated(count) => Some(count),
                RecordCount::FromFileSize => None,
            }),
            initial_page_count: header.map(|h| h.initial_page_count),
            sector_bytes: header.map(|h| h.sector_bytes),
            page_size: header.and_then(|h| h.page_size).map(crate::format::page_size::PageSize::bytes),
            super_journal,
        })
    }
}

fn read_super_journal(looked: &Looked, findings: &mut Findings) -> Result<Option<PathBuf>> {
    let mut tail = vec![0; TAIL_BYTES];
    let start = looked.size_bytes.saturating_sub(TAIL_BYTES as u64);
    let there = looked.read(&mut tail, start)?;
    match super_journal_name(tail.get(..there).unwrap_or_default(), looked.size_bytes) {
        Ok(name) => Ok(name.map(path_of)),
        Err(damage) => {
            findings.add(&looked.path, damage);
            Ok(None)
        }
    }
}

fn path_of(name: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name).into();
    #[cfg(not(unix))]
    return String::from_utf8_lossy(name).into_owned().into();
}

fn is_absent_or_empty(path: &std::path::Path) -> bool {
    std::fs::metadata(path)
        .map_or_else(|error| error.kind() == std::io::ErrorKind::NotFound, |metadata| metadata.len() == 0)
}
