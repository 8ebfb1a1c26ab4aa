//! Copies that leave out what was deleted: the content stays, the secrets go.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use litecopy::{Consistency, CopyOptions, ErrorKind, FileTarget, MemoryTarget, SourceBytes};
use rusqlite::Connection;

use crate::content::{dump, dump_of, integrity_check};
use crate::copies::memory_copy;
use crate::files::{Folder, beside, bytes_at, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::logical_image;
use crate::makers::{self, Kind, Made};
use crate::peer::Peer;
use crate::random::{Random, seed};

/// Every deleted value has this in it, and no other.
const SECRET: &str = "SECRET-6b1f";

/// Makes rows of every size, tables and indexes, and deletes half of it; what is deleted has the secret in it.
const KEPT_AND_DELETED: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b, c TEXT); CREATE INDEX t_c ON t(c);
    CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE INDEX w_v ON w(v);
    CREATE TABLE u(a); CREATE VIEW v AS SELECT * FROM t;
    CREATE TRIGGER g AFTER INSERT ON u BEGIN SELECT 1; END;
    INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 150)
        SELECT i, zeroblob(i % 50), CASE WHEN i % 3 THEN 'kept ' ELSE '~ ' END || i || substr(hex(zeroblob(i * 9)), 1, i * i % 2003) FROM n;
    INSERT INTO w SELECT 'key ' || a || CASE WHEN a % 3 THEN '' ELSE ' ~' END, c FROM t;
    INSERT INTO u SELECT c || c || c || c || c FROM t WHERE a % 3 = 0;
    CREATE TABLE gone(x); INSERT INTO gone SELECT '~' || c FROM t; CREATE INDEX gone_x ON gone(x);
    CREATE TABLE ~name(x);
    DROP TABLE ~name; DROP TABLE gone; DELETE FROM t WHERE a % 3 = 0; DELETE FROM w WHERE instr(k, '~');
    DELETE FROM u WHERE rowid % 2; UPDATE u SET a = substr('remains', 1 + rowid % 6);
    UPDATE t SET c = 'short' WHERE a % 7 = 1 AND a % 3 = 1;
";

fn statements() -> String {
    let named = KEPT_AND_DELETED.replace("~name", &format!("\"{SECRET}\""));
    // Long enough to run over many pages where it can.
    named.replace('~', &format!("{SECRET} ").repeat(7))
}

fn fill(connection: &Connection) {
    connection.execute_batch("PRAGMA secure_delete = OFF").unwrap();
    connection.execute_batch(&statements()).unwrap();
}

/// How often the secret is in a file, in UTF-8 or in UTF-16.
fn secrets_in(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    let pieces = || bytes.chunks(64).enumerate().filter(|(_, piece)| *piece != [0; 64]);
    // Those that begin in a piece; most pieces are zeros.
    let begin_in = |at: usize, secret: &[u8]| {
        (at..at + 64).filter(|&at| bytes.get(at..).is_some_and(|rest| rest.starts_with(secret))).count()
    };
    let count = |secret: &[u8]| pieces().map(|(piece, _)| begin_in(piece * 64, secret)).sum::<usize>();
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    // Even half a secret is one: a cell written over the first half of another leaves the second.
    count(&SECRET.as_bytes()[4..]) + count(&wide[8..])
}

#[test]
fn no_shape_lets_a_secret_through() {
    for kind in makers::shapes_filled_with(fill) {
        assert_clean(&kind.make(), &kind.name);
    }
}

#[test]
fn neither_a_log_nor_a_hot_journal_lets_a_secret_through() {
    let in_log = Kind::in_use("WAL, all in the log", |path| {
        let mut peer = Peer::connected_to(path);
        peer.execute(
            "main",
            "PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;",
        )
        .unwrap();
        peer.execute("main", &statements()).unwrap();
        peer
    });
    let half_in_log = Kind::in_use("WAL, partly checkpointed", |path| {
        let mut peer = Peer::connected_to(path);
        peer.execute("main", "PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL;").unwrap();
        peer.execute("main", &statements()).unwrap();
        peer.execute("main", "PRAGMA wal_checkpoint(PASSIVE); DELETE FROM t WHERE a % 2").unwrap();
        peer
    });
    let hot = Kind::at_rest("a hot journal", |path| {
        let mut peer = Peer::connected_to(path);
        let quick = "PRAGMA secure_delete = OFF; PRAGMA cache_size = 5; PRAGMA synchronous = OFF;";
        peer.execute("main", quick).unwrap();
        peer.execute("main", &format!("BEGIN; {} COMMIT; PRAGMA synchronous = FULL;", statements())).unwrap();
        peer.execute("main", "BEGIN; DELETE FROM t WHERE a % 2; UPDATE w SET v = randomblob(700);").unwrap();
        peer.kill();
        assert_ne!(bytes_at(&beside(path, "-journal"), 0, 1), [0], "a journal that is not hot");
    });
    for kind in [in_log, half_in_log, hot] {
        assert_clean(&kind.make(), &kind.name);
    }
}

/// All other sources that there are: nothing is deleted that could be searched for, but the content must stay.
#[test]
fn every_kind_keeps_its_content() {
    for kind in [makers::contents(), makers::journal_modes(), makers::sizes()].into_iter().flatten() {
        let made = kind.make();
        println!("{}", kind.name);
        for options in [CopyOptions::new().skip_free(true), CopyOptions::new().scrub(true).verify(true)] {
            let copy = made.folder.join("copy.db");
            options.replace(true).copy(&made.path, &copy).unwrap();
            assert_same_content(&made.path, &copy);
        }
    }
    let made = makers::past_the_lock_byte_page().make();
    let copy = made.folder.join("copy.db");
    CopyOptions::new().scrub(true).verify(true).copy(&made.path, &copy).unwrap();
    assert_same_content(&made.path, &copy);
}

#[track_caller]
fn assert_same_content(source: &Path, copy: &Path) {
    assert_eq!(integrity_check(copy), "'ok'");
    assert_eq!(dump(source), dump(copy));
}

#[track_caller]
fn assert_clean(made: &Made, name: &str) {
    let targets = Folder::new();
    let [exact, skipped, scrubbed] = ["exact.db", "skipped.db", "scrubbed.db"].map(|name| targets.join(name));
    let before = Fingerprint::of(made.folder.path());
    let options = CopyOptions::new();
    options.copy(&made.path, &exact).unwrap();
    options.clone().skip_free(true).verify(true).copy(&made.path, &skipped).unwrap();
    options.clone().scrub(true).copy(&made.path, &scrubbed).unwrap();
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    let counts = [&exact, &skipped, &scrubbed].map(|copy| secrets_in(copy));
    println!("{name}: the secret is {counts:?} times in the copies");
    assert!(counts[0] > 100 && counts[2] == 0, "{name}: {counts:?}");
    let has_free_pages = bytes_at(&exact, 36, 4) != [0; 4];
    assert_eq!(counts[1] < counts[0], has_free_pages, "{name}: {counts:?}");
    for copy in [&skipped, &scrubbed] {
        assert_same_content(&made.path, copy);
    }
    let in_memory = targets.join("memory.db");
    fs::write(&in_memory, memory_copy(&options.scrub(true), &made.path).unwrap().0).unwrap();
    assert_eq!(fs::read(&in_memory).unwrap(), fs::read(&scrubbed).unwrap());
    assert_differs_in_unused_bytes_only(&exact, &skipped, &scrubbed);
    assert_goes_on(&scrubbed);
}

/// What was cleared is zeros; nothing else changed.
#[track_caller]
fn assert_differs_in_unused_bytes_only(exact: &Path, skipped: &Path, scrubbed: &Path) {
    let [exact, skipped, scrubbed] = [exact, skipped, scrubbed].map(|path| fs::read(path).unwrap());
    assert_eq!([exact.len(), skipped.len()], [scrubbed.len(); 2]);
    assert_only_cleared(&exact, &skipped);
    assert_only_cleared(&skipped, &scrubbed);
}

#[track_caller]
fn assert_only_cleared(before: &[u8], after: &[u8]) {
    assert_eq!(before.len(), after.len());
    // Most of it is the same: looked at in pieces first.
    for (piece, (before, after)) in before.chunks(64).zip(after.chunks(64)).enumerate() {
        let cleared = || before.iter().zip(after).all(|(before, after)| after == before || *after == 0);
        assert!(before == after || cleared(), "offset {}", piece * 64);
    }
}

/// SQLite fills the copy again, out of its freelist and its freeblocks.
fn assert_goes_on(copy: &Path) {
    let connection = Connection::open(copy).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = OFF; UPDATE t SET b = zeroblob(500); UPDATE w SET v = 'new'")
        .unwrap();
    let grown = "INSERT INTO u SELECT randomblob(3000) FROM t";
    connection.execute_batch(grown).unwrap();
    assert_eq!(crate::content::integrity_check_of(&connection), "'ok'");
    assert!(dump_of(&connection).len() > 200);
}

/// In steps: pages that are free in the next version are written over, though they were written before.
#[test]
fn after_a_restart_nothing_of_the_version_before_is_left() {
    for options in [CopyOptions::new().skip_free(true), CopyOptions::new().scrub(true)] {
        let folder = Folder::new();
        let (source, copy) = (folder.join("source.db"), folder.join("copy.db"));
        let mut peer = Peer::connected_to(&source);
        let rows = format!(
            "CREATE TABLE stays(a); CREATE TABLE gone(a);
             INSERT INTO gone WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                SELECT '{SECRET}' || hex(zeroblob(2000)) FROM n; INSERT INTO stays VALUES ('stays');"
        );
        peer.execute("main", &format!("PRAGMA secure_delete = OFF; {rows}")).unwrap();
        let mut deleted = false;
        let report = options
            .pages_per_step(900)
            .verify(true)
            .begin(&source, FileTarget::new(&copy))
            .unwrap()
            .run(|_| {
                if !std::mem::replace(&mut deleted, true) {
                    peer.execute("main", "DROP TABLE gone").unwrap();
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap()
            .report;
        assert_eq!(report.restarts, 1);
        assert!(secrets_in(&logical_image(&source, &folder)) > 800);
        assert_eq!(secrets_in(&copy), 0);
        assert_same_content(&source, &copy);
    }
}

/// Where a copy of another kind would catch up by the log alone: a page that was freed need not be in it.
#[test]
fn after_a_commit_to_the_log_nothing_of_the_version_before_is_left() {
    let folder = Folder::new();
    let (source, copy) = (folder.join("source.db"), folder.join("copy.db"));
    let mut peer = Peer::connected_to(&source);
    let rows = format!(
        "CREATE TABLE stays(a); CREATE TABLE gone(a); INSERT INTO stays VALUES ('stays');
         INSERT INTO gone WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 900)
            SELECT '{SECRET}' || hex(zeroblob(2000)) FROM n;"
    );
    peer.execute("main", &format!("PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL; {rows}")).unwrap();
    let mut deleted = false;
    let report = CopyOptions::new()
        .skip_free(true)
        .consistency(Consistency::Hold)
        .max_hold(Duration::ZERO)
        .pages_per_step(900)
        .begin(&source, FileTarget::new(&copy))
        .unwrap()
        .run(|_| {
            if !std::mem::replace(&mut deleted, true) {
                peer.execute("main", "DROP TABLE gone").unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap()
        .report;
    assert_eq!((report.restarts, secrets_in(&copy)), (1, 0));
    assert_same_content(&source, &copy);
}

/// Whatever becomes of single bytes: an error, or a copy in which nothing but unused bytes was cleared.
#[test]
fn hostile_bytes_are_refused_or_survive() {
    let made = makers::shapes_filled_with(fill_little).swap_remove(2).make();
    let sound = fs::read(&made.path).unwrap();
    let mut random = Random::from_seed(seed("hostile bytes"));
    let (mut refused, mut copied) = (0, 0);
    for _ in 0..600 {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(3) {
            let page = random.below(u64::try_from(bytes.len()).unwrap() / 512) * 512;
            // Mostly the header of a page, where its structure is.
            let within = *random.one_of(&[16, 16, 16, 512]);
            let at = usize::try_from(page + random.below(within)).unwrap();
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        let copy = |options: CopyOptions| {
            let bytes = SourceBytes { database: bytes.clone(), wal: Vec::new(), journal: Vec::new() };
            let mut backup = options.verify(true).begin(bytes, MemoryTarget::new()).unwrap();
            backup.step(-1).map(|_| backup.finish().unwrap().output)
        };
        let Ok(exact) = copy(CopyOptions::new()) else { continue };
        match copy(CopyOptions::new().scrub(true)) {
            Ok(scrubbed) => {
                copied += 1;
                let skipped = copy(CopyOptions::new().skip_free(true)).unwrap();
                assert_only_cleared(&exact, &skipped);
                assert_only_cleared(&skipped, &scrubbed);
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
            }
        }
    }
    println!("{refused} refused, {copied} copied");
    assert!(refused > 30 && copied > 30);
}

/// Little of everything: several levels of pages, an overflow chain, a freelist.
fn fill_little(connection: &Connection) {
    connection
        .execute_batch(
            "PRAGMA secure_delete = OFF; CREATE TABLE t(a, b); CREATE INDEX t_a ON t(a);
             CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 90)
                SELECT 'row ' || i, zeroblob(i * i % 900) FROM n;
             INSERT INTO w SELECT a, b FROM t; DELETE FROM t WHERE rowid % 2;",
        )
        .unwrap();
}

/// A free page takes no room where the file system has holes.
#[cfg(target_os = "linux")]
#[test]
fn free_pages_are_holes() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new();
    let (source, copy) = (folder.join("source.db"), folder.join("copy.db"));
    Connection::open(&source)
        .unwrap()
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(8000000)); DELETE FROM t;")
        .unwrap();
    CopyOptions::new().skip_free(true).copy(&source, &copy).unwrap();
    let [source, copy] = [source, copy].map(|path| fs::metadata(path).unwrap());
    assert_eq!(source.len(), copy.len());
    assert!(copy.blocks() * 512 < source.len() / 20, "{} bytes on disk", copy.blocks() * 512);
}

/// A freelist that cannot be is refused, and so is, by a scrub, any page that has two places.
#[test]
fn hostile_lists_are_refused() {
    let made = Kind::at_rest("a freelist", |path| {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t(a); CREATE TABLE u(a);
                 INSERT INTO t VALUES (zeroblob(200000)); INSERT INTO u VALUES (zeroblob(5000)); DELETE FROM t;",
            )
            .unwrap();
    })
    .make();
    let header = bytes_at(&made.path, 0, 100);
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let (page_count, trunk) = (word(28), word(32));
    let trunk_at = u64::from(trunk - 1) * 512;
    let wrongs = [
        ("no such trunk", 32, page_count + 1),
        ("page 1 as the next trunk", trunk_at, 1),
        ("the trunk as the next trunk: a loop", trunk_at, trunk),
        ("more leaves than fit", trunk_at + 4, 127),
        ("a leaf too few", trunk_at + 4, 119),
        ("leaf 0", trunk_at + 8, 0),
        ("page 1 as a leaf", trunk_at + 8, 1),
        ("the pointer map as a leaf", trunk_at + 8, 2),
        ("the trunk as a leaf", trunk_at + 8, trunk),
        ("a leaf behind the end", trunk_at + 8, page_count + 1),
        ("a leaf far behind the end", trunk_at + 8, u32::MAX),
        ("a length of 1", 36, 1),
        ("a length of everything", 36, page_count),
        ("a list of nothing with a length", 32, 0),
    ];
    for (what, at, number) in wrongs {
        let before = bytes_at(&made.path, at, 4);
        patch(&made.path, at, &number.to_be_bytes());
        for options in [CopyOptions::new().skip_free(true), CopyOptions::new().scrub(true)] {
            assert_refused(&made, options, what);
        }
        patch(&made.path, at, &before);
    }
    // A page in use on the freelist: only who has seen all pages can tell.
    let root_of_u = 4_u32;
    let before = bytes_at(&made.path, trunk_at + 8, 4);
    patch(&made.path, trunk_at + 8, &root_of_u.to_be_bytes());
    assert_refused(&made, CopyOptions::new().scrub(true), "a root as a leaf");
    memory_copy(&CopyOptions::new().skip_free(true), &made.path).unwrap();
    patch(&made.path, trunk_at + 8, &before);
    memory_copy(&CopyOptions::new().scrub(true), &made.path).unwrap();
}

#[track_caller]
fn assert_refused(made: &Made, options: CopyOptions, what: &str) {
    let copy = made.folder.join("copy.db");
    let error = options.copy(&made.path, &copy).expect_err(what);
    println!("{what}: {error}");
    assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
    assert!(!copy.exists());
}
