//! What the first page says of its database, or what we know without it when it is encrypted.

use super::source_options::SourceOptions;
use crate::error::{Error, Problem, Result};
use crate::format::database_header::{DATABASE_HEADER_BYTES, SqliteVersion};
use crate::format::{DatabaseHeader, JournalMode, PageSize};
use std::path::Path;

/// The 100 bytes at the start of the first page, as far as they can be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageOne {
    pub(super) page_size: PageSize,
    /// Change counter, page count and freelist; encrypted or not, they change with every commit that changes the page.
    pub(super) stamp: [u8; 16],
    /// `None` where nothing else can be read.
    header: Option<DatabaseHeader>,
}

impl PageOne {
    /// Reads the header; of an opaque database only what `options` or the log (`log_page_size`) tell of it.
    pub(super) fn read(
        bytes: &[u8; DATABASE_HEADER_BYTES],
        options: &SourceOptions,
        log_page_size: Option<PageSize>,
        path: &Path,
    ) -> Result<Self> {
        let Some(opaque) = options.opaque else {
            let header = DatabaseHeader::parse(bytes).map_err(|damage| super::header_error(path, damage))?;
            let stamp = header.change_stamp_bytes();
            return Ok(Self { page_size: header.page_size, stamp, header: Some(header) });
        };
        let page_size =
            opaque.page_size.or(log_page_size).ok_or_else(|| Error::new(path, Problem::PageSizeUnknown))?;
        let mut stamp = [0; 16];
        stamp.copy_from_slice(bytes.get(24..40).unwrap_or(&[0; 16]));
        Ok(Self { page_size, stamp, header: None })
    }

    /// How the header says that transactions are kept.
    pub(super) fn journal_mode(&self) -> JournalMode {
        self.header.map_or(JournalMode::Rollback, |header| header.journal_mode())
    }

    /// The SQLite that wrote last; 0 where it cannot be read.
    pub(super) fn sqlite_version(&self) -> SqliteVersion {
        self.header.map_or(SqliteVersion(0), |header| header.sqlite_version)
    }

    /// The page count that SQLite believes in, `pager_page_count` where the header's own does not count.
    pub(super) fn page_count(&self, pager_page_count: u32, path: &Path) -> Result<u32> {
        let Some(header) = &self.header else { return Ok(pager_page_count) };
        header.checked_page_count(pager_page_count).map_err(|damage| super::header_error(path, damage))
    }

    /// How many free pages there can be that were never written, where `there` pages were: no more than the header
    /// counts, nor than [`most_named`](Self::most_named).
    pub(super) fn most_unwritten(&self, there: u64) -> u64 {
        let most = self.most_named(there);
        self.header.map_or(most, |header| most.min(header.freelist_page_count.into()))
    }

    /// How many pages the freelist's trunks can name that `there` pages have room for.
    pub(super) fn most_named(&self, there: u64) -> u64 {
        there.saturating_mul(u64::from(self.page_size.bytes() / 4))
    }
}
