//! What SQLite's online backup changes on page 1 of its copy, and the page that it makes of an empty database.
//!
//! | offset | field | becomes |
//! |---:|---|---|
//! | 18, 19 | write and read version | 2 where the target keeps a log, else as in the source |
//! | 24, 92 | change counter, version-valid-for | one more than the target's own was |
//! | 28 | page count | that of the copy |
//! | 40 | schema cookie | one more than the target's own was |
//! | 96 | version number | that of the SQLite which makes the backup |
//!
//! So whoever has the target open notices that all of it is new, whatever the source's numbers were.

use super::database_header::{DATABASE_HEADER_BYTES, DATABASE_MAGIC, SqliteVersion};
use super::page_size::PageSize;

/// What is written over the source's page 1. `[treatments.md#what-the-online-backup-edits]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOneEdit {
    /// The change counter, and with it version-valid-for.
    pub change_counter: u32,
    /// The schema cookie.
    pub schema_cookie: u32,
    /// The version number; `None` leaves the source's.
    pub version_number: Option<SqliteVersion>,
    /// Whether the database keeps a log; `None` leaves it as in the source.
    pub wal: Option<bool>,
}

impl PageOneEdit {
    /// What a target that held nothing gets: it counts from 0.
    pub const OF_NEW_TARGET: Self =
        Self { change_counter: 1, schema_cookie: 1, version_number: None, wal: None };

    /// Edits page 1 of a copy of `page_count` pages. Less than a header is left as it is.
    pub fn apply(&self, page: &mut [u8], page_count: u32) {
        let Some(header) = page.first_chunk_mut::<DATABASE_HEADER_BYTES>() else { return };
        let mut put = |offset: usize, bytes: &[u8]| {
            if let Some(place) = header.get_mut(offset..).and_then(|rest| rest.get_mut(..bytes.len())) {
                place.copy_from_slice(bytes);
            }
        };
        if let Some(wal) = self.wal {
            put(18, &[1 + u8::from(wal); 2]);
        }
        put(24, &self.change_counter.to_be_bytes());
        put(28, &page_count.to_be_bytes());
        put(40, &self.schema_cookie.to_be_bytes());
        put(92, &self.change_counter.to_be_bytes());
        if let Some(version) = self.version_number {
            put(96, &version.0.to_be_bytes());
        }
    }
}

/// Page 1 of a database without content, before any edit: what SQLite begins a new file with.
#[must_use]
pub fn new_page_one(page_size: PageSize) -> Vec<u8> {
    let mut page = Vec::with_capacity(page_size.bytes_usize());
    page.extend(DATABASE_MAGIC);
    page.extend(page_size.header_code().to_be_bytes());
    page.extend([1, 1, 0, 64, 32, 32]);
    page.resize(DATABASE_HEADER_BYTES, 0);
    // A leaf of a table, no freeblock, no cell, content from the end on (0 for 65536), no fragments.
    let [_, _, high, low] = page_size.bytes().to_be_bytes();
    page.extend([0x0d, 0, 0, 0, 0, high, low, 0]);
    page.resize(page_size.bytes_usize(), 0);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{BtreePage, DatabaseHeader, PageNumber};

    #[test]
    fn a_new_page_one_is_an_empty_database() {
        for page_size in PageSize::ALL {
            let mut page = new_page_one(page_size);
            PageOneEdit::OF_NEW_TARGET.apply(&mut page, 1);
            assert_eq!(page.len(), page_size.bytes_usize());
            let header = DatabaseHeader::parse(&page).unwrap();
            assert_eq!((header.page_size, header.checked_page_count(1)), (page_size, Ok(1)));
            let root = BtreePage::parse(&page, PageNumber::FIRST, header.usable_bytes()).unwrap();
            assert_eq!((root.cell_count, root.content_start), (0, page_size.bytes()));
        }
    }

    #[test]
    fn only_what_is_named_is_edited() {
        let edit = PageOneEdit {
            change_counter: 0x0102_0304,
            schema_cookie: 0x0506_0708,
            version_number: None,
            wal: None,
        };
        let edited = |edit: PageOneEdit| {
            let mut page = vec![0xee; 512];
            edit.apply(&mut page, 9);
            (0..512).filter(|&at| page[at] != 0xee).collect::<Vec<_>>()
        };
        let words = |starts: &[usize]| starts.iter().flat_map(|&at| at..at + 4).collect::<Vec<_>>();
        assert_eq!(edited(edit), words(&[24, 28, 40, 92]));
        let all = PageOneEdit { version_number: Some(SqliteVersion(3_050_004)), wal: Some(true), ..edit };
        assert_eq!(edited(all), [&[18, 19][..], &words(&[24, 28, 40, 92, 96])].concat());
        all.apply(&mut [0; 99], 1);
    }
}
