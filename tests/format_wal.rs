//! Real logs and wal-indexes: every frame checks, and both files agree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use litecopy::format::frame_number::{frame_bytes, whole_frames_in};
use litecopy::format::wal_hash::{BLOCK_BYTES, HashBlock, block_of, page_number_offset};
use litecopy::format::{
    ByteOrder, DatabaseHeader, FrameChain, FrameFault, FrameNumber, JournalMode, PageNumber, WalFrame,
    WalHeader, WalIndex,
};
use rusqlite::Connection;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn make(path: &Path, page_bytes: u32, rows: u32) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size={page_bytes}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; \
         PRAGMA synchronous=OFF; CREATE TABLE t(id INTEGER PRIMARY KEY, x);"
    ))
    .unwrap();
    for i in 0..rows {
        db.execute("INSERT INTO t(x) VALUES (hex(zeroblob(?)))", [i % 90]).unwrap();
    }
    db
}

/// All valid frames, and why the chain ended.
fn scan(wal: &[u8]) -> (WalHeader, Vec<WalFrame>, FrameFault, FrameChain) {
    let header = WalHeader::parse(wal).unwrap();
    let mut chain = FrameChain::new(&header);
    let mut frames = Vec::new();
    loop {
        let start = usize::try_from(chain.next_frame().unwrap().offset_in_wal(header.page_size)).unwrap();
        let rest = wal.get(start..).unwrap_or_default();
        match chain.accept(&rest[..rest.len().min(frame_bytes(header.page_size))]) {
            Ok(frame) => frames.push(frame),
            Err(fault) => return (header, frames, fault, chain),
        }
    }
}

fn check(page_bytes: u32, rows: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, page_bytes, rows);
    let wal = std::fs::read(beside(&path, "-wal")).unwrap();
    let shm = std::fs::read(beside(&path, "-shm")).unwrap();

    let (header, frames, fault, chain) = scan(&wal);
    assert_eq!(header.byte_order, ByteOrder::NATIVE);
    assert_eq!(header.page_size.bytes(), page_bytes);
    assert_eq!(frames.len() as u64, whole_frames_in(wal.len() as u64, header.page_size));
    assert_eq!(fault, FrameFault::Short { needed: frame_bytes(header.page_size), available: 0 });
    let last = frames.last().unwrap();
    assert!(last.is_commit());
    let page_count: u32 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    assert_eq!(last.commit_page_count, page_count);
    // The change to WAL mode was a transaction by the rollback journal; the header that says so is in the file.
    let file = std::fs::read(&path).unwrap();
    assert_eq!(DatabaseHeader::parse(&file).unwrap().journal_mode(), JournalMode::Wal);

    let index = WalIndex::parse(&shm).unwrap();
    assert_eq!(index.header.mx_frame as usize, frames.len());
    assert_eq!(index.header.page_count, page_count);
    assert_eq!(index.header.page_size(), Some(header.page_size));
    assert_eq!(index.header.frame_checksum, chain.checksum());
    assert_eq!(index.header.checksum_order, header.byte_order);
    assert_eq!(index.header.salts, header.salts);
    assert_eq!((index.backfilled, index.backfill_attempted, index.read_marks[0]), (0, 0, 0));

    check_hash_blocks(&shm, &frames);
    check_resume(&wal, &header, &frames);
}

fn check_hash_blocks(shm: &[u8], frames: &[WalFrame]) {
    assert_eq!(shm.len() % BLOCK_BYTES, 0);
    let last = frames.last().unwrap().number;
    let mut latest: BTreeMap<PageNumber, BTreeMap<u32, FrameNumber>> = BTreeMap::new();
    for frame in frames {
        let block = block_of(frame.number);
        let at = usize::try_from(page_number_offset(frame.number)).unwrap();
        let listed = u32::from_ne_bytes(shm[at..at + 4].try_into().unwrap());
        assert_eq!(listed, frame.page_number.get(), "frame {}", frame.number);
        latest.entry(frame.page_number).or_default().insert(block, frame.number);
    }
    for (number, bytes) in shm.chunks(BLOCK_BYTES).enumerate() {
        let number = u32::try_from(number).unwrap();
        let block = HashBlock::new(number, bytes).unwrap();
        for (&page, by_block) in &latest {
            let found = block.find(page, FrameNumber::FIRST, last).unwrap();
            assert_eq!(found, by_block.get(&number).copied(), "page {page} in block {number}");
        }
    }
}

fn check_resume(wal: &[u8], header: &WalHeader, frames: &[WalFrame]) {
    let middle = &frames[frames.len() / 2];
    let mut chain = FrameChain::resume(header, middle.number.get(), middle.checksum);
    let next = chain.next_frame().unwrap();
    let start = usize::try_from(next.offset_in_wal(header.page_size)).unwrap();
    let accepted = chain.accept(&wal[start..start + frame_bytes(header.page_size)]);
    assert_eq!(accepted.as_ref(), Ok(&frames[frames.len() / 2 + 1]));
}

#[test]
fn every_frame_checks_and_both_files_agree() {
    for page_bytes in [512, 4096, 65536] {
        check(page_bytes, 40);
    }
}

#[test]
fn a_log_over_several_hash_blocks() {
    check(512, 4500);
}

#[test]
fn frames_behind_a_reset_are_of_another_generation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, 1024, 30);
    let before = scan(&std::fs::read(beside(&path, "-wal")).unwrap()).0;
    db.execute_batch("PRAGMA wal_checkpoint(RESTART);").unwrap();
    let index = WalIndex::parse(&std::fs::read(beside(&path, "-shm")).unwrap()).unwrap();
    assert!(index.header.mx_frame == 0 || index.backfilled == index.header.mx_frame);
    db.execute_batch("INSERT INTO t(x) VALUES ('after');").unwrap();
    let (header, frames, fault, _) = scan(&std::fs::read(beside(&path, "-wal")).unwrap());
    assert!(frames.len() < 10);
    assert_eq!(fault, FrameFault::OtherSalts { found: before.salts });
    assert_eq!(header.checkpoint_sequence, before.checkpoint_sequence + 1);
    assert_eq!(header.salts.numbers()[0], before.salts.numbers()[0].wrapping_add(1));
}

#[test]
fn backfill_and_read_marks_show_who_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, 1024, 10);
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM t;").unwrap();
    let read_index = || WalIndex::parse(&std::fs::read(beside(&path, "-shm")).unwrap()).unwrap();
    let held = read_index().header.mx_frame;
    assert!(read_index().read_marks[1..].contains(&held));
    db.execute_batch("INSERT INTO t(x) VALUES ('more'); PRAGMA wal_checkpoint(PASSIVE);").unwrap();
    let index = read_index();
    assert!(index.header.mx_frame > held);
    assert_eq!((index.backfilled, index.backfill_attempted), (held, held));
}

#[test]
fn an_empty_log_leaves_size_and_count_to_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    drop(make(&path, 1024, 3));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("SELECT count(*) FROM t;").unwrap();
    let index = WalIndex::parse(&std::fs::read(beside(&path, "-shm")).unwrap()).unwrap();
    assert_eq!((index.header.mx_frame, index.header.page_count), (0, 0));
    assert_eq!(index.header.page_size(), None);
}
