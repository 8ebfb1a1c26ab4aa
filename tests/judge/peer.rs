//! A real SQLite in another process: this test executable, started again, that obeys one JSON order a line.
//!
//! [`Peer`] is the parent's end: it opens connections in the peer, runs SQL on them, drives the C library's online
//! backup call by call, starts a [`crate::writer`] in the background, and can kill the process at any moment. Each
//! answer has a deadline, so that a peer that hangs fails the test and does not hang it.
//!
//! [`peer_process`] is the child's end. libtest writes to the same standard output, so answers carry a prefix.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Lines, StdinLock, Write, stdin, stdout};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio, exit};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value as Json, json};

use crate::content::{rows, rows_of};
use crate::writer::{Plan, Report, Versions, Writer};

/// Marks the lines of standard output that are answers.
const ANSWER: &str = "judge-peer: ";
/// Set for a process that was started to be a peer.
const IS_PEER: &str = "LITECOPY_JUDGE_PEER";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// SQLite's result code for somebody else's lock.
pub(crate) const BUSY: i32 = 5;

/// What SQLite in a peer said no with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqliteFailure {
    pub(crate) code: i32,
    pub(crate) extended: i32,
    pub(crate) message: String,
}

/// What one `sqlite3_backup_step` did, in SQLite's numbers: 0, 5, 6 or 101, and the counters after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BackupStep {
    pub(crate) status: i32,
    pub(crate) remaining: i64,
    pub(crate) page_count: i64,
}

/// SQLite in another process. Killed when dropped.
pub(crate) struct Peer {
    process: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["peer::peer_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(IS_PEER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let output = process.stdout.take().unwrap();
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, answer)) = line.split_once(ANSWER)
                    && sender.send(answer.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { process, orders, answers }
    }

    /// A peer with one connection to `database`, called `main`.
    pub(crate) fn connected_to(database: &Path) -> Self {
        let mut peer = Self::start();
        peer.open("main", database).unwrap();
        peer
    }

    /// The process, as the system's list of locks names it.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Opens a connection under a name; it is there once it has read the schema.
    pub(crate) fn open(&mut self, name: &str, database: &Path) -> Result<(), SqliteFailure> {
        self.order(json!({"do": "open", "name": name, "path": database})).map(drop)
    }

    /// Runs statements, without rows.
    pub(crate) fn execute(&mut self, name: &str, sql: &str) -> Result<(), SqliteFailure> {
        self.order(json!({"do": "execute", "name": name, "sql": sql})).map(drop)
    }

    /// The rows of one statement, the values as SQL literals.
    pub(crate) fn query(&mut self, name: &str, sql: &str) -> Result<Vec<Vec<String>>, SqliteFailure> {
        let found = self.order(json!({"do": "query", "name": name, "sql": sql}))?;
        Ok(serde_json::from_value(found).unwrap())
    }

    /// The same of a statement that stays prepared from the first time on.
    pub(crate) fn query_prepared(
        &mut self,
        name: &str,
        sql: &str,
    ) -> Result<Vec<Vec<String>>, SqliteFailure> {
        let found = self.order(json!({"do": "query_prepared", "name": name, "sql": sql}))?;
        Ok(serde_json::from_value(found).unwrap())
    }

    pub(crate) fn close(&mut self, name: &str) -> Result<(), SqliteFailure> {
        self.order(json!({"do": "close", "name": name})).map(drop)
    }

    /// Begins an online backup of a connection's database into a file, by the C library. One at a time.
    pub(crate) fn backup_start(&mut self, name: &str, target: &Path) -> Result<(), SqliteFailure> {
        self.order(json!({"do": "backup_start", "name": name, "target": target})).map(drop)
    }

    /// `sqlite3_backup_step`.
    pub(crate) fn backup_step(&mut self, pages: i32) -> Result<BackupStep, SqliteFailure> {
        let step = self.order(json!({"do": "backup_step", "pages": pages}))?;
        Ok(BackupStep {
            status: number(&step["status"]),
            remaining: step["remaining"].as_i64().unwrap(),
            page_count: step["page_count"].as_i64().unwrap(),
        })
    }

    pub(crate) fn backup_finish(&mut self) -> Result<(), SqliteFailure> {
        self.order(json!({"do": "backup_finish"})).map(drop)
    }

    /// Lets the peer write in the background; see [`crate::writer`].
    pub(crate) fn start_writer(&mut self, plan: &Plan) {
        self.order(json!({"do": "start_writer", "plan": plan.to_json()})).unwrap();
    }

    /// Lets the peer run statements on a new connection over and over in the background until its end, whatever comes of
    /// them; `first` is run once before.
    pub(crate) fn repeat(&mut self, database: &Path, first: &str, sql: &str) {
        self.order(json!({"do": "repeat", "path": database, "first": first, "sql": sql})).unwrap();
    }

    /// Which versions the writer has surely committed, and which it may have.
    pub(crate) fn versions(&mut self) -> Versions {
        Versions::from_json(&self.order(json!({"do": "versions"})).unwrap())
    }

    /// Stops the writer after its transaction.
    pub(crate) fn stop_writer(&mut self) -> Report {
        Report::from_json(&self.order(json!({"do": "stop_writer"})).unwrap())
    }

    /// Kills the process where it stands (SIGKILL), and waits until it is gone with its locks.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets the peer close its connections in order and end.
    pub(crate) fn quit(mut self) {
        self.order(json!({"do": "quit"})).unwrap();
        self.process.wait().unwrap();
    }

    fn order(&mut self, order: Json) -> Result<Json, SqliteFailure> {
        writeln!(self.orders, "{order}").expect("the peer is there");
        let answer = self
            .answers
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("no answer to {order}: {error}"));
        let mut answer: Json = serde_json::from_str(&answer).unwrap();
        match &answer["failure"] {
            Json::Null => Ok(answer["done"].take()),
            failure => Err(SqliteFailure {
                code: number(&failure["code"]),
                extended: number(&failure["extended"]),
                message: failure["message"].as_str().unwrap().to_owned(),
            }),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Looks again and again until it is so; panics when it takes too long.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn number(value: &Json) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

#[test]
#[ignore = "the body of a peer process, started by the other tests"]
fn peer_process() {
    if std::env::var_os(IS_PEER).is_none() {
        return;
    }
    serve(&mut Served::default(), &mut stdin().lock().lines(), None);
    exit(0);
}

/// What a peer process has open.
#[derive(Default)]
struct Served {
    connections: HashMap<String, Rc<Connection>>,
    writer: Option<Writer>,
}

/// Obeys orders until the parent is gone, or until the end of the given backup.
fn serve(served: &mut Served, orders: &mut Lines<StdinLock<'_>>, backup: Option<&Backup<'_, '_>>) {
    while let Some(Ok(line)) = orders.next() {
        let order: Json = serde_json::from_str(&line).unwrap();
        match order["do"].as_str().unwrap() {
            "backup_start" => {
                let outcome = with_backup(served, orders, &order);
                answer(outcome.map(|()| Json::Null));
            }
            "backup_step" => answer(backup_step(backup.expect("a backup"), &order)),
            "backup_finish" => return,
            "quit" => {
                served.connections.clear();
                answer(Ok(Json::Null));
                exit(0);
            }
            _ => answer(served.obey(&order)),
        }
    }
    exit(0);
}

/// Holds a backup while orders are obeyed, until the one that finishes it.
fn with_backup(served: &mut Served, orders: &mut Lines<StdinLock<'_>>, order: &Json) -> rusqlite::Result<()> {
    let source = Rc::clone(served.connection(order));
    let mut target = Connection::open(order["target"].as_str().unwrap())?;
    let backup = Backup::new(&source, &mut target)?;
    answer(Ok(Json::Null));
    serve(served, orders, Some(&backup));
    Ok(())
}

fn backup_step(backup: &Backup<'_, '_>, order: &Json) -> rusqlite::Result<Json> {
    let status = match backup.step(number(&order["pages"]))? {
        StepResult::More => 0,
        StepResult::Busy => BUSY,
        StepResult::Locked => 6,
        StepResult::Done => 101,
        other => panic!("{other:?}"),
    };
    let progress = backup.progress();
    Ok(json!({"status": status, "remaining": progress.remaining, "page_count": progress.pagecount}))
}

impl Served {
    fn obey(&mut self, order: &Json) -> rusqlite::Result<Json> {
        match order["do"].as_str().unwrap() {
            "open" => {
                let connection = open(order["path"].as_str().unwrap())?;
                self.connections.insert(order["name"].as_str().unwrap().to_owned(), Rc::new(connection));
            }
            "execute" => self.connection(order).execute_batch(order["sql"].as_str().unwrap())?,
            "query" => {
                return rows(self.connection(order), order["sql"].as_str().unwrap()).map(|rows| json!(rows));
            }
            "query_prepared" => {
                let mut statement = self.connection(order).prepare_cached(order["sql"].as_str().unwrap())?;
                return rows_of(&mut statement).map(|rows| json!(rows));
            }
            "close" => {
                let connection = self.connections.remove(order["name"].as_str().unwrap()).unwrap();
                Rc::into_inner(connection).expect("no backup of it").close().map_err(|(_, error)| error)?;
            }
            "repeat" => {
                let connection = open(order["path"].as_str().unwrap())?;
                connection.execute_batch(order["first"].as_str().unwrap())?;
                let sql = order["sql"].as_str().unwrap().to_owned();
                thread::spawn(move || {
                    loop {
                        drop(connection.execute_batch(&sql));
                    }
                });
            }
            "start_writer" => self.writer = Some(Writer::start(Plan::from_json(&order["plan"]))),
            "versions" => return Ok(self.writer.as_ref().unwrap().versions().to_json()),
            "stop_writer" => return Ok(self.writer.take().unwrap().stop().to_json()),
            other => panic!("{other}"),
        }
        Ok(Json::Null)
    }

    fn connection(&self, order: &Json) -> &Rc<Connection> {
        &self.connections[order["name"].as_str().unwrap()]
    }
}

/// A connection that has joined the database: its schema is read. It never waits, unless told to.
fn open(path: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::default() | OpenFlags::SQLITE_OPEN_URI)?;
    connection.busy_timeout(Duration::ZERO)?;
    // A lock in the way is for the orders that follow to meet.
    drop(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())));
    Ok(connection)
}

fn answer(outcome: rusqlite::Result<Json>) {
    let line = match outcome {
        Ok(done) => json!({"done": done}),
        Err(error) => {
            let code = error.sqlite_error().map_or(1, |failure| failure.extended_code);
            json!({"failure": {"code": code & 0xff, "extended": code, "message": error.to_string()}})
        }
    };
    let mut output = stdout().lock();
    writeln!(output, "{ANSWER}{line}").unwrap();
    output.flush().unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Folder;

    #[test]
    fn two_peers_meet_each_others_locks() {
        let folder = Folder::new();
        let database = folder.join("a.db");
        let mut one = Peer::connected_to(&database);
        one.execute("main", "CREATE TABLE t(a)").unwrap();
        let mut other = Peer::connected_to(&database);
        one.execute("main", "BEGIN EXCLUSIVE; INSERT INTO t VALUES (1);").unwrap();
        assert_eq!(other.query("main", "SELECT * FROM t").unwrap_err().code, BUSY);
        one.execute("main", "COMMIT").unwrap();
        assert_eq!(other.query("main", "SELECT * FROM t"), Ok(vec![vec!["1".to_owned()]]));
        assert_eq!(other.execute("main", "nonsense").unwrap_err().code, 1);
        one.quit();
        other.close("main").unwrap();
    }

    #[test]
    fn a_killed_peer_leaves_a_hot_journal() {
        let folder = Folder::new();
        let database = folder.join("a.db");
        let mut peer = Peer::connected_to(&database);
        peer.execute("main", "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1);").unwrap();
        peer.kill();
        assert_eq!(folder.names(), ["a.db", "a.db-journal"]);
    }

    #[test]
    fn a_backup_is_driven_call_by_call() {
        let folder = Folder::new();
        let mut peer = Peer::connected_to(&folder.join("a.db"));
        peer.execute(
            "main",
            "PRAGMA page_size = 512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(2000));",
        )
        .unwrap();
        let page_count = 6;
        peer.backup_start("main", &folder.join("b.db")).unwrap();
        assert_eq!(peer.backup_step(4), Ok(BackupStep { status: 0, remaining: page_count - 4, page_count }));
        assert_eq!(peer.query("main", "SELECT length(a) FROM t").unwrap(), [["2000"]]);
        assert_eq!(peer.backup_step(-1), Ok(BackupStep { status: 101, remaining: 0, page_count }));
        peer.backup_finish().unwrap();
        assert_eq!(peer.query("main", "PRAGMA page_count").unwrap(), [[page_count.to_string()]]);
    }
}
