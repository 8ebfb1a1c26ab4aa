//! A live wal-index in the moments that SQLite's own readers live through: half published, torn by a death, vouching for frames
//! without checksums, or not there since its users know the database by another name.

use std::fs;
use std::time::Duration;

use litecopy::format::wal_index::WAL_INDEX_HEADER_BYTES;
use litecopy::format::{ByteOrder, Salts, WalChecksum, WalIndexHeader};
use litecopy::lock::LockStyle;
use litecopy::{Consistency, CopyOptions, ErrorKind, MemoryTarget, Source, SourceOptions, StepOutcome};

use crate::copies::memory_copy;
use crate::files::{Folder, bytes_at, patch};
use crate::judge::{assert_same_bytes, logical_image};
use crate::peer::{Peer, until};
use crate::states::{PAGE_BYTES, Scene};

const NO_CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 0;";
const COMMITS: &str =
    "UPDATE t SET c = randomblob(500) WHERE a % 3 = 0; INSERT INTO ballast VALUES (randomblob(3000));
                       UPDATE t SET b = randomblob(40) WHERE a < 20;";

/// A database in WAL mode with an idle connection and commits in its log.
fn live() -> (Scene, Peer) {
    let scene = Scene::with("PRAGMA journal_mode = WAL");
    let peer = scene.peer(&format!("{NO_CHECKPOINT} {COMMITS}"));
    (scene, peer)
}

/// What SQLite makes of a byte copy.
fn image(scene: &Scene) -> Vec<u8> {
    let folder = Folder::for_judging();
    fs::read(logical_image(&scene.path, &folder)).unwrap()
}

fn copied(scene: &Scene) -> Vec<u8> {
    memory_copy(&CopyOptions::new(), &scene.path).unwrap().0
}

fn header(scene: &Scene) -> WalIndexHeader {
    WalIndexHeader::parse(&bytes_at(&scene.wal_index(), 0, WAL_INDEX_HEADER_BYTES)).unwrap()
}

fn publish(scene: &Scene, copies: &[u64], header: &WalIndexHeader) {
    for copy in copies {
        patch(&scene.wal_index(), copy * 48, &bytes_of(header));
    }
}

/// The 48 bytes of one copy, as SQLite writes them.
fn bytes_of(header: &WalIndexHeader) -> Vec<u8> {
    let big = u32::from_ne_bytes([0, u8::from(header.checksum_order == ByteOrder::Big), 0, 0]);
    let [c0, c1] = header.page_size_code.to_ne_bytes();
    let flags = big | u32::from_ne_bytes([header.is_init, 0, c0, c1]);
    let mut bytes: Vec<u8> = [header.version, 0, header.change, flags, header.mx_frame, header.page_count]
        .map(u32::to_ne_bytes)
        .concat();
    bytes.extend(header.frame_checksum.words().map(u32::to_ne_bytes).as_flattened());
    bytes.extend(header.salts.0);
    let sum = WalChecksum::SEED.extend(ByteOrder::NATIVE, &bytes).words();
    bytes.extend(sum.map(u32::to_ne_bytes).as_flattened());
    bytes
}

/// Whoever begins the log anew publishes an empty one first, and only then that nothing of it is in the file: between the two, and
/// for ever if he dies there, the count of frames in the file is that of the log before.
#[test]
fn a_log_begun_anew_half_published() {
    let (scene, mut peer) = live();
    peer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let whole = image(&scene);
    let before = header(&scene);
    assert_eq!(bytes_at(&scene.wal_index(), 96, 4), before.mx_frame.to_ne_bytes());
    let salts = Salts(before.salts.0.map(|byte| byte ^ 0x55));
    publish(&scene, &[1, 0], &WalIndexHeader { mx_frame: 0, salts, ..before });
    assert_eq!(peer.query("main", "SELECT count(*) FROM t").unwrap(), [["120"]]);
    assert!(copied(&scene) == whole);
}

/// A writer that dies between the two copies of the header leaves its users to recover it. They can, also while a copy holds
/// its snapshot.
#[test]
fn a_dead_publisher_locks_nobody_out() {
    let (scene, peer) = live();
    let whole = image(&scene);
    let before = header(&scene);
    publish(&scene, &[1], &WalIndexHeader { change: before.change + 1, ..before });
    let options = CopyOptions::new().consistency(Consistency::Hold);
    let mut backup = options.begin(&scene.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(3).unwrap(), StepOutcome::More);
    assert!(!scene.is_locked("WRITE"));
    let mut other = scene.peer("PRAGMA busy_timeout = 0; DELETE FROM t WHERE a > 60;");
    assert_eq!(other.query("main", "SELECT count(*) FROM t").unwrap(), [["60"]]);
    while backup.step(3).unwrap() != StepOutcome::Done {}
    assert!(backup.finish().unwrap().output == whole);
    drop(peer);
}

/// What makes no sense for a moment is looked at again before it is called damage.
#[test]
fn a_log_whose_header_is_just_being_written() {
    let (scene, peer) = live();
    let whole = image(&scene);
    let sum = bytes_at(&scene.wal(), 32 + 16, 8);
    patch(&scene.wal(), 32 + 16, &[0xee; 8]);
    let wal = scene.wal();
    let mender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        patch(&wal, 32 + 16, &sum);
    });
    assert!(copied(&scene) == whole);
    mender.join().unwrap();
    drop(peer);
}

/// Gives the frames of the last commits zeros for salts and checksum, as SQLite up to 3.50.1 does in a transaction that spilled,
/// wrote pages again and rolled back to a savepoint.
fn without_checksums(scene: &Scene, frames: std::ops::Range<u64>) {
    for frame in frames {
        patch(&scene.wal(), 32 + (frame - 1) * (24 + PAGE_BYTES) + 8, &[0; 16]);
    }
}

#[test]
fn frames_without_checksums_count_while_the_wal_index_is_live() {
    let (scene, mut peer) = live();
    let recovered_later = image(&scene);
    let first = u64::from(header(&scene).mx_frame) + 1;
    peer.execute("main", COMMITS).unwrap();
    let second = u64::from(header(&scene).mx_frame) + 1;
    let (whole, states) = (image(&scene), Folder::new());
    // In the middle of the log, so that summed frames follow; then to its very end.
    for frames in [first..second - 3, first..second] {
        without_checksums(&scene, frames);
        let theirs = states.join("theirs.db");
        peer.backup_start("main", &theirs).unwrap();
        peer.backup_step(-1).unwrap();
        peer.backup_finish().unwrap();
        let before = copied(&scene);
        assert!(before == whole, "the living see all of it");
        assert_eq!(rows(&theirs), rows_of(&before));
        for consistency in [Consistency::Step, Consistency::Hold] {
            let options = CopyOptions::new().pages_per_step(3).consistency(consistency);
            let (bytes, report) = memory_copy(&options, &scene.path).unwrap();
            assert!(bytes == whole && report.source_notes.unsummed_frames > 0);
        }
        fs::remove_file(&theirs).unwrap();
    }
    // Further commits go on from what the last one left.
    peer.execute("main", "DELETE FROM t WHERE a > 60").unwrap();
    assert_eq!(rows_of(&copied(&scene)), 60);
    // Nobody vouches for them any more: as SQLite recovers it.
    peer.kill();
    scene.assert_copied();
    assert!(copied(&scene) == recovered_later);
}

fn rows(database: &std::path::Path) -> i64 {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn rows_of(bytes: &[u8]) -> i64 {
    let folder = Folder::for_judging();
    let path = folder.join("copy.db");
    fs::write(&path, bytes).unwrap();
    rows(&path)
}

/// The log lies beside another name: what is committed there would not be seen, and a checkpoint would tear the copy.
#[test]
fn used_under_another_name_is_refused() {
    let (scene, peer) = live();
    let alias = scene.folder.join("alias.db");
    fs::hard_link(&scene.path, &alias).unwrap();
    let copy = |path, alone| {
        let source = SourceOptions::new().alone(alone);
        memory_copy(&CopyOptions::new().source(source), path).map(|(bytes, _)| bytes)
    };
    let error = copy(&alias, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogElsewhere, "{error}");
    assert!(error.advice().is_some());
    assert!(copy(&alias, true).unwrap() == fs::read(&alias).unwrap(), "as it is, when told so");
    assert!(copy(&scene.path, false).unwrap() == image(&scene), "by its own name");
    // Another copy that reads it meanwhile is nobody who writes.
    let resting = Source::open(&alias).unwrap();
    drop(peer);
    until("nobody is connected", || !scene.is_locked("DMS"));
    let mut reader =
        CopyOptions::new().consistency(Consistency::Hold).begin(resting, MemoryTarget::new()).unwrap();
    assert_eq!(reader.step(3).unwrap(), StepOutcome::More);
    assert!(copy(&alias, false).is_ok());
}

#[test]
fn a_log_that_was_removed_or_renamed_under_its_users_is_refused() {
    let (scene, mut peer) = live();
    let moved = Folder::new();
    for (file, name) in [(scene.wal(), "wal"), (scene.wal_index(), "shm")] {
        fs::rename(file, moved.join(name)).unwrap();
    }
    peer.execute("main", "DELETE FROM t WHERE a > 60").unwrap();
    let error = memory_copy(&CopyOptions::new(), &scene.path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogElsewhere, "{error}");
}

/// A file whose time lies ahead of the clock is settled all the same: nothing written now gets that time.
#[test]
fn a_file_time_ahead_of_the_clock() {
    let scene = Scene::with("PRAGMA journal_mode = WAL");
    let mut peer = scene.peer("SELECT * FROM t");
    let ahead = std::time::SystemTime::now() + Duration::from_secs(3600);
    fs::File::options().write(true).open(&scene.path).unwrap().set_modified(ahead).unwrap();
    let options = CopyOptions::new().pages_per_step(3).patience(Duration::from_millis(300));
    let (bytes, report) = memory_copy(&options, &scene.path).unwrap();
    assert_eq!((bytes, report.restarts), (fs::read(&scene.path).unwrap(), 0));
    let stamp = || Source::open(&scene.path).unwrap().stamp().unwrap().unwrap();
    let before = stamp();
    assert!(before.same_content(&stamp()));
    peer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    peer.execute("main", "UPDATE t SET c = 1").unwrap();
    peer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert!(!before.same_content(&stamp()));
    assert_ne!(before.to_string(), stamp().to_string(), "also told apart by who reads them");
}

/// Idle databases in WAL mode, closed in between: one version and the next have nothing but the file's times.
#[test]
fn stamps_of_two_versions_differ() {
    let scene = Scene::with("PRAGMA journal_mode = WAL");
    let stamp = || Source::open(&scene.path).unwrap().stamp().unwrap().unwrap();
    let before = stamp();
    assert_eq!(before.to_string(), stamp().to_string());
    scene.peer("UPDATE t SET c = 1").quit();
    assert!(!scene.wal().exists());
    assert!(!before.same_content(&stamp()));
    assert_ne!(before.to_string(), stamp().to_string());
}

/// No locks, and a writer that never rests: a copy is right, or the source is busy; never torn, never called damaged.
#[test]
fn without_locks_a_copy_is_right_or_busy() {
    let scene = Scene::new();
    let mut peer = scene.peer("CREATE TABLE n(a, v); INSERT INTO n SELECT 0, zeroblob(700) FROM t;");
    peer.repeat(
        &scene.path,
        "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF;",
        "UPDATE n SET a = a + 1, v = zeroblob(500 + a % 300)",
    );
    let source = SourceOptions::new().lock_style(LockStyle::None);
    let options = CopyOptions::new().source(source).lock_timeout(Some(Duration::from_millis(20)));
    let options = options.sleep(Duration::from_millis(1));
    let (mut right, mut busy) = (0, 0);
    for _ in 0..60 {
        match memory_copy(&options, &scene.path) {
            Ok((bytes, _)) => {
                let folder = Folder::for_judging();
                let path = folder.join("copy.db");
                fs::write(&path, bytes).unwrap();
                let connection = rusqlite::Connection::open(&path).unwrap();
                let versions: i64 =
                    connection.query_row("SELECT count(DISTINCT a) FROM n", [], |row| row.get(0)).unwrap();
                assert_eq!(versions, 1, "of two versions");
                right += 1;
            }
            Err(error) => {
                let kinds = [ErrorKind::Busy, ErrorKind::Stalled, ErrorKind::DeadlinePassed];
                assert!(kinds.contains(&error.kind()), "{error}");
                busy += 1;
            }
        }
    }
    println!("{right} right, {busy} busy");
    drop(peer);
    let (bytes, _) = memory_copy(&options, &scene.path).unwrap();
    let folder = Folder::for_judging();
    let ours = folder.join("ours.db");
    fs::write(&ours, bytes).unwrap();
    assert_same_bytes(&logical_image(&scene.path, &Folder::for_judging()), &ours);
}
