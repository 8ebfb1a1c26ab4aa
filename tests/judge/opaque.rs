//! Databases whose every byte is encrypted, header and all: copied as they are, page by page.
//!
//! A keystream over real databases stands in for the ciphers of SQLCipher and its like, which also encrypt each page in
//! its place; the sums of a log are over the encrypted bytes there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use litecopy::format::wal_header::WAL_HEADER_BYTES;
use litecopy::format::{PageSize, WalHeader};
use litecopy::{CopyOptions, ErrorKind, SourceOptions};

use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::logical_image;
use crate::makers;
use crate::peer::Peer;

const PAGE_BYTES: usize = 4096;

fn opaque(page_size: Option<u32>) -> CopyOptions {
    let page_size = page_size.map(|bytes| PageSize::new(bytes).unwrap());
    CopyOptions::new().source(SourceOptions::new().opaque(page_size)).lock_timeout(Some(Duration::ZERO))
}

/// Encrypts, or decrypts, a page in place: by its number, as ciphers do.
fn cipher(page: &mut [u8], number: u32) {
    for (at, byte) in page.iter_mut().enumerate() {
        let mixed = (u64::from(number) << 32 | at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        *byte ^= mixed.to_be_bytes()[2];
    }
}

fn cipher_file(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    for (index, page) in bytes.chunks_mut(PAGE_BYTES).enumerate() {
        cipher(page, u32::try_from(index).unwrap() + 1);
    }
    fs::write(path, bytes).unwrap();
}

/// Encrypts the images in a log and sums it anew.
fn cipher_log(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let header = WalHeader::parse(&bytes).unwrap();
    let mut sum = header.checksum;
    for frame in bytes[WAL_HEADER_BYTES..].chunks_exact_mut(24 + PAGE_BYTES) {
        let number = u32::from_be_bytes(frame[..4].try_into().unwrap());
        cipher(&mut frame[24..], number);
        sum = sum.extend(header.byte_order, &frame[..8]).extend(header.byte_order, &frame[24..]);
        frame[16..20].copy_from_slice(&sum.s1.to_be_bytes());
        frame[20..24].copy_from_slice(&sum.s2.to_be_bytes());
    }
    fs::write(path, bytes).unwrap();
}

fn rollback_database(folder: &Folder) -> PathBuf {
    let path = folder.join("source.db");
    let mut peer = Peer::connected_to(&path);
    peer.execute("main", "CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(90000)), ('secret');").unwrap();
    peer.quit();
    path
}

#[test]
fn a_page_size_that_is_given() {
    let (folder, targets) = (Folder::new(), Folder::new());
    let source = rollback_database(&folder);
    cipher_file(&source);
    let copy = targets.join("copy.db");
    let before = Fingerprint::of(folder.path());
    let error = litecopy::copy_database(&source, &copy).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADatabase);
    assert!(error.advice().unwrap().contains("opaque"), "{error}");
    let error = opaque(None).copy(&source, &copy).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PageSizeUnknown);
    assert!(error.advice().unwrap().contains("page size"), "{error}");
    assert_eq!(targets.names(), [""; 0]);
    let report = opaque(Some(4096)).copy(&source, &copy).unwrap();
    assert_eq!(u64::from(report.page_count) * 4096, fs::metadata(&source).unwrap().len());
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&source).unwrap());
    assert_same(&before, &Fingerprint::of(folder.path()));
}

#[test]
fn a_page_size_that_the_log_tells() {
    let (folder, targets, images) = (Folder::new(), Folder::new(), Folder::new());
    let source = folder.join("source.db");
    makers::left_log(&source);
    let plain = logical_image(&source, &images);
    cipher_file(&source);
    cipher_log(&beside(&source, "-wal"));
    let before = Fingerprint::of(folder.path());
    let copy = targets.join("copy.db");
    opaque(None).copy(&source, &copy).unwrap();
    assert_same(&before, &Fingerprint::of(folder.path()));
    cipher_file(&copy);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(plain).unwrap());
}

#[test]
fn a_hot_journal_of_encrypted_pages() {
    let (folder, targets, images) = (Folder::new(), Folder::new(), Folder::new());
    let source = folder.join("source.db");
    makers::hot_journal(&source, "DELETE");
    let plain = logical_image(&source, &images);
    let page_bytes = fs::read(&plain).unwrap()[16..18].try_into().map(u16::from_be_bytes).unwrap();
    assert_eq!(usize::from(page_bytes), PAGE_BYTES);
    cipher_file(&source);
    cipher_journal(&beside(&source, "-journal"));
    let copy = targets.join("copy.db");
    opaque(Some(4096)).copy(&source, &copy).unwrap();
    cipher_file(&copy);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(plain).unwrap());
}

/// Encrypts the images in a journal and sums them anew.
fn cipher_journal(path: &Path) {
    use litecopy::format::journal_record::{journal_checksum, record_bytes};
    use litecopy::format::{JournalHeader, JournalRecord};
    let mut bytes = fs::read(path).unwrap();
    let first = JournalHeader::parse(&bytes).unwrap();
    let (page_size, mut header, mut start) = (first.page_size.unwrap(), first, 0);
    loop {
        let mut at = start + first.sector_bytes as usize;
        for _ in 0..header.records_to_read(bytes.len() as u64, page_size) {
            let record = &mut bytes[at..at + record_bytes(page_size)];
            let number = JournalRecord::parse(record, page_size).unwrap().page_number.unwrap();
            let (image, sum) = record[4..].split_at_mut(page_size.bytes_usize());
            cipher(image, number.get());
            sum.copy_from_slice(&journal_checksum(header.nonce, image).to_be_bytes());
            at += record_bytes(page_size);
        }
        start = usize::try_from(first.next_segment_offset(at as u64)).unwrap();
        match bytes.get(start..).and_then(|rest| first.parse_later(rest).ok()) {
            Some(later) => header = later,
            None => break,
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn steps_see_a_commit_in_between() {
    use litecopy::{CopyOptions, MemoryTarget, StepOutcome};
    let folder = Folder::new();
    let source = rollback_database(&folder);
    let options = SourceOptions::new().opaque(PageSize::new(4096));
    let mut backup = CopyOptions::new().source(options).begin(&source, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
    // The pages happen to be readable here, so that SQLite can commit.
    Peer::connected_to(&source).execute("main", "INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
    assert_eq!(backup.progress().restarts, 1);
    // And a log that appears is not overlooked, though no header can tell of it.
    let mut peer = Peer::connected_to(&source);
    peer.execute("main", "PRAGMA journal_mode = WAL; INSERT INTO t VALUES (2);").unwrap();
    while backup.step(5).unwrap() != StepOutcome::Done {}
    peer.execute("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(backup.finish().unwrap().output, fs::read(&source).unwrap());
}
