//! What lies beside a database that is being written over in place, at every step: from it SQLite rolls back to the old
//! bytes, and litecopy sees the old database.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use litecopy::{CopyOptions, ErrorKind, FileTarget};
use rusqlite::Connection;

use crate::copies::memory_copy;
use crate::files::{Folder, beside, byte_copy, bytes_at};
use crate::judge::assert_same_bytes;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// A database of about so many bytes; with a few pages that any two of them share.
fn make(path: &Path, page_size: u32, bytes: u32) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "PRAGMA page_size = {page_size}; PRAGMA synchronous = OFF; CREATE TABLE shared(body);
         INSERT INTO shared VALUES (zeroblob(300000)); CREATE TABLE t(body);
         INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {bytes} / 500)
            SELECT randomblob(480) FROM n;"
    );
    connection.execute_batch(&sql).unwrap();
    connection.close().unwrap();
}

#[test]
fn at_every_step_sqlite_rolls_back_to_the_old_bytes() {
    for (old, new) in [
        ((4096, 12_000_000), (4096, 14_000_000)),
        ((1024, 6_000_000), (4096, 1_000_000)),
        ((8192, 300_000), (512, 900_000)),
    ] {
        println!("{old:?} becomes {new:?}");
        let folder = Folder::new();
        let [target, source] = ["app.db", "backup.db"].map(|name| folder.join(name));
        make(&target, old.0, old.1);
        make(&source, new.0, new.1);
        let original = folder.join("original.db");
        fs::copy(&target, &original).unwrap();
        let (mut looks, mut hot, mut most_segments) = (0, 0, 0);
        let options = CopyOptions::new().in_place(true).pages_per_step(150);
        let stopped = options.begin(&source, FileTarget::new(&target)).unwrap().run(|progress| {
            looks += 1;
            hot += u64::from(assert_rolled_back(&target, &original));
            most_segments = most_segments.max(segments(&beside(&target, "-journal")));
            // All pages but the last few.
            if progress.remaining > 150 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(stopped.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
        println!("{looks} looks, {hot} of them at a hot journal, of {most_segments} segments at most");
        assert!(hot > 0);
        assert!(old.0 != new.0 || most_segments > 2);
        assert_same_bytes(&original, &target);
        assert!(!beside(&target, "-journal").exists());
    }
}

/// Lets SQLite recover a byte copy, and litecopy read another; whether there was something to roll back.
#[track_caller]
fn assert_rolled_back(target: &Path, original: &Path) -> bool {
    let folder = Folder::for_judging();
    let copy = byte_copy(target, &folder);
    let hot = bytes_at(&beside(&copy, "-journal"), 0, 1) != [0];
    let (seen, _) = memory_copy(&CopyOptions::new(), &copy).unwrap();
    assert!(seen == fs::read(original).unwrap(), "litecopy sees something else");
    let connection = Connection::open(&copy).unwrap();
    connection.query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
    connection.close().unwrap();
    assert_same_bytes(original, &copy);
    assert_eq!(beside(&copy, "-journal").exists(), !hot, "a hot journal is played back, a cold one left");
    hot
}

/// How many segments a journal has whose header is complete.
fn segments(journal: &Path) -> usize {
    let Ok(bytes) = fs::read(journal) else { return 0 };
    bytes.chunks(512).filter(|sector| sector.starts_with(&MAGIC)).count()
}
