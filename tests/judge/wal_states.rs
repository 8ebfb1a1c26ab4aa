//! States of a database in WAL mode: the log whole and torn, the wal-index there, stale, wrong and missing, with somebody
//! connected and with nobody.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::time::Duration;

use litecopy::format::{WalChecksum, WalHeader};
use litecopy::{Consistency, CopyOptions, ErrorKind, MemoryTarget, StepOutcome};

use crate::copies::memory_copy;
use crate::files::{Folder, bytes_at, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::logical_image;
use crate::peer::{BUSY, Peer};
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, PAGE_BYTES, Scene, copied_in_steps, cut_to, number_at, size_bytes};

const FRAME_BYTES: u64 = 24 + PAGE_BYTES;
/// Keeps everything in the log.
const NO_CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 0;";
const COMMITS: &str =
    "UPDATE t SET c = randomblob(500) WHERE a % 3 = 0; INSERT INTO ballast VALUES (randomblob(3000));
                       UPDATE t SET b = randomblob(40) WHERE a < 20;";

/// A database in WAL mode that nobody has open, without a log.
fn closed() -> Scene {
    let scene = Scene::with("PRAGMA journal_mode = WAL");
    assert_eq!(scene.folder.names(), ["source.db"]);
    assert_eq!(bytes_at(&scene.path, 18, 2), [2, 2]);
    scene
}

/// The same with a log that a killed process left.
fn left_log() -> Scene {
    let scene = closed();
    scene.killed_after(&format!("{NO_CHECKPOINT} {COMMITS}"));
    assert_eq!(scene.folder.names(), ["source.db", "source.db-shm", "source.db-wal"]);
    scene.assert_nobody_there();
    scene
}

/// What the wal-index says: frames that are committed, and how many of them are in the database file.
fn frames_and_backfilled(scene: &Scene) -> (u32, u32) {
    let number = |at| u32::from_ne_bytes(bytes_at(&scene.wal_index(), at, 4).try_into().unwrap());
    (number(16), number(96))
}

#[test]
fn others_are_connected() {
    let scene = closed();
    let mut writer = scene.peer(&format!("{NO_CHECKPOINT} {COMMITS} PRAGMA cache_size = 5;"));
    let mut reader = scene.peer("BEGIN; SELECT count(*) FROM t;");
    assert!(scene.is_locked("DMS"));
    scene.assert_copied();
    // Frames that are not committed lie behind the last commit.
    let committed = frames_and_backfilled(&scene).0;
    writer.execute("main", &format!("BEGIN; {BIG_CHANGE}")).unwrap();
    assert!(size_bytes(&scene.wal()) > 32 + u64::from(committed) * FRAME_BYTES, "nothing spilled");
    assert!(scene.is_locked("WRITE"));
    scene.assert_copied();
    writer.execute("main", "ROLLBACK").unwrap();
    scene.assert_copied();
    writer.execute("main", COMMITS).unwrap();
    assert!(frames_and_backfilled(&scene).0 > committed);
    scene.assert_copied();
    assert_eq!(reader.query("main", "SELECT count(*) FROM t").unwrap(), [["120"]]);
}

#[test]
fn nobody_is_connected() {
    let scene = left_log();
    scene.assert_copied();
    // Killed in the middle of a transaction that had spilled into the log.
    scene.killed_after(&format!("{NO_CHECKPOINT} PRAGMA cache_size = 5; {COMMITS} BEGIN; {BIG_CHANGE}"));
    assert!(size_bytes(&scene.wal()) > 32 + u64::from(frames_and_backfilled(&scene).0) * FRAME_BYTES);
    scene.assert_copied();
}

/// Nobody vouches for what a wal-index says when nobody is connected.
#[test]
fn the_wal_index_is_not_to_be_believed() {
    let scene = closed();
    let mut writer = scene.peer(NO_CHECKPOINT);
    writer.execute("main", COMMITS).unwrap();
    let older_index = fs::read(scene.wal_index()).unwrap();
    let older_log = fs::read(scene.wal()).unwrap();
    writer.execute("main", COMMITS).unwrap();
    writer.kill();
    let (index, log) = (fs::read(scene.wal_index()).unwrap(), fs::read(scene.wal()).unwrap());
    let mut random = Random::from_seed(seed("garbage"));
    let garbage: Vec<u8> = (0..4096).flat_map(|_| random.next().to_le_bytes()).collect();
    let all_backfilled = [&index[..96], &index[16..20], &index[100..]].concat();
    let unlocked_marks = [&index[..100], &[0; 20], &index[120..]].concat();
    let other_checksum = [&index[..41], &[index[41] ^ 1], &index[42..]].concat();
    for (what, index) in [
        ("stale: of an earlier commit", &older_index),
        ("that claims to be backfilled", &all_backfilled),
        ("without marks", &unlocked_marks),
        ("whose copies differ", &other_checksum),
        ("garbage", &garbage),
        ("of zeros", &vec![0; 32768]),
        ("of three bytes", &vec![0; 3]),
        ("of 100 bytes", &index[..100].to_vec()),
        ("of no bytes", &vec![]),
    ] {
        println!("{what}");
        fs::write(scene.wal_index(), index).unwrap();
        scene.assert_nobody_there();
        scene.assert_copied();
    }
    println!("of a machine that crashed: newer than the log");
    fs::write(scene.wal_index(), &index).unwrap();
    fs::write(scene.wal(), &older_log).unwrap();
    scene.assert_copied();
    println!("missing");
    fs::remove_file(scene.wal_index()).unwrap();
    fs::write(scene.wal(), &log).unwrap();
    scene.assert_copied();
    assert_eq!(scene.folder.names(), ["source.db", "source.db-wal"]);
}

/// A reader holds its mark in the middle of the log, so that a checkpoint goes only so far.
#[test]
fn partly_checkpointed() {
    let scene = closed();
    let mut writer = scene.peer(&format!("{NO_CHECKPOINT} {COMMITS}"));
    let reader = scene.peer("BEGIN; SELECT count(*) FROM t;");
    writer.execute("main", &format!("{COMMITS} PRAGMA wal_checkpoint(PASSIVE);")).unwrap();
    let (frames, backfilled) = frames_and_backfilled(&scene);
    assert!(0 < backfilled && backfilled < frames, "{backfilled} of {frames}");
    scene.assert_copied();
    writer.kill();
    scene.assert_copied();
    reader.kill();
    scene.assert_nobody_there();
    scene.assert_copied();
    fs::remove_file(scene.wal_index()).unwrap();
    scene.assert_copied();
}

#[test]
fn all_checkpointed() {
    for how in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        let scene = closed();
        let writer = scene.peer(&format!("{NO_CHECKPOINT} {COMMITS} PRAGMA wal_checkpoint({how});"));
        let (frames, backfilled) = frames_and_backfilled(&scene);
        assert_eq!((frames == 0, backfilled), (how == "TRUNCATE", frames));
        scene.assert_copied();
        writer.kill();
        scene.assert_copied();
    }
}

/// The log is begun anew over frames of the generation before.
#[test]
fn begun_anew_over_old_frames() {
    let scene = closed();
    let restart = "PRAGMA wal_checkpoint(RESTART); UPDATE t SET c = 'new' WHERE a = 5;";
    let writer = scene.peer(&format!("{NO_CHECKPOINT} {COMMITS} {COMMITS} {restart}"));
    let (frames, _) = frames_and_backfilled(&scene);
    let behind = 32 + u64::from(frames) * FRAME_BYTES;
    assert!(size_bytes(&scene.wal()) > behind, "no old frames");
    assert_ne!(bytes_at(&scene.wal(), behind + 8, 8), bytes_at(&scene.wal(), 16, 8), "salts of old frames");
    scene.assert_copied();
    writer.kill();
    scene.assert_copied();
}

#[test]
fn torn_at_any_length() {
    let seed = seed("torn logs");
    let mut random = Random::from_seed(seed);
    let scene = left_log();
    let whole = size_bytes(&scene.wal());
    let mut lengths = vec![0, 1, 31, 32, 33, 55, 56, 32 + FRAME_BYTES, 31 + FRAME_BYTES, whole - 1];
    lengths.extend((0..30).map(|_| random.below(whole)));
    lengths.sort_unstable();
    for length in lengths.into_iter().rev() {
        cut_to(&scene.wal(), length);
        let copied =
            scene.assert_judged_alike(&format!("LITECOPY_SEED={seed}, cut to {length} of {whole} bytes"));
        assert!(copied, "{length}");
    }
}

#[test]
fn with_a_wrong_byte() {
    let seed = seed("wrong bytes in logs");
    let mut random = Random::from_seed(seed);
    let scene = left_log();
    let whole = fs::read(scene.wal()).unwrap();
    let mut places: Vec<u64> = (0..40).map(|_| random.below(whole.len() as u64)).collect();
    // Each field of the header and of the first two frames.
    places.extend([3, 7, 11, 15, 19, 23, 27, 31]);
    for frame in [32, 32 + FRAME_BYTES] {
        places.extend([3, 7, 11, 15, 19, 23, 24].map(|field| frame + field));
    }
    for place in places {
        let byte = whole[usize::try_from(place).unwrap()];
        patch(&scene.wal(), place, &[byte ^ 1 << random.below(8)]);
        scene.assert_judged_alike(&format!("LITECOPY_SEED={seed}, wrong byte at {place}"));
        fs::write(scene.wal(), &whole).unwrap();
    }
}

#[test]
fn a_commit_that_shrinks_the_database() {
    let scene = closed();
    let writer = scene.peer(&format!("{NO_CHECKPOINT} DELETE FROM ballast; VACUUM;"));
    let last = 32 + (u64::from(frames_and_backfilled(&scene).0) - 1) * FRAME_BYTES;
    let page_count = u64::from(number_at(&scene.wal(), last + 4));
    assert!(page_count > 0 && page_count * PAGE_BYTES < size_bytes(&scene.path), "{page_count} pages");
    scene.assert_copied();
    writer.kill();
    scene.assert_copied();
    assert_eq!(copied_in_steps(&scene.path).len() as u64, page_count * PAGE_BYTES);
}

/// Logs are written in the byte order of the machine; those of the other kind are read too.
#[test]
fn with_checksums_of_the_other_byte_order() {
    let scene = left_log();
    let expected = copied_in_steps(&scene.path);
    let mut log = fs::read(scene.wal()).unwrap();
    sum_in_the_other_byte_order(&mut log, PAGE_BYTES);
    fs::write(scene.wal(), log).unwrap();
    scene.assert_copied();
    assert!(copied_in_steps(&scene.path) == expected, "SQLite and we read the same as before");
}

/// Gives a log, made in this machine's byte order, the checksums of the other.
pub(crate) fn sum_in_the_other_byte_order(log: &mut [u8], page_bytes: u64) {
    let other_magic: u32 = if number(log) == 0x377f_0682 { 0x377f_0683 } else { 0x377f_0682 };
    log[..4].copy_from_slice(&other_magic.to_be_bytes());
    let big_endian = other_magic == 0x377f_0683;
    let mut sums = (0, 0);
    sum(&mut sums, &log[..24], big_endian);
    write_sums(&mut log[24..32], sums);
    for frame in log[32..].chunks_exact_mut(usize::try_from(24 + page_bytes).unwrap()) {
        sum(&mut sums, &frame[..8], big_endian);
        sum(&mut sums, &frame[24..], big_endian);
        write_sums(&mut frame[16..24], sums);
    }
    let header = WalHeader::parse(&log[..32]).unwrap();
    assert_eq!(header.checksum, WalChecksum { s1: number(&log[24..]), s2: number(&log[28..]) });
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

fn sum((s1, s2): &mut (u32, u32), bytes: &[u8], big_endian: bool) {
    for pair in bytes.chunks(8) {
        let word = |at: usize| {
            let word = number(&pair[at..]);
            if big_endian { word } else { word.swap_bytes() }
        };
        *s1 = s1.wrapping_add(word(0)).wrapping_add(*s2);
        *s2 = s2.wrapping_add(word(4)).wrapping_add(*s1);
    }
}

fn write_sums(place: &mut [u8], (s1, s2): (u32, u32)) {
    place[..4].copy_from_slice(&s1.to_be_bytes());
    place[4..].copy_from_slice(&s2.to_be_bytes());
}

#[test]
fn a_log_with_nothing_in_it() {
    for log in [&b""[..], b"x", &[0x37; 31], &[0; 32], &[0x55; 5000]] {
        let scene = closed();
        fs::write(scene.wal(), log).unwrap();
        scene.assert_copied();
        // The same beside a wal-index that somebody left.
        fs::write(scene.wal_index(), [0; 3]).unwrap();
        scene.assert_copied();
    }
}

#[test]
fn no_log_beside_a_header_that_says_wal() {
    let scene = closed();
    scene.assert_copied();
    fs::write(scene.wal_index(), vec![0x55; 32768]).unwrap();
    scene.assert_copied();
    assert_eq!(scene.folder.names(), ["source.db", "source.db-shm"]);
}

#[test]
fn a_log_beside_a_header_that_says_rollback() {
    let scene = closed();
    // No commit that changes page 1, so that the header is the file's.
    scene.killed_after(&format!("{NO_CHECKPOINT} UPDATE t SET c = zeroblob(500) WHERE a < 9;"));
    let in_file = fs::read(&scene.path).unwrap();
    patch(&scene.path, 18, &[1, 1]);
    scene.assert_copied();
    let copied = copied_in_steps(&scene.path);
    assert_eq!(copied[18..20], [1, 1]);
    assert_ne!(copied[100..], in_file[100..], "the log counts");
}

/// SQLite says CORRUPT.
#[test]
fn a_log_of_pages_of_another_size_is_refused() {
    let scene = closed();
    let other = Scene::with("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL");
    other.killed_after(&format!("{NO_CHECKPOINT} UPDATE t SET c = zeroblob(500) WHERE a < 9;"));
    fs::copy(other.wal(), scene.wal()).unwrap();
    assert!(!scene.assert_judged_alike("pages of 4096 bytes in the log, of 1024 in the file"));
    let message = scene.assert_damaged();
    assert!(message.contains("4096") && message.contains("1024"), "{message}");
}

/// Panics unless the copy waits for as long as it may, and then says that it is busy.
#[track_caller]
pub(crate) fn assert_busy(scene: &Scene) {
    let before = Fingerprint::of(scene.folder.path());
    let mut backup = CopyOptions::new().begin(&scene.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Busy);
    let timeout = Some(Duration::from_millis(100));
    let error = memory_copy(&CopyOptions::new().lock_timeout(timeout), &scene.path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert_same(&before, &Fingerprint::of(scene.folder.path()));
}

/// `locking_mode = EXCLUSIVE` with a log: no wal-index at all, and nobody gets in until its end.
#[test]
fn a_connection_that_keeps_the_log_to_itself() {
    let scene = Scene::new();
    let exclusive = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;";
    let holder = scene.peer(&format!("{exclusive} {NO_CHECKPOINT} {COMMITS}"));
    assert_eq!(scene.folder.names(), ["source.db", "source.db-wal"]);
    assert!(scene.is_locked("EXCLUSIVE"));
    assert_busy(&scene);
    let mut other = Peer::start();
    other.open("main", &scene.path).unwrap();
    assert_eq!(other.query("main", "SELECT a FROM t").unwrap_err().code, BUSY);
    holder.kill();
    assert_eq!(scene.folder.names(), ["source.db", "source.db-wal"]);
    scene.assert_copied();
}

/// Killed while it goes from one journal mode to the other, which writes the header by a rollback journal.
#[test]
fn killed_while_the_journal_mode_changes() {
    let mut random = Random::from_seed(seed("changing journal modes"));
    let scene = Scene::new();
    let mut found = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..40 {
        let mut writer = Peer::start();
        let sql = format!("PRAGMA journal_mode = WAL; {COMMITS} PRAGMA journal_mode = DELETE; {COMMITS}");
        writer.repeat(&scene.path, NO_CHECKPOINT, &sql);
        std::thread::sleep(Duration::from_micros(random.below(15_000)));
        writer.kill();
        let header_says = bytes_at(&scene.path, 18, 2);
        *found.entry(format!("{header_says:?} {}", scene.folder.names().join(" "))).or_default() += 1;
        scene.assert_copied();
    }
    println!("{found:#?}");
    assert!(found.len() >= 3);
}

/// While we read beside a stale wal-index somebody comes: he must not take us for one who keeps it (hazard H1), but recover
/// the log, see every commit, and go on.
#[test]
fn somebody_comes_while_we_read_beside_a_stale_wal_index() {
    let scene = closed();
    let mut writer = scene.peer(NO_CHECKPOINT);
    writer.execute("main", COMMITS).unwrap();
    let stale = fs::read(scene.wal_index()).unwrap();
    writer.execute("main", "UPDATE t SET c = 'the last commit'").unwrap();
    writer.kill();
    fs::write(scene.wal_index(), &stale).unwrap();
    let folder = Folder::new();
    let image = fs::read(logical_image(&scene.path, &folder)).unwrap();
    let options = CopyOptions::new().consistency(Consistency::Hold);
    let mut backup = options.begin(&scene.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(3).unwrap(), StepOutcome::More);
    assert!(!scene.is_locked("DMS") && scene.is_locked("READ0"));
    let mut other = scene.peer("");
    let count = "SELECT count(*) FROM t WHERE c = 'the last commit'";
    assert_eq!(other.query("main", count).unwrap(), [["120"]]);
    other.execute("main", "DELETE FROM t; PRAGMA wal_checkpoint(PASSIVE);").unwrap();
    while backup.step(3).unwrap() != StepOutcome::Done {}
    assert_eq!(backup.progress().restarts, 0);
    assert!(backup.finish().unwrap().output == image);
    assert_eq!(other.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
}

/// Whoever opens a database without a log makes a wal-index that knows neither page size nor page count.
#[test]
fn a_wal_index_that_tells_no_sizes() {
    let scene = closed();
    let reader = scene.peer("");
    assert_eq!(frames_and_backfilled(&scene), (0, 0));
    assert_eq!(bytes_at(&scene.wal_index(), 12, 1), [1], "filled in");
    assert_eq!(bytes_at(&scene.wal_index(), 14, 2), [0; 2], "page size");
    assert_eq!(bytes_at(&scene.wal_index(), 20, 4), [0; 4], "page count");
    scene.assert_copied();
    reader.kill();
    scene.assert_copied();
}

/// The log lies beside the file that a link leads to.
#[cfg(unix)]
#[test]
fn named_by_a_symbolic_link() {
    let scene = left_log();
    let links = Folder::new();
    let link = links.join("link.db");
    symlink(&scene.path, &link).unwrap();
    assert!(copied_in_steps(&link) == copied_in_steps(&scene.path));
    assert_eq!(links.names(), ["link.db"]);
    scene.assert_copied();
}
