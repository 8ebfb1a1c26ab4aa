//! Databases of every kind, made by real SQLite.
//!
//! [`shapes`], [`contents`], [`journal_modes`] and [`sizes`] are tables: each row makes one database in a folder of its
//! own, with a peer where a connection has to stay open for it.

use std::ffi::c_int;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB, ffi};

use crate::files::{Folder, beside, bytes_at, patch};
use crate::judge::LOCK_BYTES_AT;
use crate::peer::Peer;

/// Makes a database under a path, and gives whoever keeps it open.
type Make = Box<dyn Fn(&Path) -> Option<Peer>>;

/// A kind of database, and how to make one under a path.
pub(crate) struct Kind {
    pub(crate) name: String,
    make: Make,
}

/// A database alone in its folder.
pub(crate) struct Made {
    pub(crate) folder: Folder,
    pub(crate) path: PathBuf,
    /// Whoever has it open.
    pub(crate) peer: Option<Peer>,
}

impl Kind {
    pub(crate) fn at_rest(name: impl Into<String>, make: impl Fn(&Path) + 'static) -> Self {
        let make = move |path: &Path| {
            make(path);
            None
        };
        Self { name: name.into(), make: Box::new(make) }
    }

    pub(crate) fn in_use(name: &str, make: fn(&Path) -> Peer) -> Self {
        Self { name: name.to_owned(), make: Box::new(move |path| Some(make(path))) }
    }

    pub(crate) fn make(&self) -> Made {
        let folder = Folder::new();
        let path = folder.join("source.db");
        let peer = (self.make)(&path);
        Made { folder, path, peer }
    }
}

/// The settings that a database is born with.
#[derive(Debug, Clone, Copy)]
struct Shape {
    page_size: u32,
    auto_vacuum: &'static str,
    encoding: &'static str,
    journal_mode: &'static str,
    reserved_bytes: c_int,
}

const USUAL: Shape = Shape {
    page_size: 4096,
    auto_vacuum: "NONE",
    encoding: "UTF-8",
    journal_mode: "DELETE",
    reserved_bytes: 0,
};

const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

/// Page sizes, auto_vacuum, encodings and reserved bytes, with every sort of content.
pub(crate) fn shapes() -> Vec<Kind> {
    shapes_filled_with(everything)
}

/// The same with content of the caller's.
pub(crate) fn shapes_filled_with(fill: fn(&Connection)) -> Vec<Kind> {
    let mut shapes = Vec::new();
    for page_size in PAGE_SIZES {
        for auto_vacuum in ["NONE", "FULL", "INCREMENTAL"] {
            shapes.push(Shape { page_size, auto_vacuum, ..USUAL });
        }
    }
    shapes.extend(["UTF-16le", "UTF-16be"].map(|encoding| Shape { encoding, ..USUAL }));
    for page_size in [512, 4096, 65536] {
        shapes.push(Shape { page_size, reserved_bytes: 32, ..USUAL });
    }
    shapes.push(Shape { reserved_bytes: 255, ..USUAL });
    let kind = |shape: Shape| Kind::at_rest(format!("{shape:?}"), move |path| build(path, shape, fill));
    shapes.into_iter().map(kind).collect()
}

/// Tables of every sort, and hardly any.
pub(crate) fn contents() -> Vec<Kind> {
    let kind = |name, fill: fn(&Connection)| Kind::at_rest(name, move |path| build(path, USUAL, fill));
    vec![
        kind("one page", |db| db.execute_batch("PRAGMA user_version = 7").unwrap()),
        kind("one empty table", |db| db.execute_batch("CREATE TABLE t(a)").unwrap()),
        kind("WITHOUT ROWID", without_rowid),
        kind("overflow chains", overflow),
        kind("FTS5", full_text),
        kind("R-Tree", r_tree),
        kind("a big freelist", big_freelist),
        kind("views, triggers, generated columns", |db| {
            db.execute_batch(
                "CREATE TABLE t(a INTEGER, b AS (a * 2) STORED, c AS (a + 1)); INSERT INTO t(a) VALUES (1), (2);
                 CREATE VIEW v AS SELECT sum(b) FROM t;
                 CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE a = new.a - 1; END;
                 INSERT INTO t(a) VALUES (3); ANALYZE; PRAGMA application_id = 0x12345678;",
            )
            .unwrap();
        }),
    ]
}

/// What each journal mode leaves, at rest and with connections open.
pub(crate) fn journal_modes() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = ["DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF", "WAL"]
        .map(|journal_mode| {
            Kind::at_rest(format!("journal_mode {journal_mode}, closed"), move |path| {
                build(path, Shape { journal_mode, ..USUAL }, everything);
            })
        })
        .into();
    kinds.push(Kind::at_rest("a zeroed journal beside it", |path| {
        build(path, Shape { journal_mode: "PERSIST", ..USUAL }, everything);
        assert!(fs::metadata(beside(path, "-journal")).unwrap().len() > 0);
    }));
    kinds.push(Kind::at_rest("an empty journal beside it", |path| {
        build(path, Shape { journal_mode: "TRUNCATE", ..USUAL }, everything);
        assert_eq!(fs::metadata(beside(path, "-journal")).unwrap().len(), 0);
    }));
    kinds.push(Kind::in_use("rollback mode, a connection open", |path| {
        build(path, USUAL, everything);
        Peer::connected_to(path)
    }));
    kinds.push(Kind::in_use("WAL, all in the log", |path| {
        let mut peer = Peer::connected_to(path);
        peer.execute("main", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        peer.execute("main", &some_commits()).unwrap();
        peer
    }));
    kinds.push(Kind::in_use("WAL, partly checkpointed", |path| {
        let mut peer = Peer::connected_to(path);
        peer.execute("main", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        peer.execute("main", &some_commits()).unwrap();
        peer.open("reader", path).unwrap();
        peer.execute("reader", "BEGIN; SELECT count(*) FROM t;").unwrap();
        peer.execute(
            "main",
            "UPDATE t SET b = randomblob(700) WHERE a % 3 = 0; PRAGMA wal_checkpoint(PASSIVE);",
        )
        .unwrap();
        peer
    }));
    kinds.push(Kind::in_use("WAL, begun anew over old frames", |path| {
        let mut peer = Peer::connected_to(path);
        peer.execute("main", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        peer.execute("main", &some_commits()).unwrap();
        peer.execute("main", "PRAGMA wal_checkpoint(RESTART); UPDATE t SET b = 'new' WHERE a = 5;").unwrap();
        peer
    }));
    kinds.push(Kind::at_rest("WAL, left by a killed process", left_log));
    kinds
}

/// Sizes that do not say what the header says.
pub(crate) fn sizes() -> Vec<Kind> {
    let resize = |path: &Path, size_bytes: u64| {
        OpenOptions::new().write(true).open(path).unwrap().set_len(size_bytes).unwrap();
    };
    vec![
        Kind::at_rest("0 bytes", |path| fs::write(path, []).unwrap()),
        Kind::at_rest("1 byte", |path| fs::write(path, [0]).unwrap()),
        Kind::at_rest("longer than the header says", move |path| {
            build(path, USUAL, everything);
            resize(path, fs::metadata(path).unwrap().len() + 3 * 4096);
        }),
        Kind::at_rest("no page count in the header", |path| {
            build(path, USUAL, everything);
            patch(path, 28, &[0; 4]);
        }),
        Kind::at_rest("a page count of another version", |path| {
            build(path, USUAL, everything);
            patch(path, 28, &[0, 0, 0, 3]);
            patch(path, 92, &[0, 0, 0, 0]);
        }),
        Kind::at_rest("a last page cut short", move |path| {
            build(path, USUAL, |db| {
                // The last page is free: SQLite reports a short read of an overflow page.
                db.execute_batch(
                    "CREATE TABLE t(a); INSERT INTO t VALUES ('stays'), (zeroblob(8000));
                     DELETE FROM t WHERE rowid = 2;",
                )
                .unwrap();
            });
            resize(path, fs::metadata(path).unwrap().len() - 1000);
        }),
    ]
}

/// A database that reaches past the lock-byte page at 1 GiB, sparse. Most of it is freelist, laid out by hand;
/// SQLite itself then allocates past that page.
pub(crate) fn past_the_lock_byte_page() -> Kind {
    Kind::at_rest("past the lock-byte page", |path| {
        let shape = Shape { page_size: 65536, ..USUAL };
        build(path, shape, |db| {
            db.execute_batch("CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO u VALUES (1);").unwrap();
        });
        let page_size = u64::from(shape.page_size);
        let lock_byte_page = u32::try_from(LOCK_BYTES_AT / page_size).unwrap() + 1;
        let used = u32::try_from(fs::metadata(path).unwrap().len() / page_size).unwrap();
        let last = lock_byte_page + 40;
        OpenOptions::new().write(true).open(path).unwrap().set_len(u64::from(last) * page_size).unwrap();
        // Three trunks below the lock-byte page, with no more leaves each than SQLite writes; the first one names
        // the pages past it.
        let first = used + 1;
        let middle = lock_byte_page / 2;
        let leaves = [lock_byte_page + 1..last + 1, first + 3..middle, middle..lock_byte_page];
        for (trunk, leaves) in (first..).zip(leaves) {
            assert!(leaves.len() <= 65536 / 4 - 8);
            let next = if trunk == first + 2 { 0 } else { trunk + 1 };
            let numbers = [next, u32::try_from(leaves.len()).unwrap()].into_iter().chain(leaves);
            let bytes: Vec<u8> = numbers.flat_map(u32::to_be_bytes).collect();
            patch(path, u64::from(trunk - 1) * page_size, &bytes);
        }
        patch(path, 28, &last.to_be_bytes());
        patch(path, 32, &first.to_be_bytes());
        patch(path, 36, &(last - used - 1).to_be_bytes());
        let connection = Connection::open(path).unwrap();
        let rows = "INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                    SELECT randomblob(60000) FROM n";
        connection.execute_batch(rows).unwrap();
        connection.close().unwrap();
        assert_ne!(bytes_at(path, LOCK_BYTES_AT + page_size, 65536), vec![0; 65536], "nothing past the page");
    })
}

/// A database in WAL mode whose only user was killed: everything is in the log.
pub(crate) fn left_log(path: &Path) {
    let mut peer = Peer::connected_to(path);
    peer.execute("main", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
    peer.execute("main", &some_commits()).unwrap();
    peer.kill();
    assert!(beside(path, "-wal").exists() && beside(path, "-shm").exists());
}

/// A usual database with something of everything in it.
pub(crate) fn usual() -> Made {
    Kind::at_rest("usual", |path| build(path, USUAL, everything)).make()
}

/// A database and the hot journal of a process that was killed in the middle of a big transaction, its cache
/// spilled into the file.
pub(crate) fn hot_journal(path: &Path, journal_mode: &'static str) {
    build(path, Shape { journal_mode, ..USUAL }, everything);
    let mut peer = Peer::connected_to(path);
    peer.execute("main", &format!("PRAGMA journal_mode = {journal_mode}; PRAGMA cache_size = 5;")).unwrap();
    peer.execute("main", "BEGIN; UPDATE t SET b = randomblob(900); DELETE FROM t WHERE a % 2;").unwrap();
    peer.kill();
    assert_ne!(bytes_at(&beside(path, "-journal"), 0, 1), [0], "a journal that is not hot");
}

fn build(path: &Path, shape: Shape, fill: fn(&Connection)) {
    let connection = Connection::open(path).unwrap();
    if shape.reserved_bytes > 0 {
        reserve_bytes(&connection, shape.reserved_bytes);
    }
    let Shape { page_size, auto_vacuum, encoding, journal_mode, .. } = shape;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum}; PRAGMA encoding = '{encoding}';
             PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal_mode};"
        ))
        .unwrap();
    fill(&connection);
    connection.close().unwrap();
    let header = bytes_at(path, 0, 100);
    assert_eq!(i32::from(header[20]), shape.reserved_bytes);
    assert_eq!((u32::from(header[16]) << 8) | (u32::from(header[17]) << 16), page_size);
}

#[allow(unsafe_code, reason = "rusqlite has no safe form of this file control")]
fn reserve_bytes(connection: &Connection, count: c_int) {
    let mut count = count;
    // SAFETY: the handle is open; the file control reads and writes one int, which outlives the call.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            MAIN_DB.as_ptr(),
            ffi::SQLITE_FCNTL_RESERVE_BYTES,
            std::ptr::from_mut(&mut count).cast(),
        )
    };
    assert_eq!(code, ffi::SQLITE_OK);
}

fn everything(connection: &Connection) {
    connection.execute_batch(&some_commits()).unwrap();
    without_rowid(connection);
    overflow(connection);
    full_text(connection);
    r_tree(connection);
    connection
        .execute_batch("DELETE FROM t WHERE a % 5 = 0; PRAGMA user_version = 9; PRAGMA application_id = -3;")
        .unwrap();
}

/// Statements, a transaction each, that make and fill the table `t` with every type of value.
fn some_commits() -> String {
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c TEXT); CREATE INDEX t_b ON t(b);
     INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        SELECT i, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i * -1000003 WHEN 2 THEN i / 7.0
                             WHEN 3 THEN randomblob(i) ELSE 'text ' || i END, 'žluťoučký 🐎 ' || i FROM n;
     UPDATE t SET b = zeroblob(300) WHERE a % 7 = 0;
     INSERT INTO t(b, c) VALUES (9223372036854775807, ''), (-9223372036854775808, NULL), (1e300, 'x');"
        .to_owned()
}

fn without_rowid(connection: &Connection) {
    connection
        .execute_batch(
            "CREATE TABLE w(k TEXT, l INTEGER, v BLOB, PRIMARY KEY (k, l)) WITHOUT ROWID;
             INSERT INTO w WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 150)
                SELECT 'key ' || (i * 7919 % 150), i, randomblob(i * 3) FROM n;",
        )
        .unwrap();
}

fn overflow(connection: &Connection) {
    connection
        .execute_batch(
            "CREATE TABLE o(a INTEGER PRIMARY KEY, b); CREATE INDEX o_b ON o(b);
             INSERT INTO o(b) VALUES (randomblob(200000)), (randomblob(70000)), (hex(randomblob(3000)));
             DELETE FROM o WHERE a = 2;",
        )
        .unwrap();
}

fn full_text(connection: &Connection) {
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE f USING fts5(title, body);
             INSERT INTO f WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                SELECT 'title ' || i, 'a body with the words ' || (i * i) || ' and ' || hex(i) FROM n;
             DELETE FROM f WHERE rowid % 10 = 0;",
        )
        .unwrap();
}

fn r_tree(connection: &Connection) {
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE r USING rtree(id, left, right, low, high);
             INSERT INTO r WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                SELECT i, i % 17, i % 17 + 2.5, i % 23, i % 23 + 1 FROM n;",
        )
        .unwrap();
}

fn big_freelist(connection: &Connection) {
    connection
        .execute_batch(
            "CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(6000000)), ('stays'), (zeroblob(20000));
             DELETE FROM t WHERE rowid = 1;",
        )
        .unwrap();
    let free: i64 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0)).unwrap();
    assert!(free > 1022, "more than one trunk");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{dump, integrity_check};
    use crate::judge::assert_right_copy;
    use std::time::Instant;

    /// Every kind is what a byte copy of it is, and sound: the judge and the makers agree.
    #[test]
    fn sqlite_finds_every_kind_sound() {
        for kind in [shapes(), contents(), journal_modes(), sizes()].into_iter().flatten() {
            println!("{}", kind.name);
            let made = kind.make();
            assert_eq!(integrity_check(&made.path), "'ok'");
            assert!(!dump(&made.path).is_empty());
            let images = Folder::new();
            let image = crate::judge::logical_image(&made.path, &images);
            assert_right_copy(&made.path, &image);
            drop(made.peer);
            drop(made.folder);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_byte_page_is_passed_quickly_and_with_little_disk() {
        use std::os::unix::fs::MetadataExt;
        let begun = Instant::now();
        let made = past_the_lock_byte_page().make();
        let metadata = fs::metadata(&made.path).unwrap();
        println!("made in {:?}, {} bytes on disk", begun.elapsed(), metadata.blocks() * 512);
        assert!(metadata.len() > LOCK_BYTES_AT);
        let connection = Connection::open(&made.path).unwrap();
        assert_eq!(crate::content::integrity_check_of(&connection), "'ok'");
    }

    #[test]
    fn a_hot_journal_is_rolled_back_by_sqlite() {
        for journal_mode in ["DELETE", "TRUNCATE", "PERSIST"] {
            let folder = Folder::new();
            let path = folder.join("a.db");
            hot_journal(&path, journal_mode);
            let images = Folder::new();
            let raw = images.join("raw.db");
            fs::copy(&path, &raw).unwrap();
            let image = crate::judge::logical_image(&path, &images);
            assert_ne!(fs::read(&raw).unwrap(), fs::read(&image).unwrap(), "nothing to roll back");
            assert_eq!(integrity_check(&image), "'ok'");
        }
    }
}
