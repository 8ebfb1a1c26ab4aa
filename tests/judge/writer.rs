//! A writer whose every committed version can be told from the data: the whole content follows from its number.
//!
//! Version `v` of the database holds
//!
//! - `version`: one row, `v`;
//! - `part`: [`PART_COUNT`] rows, each written last by the newest version up to `v` that [`touches`] it, and saying
//!   so, with a body that follows from that version and the row. A commit touches an eighth of them, all over the file;
//! - `extra`: rows that pile up over twenty versions and are then all deleted, so that the file grows and shrinks.
//!
//! A copy that mixes two versions has a row that its version does not explain: [`verify`] finds it. Writers in
//! several processes can share a database, since each transaction reads the version that it follows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use serde_json::{Value as Json, json};

use crate::content::integrity_check_of;
use crate::random::{Random, mixed};

const PART_COUNT: u64 = 120;
const EXTRA_CYCLE: u64 = 20;

/// Makes version 0.
pub(crate) fn create(database: &Path, journal_mode: &str) {
    let mut connection = Connection::open(database).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = {journal_mode};
             CREATE TABLE version(number INTEGER);
             CREATE TABLE part(id INTEGER PRIMARY KEY, version INTEGER, body BLOB);
             CREATE INDEX part_version ON part(version);
             CREATE TABLE extra(id INTEGER PRIMARY KEY, body BLOB);"
        ))
        .unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO version VALUES (0)", []).unwrap();
    for id in 0..PART_COUNT {
        transaction.execute("INSERT INTO part VALUES (?1, 0, ?2)", (id as i64, body(0, id))).unwrap();
    }
    transaction.commit().unwrap();
    connection.close().unwrap();
}

/// Panics unless the copy is sound and holds exactly one version, whose number it gives.
#[track_caller]
pub(crate) fn verify(copy: &Path) -> u64 {
    let connection = Connection::open(copy).unwrap();
    verify_connection(&connection)
}

#[track_caller]
pub(crate) fn verify_connection(connection: &Connection) -> u64 {
    assert_eq!(integrity_check_of(connection), "'ok'");
    let version: i64 = connection.query_row("SELECT number FROM version", [], |row| row.get(0)).unwrap();
    let version = u64::try_from(version).unwrap();
    let parts = bodies(connection, "SELECT id, version, body FROM part ORDER BY id");
    let expected: Vec<_> =
        (0..PART_COUNT).map(|id| (id, last_touch(version, id), body(last_touch(version, id), id))).collect();
    assert_same_rows("part", version, &expected, &parts);
    let extras = bodies(connection, "SELECT id, id, body FROM extra ORDER BY id");
    let first = version - version % EXTRA_CYCLE + 1;
    let expected: Vec<_> = (first..=version).map(|id| (id, id, extra(id))).collect();
    assert_same_rows("extra", version, &expected, &extras);
    version
}

type Rows = Vec<(u64, u64, Vec<u8>)>;

#[track_caller]
fn assert_same_rows(table: &str, version: u64, expected: &Rows, found: &Rows) {
    let ids = |rows: &Rows| rows.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>();
    assert_eq!(
        ids(expected),
        ids(found),
        "{table} at version {version}: rows and the versions that wrote them"
    );
    assert!(expected == found, "{table} at version {version}: bodies");
}

fn bodies(connection: &Connection, sql: &str) -> Rows {
    let mut statement = connection.prepare(sql).unwrap();
    let number = |value: i64| u64::try_from(value).unwrap();
    statement
        .query_map([], |row| Ok((number(row.get(0)?), number(row.get(1)?), row.get(2)?)))
        .unwrap()
        .collect::<rusqlite::Result<Rows>>()
        .unwrap()
}

/// Whether the commit of a version writes this row.
fn touches(version: u64, id: u64) -> bool {
    version == 0 || mixed(version << 20 | id).is_multiple_of(8)
}

fn last_touch(version: u64, id: u64) -> u64 {
    (0..=version).rev().find(|version| touches(*version, id)).unwrap_or(0)
}

fn body(version: u64, id: u64) -> Vec<u8> {
    let mut random = Random::from_seed(version << 20 | id);
    let length = 500 + random.below(1500);
    (0..length / 8).flat_map(|_| random.next().to_le_bytes()).collect()
}

fn extra(id: u64) -> Vec<u8> {
    body(id, u64::from(u16::MAX)).repeat(4)
}

/// What a writer is to do.
pub(crate) struct Plan {
    pub(crate) database: PathBuf,
    pub(crate) seed: u64,
    /// Set on each new connection; WAL and rollback modes are never mixed in one test.
    pub(crate) journal_mode: &'static str,
    /// The highest number of transactions before the connection is closed and opened anew. 0: never.
    pub(crate) reconnect_after: u64,
    /// Checkpoint in every way now and then.
    pub(crate) checkpoints: bool,
    /// The highest pause between bursts of transactions, in milliseconds.
    pub(crate) pause_ms: u64,
    /// Each transaction first changes every row, over a cache of five pages, and takes that back; each connection syncs
    /// in another way. So most of the time the file is half written.
    pub(crate) big: bool,
}

const JOURNAL_MODES: [&str; 4] = ["DELETE", "TRUNCATE", "PERSIST", "WAL"];

impl Plan {
    pub(crate) fn to_json(&self) -> Json {
        json!({
            "database": self.database, "seed": self.seed, "journal_mode": self.journal_mode,
            "reconnect_after": self.reconnect_after, "checkpoints": self.checkpoints, "pause_ms": self.pause_ms,
            "big": self.big,
        })
    }

    pub(crate) fn from_json(json: &Json) -> Self {
        let mode = json["journal_mode"].as_str().unwrap();
        Self {
            database: PathBuf::from(json["database"].as_str().unwrap()),
            seed: json["seed"].as_u64().unwrap(),
            journal_mode: JOURNAL_MODES.into_iter().find(|known| *known == mode).unwrap(),
            reconnect_after: json["reconnect_after"].as_u64().unwrap(),
            checkpoints: json["checkpoints"].as_bool().unwrap(),
            pause_ms: json["pause_ms"].as_u64().unwrap(),
            big: json["big"].as_bool().unwrap(),
        }
    }
}

/// What a reader can meet: at least `committed`, at most `begun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) committed: u64,
    pub(crate) begun: u64,
}

impl Versions {
    pub(crate) fn to_json(self) -> Json {
        json!({"committed": self.committed, "begun": self.begun})
    }

    pub(crate) fn from_json(json: &Json) -> Self {
        Self { committed: json["committed"].as_u64().unwrap(), begun: json["begun"].as_u64().unwrap() }
    }
}

/// What a writer did, and every result code that SQLite refused something with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) commits: u64,
    pub(crate) connections: u64,
    pub(crate) checkpoints: u64,
    /// Extended result code and how often.
    pub(crate) failures: BTreeMap<i32, u64>,
}

impl Report {
    pub(crate) fn to_json(&self) -> Json {
        let failures: Vec<_> = self.failures.iter().collect();
        json!({
            "commits": self.commits, "connections": self.connections,
            "checkpoints": self.checkpoints, "failures": failures,
        })
    }

    pub(crate) fn from_json(json: &Json) -> Self {
        let failures: Vec<(i32, u64)> = serde_json::from_value(json["failures"].clone()).unwrap();
        Self {
            commits: json["commits"].as_u64().unwrap(),
            connections: json["connections"].as_u64().unwrap(),
            checkpoints: json["checkpoints"].as_u64().unwrap(),
            failures: failures.into_iter().collect(),
        }
    }

    /// Panics if the writer met anything but ordinary BUSY.
    #[track_caller]
    pub(crate) fn assert_only_busy(&self) {
        assert!(self.failures.keys().all(|code| code & 0xff == crate::peer::BUSY), "{self:?}");
    }
}

/// A thread that writes until it is told to stop.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: JoinHandle<Report>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    committed: AtomicU64,
    begun: AtomicU64,
}

impl Writer {
    pub(crate) fn start(plan: Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                Work { random: Random::from_seed(plan.seed), plan, shared, report: Report::default() }.run()
            }
        });
        Self { shared, thread }
    }

    pub(crate) fn versions(&self) -> Versions {
        // In this order: what is committed was begun.
        let committed = self.shared.committed.load(Ordering::SeqCst);
        Versions { committed, begun: self.shared.begun.load(Ordering::SeqCst) }
    }

    pub(crate) fn stop(self) -> Report {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

struct Work {
    plan: Plan,
    shared: Arc<Shared>,
    random: Random,
    report: Report,
}

impl Work {
    fn run(mut self) -> Report {
        while !self.stopped() {
            match self.one_connection() {
                Ok(()) => {}
                Err(error) => self.note(&error),
            }
        }
        self.report
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }

    fn one_connection(&mut self) -> rusqlite::Result<()> {
        let mut connection = Connection::open(&self.plan.database)?;
        connection.busy_timeout(Duration::from_millis(50))?;
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 100")?;
        // A cache so small that big transactions spill into the file or the log before they commit.
        connection.execute_batch("PRAGMA cache_size = 20")?;
        if self.plan.big {
            let synchronous = self.random.one_of(&["OFF", "OFF", "NORMAL", "FULL", "EXTRA"]);
            connection
                .execute_batch(&format!("PRAGMA cache_size = 5; PRAGMA synchronous = {synchronous};"))?;
        }
        if self.plan.journal_mode != "WAL" {
            connection
                .query_row(&format!("PRAGMA journal_mode = {}", self.plan.journal_mode), [], |_| Ok(()))?;
        }
        self.report.connections += 1;
        let transactions = match self.plan.reconnect_after {
            0 => u64::MAX,
            limit => 1 + self.random.below(limit),
        };
        for _ in 0..transactions {
            if self.stopped() {
                break;
            }
            match self.transaction(&mut connection) {
                Ok(()) => self.report.commits += 1,
                Err(error) => self.note(&error),
            }
            if self.plan.checkpoints && self.random.below(4) == 0 {
                self.checkpoint(&connection)?;
            }
            if self.random.below(5) == 0 {
                thread::sleep(Duration::from_millis(self.random.below(self.plan.pause_ms + 1)));
            }
        }
        connection.close().map_err(|(_, error)| error)
    }

    fn transaction(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = self.write(connection).and_then(|version| self.commit(connection, version));
        if written.is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        written
    }

    /// Writes the version after the one that is there.
    fn write(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let before: i64 = connection.query_row("SELECT number FROM version", [], |row| row.get(0))?;
        let version = u64::try_from(before).unwrap() + 1;
        if self.plan.big {
            connection.execute_batch(
                "SAVEPOINT big; UPDATE part SET version = -1, body = randomblob(length(body) / 2);
                 ROLLBACK TO big; RELEASE big;",
            )?;
        }
        connection.execute("UPDATE version SET number = ?1", [version as i64])?;
        let mut update =
            connection.prepare_cached("UPDATE part SET version = ?2, body = ?3 WHERE id = ?1")?;
        for id in (0..PART_COUNT).filter(|id| touches(version, *id)) {
            update.execute((id as i64, version as i64, body(version, id)))?;
        }
        if version.is_multiple_of(EXTRA_CYCLE) {
            connection.execute("DELETE FROM extra", [])?;
        } else {
            connection.execute("INSERT INTO extra VALUES (?1, ?2)", (version as i64, extra(version)))?;
        }
        Ok(version)
    }

    /// Commits; a reader in the way is waited for, as SQLite keeps the transaction then.
    fn commit(&mut self, connection: &Connection, version: u64) -> rusqlite::Result<()> {
        self.shared.begun.fetch_max(version, Ordering::SeqCst);
        while let Err(error) = connection.execute_batch("COMMIT") {
            if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) || self.stopped() {
                return Err(error);
            }
            self.note(&error);
        }
        self.shared.committed.fetch_max(version, Ordering::SeqCst);
        Ok(())
    }

    fn checkpoint(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let how = self.random.one_of(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]);
        connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))?;
        self.report.checkpoints += 1;
        Ok(())
    }

    fn note(&mut self, error: &rusqlite::Error) {
        let code = error.sqlite_error().map_or(1, |failure| failure.extended_code);
        *self.report.failures.entry(code).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Folder;

    #[test]
    fn two_writers_leave_one_explainable_version() {
        let folder = Folder::new();
        let database = folder.join("a.db");
        create(&database, "WAL");
        assert_eq!(verify(&database), 0);
        let plan = |seed| Plan {
            database: database.clone(),
            seed,
            journal_mode: "WAL",
            reconnect_after: 5,
            checkpoints: true,
            pause_ms: 1,
            big: false,
        };
        let (mut one, mut other) = (crate::peer::Peer::start(), crate::peer::Peer::start());
        let seed = crate::random::seed("two writers");
        one.start_writer(&plan(seed));
        other.start_writer(&plan(seed + 1));
        crate::peer::until("45 versions", || one.versions().committed.max(other.versions().committed) >= 45);
        let (one, other) = (one.stop_writer(), other.stop_writer());
        one.assert_only_busy();
        other.assert_only_busy();
        assert_eq!(verify(&database), one.commits + other.commits);
    }

    #[test]
    fn a_mixed_version_is_seen() {
        let folder = Folder::new();
        let database = folder.join("a.db");
        create(&database, "DELETE");
        let writer = |sql: &str| Connection::open(&database).unwrap().execute_batch(sql).unwrap();
        writer("UPDATE version SET number = 1");
        let verified = std::panic::catch_unwind(|| verify(&database));
        assert!(verified.is_err(), "a version without its rows");
        writer("UPDATE version SET number = 0; UPDATE part SET body = zeroblob(9) WHERE id = 77");
        assert!(std::panic::catch_unwind(|| verify(&database)).is_err(), "a row of no version");
    }
}
