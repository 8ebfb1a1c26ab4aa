//! What a copy in place takes and leaves: a log that others use is no longer than it was when the copy is given up, their mode
//! stays, and a target that claims to be large makes nobody write so much.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use litecopy::{Consistency, CopyOptions, ErrorKind, FileTarget, restore};
use rusqlite::Connection;

use crate::files::{Folder, beside, bytes_at, patch};
use crate::peer::Peer;

const ASK: &str = "SELECT min(version), max(version), count(*) FROM t";

fn answer(version: u32, rows: u32) -> Vec<Vec<String>> {
    vec![vec![version.to_string(), version.to_string(), rows.to_string()]]
}

fn make(path: &Path, journal_mode: &str, version: u32, rows: u32) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "PRAGMA page_size = 1024; PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal_mode};
         CREATE TABLE t(version, body);
         INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            SELECT {version}, randomblob(800) FROM n;"
    );
    connection.execute_batch(&sql).unwrap();
    connection.close().unwrap();
}

fn log_bytes(target: &Path) -> u64 {
    fs::metadata(beside(target, "-wal")).unwrap().len()
}

/// A target of version 1 in WAL mode that a peer has open, and a source of version 2 in rollback mode.
struct Scene {
    _folder: Folder,
    target: PathBuf,
    source: PathBuf,
    peer: Peer,
}

fn scene() -> Scene {
    let folder = Folder::new();
    let [target, source] = ["app.db", "backup.db"].map(|name| folder.join(name));
    make(&target, "WAL", 1, 300);
    make(&source, "DELETE", 2, 3_000);
    let mut peer = Peer::connected_to(&target);
    peer.execute(
        "main",
        "PRAGMA wal_autocheckpoint = 0; UPDATE t SET body = randomblob(800) WHERE rowid < 50;",
    )
    .unwrap();
    Scene { _folder: folder, target, source, peer }
}

/// Everybody dies; who comes then finds by recovery what counts.
fn after_a_crash(scene: Scene) -> Vec<Vec<String>> {
    scene.peer.kill();
    let mut later = Peer::connected_to(&scene.target);
    assert_eq!(later.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
    later.query("main", ASK).unwrap()
}

#[test]
fn what_is_given_up_leaves_the_log_as_long_as_it_was() {
    let mut scene = scene();
    let before = log_bytes(&scene.target);
    let (mut steps, mut longest) = (0, 0);
    let options = CopyOptions::new().in_place(true).pages_per_step(500);
    let stopped = options.begin(&scene.source, FileTarget::new(&scene.target)).unwrap().run(|_| {
        steps += 1;
        longest = longest.max(log_bytes(&scene.target));
        if steps < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(stopped.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(longest > before + 1_000_000, "it had begun");
    assert_eq!(log_bytes(&scene.target), before);
    assert_eq!(scene.peer.query("main", ASK), Ok(answer(1, 300)));
    let busy = scene.peer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!((busy, log_bytes(&scene.target)), (vec![vec!["0".into(), "0".into(), "0".into()]], 0));
    // Behind a log that begins anew as well.
    let stopped = options.begin(&scene.source, FileTarget::new(&scene.target)).unwrap().run(|progress| {
        if progress.remaining > 1_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(stopped.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(log_bytes(&scene.target), 0);
    scene.peer.execute("main", "UPDATE t SET version = 5").unwrap();
    assert_eq!(after_a_crash(scene), answer(5, 300));
}

#[test]
fn a_restart_writes_over_its_own_frames() {
    let mut scene = scene();
    let before = log_bytes(&scene.target);
    let mut writer = Peer::connected_to(&scene.source);
    let mut changes = 0;
    let options = CopyOptions::new().in_place(true).pages_per_step(1_500).consistency(Consistency::Step);
    let report = options
        .begin(&scene.source, FileTarget::new(&scene.target))
        .unwrap()
        .run(|progress| {
            if changes < 6 && progress.remaining > 0 {
                changes += 1;
                writer.execute("main", "UPDATE t SET version = version + 1").unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap()
        .report;
    assert!(report.restarts >= 6, "{report:?}");
    let grown = log_bytes(&scene.target) - before;
    let frames = u64::from(report.page_count) * (24 + 1024);
    assert!(grown <= frames, "grown by {grown} bytes, the frames are {frames}");
    assert_eq!(scene.peer.query("main", ASK), Ok(answer(8, 3_000)));
    assert_eq!(after_a_crash(scene), answer(8, 3_000));
}

#[test]
fn those_who_are_connected_stay_in_wal_mode_also_at_a_refresh() {
    let folder = Folder::new();
    let [copy, source] = ["copy.db", "app.db"].map(|name| folder.join(name));
    make(&source, "WAL", 1, 300);
    litecopy::copy_database(&source, &copy).unwrap();
    let mut peer = Peer::connected_to(&copy);
    let mut app = Peer::connected_to(&source);
    app.execute("main", "PRAGMA journal_mode = DELETE; UPDATE t SET version = 2").unwrap();
    CopyOptions::new().refresh(true).copy(&source, &copy).unwrap();
    assert_eq!(peer.query("main", ASK), Ok(answer(2, 300)));
    peer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(bytes_at(&copy, 18, 2), [2, 2]);
    assert_eq!(peer.query("main", "PRAGMA journal_mode").unwrap(), [["'wal'"]]);
}

/// As SQLite up to 3.50 publishes a transaction whose cache was spilled and that rolled a savepoint back.
#[test]
fn frames_of_others_without_sums_do_not_end_the_log_before_ours() {
    for from in [0, 20] {
        let mut scene = scene();
        scene.peer.execute("main", "UPDATE t SET version = 9 WHERE rowid > 100").unwrap();
        let frames = (log_bytes(&scene.target) - 32) / (24 + 1024);
        assert!(frames > 100);
        for frame in from..frames {
            patch(&beside(&scene.target, "-wal"), 32 + frame * (24 + 1024) + 8, &[0; 16]);
        }
        restore(&scene.source, &scene.target).unwrap();
        assert_eq!(scene.peer.query("main", ASK), Ok(answer(2, 3_000)));
        assert_eq!(after_a_crash(scene), answer(2, 3_000), "from frame {from}");
    }
}

/// 8 KiB and a journal of 512 bytes that claims 4 TiB; and a file that says so itself.
#[test]
fn a_target_that_claims_to_be_large_is_not_written_so_large() {
    let folder = Folder::new();
    for page_size in [512, 4096] {
        for journal in [true, false] {
            for replace in [false, true] {
                println!("pages of {page_size}, a journal: {journal}, replaced: {replace}");
                let [target, source] = ["app.db", "backup.db"].map(|name| folder.join(name));
                for path in [&target, &source] {
                    drop(fs::remove_file(path));
                }
                let connection = Connection::open(&target).unwrap();
                connection.execute_batch("PRAGMA page_size = 4096; CREATE TABLE old(x)").unwrap();
                connection.close().unwrap();
                let connection = Connection::open(&source).unwrap();
                let sql =
                    format!("PRAGMA page_size = {page_size}; CREATE TABLE t(x); INSERT INTO t VALUES (7)");
                connection.execute_batch(&sql).unwrap();
                connection.close().unwrap();
                if journal {
                    let mut header = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
                    for field in [0, 1, 0x4000_0000_u32, 512, 4096] {
                        header.extend(field.to_be_bytes());
                    }
                    header.resize(512, 0);
                    fs::write(beside(&target, "-journal"), header).unwrap();
                } else {
                    fs::File::options().write(true).open(&target).unwrap().set_len(1 << 40).unwrap();
                }
                let options = CopyOptions::new();
                if replace {
                    options.replace(true).refresh(true).copy(&source, &target).unwrap();
                } else {
                    restore(&source, &target).unwrap();
                }
                let metadata = fs::metadata(&target).unwrap();
                assert!(metadata.len() < 100_000 && metadata.blocks() * 512 < 100_000, "{metadata:?}");
                let connection = Connection::open(&target).unwrap();
                assert_eq!(connection.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)), Ok(7));
            }
        }
    }
}
