//! Databases that are bytes, on every platform, also where there are no files: what the format floor reads in them, and copies.
//!
//! In `tests/bytes` lie databases that SQLite 3.51 left when it was ended in the middle, and what SQLite made of them at its next
//! start (`-recovered`): `little` and `big` have a log, written on x86-64 and on s390x, so that the sums are in either order; `hot`
//! has the journal of a transaction that had come to the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use litecopy::format::{ByteOrder, DatabaseHeader, JournalHeader, WalHeader};
use litecopy::{CopyOptions, JournalMode, MemoryTarget, SourceBytes, quiet};

struct Case {
    name: &'static str,
    database: &'static [u8],
    wal: &'static [u8],
    journal: &'static [u8],
    recovered: &'static [u8],
}

const CASES: [Case; 3] = [
    Case {
        name: "little",
        database: include_bytes!("bytes/little.db"),
        wal: include_bytes!("bytes/little.db-wal"),
        journal: &[],
        recovered: include_bytes!("bytes/little-recovered.db"),
    },
    Case {
        name: "big",
        database: include_bytes!("bytes/big.db"),
        wal: include_bytes!("bytes/big.db-wal"),
        journal: &[],
        recovered: include_bytes!("bytes/big-recovered.db"),
    },
    Case {
        name: "hot",
        database: include_bytes!("bytes/hot.db"),
        wal: &[],
        journal: include_bytes!("bytes/hot.db-journal"),
        recovered: include_bytes!("bytes/hot-recovered.db"),
    },
];

impl Case {
    fn source(&self) -> SourceBytes {
        let [database, wal, journal] = [self.database, self.wal, self.journal].map(<[u8]>::to_vec);
        SourceBytes { database, wal, journal }
    }
}

fn copy(source: SourceBytes) -> litecopy::Result<Vec<u8>> {
    Ok(CopyOptions::new().begin(source, MemoryTarget::new())?.run(quiet)?.output)
}

#[test]
fn a_copy_is_what_sqlite_recovers() {
    for case in CASES {
        assert!(case.database != case.recovered, "{}: nothing to recover", case.name);
        assert!(copy(case.source()).unwrap() == case.recovered, "{}", case.name);
    }
}

#[test]
fn the_numbers_of_the_headers_are_read_in_their_order() {
    for case in CASES {
        let header = DatabaseHeader::parse(case.recovered).unwrap();
        assert_eq!((header.page_size.bytes(), header.stated_page_count), (512, 5), "{}", case.name);
        let mode = if case.wal.is_empty() { JournalMode::Rollback } else { JournalMode::Wal };
        assert_eq!(header.journal_mode(), mode, "{}", case.name);
    }
    for (case, order) in [(&CASES[0], ByteOrder::Little), (&CASES[1], ByteOrder::Big)] {
        let header = WalHeader::parse(case.wal).unwrap();
        assert_eq!((header.byte_order, header.page_size.bytes()), (order, 512));
    }
    assert_eq!(JournalHeader::parse(CASES[2].journal).unwrap().initial_page_count, 5);
}

/// One bit of the log's first frame: SQLite takes what lies before it, and so do we.
#[test]
fn a_frame_whose_sum_is_wrong_ends_the_log_in_both_orders() {
    for case in &CASES[..2] {
        let mut source = case.source();
        source.wal[32 + 24 + 100] ^= 1;
        assert!(copy(source).unwrap() == case.database, "{}", case.name);
    }
}

/// Where there are no files, what asks for one is refused, and does nothing.
#[cfg(target_family = "wasm")]
#[test]
fn a_path_is_refused() {
    let error = litecopy::copy_database("app.db", "copy.db").unwrap_err();
    assert!(error.to_string().contains("no files"), "{error}");
}
