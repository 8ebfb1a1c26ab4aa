//! The version of a database that a copy would have: its size, mode, header and schema, as its snapshot says.

use super::header_report::HeaderReport;
use super::reading::Findings;
use super::schema_report::{self, SchemaReport};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, ErrorKind, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::{JournalMode, PageNumber};
use crate::source::{Snapshot, Source, SourceOptions, Standing};
use std::path::Path;

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
    /// A hot journal, which brings the database back to it.
    Journal,
}

/// How often a snapshot that did not hold is taken again.
const TRIES: u32 = 3;

/// What is told of a version.
pub(super) struct SeenVersion {
    pub(super) page_count: u32,
    pub(super) page_count_told_by: PageCountSource,
    pub(super) journal_mode: JournalMode,
    /// `None` for an empty database.
    pub(super) header: Option<HeaderReport>,
    /// Bytes of the file that are no part of it; 0 where journal or log have a say.
    pub(super) bytes_behind: u64,
}

/// A version with its schema, or why it cannot be seen.
type Seen = std::result::Result<(SeenVersion, SchemaReport), SchemaReport>;

impl SeenVersion {
    /// Looks at the version that is there now. What keeps it from being seen is told, as damage or as why the schema could not
    /// be read; only a file that is no database at all is an error.
    pub(super) fn look(path: &Path, options: &SourceOptions, findings: &mut Findings) -> Result<Seen> {
        let mut source = options.open(path)?;
        for _ in 0..TRIES {
            let snapshot = match source.begin() {
                Ok(Attempt::Got(snapshot)) => snapshot,
                Ok(Attempt::Busy(obstacle)) => {
                    return Ok(Err(SchemaReport::unread(format!("busy: {obstacle}"))));
                }
                Err(error) => return Self::unseen(error, findings),
            };
            let seen = Self::of(&snapshot, &source, findings);
            match (seen, source.end(snapshot)) {
                (_, Ok(Standing::Withdrawn)) => {}
                (Ok(seen), Ok(Standing::Confirmed)) => return Ok(Ok(seen)),
                (Err(error), _) | (Ok(_), Err(error)) => return Self::unseen(error, findings),
            }
        }
        Ok(Err(SchemaReport::unread(format!("busy: {}", Obstacle::Change))))
    }

    fn unseen(error: Error, findings: &mut Findings) -> Result<Seen> {
        if error.kind() == ErrorKind::NotADatabase {
            return Err(error);
        }
        if error.may_be_half_a_change() {
            findings.add(error.path(), error.problem());
        }
        Ok(Err(SchemaReport::unread(error)))
    }

    fn of(snapshot: &Snapshot, source: &Source, findings: &mut Findings) -> Result<(Self, SchemaReport)> {
        let name = source.path().unwrap_or(source.name());
        let schema = schema_report::read(snapshot, name, snapshot.limits())?;
        let mut page_one = vec![0; snapshot.page_size().bytes_usize()];
        let is_empty = snapshot.page_count() == 0;
        if !is_empty {
            snapshot.read_pages(PageNumber::FIRST, &mut page_one)?;
        }
        let header = page_one.first_chunk::<DATABASE_HEADER_BYTES>().filter(|_| !is_empty);
        let header = header.map(HeaderReport::read);
        if let Some(header) = &header {
            check_freelist(header, snapshot.page_count(), name, findings);
        }
        let counts = header.as_ref().is_some_and(HeaderReport::page_count_counts);
        let seen = Self {
            page_count: snapshot.page_count(),
            page_count_told_by: match snapshot {
                it if it.is_told_by_log() => PageCountSource::Wal,
                it if it.rolls_back() => PageCountSource::Journal,
                _ if counts => PageCountSource::Header,
                _ => PageCountSource::FileSize,
            },
            journal_mode: snapshot.journal_mode(),
            header,
            bytes_behind: snapshot.bytes_behind()?,
        };
        Ok((seen, schema))
    }
}

/// Tells a freelist that cannot be: SQLite believes these fields until it needs a free page.
fn check_freelist(header: &HeaderReport, page_count: u32, name: &Path, findings: &mut Findings) {
    let (first, count) = (header.first_freelist_trunk, header.freelist_page_count);
    if first > page_count || count >= page_count || (first == 0) != (count == 0) {
        let message = format!(
            "freelist of {count} pages from page {first} on (offsets 36 and 32), in a database of {page_count} pages"
        );
        findings.add(name, message);
    }
}
