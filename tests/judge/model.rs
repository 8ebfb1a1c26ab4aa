//! Random schedules by the thousand: commits, rollbacks, spills, checkpoints, readers, `VACUUM`, changes of journal mode and
//! page size, deaths, between steps of any consistency. The copy is always one committed version, and always ends.
//!
//! Each schedule follows from a seed of its own, which is printed when it fails: `LITECOPY_SEED` plays that one first.
//! `LITECOPY_SOAK_SECONDS` plays on for so long. Processes outlive the schedules, so that one takes milliseconds.
//!
//! Version `v` holds: `version`, one row, `v`; `t`, whose row `id` was last written by the newest version up to `v` for which
//! `(id + version) % 7` is 0, and says so; `extra`, rows that pile up over five versions and are then all deleted.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use litecopy::{Backup, Consistency, CopyOptions, MemoryTarget, StepOutcome};
use rusqlite::{Connection, MAIN_DB};

use crate::content::integrity_check_of;
use crate::files::Folder;
use crate::peer::{BUSY, Peer};
use crate::random::{Random, seed};
use crate::schedules::soak_time;

const SCHEDULES: u64 = 1_000;
const ACTIONS: usize = 40;
/// Steps within which a copy ends that is not disturbed, or that holds.
const MOST_STEPS: u32 = 400;
/// And how long it may take at the most, however many steps that are.
const LONGEST: Duration = Duration::from_secs(120);

/// SQLite's result code for another connection of the same process in the way.
const LOCKED: i32 = 6;

/// `SQLITE_IOERR_SHMLOCK`: a connection that turned to WAL mode, and was refused when it wanted back before it had read
/// anything, cannot checkpoint. So it is also where there is no litecopy.
const NO_WAL_INDEX: i32 = 5130;

#[test]
fn schedules_that_begin_with_a_journal() {
    play(&["DELETE", "TRUNCATE", "PERSIST"]);
}

#[test]
fn schedules_that_begin_with_a_log() {
    play(&["WAL"]);
}

fn play(journal_modes: &[&'static str]) {
    let first = seed(&format!("model, {journal_modes:?}"));
    let mut stage = Stage { peers: [None, None] };
    let (begun, mut played, mut tally) = (Instant::now(), 0, Tally::default());
    // None of what is to be mixed may be missing; beside a log a copy is seldom busy, so it may take more schedules.
    let is_mixed = |tally: &Tally| {
        let &Tally { commits, rollbacks, deaths, checkpoints, restarts, busy, held, caught_up } = tally;
        [commits, rollbacks, deaths, checkpoints, restarts, busy, held].iter().all(|&count| count > 0)
            && (caught_up > 0 || journal_modes != ["WAL"])
    };
    while played < SCHEDULES
        || begun.elapsed() < soak_time(0)
        || (!is_mixed(&tally) && played < 10 * SCHEDULES)
    {
        let mut schedule = Schedule::new(&mut stage, first.wrapping_add(played), journal_modes);
        schedule.play();
        tally.add(&schedule.tally);
        played += 1;
    }
    println!("{journal_modes:?}: {played} schedules in {:?}, {tally:?}", begun.elapsed());
    assert!(is_mixed(&tally), "something is missing");
}

/// Processes with SQLite, started when they are needed.
struct Stage {
    peers: [Option<Peer>; 2],
}

/// What happened, in numbers.
#[derive(Debug, Default)]
struct Tally {
    commits: u64,
    rollbacks: u64,
    deaths: u64,
    checkpoints: u64,
    restarts: u64,
    busy: u64,
    /// Copies of an older version than the last, without a restart.
    held: u64,
    /// Copies that met a commit between two steps, and yet are of the last version without a restart.
    caught_up: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.commits += other.commits;
        self.rollbacks += other.rollbacks;
        self.deaths += other.deaths;
        self.checkpoints += other.checkpoints;
        self.restarts += other.restarts;
        self.busy += other.busy;
        self.held += other.held;
        self.caught_up += other.caught_up;
    }
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Away,
    Idle,
    Reading,
    Writing,
}

/// Two connections in each process.
const NAMES: [&str; 2] = ["one", "two"];

struct Schedule<'s> {
    stage: &'s mut Stage,
    seed: u64,
    random: Random,
    folder: Folder,
    path: PathBuf,
    users: [User; 4],
    /// The last committed version.
    committed: i64,
    consistency: Consistency,
    limited: bool,
    /// Until it is done.
    backup: Option<Backup<MemoryTarget>>,
    /// The last committed version at the first step that was not busy.
    begun_with: Option<i64>,
    told: Vec<String>,
    tally: Tally,
}

impl<'s> Schedule<'s> {
    fn new(stage: &'s mut Stage, seed: u64, journal_modes: &[&'static str]) -> Self {
        let mut random = Random::from_seed(seed);
        let folder = Folder::for_judging();
        let path = folder.join("source.db");
        let mode = *random.one_of(journal_modes);
        let auto_vacuum = *random.one_of(&["NONE", "FULL"]);
        let mut peer = stage.peers[0].take().unwrap_or_else(Peer::start);
        peer.open(NAMES[0], &path).unwrap();
        peer.execute(NAMES[0], &creation(mode, auto_vacuum)).unwrap();
        stage.peers[0] = Some(peer);
        let consistency = *random.one_of(&[Consistency::Step, Consistency::Hold, Consistency::Auto]);
        let options = CopyOptions::new().consistency(consistency).patience(Duration::ZERO);
        let (options, limit) = match random.below(4) {
            0 => (options.max_log_growth(1), "no growth"),
            1 => (options.max_hold(Duration::ZERO), "no hold"),
            _ => (options, ""),
        };
        let limited = !limit.is_empty();
        let backup = options.begin(&path, MemoryTarget::new()).unwrap();
        let told = vec![format!("{mode}, auto_vacuum {auto_vacuum}, {consistency:?}, {limit}")];
        Self {
            stage,
            seed,
            random,
            folder,
            path,
            users: [User::Idle, User::Away, User::Away, User::Away],
            committed: 0,
            consistency,
            limited,
            backup: Some(backup),
            begun_with: None,
            told,
            tally: Tally::default(),
        }
    }

    fn play(&mut self) {
        for _ in 0..ACTIONS {
            if self.backup.is_none() {
                break;
            }
            if self.random.below(5) < 2 {
                let pages = *self.random.one_of(&[0, 1, 3, 10, 30, 60]);
                self.step(pages);
            } else {
                let user = usize::try_from(self.random.below(4)).unwrap();
                self.act(user);
            }
        }
        self.finish();
    }

    /// Nobody writes or reads for longer than a moment any more; commits go on where the copy ends beside them.
    fn finish(&mut self) {
        for user in 0..self.users.len() {
            if matches!(self.users[user], User::Reading | User::Writing) {
                // Refused while the copy holds its snapshot, or while it is another's turn.
                self.end(user, "ROLLBACK");
            }
        }
        let disturbed_to_the_end = self.consistency != Consistency::Step && !self.limited;
        let begun = Instant::now();
        for step in 0.. {
            if self.backup.is_none() {
                break;
            }
            // Patience is measured in time: a pass that a busy machine drew out makes it longer.
            assert!(step < MOST_STEPS || begun.elapsed() < LONGEST, "it does not end");
            if disturbed_to_the_end || self.consistency == Consistency::Auto && step < MOST_STEPS / 4 {
                self.commit_or_give_up();
            }
            self.step(20);
        }
        for (user, state) in self.users.iter_mut().enumerate() {
            if *state != User::Away {
                self.stage.peers[user / 2].as_mut().unwrap().close(NAMES[user % 2]).unwrap();
                *state = User::Away;
            }
        }
    }

    /// One action of one of the connections.
    fn act(&mut self, user: usize) {
        let what = self.random.below(20);
        match (self.users[user], what) {
            (User::Away, _) => self.arrive(user),
            (User::Reading | User::Writing | User::Idle, 0) if user >= 2 => self.die(),
            (User::Reading, _) => self.end(user, "COMMIT"),
            (User::Writing, 0..5) => self.end(user, "ROLLBACK"),
            (User::Writing, _) => self.end(user, "COMMIT"),
            (User::Idle, 0..8) => {
                if self.begin_to_write(user) {
                    self.end(user, "COMMIT");
                }
            }
            (User::Idle, 8..11) => drop(self.begin_to_write(user)),
            (User::Idle, 11..13) => {
                if self.run(user, "BEGIN; SELECT count(*) FROM t;") {
                    self.users[user] = User::Reading;
                } else {
                    self.run(user, "ROLLBACK");
                }
            }
            (User::Idle, 13..17) => {
                let how = *self.random.one_of(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]);
                self.tally.checkpoints += 1;
                self.run(user, &format!("PRAGMA wal_checkpoint({how})"));
            }
            (User::Idle, 17) => {
                let bytes = self.random.one_of(&[512, 1024]);
                self.run(user, &format!("PRAGMA page_size = {bytes}; VACUUM;"));
            }
            (User::Idle, 18) => {
                let mode = *self.random.one_of(&["DELETE", "PERSIST", "WAL"]);
                self.run(user, &format!("PRAGMA journal_mode = {mode}"));
            }
            (User::Idle, _) => {
                self.told.push(format!("{user}: closes"));
                self.stage.peers[user / 2].as_mut().unwrap().close(NAMES[user % 2]).unwrap();
                self.users[user] = User::Away;
            }
        }
    }

    fn arrive(&mut self, user: usize) {
        let peer = self.stage.peers[user / 2].get_or_insert_with(Peer::start);
        peer.open(NAMES[user % 2], &self.path).unwrap();
        self.users[user] = User::Idle;
        let frames = *self.random.one_of(&[0, 30]);
        let settings = format!("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = {frames};");
        // A cache so small that transactions spill into the file or the log before they commit.
        self.run(user, &format!("{settings} PRAGMA cache_size = 3;"));
    }

    /// The second process is killed where it stands, with both its connections.
    fn die(&mut self) {
        self.told.push("2 and 3: killed".to_owned());
        self.stage.peers[1].take().unwrap().kill();
        self.users[2..].fill(User::Away);
        self.tally.deaths += 1;
    }

    /// Writes the next version, not committed yet; `false` when somebody is in the way.
    fn begin_to_write(&mut self, user: usize) -> bool {
        if !self.run(user, "BEGIN IMMEDIATE") {
            return false;
        }
        self.users[user] = User::Writing;
        let version = self.committed + 1;
        if self.run(user, &change(version)) {
            return true;
        }
        self.end(user, "ROLLBACK");
        false
    }

    fn end(&mut self, user: usize, how: &str) {
        if !self.run(user, how) {
            return;
        }
        if self.users[user] == User::Writing && how == "COMMIT" {
            self.committed += 1;
            self.tally.commits += 1;
        } else {
            self.tally.rollbacks += 1;
        }
        self.users[user] = User::Idle;
    }

    /// The first connection commits; when that is refused it does not wait.
    fn commit_or_give_up(&mut self) {
        if self.users[0] == User::Away {
            self.arrive(0);
        }
        if self.begin_to_write(0) {
            self.end(0, "COMMIT");
        }
        if self.users[0] == User::Writing {
            self.end(0, "ROLLBACK");
        }
    }

    /// Whether it was done, and not refused as busy.
    fn run(&mut self, user: usize, sql: &str) -> bool {
        let peer = self.stage.peers[user / 2].as_mut().unwrap();
        let outcome = peer.execute(NAMES[user % 2], sql);
        self.told.push(format!("{user}: {sql} {outcome:?}"));
        match outcome {
            Ok(()) => true,
            Err(failure) if [BUSY, LOCKED].contains(&failure.code) => false,
            Err(failure) if failure.extended == NO_WAL_INDEX && sql.contains("checkpoint") => false,
            Err(failure) => panic!("{failure:?}"),
        }
    }

    fn step(&mut self, pages: i32) {
        let mut backup = self.backup.take().unwrap();
        let outcome = backup.step(pages).unwrap();
        self.told.push(format!("step({pages}): {outcome:?}, {} left", backup.progress().remaining));
        if outcome == StepOutcome::Busy {
            self.tally.busy += 1;
        } else {
            self.begun_with.get_or_insert(self.committed);
        }
        if outcome == StepOutcome::Done {
            self.check(backup);
        } else {
            self.backup = Some(backup);
        }
    }

    fn check(&mut self, backup: Backup<MemoryTarget>) {
        let begun_with = self.begun_with.unwrap();
        let restarts = backup.progress().restarts;
        self.tally.restarts += restarts;
        let version = version_in(&backup.finish().unwrap().output);
        assert!((begun_with..=self.committed).contains(&version), "of version {version}");
        if self.consistency == Consistency::Step {
            assert_eq!(version, self.committed);
        }
        if restarts == 0 && begun_with < self.committed {
            self.tally.held += u64::from(version < self.committed);
            self.tally.caught_up += u64::from(version == self.committed);
        }
    }
}

/// Tells what led to a failure.
impl Drop for Schedule<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "LITECOPY_SEED={} in {}:\n{}",
                self.seed,
                self.folder.path().display(),
                self.told.join("\n")
            );
        }
    }
}

fn creation(journal_mode: &str, auto_vacuum: &str) -> String {
    format!(
        "PRAGMA page_size = 512; PRAGMA auto_vacuum = {auto_vacuum}; PRAGMA synchronous = OFF;
         PRAGMA journal_mode = {journal_mode}; PRAGMA cache_size = 3;
         BEGIN;
         CREATE TABLE version(number); INSERT INTO version VALUES (0);
         CREATE TABLE t(id INTEGER PRIMARY KEY, version, body);
         CREATE TABLE extra(id INTEGER PRIMARY KEY, body);
         WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 120)
            INSERT INTO t SELECT i, 0, {} FROM n;
         COMMIT;",
        body("i", "0")
    )
}

/// What a version writes into a row: some hundred bytes that tell both.
fn body(id: &str, version: &str) -> String {
    format!("printf('%.*c', 40 + ({id} * 31 + {version} * 17) % 300, char(97 + {version} % 26))")
}

/// Turns the version before into `version`.
fn change(version: i64) -> String {
    let extra = if version % 5 == 0 {
        "DELETE FROM extra".to_owned()
    } else {
        format!("INSERT INTO extra VALUES ({version}, zeroblob({version} * 700 % 3000))")
    };
    format!(
        "UPDATE version SET number = {version};
         UPDATE t SET version = {version}, body = {} WHERE (id + {version}) % 7 = 0; {extra};",
        body("id", &version.to_string())
    )
}

/// Panics unless the image is sound and holds exactly one version, whose number it gives.
#[track_caller]
fn version_in(image: &[u8]) -> i64 {
    let mut copy = Connection::open_in_memory().unwrap();
    let mut image = image.to_vec();
    // A database in memory has no log: a file without one is read as in rollback mode.
    image[18..20].fill(1);
    copy.deserialize_read_exact(MAIN_DB, image.as_slice(), image.len(), true).unwrap();
    assert_eq!(integrity_check_of(&copy), "'ok'");
    let number = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let version = number("SELECT number FROM version");
    let newest = format!("max({version} - (id + {version}) % 7, 0)");
    let strange = format!("version <> {newest} OR body <> {}", body("id", &newest));
    assert_eq!(number(&format!("SELECT count(*) FROM t WHERE {strange}")), 0, "rows of another version");
    assert_eq!(number("SELECT count(*) FROM t"), 120);
    let first = version - version % 5 + 1;
    let strange = format!("id NOT BETWEEN {first} AND {version} OR length(body) <> id * 700 % 3000");
    assert_eq!(number(&format!("SELECT count(*) FROM extra WHERE {strange}")), 0, "rows of another version");
    assert_eq!(number("SELECT count(*) FROM extra"), version % 5);
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_version_is_seen() {
        let of = |sql: &str| {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&creation("MEMORY", "NONE")).unwrap();
            for version in 1..=12 {
                connection.execute_batch(&change(version)).unwrap();
            }
            connection.execute_batch(sql).unwrap();
            let image = connection.serialize(MAIN_DB).unwrap().to_vec();
            std::panic::catch_unwind(|| version_in(&image)).ok()
        };
        assert_eq!(of(""), Some(12));
        for sql in [
            "UPDATE version SET number = 11",
            "UPDATE t SET version = 5 WHERE id = 3",
            "UPDATE t SET body = 'x' WHERE id = 3",
            "DELETE FROM t WHERE id = 3",
            "DELETE FROM extra WHERE id = 11",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }
}
