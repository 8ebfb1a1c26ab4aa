//! Real rollback journals: every record checks, and its image is the page as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::path::{Path, PathBuf};

use litecopy::format::journal_header::RecordCount;
use litecopy::format::journal_record::record_bytes;
use litecopy::format::super_journal::super_journal_name;
use litecopy::format::{Damage, JournalHeader, JournalRecord, PageSize};
use rusqlite::Connection;

fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

fn make(path: &Path, page_bytes: u32) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size={page_bytes}; CREATE TABLE t(id INTEGER PRIMARY KEY, x); \
         WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<400) \
           INSERT INTO t SELECT i, hex(randomblob(300)) FROM n;"
    ))
    .unwrap();
    db
}

/// Checks each record of each segment against the database as it was; gives back segments and records.
fn check_records(journal: &[u8], before: &[u8]) -> (u32, u32) {
    let first = JournalHeader::parse(journal).unwrap();
    let page_size = first.page_size.unwrap();
    assert_eq!(u64::from(first.initial_page_count), page_size.pages_in(before.len() as u64));
    let (mut header, mut start, mut segments, mut records) = (first, 0, 0, 0);
    loop {
        let mut at = start + header.sector_bytes as usize;
        let RecordCount::Stated(count) = header.record_count else { panic!("no count") };
        for _ in 0..count {
            let record = JournalRecord::parse(&journal[at..], page_size).unwrap();
            record.check(header.nonce).unwrap();
            let page = usize::try_from(record.page_number.unwrap().offset(page_size)).unwrap();
            assert_eq!(record.image, &before[page..page + page_size.bytes_usize()]);
            at += record_bytes(page_size);
            records += 1;
        }
        segments += 1;
        start = usize::try_from(first.next_segment_offset(at as u64)).unwrap();
        match first.parse_later(journal.get(start..).unwrap_or_default()) {
            Ok(later) => header = later,
            Err(Damage::Short { .. } | Damage::JournalZeroed) => return (segments, records),
            Err(damage) => panic!("{damage}"),
        }
    }
}

#[test]
fn a_transaction_that_spills_leaves_several_segments() {
    let folder = tempfile::tempdir().unwrap();
    for size in [512, 1024, 4096, 65536] {
        let path = folder.path().join(format!("{size}.db"));
        let db = make(&path, size);
        let before = std::fs::read(&path).unwrap();
        db.execute_batch("PRAGMA cache_size=2; BEGIN; UPDATE t SET x = 'a' || x; UPDATE t SET x = 'b';")
            .unwrap();
        let journal = std::fs::read(journal_of(&path)).unwrap();
        let (segments, records) = check_records(&journal, &before);
        assert!(records > 3, "{size}: {records} records");
        assert!(segments > 1 || size == 65536, "{size}: {segments} segments");
        assert_eq!(super_journal_name(&journal, journal.len() as u64), Ok(None));
        assert_eq!(JournalHeader::parse(&journal).unwrap().page_size, PageSize::new(size));
    }
}

#[test]
fn before_the_first_sync_the_header_is_zeroed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, 4096);
    db.execute_batch("BEGIN; UPDATE t SET x = 1 WHERE id = 1;").unwrap();
    let journal = std::fs::read(journal_of(&path)).unwrap();
    assert_eq!(JournalHeader::parse(&journal), Err(Damage::JournalZeroed));
    assert_ne!(journal[12..28], [0; 16], "the rest of the header is there");
}

#[test]
fn without_syncs_the_count_comes_from_the_file_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, 1024);
    db.execute_batch("PRAGMA synchronous=OFF; BEGIN; UPDATE t SET x = 1 WHERE id < 9;").unwrap();
    let journal = std::fs::read(journal_of(&path)).unwrap();
    let header = JournalHeader::parse(&journal).unwrap();
    assert_eq!(header.record_count, RecordCount::FromFileSize);
    assert!(header.records_to_read(journal.len() as u64, PageSize::new(1024).unwrap()) > 1);
}

#[test]
fn a_persistent_journal_is_zeroed_after_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, 4096);
    db.execute_batch("PRAGMA journal_mode=PERSIST; UPDATE t SET x = 2;").unwrap();
    let journal = std::fs::read(journal_of(&path)).unwrap();
    assert!(journal.len() > 4096);
    assert_eq!(JournalHeader::parse(&journal), Err(Damage::JournalZeroed));
    assert_eq!(journal[..28], [0; 28]);
}
