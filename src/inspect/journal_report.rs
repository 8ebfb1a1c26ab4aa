//! The rollback journal: whether it is hot, and what it would bring back.

use std::path::{Path, PathBuf};

use super::journal_segments::read_segments;
use super::reading::{Findings, Looked};
use crate::error::{ErrorKind, Result};
use crate::format::PageSize;
use crate::format::damage::Damage;
use crate::format::journal_header::{JOURNAL_HEADER_BYTES, JournalHeader};
use crate::limits::Limits;
use crate::os::random_access::ReadAt;
use crate::state::journal::{JournalQuestions, JournalState, judge, super_journal};

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
    /// How many records a rollback would write back, of all segments; `None` where that was not counted.
    pub record_count: Option<u64>,
    /// How many segments these are in.
    pub segment_count: Option<u64>,
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
        let super_journal = match super_journal(looked.bytes(), &looked.path)? {
            Ok(name) => name,
            Err(damage) => {
                findings.add(&looked.path, damage);
                None
            }
        };
        let mut facts = Facts { looked, writer_lives, database_is_empty };
        let state = judge(&mut facts)?.unwrap_or(JournalState::Empty);
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
            record_count: None,
            segment_count: None,
            initial_page_count: header.map(|h| h.initial_page_count),
            sector_bytes: header.map(|h| h.sector_bytes),
            page_size: header.and_then(|h| h.page_size).map(crate::format::page_size::PageSize::bytes),
            super_journal,
        })
    }
}

impl JournalReport {
    /// Counts its records. `page_size` is that of the database.
    pub(super) fn count_records(
        &mut self,
        looked: &Looked,
        page_size: Option<PageSize>,
        limits: &Limits,
        findings: &mut Findings,
    ) -> Result<()> {
        let segments = match read_segments(looked.bytes(), &looked.path, page_size, limits) {
            Ok(segments) => segments,
            Err(error) if error.kind() == ErrorKind::LimitExceeded => {
                findings.add(&looked.path, format!("its records were not counted: {}", error.problem()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let counts =
            segments.iter().map(|segment| segment.records.iter().filter(|it| it.rolled_back).count());
        let (mut records, mut used) = (0, 0);
        for count in counts {
            records += count as u64;
            used += u64::from(count > 0);
        }
        (self.record_count, self.segment_count) = (Some(records), Some(used));
        Ok(())
    }
}

/// What is known of the journal and its database.
struct Facts<'l> {
    looked: &'l Looked,
    writer_lives: bool,
    database_is_empty: bool,
}

impl JournalQuestions for Facts<'_> {
    fn journal_bytes(&mut self) -> Result<Option<u64>> {
        Ok(Some(self.looked.size_bytes))
    }

    fn reserved_by_other(&mut self) -> Result<bool> {
        Ok(self.writer_lives)
    }

    fn database_bytes(&mut self) -> Result<u64> {
        Ok(if self.database_is_empty { 0 } else { u64::MAX })
    }

    fn journal(&mut self) -> Result<Option<&dyn ReadAt>> {
        Ok(Some(self.looked.bytes()))
    }

    fn path(&self) -> &Path {
        &self.looked.path
    }
}
