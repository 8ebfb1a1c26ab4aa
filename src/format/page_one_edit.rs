//! What SQLite's online backup changes in the first page of a copy, so that those who have the target open notice it.
//!
//! | offset | field | becomes |
//! |---:|---|---|
//! | 18, 19 | write version, read version | 2 where the target keeps a write-ahead log, else as in the source |
//! | 24 | change counter | one more than the target's was |
//! | 28 | page count | that of the copy |
//! | 40 | schema cookie | one more than the target's was |
//! | 92 | version-valid-for | the same as the change counter |
//! | 96 | version of the SQLite that wrote last | that of the library that copies |

use super::database_header::{DATABASE_MAGIC, DatabaseHeader, JournalMode, SqliteVersion};
use super::page_size::PageSize;

/// An edit of the header in page 1. [in-place.md#page-1](crate::notes::in_place#page-1)
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PageOneEdit {
    /// The change counter, by which connections in rollback mode see that the database was changed.
    pub(crate) change_counter: u32,
    /// The schema cookie, by which prepared statements see that they have to be prepared again.
    pub(crate) schema_cookie: u32,
    /// The SQLite to name as the last writer; `None` leaves the source's.
    pub(crate) sqlite_version: Option<SqliteVersion>,
    /// The journal mode; `None` leaves the source's.
    pub(crate) journal_mode: Option<JournalMode>,
}

impl PageOneEdit {
    /// The edit for a copy onto a database whose header was `target`; `None` for an empty one.
    #[must_use]
    pub(crate) fn over(target: Option<&DatabaseHeader>) -> Self {
        let keeps_log = target.is_some_and(|header| header.journal_mode() == JournalMode::Wal);
        Self {
            change_counter: target.map_or(0, |header| header.change_counter).wrapping_add(1),
            schema_cookie: target.map_or(0, |header| header.schema_cookie).wrapping_add(1),
            sqlite_version: None,
            journal_mode: keeps_log.then_some(JournalMode::Wal),
        }
    }

    /// Edits `page`, the first of `page_count`. What lies beyond the end of a page cut short is passed over.
    pub(crate) fn apply(&self, page: &mut [u8], page_count: u32) {
        if let Some(mode) = self.journal_mode {
            let version = if mode == JournalMode::Wal { 2 } else { 1 };
            put(page, 18, &[version, version]);
        }
        put(page, 24, &self.change_counter.to_be_bytes());
        put(page, 28, &page_count.to_be_bytes());
        put(page, 40, &self.schema_cookie.to_be_bytes());
        put(page, 92, &self.change_counter.to_be_bytes());
        if let Some(SqliteVersion(number)) = self.sqlite_version {
            put(page, 96, &number.to_be_bytes());
        }
    }
}

/// Makes the header in `page` say rollback mode where it says WAL; one that is encrypted stays as it is.
pub(crate) fn leave_wal_mode(page: &mut [u8]) {
    if DatabaseHeader::parse(page).is_ok_and(|header| header.journal_mode() == JournalMode::Wal) {
        put(page, 18, &[1, 1]);
    }
}

/// The only page of a database in which nothing was ever made, as SQLite writes it over a database whose header was
/// `target` (`None` for an empty one): with its page size, reserved bytes and way of vacuuming.
#[must_use]
pub(crate) fn fresh_page_one(target: Option<&DatabaseHeader>) -> Vec<u8> {
    let page_size = target.map_or(PageSize::DEFAULT, |header| header.page_size);
    let usable_bytes = target.map_or(page_size.bytes(), DatabaseHeader::usable_bytes);
    let mut page = vec![0; page_size.bytes_usize()];
    put(&mut page, 0, &DATABASE_MAGIC);
    put(&mut page, 16, &page_size.header_code().to_be_bytes());
    put(&mut page, 18, &[1, 1, target.map_or(0, |header| header.reserved_bytes), 64, 32, 32]);
    put(&mut page, 28, &1_u32.to_be_bytes());
    if let Some(header) = target.filter(|header| header.is_auto_vacuum()) {
        put(&mut page, 52, &1_u32.to_be_bytes());
        put(&mut page, 64, &u32::from(header.incremental_vacuum != 0).to_be_bytes());
    }
    // An empty leaf of a table b-tree, whose content begins at the page's end; 65536 is written as 0.
    put(&mut page, 100, &[13]);
    put(&mut page, 105, &u16::try_from(usable_bytes).unwrap_or(0).to_be_bytes());
    page
}

fn put(page: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = page.get_mut(offset..).and_then(|rest| rest.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(page: &[u8]) -> DatabaseHeader {
        DatabaseHeader::parse(page).unwrap()
    }

    #[test]
    fn the_counters_go_on_from_those_of_the_target() {
        let mut old = fresh_page_one(None);
        put(&mut old, 18, &[2, 2]);
        put(&mut old, 24, &u32::MAX.to_be_bytes());
        put(&mut old, 40, &41_u32.to_be_bytes());
        let mut page = fresh_page_one(None);
        PageOneEdit::over(Some(&header(&old))).apply(&mut page, 7);
        let edited = header(&page);
        assert_eq!((edited.change_counter, edited.version_valid_for, edited.schema_cookie), (0, 0, 42));
        assert_eq!((edited.stated_page_count, edited.journal_mode()), (7, JournalMode::Wal));
    }

    #[test]
    fn an_empty_target_counts_from_one_and_the_sources_mode_stays() {
        let mut page = fresh_page_one(None);
        put(&mut page, 18, &[2, 2]);
        put(&mut page, 96, &3_045_000_u32.to_be_bytes());
        PageOneEdit::over(None).apply(&mut page, 1);
        let edited = header(&page);
        assert_eq!((edited.change_counter, edited.schema_cookie), (1, 1));
        assert_eq!(
            (edited.journal_mode(), edited.sqlite_version),
            (JournalMode::Wal, SqliteVersion(3_045_000))
        );
    }

    #[test]
    fn a_fresh_page_is_the_one_that_sqlite_makes() {
        let sqlite_version = Some(SqliteVersion(u32::try_from(rusqlite::version_number()).unwrap()));
        for &page_size in PageSize::ALL {
            for (auto_vacuum, largest_root_page, incremental) in
                [("NONE", 0, 0), ("FULL", 1, 0), ("INCREMENTAL", 1, 1)]
            {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("fresh.db");
                let sqlite = rusqlite::Connection::open(&path).unwrap();
                let settings = format!("PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum};");
                sqlite.execute_batch(&format!("{settings} PRAGMA user_version = 1;")).unwrap();
                let mut target = fresh_page_one(None);
                put(&mut target, 16, &page_size.header_code().to_be_bytes());
                put(&mut target, 52, &u32::to_be_bytes(largest_root_page));
                put(&mut target, 64, &u32::to_be_bytes(incremental));
                let mut page = fresh_page_one(Some(&header(&target)));
                // To make room for a pointer map, SQLite writes twice.
                let change_counter = 1 + largest_root_page;
                let edit =
                    PageOneEdit { change_counter, schema_cookie: 0, sqlite_version, journal_mode: None };
                edit.apply(&mut page, 1);
                put(&mut page, 60, &1_u32.to_be_bytes());
                assert_eq!(std::fs::read(&path).unwrap(), page, "{settings}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_length_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..110)) {
            PageOneEdit::over(None).apply(&mut bytes, 1);
        }
    }
}
