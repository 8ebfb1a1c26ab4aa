//! A database whose every committed version can be told from a mixture, and whether one is right.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub(crate) const ACCOUNTS: i64 = 1_000;
const MONEY: i64 = ACCOUNTS * 1_000;

/// Makes the database.
pub(crate) fn fill(path: &Path, mode: &str) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", mode).unwrap();
    let content = format!(
        "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, picture BLOB NOT NULL);
         CREATE TABLE note(number INTEGER PRIMARY KEY, giver INTEGER, taker INTEGER);
         CREATE INDEX note_by_giver ON note(giver);
         CREATE TABLE counter(commits INTEGER NOT NULL); INSERT INTO counter VALUES (0);
         WITH n(id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < {ACCOUNTS})
           INSERT INTO account SELECT id, 1000, randomblob(700) FROM n;"
    );
    connection.execute_batch(&content).unwrap();
}

/// What is wrong with the content that is read in this transaction.
pub(crate) fn content(connection: &Connection) -> rusqlite::Result<Result<(), String>> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let commits = number("SELECT commits FROM counter")?;
    let notes = number("SELECT count(*) FROM note")?;
    let money = number("SELECT sum(balance) FROM account")?;
    let is_right = commits == notes && money == MONEY;
    Ok(if is_right { Ok(()) } else { Err(format!("{commits} transfers, {notes} notes, {money} of money")) })
}

/// How many transfers were committed.
pub(crate) fn commits(path: &Path) -> rusqlite::Result<i64> {
    let connection = open(path)?;
    connection.query_row("SELECT commits FROM counter", [], |row| row.get(0))
}

/// Whether the database is one committed version, and sound; gives its transfers.
pub(crate) fn sound(path: &Path) -> Result<i64, String> {
    let judged = || {
        let connection = open(path)?;
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let content = content(&connection)?;
        let commits = connection.query_row("SELECT commits FROM counter", [], |row| row.get(0))?;
        Ok((verdict, content, commits))
    };
    match judged().map_err(|error: rusqlite::Error| error.to_string())? {
        (verdict, Ok(()), commits) if verdict == "ok" => Ok(commits),
        (verdict, content, _) => Err(format!("integrity {verdict}, {content:?}")),
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    Ok(connection)
}
