//! A real SQLite process writes without a pause while litecopy copies its database; then SQLite opens the copy and
//! judges it. Run it with `cargo run --release --example live_copy`.
//!
//! The writer moves money between accounts, one transaction a transfer, and notes each in a second table. In every
//! committed version the money adds up to the same sum, and there are as many notes as the counter says. A copy that
//! mixed two versions would fail one of the two, or SQLite's own integrity_check.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

const ACCOUNTS: i64 = 10_000;
const MONEY: i64 = ACCOUNTS * 1_000;
const COPIES: usize = 3;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().collect();
    if let [_, role, database, mode] = words.as_slice()
        && role == "writer"
    {
        return write(Path::new(database), mode);
    }
    let folder = tempfile::tempdir()?;
    for (mode, name) in [("wal", "WAL mode"), ("delete", "rollback-journal mode")] {
        let source = folder.path().join(format!("{mode}.db"));
        let writer = Writer::start(&source, mode)?;
        println!("A SQLite process (number {}) writes {mode}.db, in {name}.", writer.process.id());
        for number in 1..=COPIES {
            copy_and_judge(&source, &folder.path().join(format!("{mode}-copy-{number}.db")))?;
        }
        writer.stop()?;
        println!();
    }
    println!("All copies are right.");
    Ok(())
}

fn copy_and_judge(source: &Path, target: &Path) -> Outcome {
    let commits_before = commits(source)?;
    let report = litecopy::copy_database(source, target)?;
    let commits_after = commits(source)?;

    let copy = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, i64>(0));
    let verdict: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let commits = number("SELECT commits FROM counter")?;
    let notes = number("SELECT count(*) FROM note")?;
    let money = number("SELECT sum(balance) FROM account")?;
    println!(
        "  copied {} pages in {:.0?} (found locked {} times); commits before {commits_before}, in the copy {commits}, \
         after {commits_after}; integrity {verdict}, notes {notes}, money {money}",
        report.page_count, report.elapsed, report.busy_count
    );

    let in_time = (commits_before..=commits_after).contains(&commits);
    if verdict == "ok" && notes == commits && money == MONEY && in_time {
        return Ok(());
    }
    Err(format!("{}: not one committed version of the source", target.display()).into())
}

fn commits(database: &Path) -> rusqlite::Result<i64> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.query_row("SELECT commits FROM counter", [], |row| row.get(0))
}

/// The other process: this program again, in the role of the writer. It ends when its stdin does.
struct Writer {
    process: Child,
}

impl Writer {
    fn start(database: &Path, mode: &str) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("writer").arg(database).arg(mode).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut ready = String::new();
        if let Some(stdout) = process.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut ready)?;
        }
        if ready.trim() == "ready" { Ok(Self { process }) } else { Err("the writer did not start".into()) }
    }

    fn stop(mut self) -> Outcome {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the writer failed: {status}").into()) }
    }
}

fn write(database: &Path, mode: &str) -> Outcome {
    let mut connection = Connection::open(database)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", mode)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.execute_batch(
        "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, picture BLOB NOT NULL);
         CREATE TABLE note(number INTEGER PRIMARY KEY, giver INTEGER, taker INTEGER, amount INTEGER);
         CREATE INDEX note_by_giver ON note(giver);
         CREATE TABLE counter(commits INTEGER NOT NULL);
         INSERT INTO counter VALUES (0);",
    )?;
    connection.execute(
        "WITH RECURSIVE n(id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < ?1)
         INSERT INTO account SELECT id, 1000, randomblob(2000) FROM n",
        [ACCOUNTS],
    )?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    std::thread::spawn(move || {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        told.store(true, Ordering::Relaxed);
    });
    let mut number = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        transfer(&mut connection, number)?;
        if number == 100 {
            println!("ready");
        }
    }
    Ok(())
}

fn transfer(connection: &mut Connection, number: i64) -> rusqlite::Result<()> {
    let giver = number * 7_919 % ACCOUNTS + 1;
    let taker = number * 104_729 % ACCOUNTS + 1;
    let amount = number % 50;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE account SET balance = balance - ?2 WHERE id = ?1", params![giver, amount])?;
    transaction.execute("UPDATE account SET balance = balance + ?2 WHERE id = ?1", params![taker, amount])?;
    transaction.execute("INSERT INTO note VALUES (?1, ?2, ?3, ?4)", params![number, giver, taker, amount])?;
    transaction.execute("UPDATE counter SET commits = ?1", [number])?;
    transaction.commit()
}
