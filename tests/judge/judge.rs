//! Says whether a copy is right: sound, the same content, and byte for byte the logical image of its source.
//!
//! The logical image is made by SQLite itself on a byte copy of the source: a log is checkpointed, a hot journal
//! rolled back. What SQLite does not do, the file format says: the file is cut (or filled with zeros) to the page
//! count that SQLite believes, and the lock-byte page, which holds no data, is zeros.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::content::{dump, integrity_check};
use crate::files::{Folder, beside, byte_copy, bytes_at, for_each_chunk, patch};

/// Where the lock bytes begin; the page that holds them is never used for data.
pub(crate) const LOCK_BYTES_AT: u64 = 0x4000_0000;

/// Panics unless `copy` is a right copy of `source`, which nobody may change meanwhile.
#[track_caller]
pub(crate) fn assert_right_copy(source: &Path, copy: &Path) {
    assert_eq!(integrity_check(copy), "'ok'", "integrity_check of {}", copy.display());
    let (expected, found) = (dump(source), dump(copy));
    for (line, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert_eq!(expected, found, "line {line} of the dump");
    }
    assert_eq!(expected.len(), found.len(), "lines of the dump");
    let folder = Folder::for_judging();
    assert_same_bytes(&logical_image(source, &folder), copy);
}

/// The committed pages of a database at rest, as one file in `folder`.
pub(crate) fn logical_image(source: &Path, folder: &Folder) -> PathBuf {
    let image = byte_copy(source, folder);
    let has_content = |suffix| fs::metadata(beside(&image, suffix)).is_ok_and(|metadata| metadata.len() > 0);
    if has_content("-wal") {
        let connection = Connection::open(&image).unwrap();
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
        connection.close().unwrap();
    } else if has_content("-journal") {
        let connection = Connection::open(&image).unwrap();
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
        connection.close().unwrap();
    }
    let size_bytes = fs::metadata(&image).unwrap().len();
    let mut header = bytes_at(&image, 0, 100);
    header.resize(100, 0);
    if size_bytes <= 1 {
        OpenOptions::new().write(true).open(&image).unwrap().set_len(0).unwrap();
        return image;
    }
    let page_size = match u64::from(header[16]) << 8 | u64::from(header[17]) << 16 {
        0 => panic!("{}: no page size", image.display()),
        page_size => page_size,
    };
    let in_header = u64::from(u32::from_be_bytes(header[28..32].try_into().unwrap()));
    let page_count = match header[24..28] == header[92..96] && in_header != 0 {
        true => in_header,
        false => size_bytes.div_ceil(page_size),
    };
    OpenOptions::new().write(true).open(&image).unwrap().set_len(page_count * page_size).unwrap();
    if page_count * page_size > LOCK_BYTES_AT {
        patch(&image, LOCK_BYTES_AT, &vec![0; usize::try_from(page_size).unwrap()]);
    }
    image
}

/// Panics with the place of the first difference unless the two files hold the same bytes.
#[track_caller]
pub(crate) fn assert_same_bytes(expected: &Path, found: &Path) {
    let size_bytes = |path| fs::metadata(path).unwrap().len();
    let chunks = |path| {
        let mut chunks = Vec::new();
        for_each_chunk(path, |at, bytes| chunks.push((at, bytes.to_vec())));
        chunks
    };
    let (expected_chunks, found_chunks) = (chunks(expected), chunks(found));
    for (expected, found) in expected_chunks.iter().zip(&found_chunks) {
        assert_eq!(expected.0, found.0, "zeros in one file and not in the other");
        if expected.1 != found.1 {
            let at = expected.1.iter().zip(&found.1).position(|(a, b)| a != b).unwrap_or(expected.1.len());
            panic!("the bytes differ first at offset {:#x}", expected.0 + at as u64);
        }
    }
    assert_eq!(expected_chunks.len(), found_chunks.len(), "zeros in one file and not in the other");
    assert_eq!(size_bytes(expected), size_bytes(found), "bytes in the file");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;

    fn database(folder: &Folder, name: &str) -> PathBuf {
        let path = folder.join(name);
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA page_size = 512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(3000));",
            )
            .unwrap();
        path
    }

    fn is_right(source: &Path, copy: &Path) -> bool {
        std::panic::catch_unwind(|| assert_right_copy(source, copy)).is_ok()
    }

    #[test]
    fn a_wrong_copy_is_told_from_a_right_one() {
        let folder = Folder::new();
        let source = database(&folder, "source.db");
        let copy = folder.join("copy.db");
        let fresh = || fs::copy(&source, &copy).unwrap();
        fresh();
        assert_right_copy(&source, &copy);
        patch(&copy, 72, b"x");
        assert!(!is_right(&source, &copy), "a byte that no dump shows");
        fresh();
        patch(&copy, 2000, b"x");
        assert!(!is_right(&source, &copy), "a byte of a blob");
        fresh();
        OpenOptions::new().write(true).open(&copy).unwrap().set_len(512 * 50).unwrap();
        assert!(!is_right(&source, &copy), "longer than the source");
        fs::write(&copy, []).unwrap();
        assert!(!is_right(&source, &copy), "empty");
    }

    #[test]
    fn the_image_of_a_log_is_what_sqlite_checkpoints() {
        let folder = Folder::new();
        let source = folder.join("source.db");
        let mut peer = Peer::connected_to(&source);
        peer.execute("main", "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (42);")
            .unwrap();
        let images = Folder::new();
        let image = logical_image(&source, &images);
        assert!(!beside(&image, "-wal").exists());
        let copied = Connection::open(&image).unwrap();
        assert_eq!(copied.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0)), Ok(42));
    }
}
