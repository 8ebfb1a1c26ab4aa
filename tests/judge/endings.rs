//! How a copy ends beside writers that never rest: `Auto` always does, `Step` says that it does not, and a snapshot is
//! held for no longer than it may be.

use std::time::{Duration, Instant};

use litecopy::{AtLimit, Backup, Consistency, CopyOptions, ErrorKind, FileTarget, StepOutcome};

use crate::files::Folder;
use crate::judge::{assert_right_copy, logical_image};
use crate::makers::{self, Made};
use crate::peer::Peer;

const COMMIT: &str = "UPDATE t SET b = hex(randomblob(20)) WHERE a % 40 = 1;";

fn auto() -> CopyOptions {
    CopyOptions::new().consistency(Consistency::Auto)
}

/// A copy that is made step by step, while another process commits.
struct Scene {
    made: Made,
    other: Peer,
    targets: Folder,
    backup: Backup<FileTarget>,
}

impl Scene {
    fn new(journal_mode: &str, options: CopyOptions) -> Self {
        let made = makers::usual();
        let mut other = Peer::connected_to(&made.path);
        let setup = format!("PRAGMA busy_timeout = 0; PRAGMA journal_mode = {journal_mode}; {COMMIT}");
        other.execute("main", &setup).unwrap();
        let targets = Folder::new();
        let target = FileTarget::new(targets.join("copy.db"));
        let backup = options.patience(Duration::ZERO).begin(&made.path, target).unwrap();
        Self { made, other, targets, backup }
    }

    /// Commits before each step, as long as that can be; says how often it could.
    fn run_beside_commits(&mut self, sql: &str) -> u32 {
        let (begun, mut commits) = (Instant::now(), 0);
        loop {
            match self.other.execute("main", &format!("BEGIN IMMEDIATE; {sql} COMMIT;")) {
                Ok(()) => commits += 1,
                Err(_) => self.other.execute("main", "ROLLBACK").unwrap(),
            }
            if self.backup.step(3).unwrap() == StepOutcome::Done {
                return commits;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{} left", self.backup.progress().remaining);
        }
    }

    /// The copy is what the source was at its last commit.
    fn assert_right(&self) {
        assert_right_copy(&logical_image(&self.made.path, &Folder::new()), &self.targets.join("copy.db"));
    }
}

#[test]
fn auto_ends_in_rollback_mode_though_there_is_a_commit_before_each_step() {
    let mut scene = Scene::new("DELETE", auto());
    let commits = scene.run_beside_commits(COMMIT);
    // Steps that led nowhere, steps that filled the target, and the last ones, with commits held up.
    assert!(commits > 2, "{commits} commits");
    assert!(scene.backup.progress().restarts >= 1);
    scene.assert_right();
}

#[test]
fn auto_catches_up_with_the_log_when_it_was_held_for_as_long_as_it_may_be() {
    let mut scene = Scene::new("WAL", auto().max_log_growth(1));
    let commits = scene.run_beside_commits("UPDATE t SET b = 'short' WHERE a = 1;");
    assert!(commits > 3, "{commits} commits");
    assert_eq!(scene.backup.progress().restarts, 0, "the log names what was changed");
    scene.assert_right();
}

#[test]
fn a_log_that_was_written_back_whole_still_names_what_was_changed() {
    let mut scene = Scene::new("WAL", auto().max_log_growth(1));
    for _ in 0..2 {
        scene.other.execute("main", "UPDATE t SET b = 'short' WHERE a = 1;").unwrap();
        assert_eq!(scene.backup.step(5).unwrap(), StepOutcome::More);
    }
    let sql = "UPDATE t SET b = 'long' WHERE a = 1; PRAGMA wal_checkpoint(PASSIVE);";
    scene.other.execute("main", sql).unwrap();
    assert_eq!((scene.backup.step(-1).unwrap(), scene.backup.progress().restarts), (StepOutcome::Done, 0));
    scene.assert_right();
}

#[test]
fn a_log_that_was_reset_makes_it_begin_again() {
    let mut scene = Scene::new("WAL", auto().max_log_growth(1));
    assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    scene.other.execute("main", COMMIT).unwrap();
    assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    scene.other.execute("main", "PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    assert_eq!((scene.backup.step(3).unwrap(), scene.backup.progress().restarts), (StepOutcome::More, 0));
    scene.other.execute("main", &format!("{COMMIT} PRAGMA wal_checkpoint(TRUNCATE); {COMMIT}")).unwrap();
    assert_eq!((scene.backup.step(3).unwrap(), scene.backup.progress().restarts), (StepOutcome::More, 1));
    assert_eq!(scene.backup.step(-1).unwrap(), StepOutcome::Done);
    scene.assert_right();
}

/// What is there in several versions counts for nothing when the source has turned to a log and may not be held.
#[test]
fn what_was_filled_beside_a_journal_is_not_taken_for_a_version_when_there_is_a_log() {
    let mut scene = Scene::new("DELETE", auto().max_hold(Duration::ZERO));
    for _ in 0..6 {
        scene.other.execute("main", COMMIT).unwrap();
        assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    }
    scene.other.execute("main", &format!("PRAGMA journal_mode = WAL; {COMMIT}")).unwrap();
    assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    scene.other.execute("main", COMMIT).unwrap();
    while scene.backup.step(-1).unwrap() != StepOutcome::Done {}
    scene.assert_right();
}

/// What grows, shrinks and grows again between two steps is caught up with.
#[test]
fn catching_up_with_a_database_of_changing_size() {
    let mut scene = Scene::new("WAL", auto().max_log_growth(1));
    let grow = "INSERT INTO t(b) SELECT randomblob(900) FROM t LIMIT 60;";
    let shrink = "DELETE FROM t WHERE length(b) = 900; VACUUM;";
    for sql in [grow, grow, shrink, grow, shrink] {
        scene.other.execute("main", sql).unwrap();
        assert_eq!(scene.backup.step(20).unwrap(), StepOutcome::More);
    }
    scene.other.execute("main", grow).unwrap();
    assert_eq!((scene.backup.step(-1).unwrap(), scene.backup.progress().restarts), (StepOutcome::Done, 0));
    scene.assert_right();
}

/// Who empties the log waits for a snapshot that is held, and all who write with him: auto lets it go, and catches up.
#[test]
fn a_checkpoint_that_waits_has_its_turn() {
    let mut scene = Scene::new("WAL", auto());
    assert_eq!(scene.backup.step(3).unwrap(), StepOutcome::More);
    scene.other.execute("main", COMMIT).unwrap();
    let path = scene.made.path.clone();
    let checkpoint = std::thread::spawn(move || {
        let mut peer = Peer::connected_to(&path);
        peer.execute("main", "PRAGMA busy_timeout = 60000").unwrap();
        peer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap()
    });
    let begun = Instant::now();
    while !checkpoint.is_finished() {
        let _ = scene.backup.step(0).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert!(begun.elapsed() < Duration::from_secs(40), "it waits for our snapshot");
    }
    assert_eq!(checkpoint.join().unwrap(), [["0", "0", "0"]]);
    scene.other.execute("main", COMMIT).unwrap();
    while scene.backup.step(50).unwrap() != StepOutcome::Done {}
    scene.assert_right();
}

#[test]
fn a_hold_ends_at_its_limit_with_an_error_when_that_is_chosen() {
    for (mode, limits) in [
        ("DELETE", CopyOptions::new().max_hold(Duration::ZERO)),
        ("WAL", CopyOptions::new().max_hold(Duration::ZERO)),
        ("WAL", CopyOptions::new().max_log_growth(4096)),
    ] {
        let mut scene = Scene::new(mode, limits.consistency(Consistency::Hold).at_limit(AtLimit::Fail));
        let error = loop {
            match scene.backup.step(1) {
                Ok(StepOutcome::More) => scene.other.execute("main", COMMIT).unwrap(),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::HoldLimit, "{error}");
        scene.other.execute("main", COMMIT).unwrap();
        drop(scene.backup);
        assert!(scene.targets.names().is_empty());
    }
}

#[test]
fn steps_that_lead_nowhere_end_with_an_error_that_says_so() {
    for journal_mode in ["DELETE", "WAL"] {
        let made = makers::usual();
        let mut other = Peer::start();
        // Large enough that no copy in small steps is quicker than the writer.
        let first = format!(
            "PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = OFF;
             CREATE TABLE large AS WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                SELECT randomblob(900) FROM n;"
        );
        other.repeat(&made.path, &first, COMMIT);
        let targets = Folder::new();
        let options = CopyOptions::new().pages_per_step(1).patience(Duration::from_millis(100));
        let error = options.copy(&made.path, targets.join("copy.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stalled, "{error}");
        assert!(error.to_string().contains("restarted"), "{error}");
        let auto = options.consistency(Consistency::Auto);
        let report = auto.copy(&made.path, targets.join("auto.db")).unwrap();
        assert!(report.held, "{report:?}");
        assert_eq!(report.longest_lock.is_zero(), journal_mode == "WAL", "{report:?}");
    }
}
