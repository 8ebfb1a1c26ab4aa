//! Versions before the newest: logs built commit by commit, with the bytes of every state as SQLite itself makes them of a
//! byte copy. What litecopy gives of a version is exactly that state, or it says that the version is gone.

use std::fs;
use std::path::Path;

use litecopy::{CopyOptions, Error, ErrorKind, MemoryTarget, SourceBytes, SourceOptions, StepOutcome};

use crate::copies::memory_copy;
use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::logical_image;
use crate::peer::Peer;
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, PAGE_BYTES, Scene, cut_to, size_bytes};
use crate::wal_states::sum_in_the_other_byte_order;

/// Changes of few pages and many, growth, and pages that nothing else touches.
const COMMITS: [&str; 6] = [
    "UPDATE t SET b = randomblob(40) WHERE a = 5",
    "INSERT INTO ballast VALUES (randomblob(9000))",
    "UPDATE t SET c = randomblob(500) WHERE a % 7 = 0",
    "CREATE TABLE more(a); INSERT INTO more VALUES (randomblob(3000))",
    "DELETE FROM t WHERE a > 100",
    "UPDATE ballast SET a = randomblob(1500) WHERE rowid = 3",
];

/// A database in WAL mode with a connection that never checkpoints by itself, and the state after each commit that is in its log.
struct History {
    scene: Scene,
    writer: Peer,
    salts: Vec<u8>,
    /// As of commit 1, 2, ...
    states: Vec<Vec<u8>>,
}

impl History {
    fn new() -> Self {
        let scene = Scene::with("PRAGMA journal_mode = WAL");
        let writer = scene.peer("PRAGMA wal_autocheckpoint = 0; SELECT * FROM t;");
        Self { scene, writer, salts: Vec::new(), states: Vec::new() }
    }

    /// Runs a transaction, and keeps the state after it.
    fn commit(&mut self, sql: &str) {
        self.writer.execute("main", &format!("BEGIN; {sql}; COMMIT;")).unwrap();
        self.keep();
    }

    fn keep(&mut self) {
        let salts = fs::read(self.scene.wal()).unwrap()[16..24].to_vec();
        if self.salts != salts {
            // The log was begun anew.
            (self.salts, self.states) = (salts, Vec::new());
        }
        let folder = Folder::for_judging();
        self.states.push(fs::read(logical_image(&self.scene.path, &folder)).unwrap());
    }

    fn of_all_commits() -> Self {
        let mut history = Self::new();
        for sql in COMMITS {
            history.commit(sql);
        }
        history
    }

    /// Panics unless every version is right or gone, and the source stays as it is; gives which are right.
    #[track_caller]
    fn right_versions(&self) -> Vec<u64> {
        let before = Fingerprint::of(self.scene.folder.path());
        let right = right_versions(&self.states, |n| version(&self.scene.path, n));
        assert_same(&before, &Fingerprint::of(self.scene.folder.path()));
        right
    }
}

#[track_caller]
fn right_versions(states: &[Vec<u8>], read: impl Fn(u64) -> Result<Vec<u8>, Error>) -> Vec<u64> {
    let mut right = Vec::new();
    for (n, state) in (1..).zip(states) {
        match read(n) {
            Ok(bytes) => {
                assert!(bytes == *state, "version {n} of {}", states.len());
                right.push(n);
            }
            Err(error) => {
                println!("{error}");
                assert_eq!(error.kind(), ErrorKind::VersionGone, "version {n}: {error}");
            }
        }
    }
    let past = states.len() as u64 + 1;
    let error = read(past).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchVersion, "{error}");
    assert!(error.to_string().contains(&format!("holds {} commits", states.len())), "{error}");
    right
}

/// The copy of a version.
fn version(path: &Path, n: u64) -> Result<Vec<u8>, Error> {
    let options = CopyOptions::new().source(SourceOptions::new().as_of(Some(n)));
    memory_copy(&options, path).map(|(bytes, _)| bytes)
}

/// The same of bytes.
fn version_of_bytes(bytes: &SourceBytes, n: u64) -> Result<Vec<u8>, Error> {
    let options = CopyOptions::new().source(SourceOptions::new().as_of(Some(n)));
    let mut backup = options.begin(bytes.clone(), MemoryTarget::new())?;
    while backup.step(7)? != StepOutcome::Done {}
    Ok(backup.finish()?.output)
}

fn all(count: usize) -> Vec<u64> {
    (1..=count as u64).collect()
}

#[test]
fn every_commit_of_a_log_is_a_version() {
    let history = History::of_all_commits();
    assert_eq!(history.right_versions(), all(6));
    assert!(version(&history.scene.path, 0).unwrap() == fs::read(&history.scene.path).unwrap());
    // The same when nobody is connected any more.
    let History { scene, writer, states, .. } = history;
    writer.kill();
    assert_eq!(right_versions(&states, |n| version(&scene.path, n)), all(6));
    fs::remove_file(scene.wal_index()).unwrap();
    assert_eq!(right_versions(&states, |n| version(&scene.path, n)), all(6));
    assert!(version(&scene.path, 0).unwrap() == fs::read(&scene.path).unwrap());
}

#[test]
fn of_bytes_in_both_byte_orders() {
    let history = History::of_all_commits();
    let database = fs::read(&history.scene.path).unwrap();
    let wal = fs::read(history.scene.wal()).unwrap();
    let mut bytes = SourceBytes { database, wal, journal: Vec::new() };
    for _ in 0..2 {
        assert_eq!(right_versions(&history.states, |n| version_of_bytes(&bytes, n)), all(6));
        assert!(version_of_bytes(&bytes, 0).unwrap() == bytes.database);
        sum_in_the_other_byte_order(&mut bytes.wal, PAGE_BYTES);
    }
}

/// A reader keeps the checkpoint from the later commits; a later one goes on to the end.
#[test]
fn what_a_checkpoint_has_written_over_is_gone() {
    let mut history = History::new();
    for sql in &COMMITS[..3] {
        history.commit(sql);
    }
    let mut reader = history.scene.peer("BEGIN; SELECT count(*) FROM t;");
    for sql in &COMMITS[3..] {
        history.commit(sql);
    }
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    // Pages of commit 2 and 3 that no earlier one has are in the file; those of 4 to 6 are not.
    assert_eq!(history.right_versions(), [3, 4, 5, 6]);
    reader.execute("main", "COMMIT").unwrap();
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert_eq!(history.right_versions(), [6]);
    let History { scene, writer, states, .. } = history;
    reader.kill();
    writer.kill();
    assert_eq!(right_versions(&states, |n| version(&scene.path, n)), [6]);
}

/// Commits that write the same pages again and again leave every version there, checkpointed or not.
#[test]
fn pages_that_every_commit_has_are_never_gone() {
    let mut history = History::new();
    for _ in 0..4 {
        history.commit("UPDATE t SET c = randomblob(500) WHERE a = 5");
    }
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert_eq!(history.right_versions(), all(4));
}

/// A checkpoint writes page after page: it may have been killed after any of them.
#[test]
fn beside_a_checkpoint_that_was_killed_a_version_is_right_or_gone() {
    let mut history = History::of_all_commits();
    let (before, wal) = (fs::read(&history.scene.path).unwrap(), fs::read(history.scene.wal()).unwrap());
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let after = fs::read(&history.scene.path).unwrap();
    let page_bytes = usize::try_from(PAGE_BYTES).unwrap();
    for written in (0..=before.len()).step_by(page_bytes) {
        let database = [&after[..written], &before[written..]].concat();
        let bytes = SourceBytes { database, wal: wal.clone(), journal: Vec::new() };
        let right = right_versions(&history.states, |n| version_of_bytes(&bytes, n));
        assert!(right.contains(&6), "{written} bytes written");
    }
}

#[test]
fn a_log_begun_anew_counts_from_one() {
    let mut history = History::of_all_commits();
    history.writer.query("main", "PRAGMA wal_checkpoint(RESTART)").unwrap();
    assert_eq!(history.right_versions(), [6]);
    history.commit(COMMITS[0]);
    history.commit(COMMITS[2]);
    assert_eq!(history.states.len(), 2);
    assert_eq!(history.right_versions(), [1, 2]);
    history.writer.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(version(&history.scene.path, 1).unwrap_err().kind(), ErrorKind::NoSuchVersion);
    assert!(version(&history.scene.path, 0).unwrap() == *history.states.last().unwrap());
}

/// Cut at any length, a log has the commits that are whole.
#[test]
fn torn_tails_have_fewer_versions() {
    let seed = seed("torn_tails_have_fewer_versions");
    let mut random = Random::from_seed(seed);
    let History { scene, writer, states, .. } = History::of_all_commits();
    writer.kill();
    let whole = size_bytes(&scene.wal());
    let mut lengths: Vec<u64> = (0..12).map(|_| random.below(whole)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    for length in lengths {
        cut_to(&scene.wal(), length);
        let there = (1..=states.len() as u64)
            .take_while(|&n| {
                version(&scene.path, n).map_err(|error| error.kind()) != Err(ErrorKind::NoSuchVersion)
            })
            .count();
        assert_eq!(right_versions(&states[..there], |n| version(&scene.path, n)), all(there));
        let folder = Folder::for_judging();
        let newest = fs::read(logical_image(&scene.path, &folder)).unwrap();
        let ours = version(&scene.path, there as u64).unwrap();
        assert!(ours == newest, "cut to {length}: SQLite sees another commit last than {there}");
    }
}

/// A file that a checkpoint has cut off, and that has grown again since, has lost what lay behind.
#[test]
fn what_was_cut_off_is_gone() {
    let mut history = History::new();
    history.commit(COMMITS[0]);
    history.writer.execute("main", "DELETE FROM ballast; VACUUM;").unwrap();
    // The deletion, and the vacuum.
    let shrunk = size_bytes(&history.scene.path);
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert!(size_bytes(&history.scene.path) < shrunk, "nothing was cut off");
    let error = version(&history.scene.path, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionGone, "{error}");
    assert!(version(&history.scene.path, 3).is_ok());
}

#[test]
fn without_a_log_there_is_the_file_alone() {
    let scene = Scene::new();
    assert!(version(&scene.path, 0).unwrap() == fs::read(&scene.path).unwrap());
    let error = version(&scene.path, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchVersion);
    assert!(error.to_string().contains("holds 0 commits"), "{error}");
    // With a hot journal beside it the file is half written: that can be looked at, and is no version to be copied.
    scene.killed_after(&format!("PRAGMA cache_size = 5; BEGIN; {BIG_CHANGE}"));
    scene.assert_hot();
    assert_is_gone(&version(&scene.path, 0));
    assert!(version(&scene.path, 1).is_err());
    let looked_at = SourceOptions::new().as_of(Some(0)).open(&scene.path).unwrap();
    let database = litecopy::Database::open(looked_at, None).unwrap();
    let mut page = vec![0; database.page_size().bytes() as usize];
    database.read_page(litecopy::PageNumber::FIRST, &mut page).unwrap();
    assert!(fs::read(&scene.path).unwrap().starts_with(&page));
    let side_files = |suffix: &str| fs::read(beside(&scene.path, suffix)).unwrap_or_default();
    let bytes = SourceBytes {
        database: fs::read(&scene.path).unwrap(),
        journal: side_files("-journal"),
        wal: side_files("-wal"),
    };
    assert_is_gone(&version_of_bytes(&bytes, 0));
}

#[track_caller]
fn assert_is_gone(copied: &Result<Vec<u8>, Error>) {
    let error = copied.as_ref().map(Vec::len).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionGone, "{error}");
    assert!(error.to_string().contains("version 0 is gone"), "{error}");
}

/// A checkpoint that a reader stops half-way brings a part of the pages to the file, which then is of no commit.
#[test]
fn the_file_alone_is_not_copied_when_a_checkpoint_was_stopped_half_way() {
    let mut history = History::new();
    let before = fs::read(&history.scene.path).unwrap();
    history.commit(COMMITS[0]);
    assert!(version(&history.scene.path, 0).unwrap() == before);
    let mut reader = Peer::connected_to(&history.scene.path);
    reader.execute("main", "BEGIN; SELECT * FROM t;").unwrap();
    for sql in &COMMITS[1..] {
        history.commit(sql);
    }
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert!(fs::read(&history.scene.path).unwrap() != before, "no page came to the file");
    assert_is_gone(&version(&history.scene.path, 0));
    // Nor when nobody is there to ask how far it came.
    let History { scene, writer, .. } = history;
    writer.kill();
    reader.kill();
    assert_is_gone(&version(&scene.path, 0));
    fs::remove_file(scene.wal_index()).unwrap();
    assert_is_gone(&version(&scene.path, 0));
}

/// While a version is read nobody writes to the file, nor begins the log anew, though all of it is in the file.
#[test]
fn a_version_is_held_still() {
    let mut history = History::new();
    for _ in 0..3 {
        history.commit("UPDATE t SET b = randomblob(40) WHERE a = 5");
    }
    history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let options = CopyOptions::new().source(SourceOptions::new().as_of(Some(3))).pages_per_step(5);
    let options = options.consistency(litecopy::Consistency::Hold);
    let (writer, path) = (std::cell::RefCell::new(&mut history.writer), &history.scene.path);
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    options
        .begin(path, litecopy::FileTarget::new(&copy))
        .unwrap()
        .run(|_| {
            let mut writer = writer.borrow_mut();
            writer.execute("main", "UPDATE t SET b = randomblob(40)").unwrap();
            writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(fs::read(&copy).unwrap() == history.states[2]);
}

/// Commits, checkpoints that readers stop half-way, vacuums and connections that come and go, in any order.
#[test]
fn any_history_gives_right_versions_or_none() {
    let seed = seed("any_history_gives_right_versions_or_none");
    let mut random = Random::from_seed(seed);
    let (mut right, mut gone) = (0, 0);
    for _ in 0..8 {
        let mut history = History::new();
        let mut reader = None;
        for _ in 0..18 {
            match random.below(10) {
                0 => reader = Some(history.scene.peer("BEGIN; SELECT count(*) FROM t;")),
                1 => reader = None,
                2 | 3 => drop(history.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap()),
                4 if reader.is_none() => {
                    history.writer.execute("main", "VACUUM").unwrap();
                    history.keep();
                }
                5 => history.commit(
                    "DELETE FROM ballast WHERE rowid % 2 = 0; UPDATE t SET b = randomblob(40) WHERE a = 9",
                ),
                _ => {
                    let a = random.below(120);
                    let sql = format!(
                        "UPDATE t SET c = randomblob(500) WHERE a BETWEEN {a} AND {}",
                        a + random.below(9)
                    );
                    // A commit that changes nothing leaves no frame.
                    history.commit(&format!("INSERT INTO ballast VALUES (randomblob(700)); {sql}"));
                }
            }
        }
        let ours = history.right_versions();
        assert_eq!(ours.last().copied().unwrap_or_default(), history.states.len() as u64);
        right += ours.len();
        gone += history.states.len() - ours.len();
        // The same when nobody is left to say how far a checkpoint came.
        let History { scene, writer, states, .. } = history;
        drop(reader);
        writer.kill();
        let alone = right_versions(&states, |n| version(&scene.path, n));
        assert!(alone.iter().all(|n| ours.contains(n)), "{alone:?} without the wal-index, {ours:?} with it");
    }
    println!("{right} versions right, {gone} gone");
}
