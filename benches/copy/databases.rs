//! The databases that are copied, made by SQLite.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;

use crate::common::filled;

const PAGE_BYTES: u64 = 4_096;
/// Where SQLite's locks lie; the page there is never used.
const LOCK_BYTE: u64 = 1 << 30;

/// Which pages are written again after the log was emptied.
#[derive(Clone, Copy)]
pub(crate) enum Half {
    EverySecondPage,
    First,
}

/// A database of so many millions of bytes, in rollback mode: a table with two rows of random bytes a page.
pub(crate) fn rollback(path: &Path, megabytes: u64) {
    filled(path, "OFF", rows(megabytes)).close().unwrap();
    File::open(path).unwrap().sync_all().unwrap();
}

/// A database in WAL mode with half of its pages in the log, which stays so for as long as the connection lives.
#[must_use = "SQLite empties the log when its last connection is closed"]
pub(crate) fn half_in_log(path: &Path, megabytes: u64, half: Half) -> Connection {
    let database = filled(path, "WAL", rows(megabytes));
    let which = match half {
        Half::EverySecondPage => "id % 4 = 1",
        Half::First => "id <= (SELECT max(id) / 2 FROM t)",
    };
    database
        .execute_batch(&format!(
            "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0;
             UPDATE t SET body = randomblob(1980) WHERE {which};"
        ))
        .unwrap();
    database
}

/// A database of which half of the pages are free, in runs of a megabyte.
pub(crate) fn half_free(path: &Path, megabytes: u64) {
    let database = filled(path, "OFF", rows(megabytes));
    database.execute_batch("DELETE FROM t WHERE id / 512 % 2 = 1").unwrap();
    database.close().unwrap();
    File::open(path).unwrap().sync_all().unwrap();
}

/// A database of 40 kB.
pub(crate) fn of_ten_pages(path: &Path) {
    filled(path, "OFF", 15).close().unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), 10 * PAGE_BYTES);
}

/// A database that is large and takes next to no room: all but its first pages are free, and holes in the file.
pub(crate) fn sparse(path: &Path, megabytes: u64) {
    of_ten_pages(path);
    let page_count = u32::try_from(megabytes * 1_000_000 / PAGE_BYTES).unwrap();
    let lock_page = u32::try_from(LOCK_BYTE / PAGE_BYTES + 1).unwrap();
    let free: Vec<u32> = (11..=page_count).filter(|page| *page != lock_page).collect();
    let mut file = OpenOptions::new().write(true).read(true).open(path).unwrap();
    file.set_len(u64::from(page_count) * PAGE_BYTES).unwrap();
    let mut put = |offset: u64, words: &[u32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(&bytes).unwrap();
    };
    // A freelist trunk: the next trunk, how many leaves, the leaves. SQLite leaves the last six places unused.
    let trunks: Vec<&[u32]> = free.chunks(usize::try_from(PAGE_BYTES / 4).unwrap() - 8 + 1).collect();
    for (at, trunk) in trunks.iter().enumerate() {
        let (page, leaves) = trunk.split_first().unwrap();
        let next = trunks.get(at + 1).and_then(|next| next.first()).copied().unwrap_or(0);
        let mut words = vec![next, u32::try_from(leaves.len()).unwrap()];
        words.extend(leaves);
        put(u64::from(page - 1) * PAGE_BYTES, &words);
    }
    // In the header: the page count, then the first trunk and how many pages are free.
    put(28, &[page_count, 11, u32::try_from(free.len()).unwrap()]);
    file.sync_all().unwrap();
}

/// Writes one page in a hundred again.
pub(crate) fn change_one_percent(path: &Path) {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch("PRAGMA synchronous = OFF; UPDATE t SET body = randomblob(1980) WHERE id % 200 = 0")
        .unwrap();
    database.close().unwrap();
    File::open(path).unwrap().sync_all().unwrap();
}

/// How large a copy has to be, in bytes. (Asked of the bytes of the file: a connection of ours would hold the database.)
pub(crate) fn copied_bytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Reads a file to its end, so that the system's cache holds it.
pub(crate) fn warm(path: &Path) {
    let (mut file, mut buffer) = (File::open(path).unwrap(), vec![0; 1 << 20]);
    while file.read(&mut buffer).unwrap() > 0 {}
}

/// SQLite finds nothing wrong with a copy, and every row of the source in it.
pub(crate) fn assert_right(source: &Path, copy: &Path) {
    let database = Connection::open(copy).unwrap();
    let said: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok", "integrity_check of a copy");
    database.execute("ATTACH ?1 AS source", [source.to_str().unwrap()]).unwrap();
    let count = |rows: &str| {
        let sql = format!("SELECT count(*) FROM {rows}");
        database.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let alike = count("main.t AS ours JOIN source.t AS theirs USING (id) WHERE ours.body = theirs.body");
    assert_eq!((count("main.t"), alike), (count("source.t"), count("source.t")), "rows of a copy");
    database.close().unwrap();
}

/// Two a page.
fn rows(megabytes: u64) -> u64 {
    megabytes * 1_000_000 / PAGE_BYTES * 2
}
