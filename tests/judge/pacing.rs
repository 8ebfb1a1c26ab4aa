//! A copy that is not as fast as it could be: a rate is kept, writers get their turn, and nobody waits longer for it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use litecopy::{Consistency, CopyOptions, CopyReport, DatabaseSet};

use crate::files::Folder;
use crate::judge::assert_right_copy;
use crate::peer::Peer;

/// Bytes of the database, about.
const SIZE_BYTES: u64 = 2_000_000;
const STEP_PAGES: i32 = 10;
const PAGE_BYTES: u64 = 4096;

/// A database of about [`SIZE_BYTES`], and somebody who has it open.
struct Scene {
    folder: Folder,
    path: PathBuf,
    peer: Peer,
}

impl Scene {
    fn new(journal_mode: &str) -> Self {
        let folder = Folder::new();
        let path = folder.join("source.db");
        let mut peer = Peer::connected_to(&path);
        let sql = format!(
            "PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = {journal_mode};
             CREATE TABLE t(a, b);
             WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {SIZE_BYTES} / 1000)
                INSERT INTO t SELECT i, randomblob(960) FROM n;"
        );
        peer.execute("main", &sql).unwrap();
        Self { folder, path, peer }
    }

    #[track_caller]
    fn copied(&self, options: &CopyOptions) -> CopyReport {
        let copy = self.folder.join("copy.db");
        let report = options.clone().replace(true).copy(&self.path, &copy).unwrap();
        assert_right_copy(&self.path, &copy);
        report
    }
}

fn in_steps(consistency: Consistency) -> CopyOptions {
    CopyOptions::new().consistency(consistency).pages_per_step(STEP_PAGES)
}

/// How long the bytes of a copy take at a rate, but for those of its last step, after which there is no pause.
fn least_time(bytes: u64, rate: u64, last_step_bytes: u64) -> Duration {
    Duration::from_secs_f64((bytes - last_step_bytes) as f64 / rate as f64)
}

#[test]
fn a_rate_is_kept() {
    let rate = 4_000_000;
    for (journal_mode, consistency) in [
        ("DELETE", Consistency::Step),
        ("DELETE", Consistency::Auto),
        ("WAL", Consistency::Hold),
        ("WAL", Consistency::Step),
    ] {
        let scene = Scene::new(journal_mode);
        let report = scene.copied(&in_steps(consistency).rate(Some(rate)));
        let least = least_time(report.size_bytes(), rate, STEP_PAGES.unsigned_abs() as u64 * PAGE_BYTES);
        assert!(least > Duration::from_millis(400), "too small to tell");
        assert!(report.elapsed >= least, "{journal_mode} {consistency:?}: {:?}", report.elapsed);
        // Not kept to the millisecond, but it is the rate that was asked for and not a tenth of it.
        assert!(report.elapsed < least * 10, "{journal_mode} {consistency:?}: {:?}", report.elapsed);
    }
}

#[test]
fn a_rate_is_kept_for_a_set() {
    let scene = Scene::new("WAL");
    // Nobody says how many pages a step takes: a quarter of a second's.
    let set = DatabaseSet::open(&scene.path).unwrap();
    let options = CopyOptions::new().rate(Some(2_000_000));
    let reports = options.copy_set(&set, scene.folder.join("copies")).unwrap();
    let report = &reports[0].report;
    let least = least_time(report.size_bytes(), 2_000_000, 2_000_000 / 4);
    assert!(report.elapsed >= least, "{:?}", report.elapsed);
}

/// At this rate it would take half an hour.
#[test]
fn no_rate_is_kept_while_commits_wait() {
    let scene = Scene::new("DELETE");
    let begun = Instant::now();
    scene.copied(&in_steps(Consistency::Hold).rate(Some(1_000)));
    let set = DatabaseSet::open(&scene.path).unwrap();
    let options = CopyOptions::new().pages_per_step(STEP_PAGES).rate(Some(1_000));
    options.copy_set(&set, scene.folder.join("copies")).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// Whoever stops a copy from elsewhere need not wait for the end of a pause.
#[test]
fn a_pause_ends_when_the_copy_is_cancelled() {
    let scene = Scene::new("DELETE");
    let (begun, token) = (Instant::now(), litecopy::CancelToken::new());
    let options = in_steps(Consistency::Step).rate(1).cancel(token.clone());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        token.cancel();
    });
    let error = options.copy(&scene.path, scene.folder.join("copy.db")).unwrap_err();
    stopper.join().unwrap();
    assert_eq!(error.kind(), litecopy::ErrorKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(scene.folder.names(), ["source.db"]);
}

/// C6: a pause does not last beyond the deadline.
#[test]
fn a_pause_ends_at_the_deadline() {
    let scene = Scene::new("DELETE");
    let begun = Instant::now();
    let options = in_steps(Consistency::Step).rate(Some(1)).deadline(Some(Duration::from_millis(200)));
    let error = options.copy(&scene.path, scene.folder.join("copy.db")).unwrap_err();
    assert_eq!(error.kind(), litecopy::ErrorKind::DeadlinePassed);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn a_gentle_copy_pauses_for_a_writer_at_work() {
    let mut scene = Scene::new("DELETE");
    let gentle = in_steps(Consistency::Step).gentle(true);
    let alone = scene.copied(&gentle);
    scene.peer.execute("main", "BEGIN IMMEDIATE; UPDATE t SET b = 1 WHERE a = 1;").unwrap();
    // 1, 2, 4, 8, 16 and 32 ms, then 64 ms after each step but the last.
    let steps = alone.page_count.div_ceil(STEP_PAGES.unsigned_abs());
    let least = Duration::from_millis(63) + Duration::from_millis(64) * (steps - 7);
    let beside_writer = gentle.copy(&scene.path, scene.folder.join("gentle.db")).unwrap();
    assert!(beside_writer.elapsed >= least, "{:?}, at least {least:?}", beside_writer.elapsed);
    let not_gentle = in_steps(Consistency::Step).copy(&scene.path, scene.folder.join("other.db")).unwrap();
    assert!(not_gentle.elapsed < least, "{:?}", not_gentle.elapsed);
    assert!(alone.elapsed < least, "{:?}", alone.elapsed);
}
