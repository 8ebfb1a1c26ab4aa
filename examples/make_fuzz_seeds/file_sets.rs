//! The seeds of the targets that take all files of a database at once.

use std::fs;
use std::path::Path;

use litecopy::{CopyOptions, MemoryTarget, quiet};
use rusqlite::Connection;

use crate::{Seeds, beside};

const ROWS: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b); CREATE TABLE gone(x);
    INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT i, 'b' || i FROM n;
    INSERT INTO t VALUES (99, zeroblob(1500)); INSERT INTO gone VALUES (zeroblob(1200)); DROP TABLE gone;";

/// What an input of these targets says before its files: all sums made right, and what the target chooses. See `fuzz/src/files.rs`.
const FIRST_CHOICE: u8 = 1;
const SECOND_CHOICE: u8 = 3;

/// The targets whose input is flags, four lengths, and the four files.
const OVER_FILES: [&str; 4] = ["overlay", "settle", "in_place", "log_writer"];

pub(crate) fn all(seeds: &Seeds, folder: &Path) {
    for (name, settings, change) in [
        ("at-rest", "page_size=512", ""),
        ("log", "page_size=512; PRAGMA journal_mode=WAL", "UPDATE t SET b = b || 'x' WHERE a < 9"),
        ("log-1024", "page_size=1024; PRAGMA journal_mode=WAL", "BEGIN; DELETE FROM t"),
        ("journal", "page_size=512", "BEGIN; UPDATE t SET b = b || 'x'; DELETE FROM t WHERE a > 90"),
        ("not-synced", "page_size=512; PRAGMA synchronous=OFF", "BEGIN; UPDATE t SET b = 1 WHERE a < 5"),
    ] {
        let path = folder.join(name).with_extension("set");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA {settings}; {ROWS} PRAGMA cache_size=1; {change}")).unwrap();
        let input = |flags| files(&path, flags);
        let in_wal_mode = name.starts_with("log");
        for target in OVER_FILES.into_iter().filter(|&target| in_wal_mode || target != "log_writer") {
            seeds.write(target, name, &[&input(FIRST_CHOICE)]);
        }
        if in_wal_mode {
            seeds.write("overlay", &format!("{name}-in-use"), &[&input(SECOND_CHOICE)]);
        }
        if name == "journal" {
            super_journals(seeds, &input(FIRST_CHOICE));
        }
        if name == "at-rest" {
            treatments(seeds, &path);
            manifest(seeds, &path);
        }
    }
    lock_lists(seeds);
    plans(seeds);
}

/// Flags, four lengths (little-endian, 3 bytes each), then the files.
fn files(path: &Path, flags: u8) -> Vec<u8> {
    let parts =
        ["", "-wal", "-shm", "-journal"].map(|suffix| fs::read(beside(path, suffix)).unwrap_or_default());
    let mut input = vec![flags];
    for part in &parts {
        input.extend(&u32::try_from(part.len()).unwrap().to_le_bytes()[..3]);
    }
    input.extend(parts.concat());
    input
}

fn super_journals(seeds: &Seeds, input: &[u8]) {
    for (name, text) in [
        ("gone", ""),
        ("names-it", "@/other.db-journal\0@/a.db-journal\0"),
        ("names-others", "@/b-journal\0"),
    ] {
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        seeds.write("super_journals", name, &[&length, text.as_bytes(), input]);
    }
}

fn treatments(seeds: &Seeds, path: &Path) {
    seeds.write("treatments", "at-rest", &[&fs::read(path).unwrap()]);
    for (name, settings) in [
        ("auto-vacuum", "page_size=512; PRAGMA auto_vacuum=FULL"),
        ("utf-16", "page_size=1024; PRAGMA encoding='UTF-16le'"),
    ] {
        let path = path.with_file_name(name);
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!(
            "PRAGMA {settings}; {ROWS} CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
             INSERT INTO w SELECT b, zeroblob(a * 30) FROM t; DELETE FROM t WHERE a % 3 = 0; DELETE FROM w WHERE k > 'b5';"
        ))
        .unwrap();
        drop(db);
        seeds.write("treatments", name, &[&fs::read(&path).unwrap()]);
    }
}

/// A manifest with the copy that it is of, and with another.
fn manifest(seeds: &Seeds, path: &Path) {
    let copied =
        CopyOptions::new().manifest(true).begin(path, MemoryTarget::new()).unwrap().run(quiet).unwrap();
    let text = serde_json::to_vec(&copied.manifest.unwrap()).unwrap();
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    seeds.write("manifest", "its-copy", &[&length, &text, &copied.output]);
    seeds.write("manifest", "cut", &[&length, &text, &copied.output[..700]]);
}

/// Lists as Linux writes them, the file by which the target asks among them.
fn lock_lists(seeds: &Seeds) {
    let list = "1: POSIX  ADVISORY  READ  4242 fe:00:131074 1073741826 1073742335
2: OFDLCK ADVISORY  WRITE -1 fe:00:131074 100 EOF
3: FLOCK  ADVISORY  WRITE 17 00:1a:9 0 EOF
3: -> FLOCK  ADVISORY  WRITE 18 00:1a:9 0 EOF
4: LEASE  ACTIVE    READ  19 fe:00:131074 0 EOF
5: POSIX  MSNFS     WRITE 20 fe:00:131075 0 0
";
    seeds.write("lock_list", "linux", &[list.as_bytes()]);
}

/// Bytes from which plans are made: there is no file of SQLite in them. What they are is of no meaning, so long as there are enough.
fn plans(seeds: &Seeds) {
    for (number, length) in [(1_u32, 120), (2, 300), (3, 600), (4, 1200)] {
        let mut state = number;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        let bytes: Vec<u8> = (0..length).map(|_| byte()).collect();
        for target in ["structured", "structured_target", "differential"] {
            seeds.write(target, &format!("plan-{number}"), &[&bytes]);
        }
    }
}
