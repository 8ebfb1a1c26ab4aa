//! Writes the seeds of the fuzz targets, made of small files of a real SQLite: `cargo run --example make_fuzz_seeds`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a tool for developers, which may stop where it stands"
)]

mod file_sets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use litecopy::format::journal_header::JOURNAL_MAGIC;
use litecopy::format::lock_bytes::lock_byte_page;
use litecopy::format::super_journal::super_journal_name;
use litecopy::format::{
    BtreePage, DatabaseHeader, FreelistTrunk, OverflowPage, PageNumber, PageSize, PointerMap,
};
use rusqlite::Connection;

const CONTENT: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t(b); CREATE TABLE gone(x);
    WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<60)
      INSERT INTO t SELECT i*i*i, CASE i%4 WHEN 0 THEN i*0.5 WHEN 1 THEN NULL WHEN 2 THEN zeroblob(i*20) ELSE -i END,
        'text ' || i FROM n;
    INSERT INTO gone VALUES (zeroblob(3000)); DROP TABLE gone; DELETE FROM t WHERE id % 3 = 0;";

fn main() {
    let seeds = Seeds(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds"));
    let folder = tempfile::tempdir().unwrap();
    pages(&seeds, &folder.path().join("pages.db"));
    log(&seeds, &folder.path().join("log.db"));
    journal(&seeds, &folder.path().join("journal.db"));
    super_journal(&seeds, folder.path());
    sources(&seeds, folder.path());
    schemas(&seeds, folder.path());
    reports(&seeds, folder.path());
    file_sets::all(&seeds, folder.path());
}

struct Seeds(PathBuf);

impl Seeds {
    fn write(&self, target: &str, name: &str, parts: &[&[u8]]) {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), parts.concat()).unwrap();
    }
}

fn pages(seeds: &Seeds, path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA page_size=512; PRAGMA auto_vacuum=2;").unwrap();
    db.execute_batch(CONTENT).unwrap();
    let bytes = fs::read(path).unwrap();
    let header = DatabaseHeader::parse(&bytes).unwrap();
    seeds.write("database_header", "incremental-vacuum", &[&bytes[..100]]);
    let map = PointerMap::new(512, lock_byte_page(header.page_size));
    let lock = lock_byte_page(header.page_size).get().to_be_bytes();
    let trunk = header.first_freelist_trunk.unwrap();
    let mut kinds = Vec::new();
    for (index, bytes) in bytes.chunks(512).enumerate() {
        let number = PageNumber::FIRST.checked_add(u32::try_from(index).unwrap()).unwrap();
        let name = format!("page-{number}");
        if map.is_map_page(number) {
            let third = number.next().unwrap().get().to_be_bytes();
            seeds.write("pointer_map", &name, &[&[0], &third, &lock, bytes]);
        } else if number == trunk {
            assert!(FreelistTrunk::parse(bytes, 512).unwrap().leaf_count > 0);
            seeds.write("freelist_trunk", &name, &[&[0], bytes]);
        } else if let Ok(page) = BtreePage::parse(bytes, number, 512) {
            if kinds.iter().filter(|&&kind| kind == page.kind).count() < 3 {
                seeds.write("btree_page", &name, &[&[u8::from(index == 0), 0], bytes]);
                cells(seeds, &page, &name, kinds.contains(&page.kind));
            }
            kinds.push(page.kind);
        } else if OverflowPage::parse(bytes, 512).is_ok_and(|page| page.next.is_some()) && index < 40 {
            seeds.write("overflow", &name, &[&[0], bytes]);
        }
    }
}

fn cells(seeds: &Seeds, page: &BtreePage<'_>, name: &str, seen: bool) {
    for (index, cell) in page.cells().enumerate().take(if seen { 1 } else { 3 }) {
        let cell = cell.unwrap();
        let offset = u16::try_from(cell.offset).unwrap().to_be_bytes();
        let name = format!("{name}-cell-{index}");
        seeds.write("btree_cell", &name, &[&[page.kind as u8], &offset, page.usable()]);
        if let Some(payload) = cell.payload {
            seeds.write("record", &name, &[payload.local]);
        }
    }
}

fn log(seeds: &Seeds, path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA page_size=512; PRAGMA journal_mode=WAL;").unwrap();
    db.execute_batch(CONTENT).unwrap();
    seeds.write("database_header", "wal", &[&fs::read(path).unwrap()[..100]]);
    db.execute_batch(
        "PRAGMA wal_checkpoint(RESTART); INSERT INTO t(b) VALUES (1); INSERT INTO t(b) VALUES (2);",
    )
    .unwrap();
    let wal = fs::read(beside(path, "-wal")).unwrap();
    seeds.write("wal_header", "real", &[&wal[..32]]);
    // The frames of two commits, and some of the generation before.
    let size = wal.len().min(32 + 12 * 536);
    seeds.write("wal_frames", "real", &[&wal[..size]]);
    seeds.write("wal_timeline", "real", &[&wal[..size]]);
    let mut marked = wal[..size].to_vec();
    for frame in marked[32..].chunks_mut(536) {
        frame[0] |= 0x80;
    }
    seeds.write("wal_frames", "all-repaired", &[&marked]);
    seeds.write("wal_timeline", "all-repaired", &[&marked]);
    let shm = fs::read(beside(path, "-shm")).unwrap();
    seeds.write("wal_index", "real", &[&shm]);
    let length = u32::try_from(shm.len()).unwrap().to_le_bytes();
    seeds.write("shm", "real", &[&length, &shm, &wal[..size]]);
}

fn journal(seeds: &Seeds, path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA page_size=512;").unwrap();
    db.execute_batch(CONTENT).unwrap();
    db.execute_batch("PRAGMA cache_size=2; BEGIN; UPDATE t SET b = b || 'x';").unwrap();
    let spilled = fs::read(beside(path, "-journal")).unwrap();
    seeds.write("journal", "spilled", &[&spilled]);
    seeds.write("journal_segments", "spilled", &[&spilled]);
    db.execute_batch("ROLLBACK; PRAGMA synchronous=OFF; BEGIN; UPDATE t SET b = 1 WHERE id < 9;").unwrap();
    let not_synced = fs::read(beside(path, "-journal")).unwrap();
    seeds.write("journal", "not-synced", &[&not_synced]);
    seeds.write("journal_segments", "not-synced", &[&not_synced]);
}

/// Commits to two databases at once, again and again, until the journals were seen on the way.
fn super_journal(seeds: &Seeds, folder: &Path) {
    let (main, other) = (folder.join("main.db"), folder.join("other.db"));
    let db = Connection::open(&main).unwrap();
    db.execute_batch(&format!(
        "ATTACH '{}' AS other; CREATE TABLE m(x); CREATE TABLE other.o(x);",
        other.display()
    ))
    .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (done, other) = (&done, &other);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let Ok(journal) = fs::read(beside(other, "-journal")) else { continue };
                let Ok(Some(name)) = super_journal_name(&journal, journal.len() as u64) else { continue };
                let name = String::from_utf8_lossy(name).into_owned();
                let Ok(children) = fs::read(&name) else { continue };
                // As SQLite wrote them, but for the folder.
                let place = folder.to_string_lossy();
                let name = name.replace(&*place, "/srv/data");
                let children = String::from_utf8_lossy(&children).replace(&*place, "/srv/data");
                let length = u32::try_from(name.len()).unwrap().to_be_bytes();
                let sum = name.bytes().map(u32::from).sum::<u32>().to_be_bytes();
                let lock = lock_byte_page(PageSize::DEFAULT).get().to_be_bytes();
                let parts: [&[u8]; 5] = [&lock, name.as_bytes(), &length, &sum, &JOURNAL_MAGIC];
                seeds.write("super_journal", "tail", &parts);
                seeds.write("super_journal", "children", &[children.as_bytes()]);
                done.store(true, Ordering::Relaxed);
            }
        });
        for _ in 0..5000 {
            if done.load(Ordering::Relaxed) {
                return;
            }
            db.execute_batch("BEGIN; INSERT INTO m VALUES (1); INSERT INTO o VALUES (1); COMMIT;").unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A database with all of its side files, as the target `source` takes them: two lengths, then the three files.
fn sources(seeds: &Seeds, folder: &Path) {
    for (name, mode, size) in [("journal", "DELETE", 512), ("log", "WAL", 1024)] {
        let path = folder.join(name).with_extension("source");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA page_size={size}; PRAGMA journal_mode={mode}; {CONTENT}")).unwrap();
        db.execute_batch(
            "PRAGMA cache_size=1; BEGIN; UPDATE t SET b = b || ' changed'; DELETE FROM t WHERE id > 99",
        )
        .unwrap();
        let file = |path: PathBuf| fs::read(path).unwrap_or_default();
        let [database, wal, journal] =
            [path.clone(), beside(&path, "-wal"), beside(&path, "-journal")].map(file);
        assert!(wal.len() + journal.len() > 0);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
        seeds.write("source", name, &[&length(&database), &length(&wal), &database, &wal, &journal]);
    }
}

/// Databases with rows enough for two levels, and statements that need overflow pages.
fn schemas(seeds: &Seeds, folder: &Path) {
    for (name, encoding) in [("utf-8", "UTF-8"), ("utf-16", "UTF-16be")] {
        let path = folder.join(name).with_extension("schema");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA page_size=512; PRAGMA encoding='{encoding}';")).unwrap();
        for n in 0..9 {
            let comment = "c".repeat(n * n * 10);
            db.execute_batch(&format!("CREATE VIEW v{n} AS SELECT {n} /* {comment} */")).unwrap();
        }
        db.execute_batch("CREATE TABLE t(a UNIQUE); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;")
            .unwrap();
        seeds.write("schema", name, &[&fs::read(&path).unwrap()]);
    }
}

/// Databases with b-trees of both sorts, indexes, overflow chains and free pages; one with a pointer map.
fn reports(seeds: &Seeds, folder: &Path) {
    for (name, auto_vacuum) in [("plain", "NONE"), ("pointer-map", "FULL")] {
        let path = folder.join(name).with_extension("reports");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!(
            "PRAGMA page_size=512; PRAGMA auto_vacuum={auto_vacuum};
             CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REAL NOT NULL); CREATE INDEX i ON t(c DESC, b);
             CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x);
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 25) SELECT i, 'b' || i, i / 3.0 FROM n;
             INSERT INTO w SELECT b, zeroblob(a * 40) FROM t; INSERT INTO gone VALUES (zeroblob(1500)); DROP TABLE gone;"
        ))
        .unwrap();
        drop(db);
        for target in ["reports", "dump"] {
            seeds.write(target, name, &[&fs::read(&path).unwrap()]);
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
