//! The other processes: this program again, in a role. Each ends when its stdin does.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use crate::judge::{self, ACCOUNTS};

/// Another process.
pub(crate) struct Process {
    role: &'static str,
    child: Child,
}

impl Process {
    pub(crate) fn start(role: &'static str, paths: &[&Path]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let child = command.arg(role).args(paths).stdin(Stdio::piped()).spawn().unwrap();
        Self { role, child }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Whether it has ended already.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Asks it to end.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        if status.success() { Ok(()) } else { Err(format!("the {} ended: {status}", self.role)) }
    }
}

/// Plays a role, if that is what the words ask for; gives the exit code.
pub(crate) fn play(words: &[String]) -> Option<i32> {
    let (role, paths) = words.split_first()?;
    let path = Path::new(paths.first()?);
    let act: fn(&Connection) -> rusqlite::Result<()> = match role.as_str() {
        "writer" => write,
        "checkpointer" => checkpoint,
        "reader" => read,
        "restorer" => return Some(crate::tasks::restore_once(path, Path::new(paths.get(1)?))),
        _ => return None,
    };
    std::thread::spawn(|| {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    loop {
        match act(&connection) {
            Ok(()) => {}
            Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy)) => {}
            Err(error) => {
                eprintln!("the {role}: {error}");
                return Some(1);
            }
        }
    }
}

/// Some transfers in one transaction: now and then so many that the cache spills.
fn write(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", 20)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let number: i64 = transaction.query_row("SELECT commits FROM counter", [], |row| row.get(0))?;
    let transfers = if number % 20 == 0 { 300 } else { 1 + number % 7 };
    for transfer in number..number + transfers {
        let (giver, taker) = (transfer * 7_919 % ACCOUNTS + 1, transfer * 104_729 % ACCOUNTS + 1);
        let change = "UPDATE account SET balance = balance + ?2 WHERE id = ?1";
        transaction.execute(change, params![giver, -(transfer % 50)])?;
        transaction.execute(change, params![taker, transfer % 50])?;
        transaction.execute("INSERT INTO note VALUES (?1, ?2, ?3)", params![transfer + 1, giver, taker])?;
    }
    transaction.execute("UPDATE counter SET commits = ?1", [number + transfers])?;
    transaction.commit()
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    for kind in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        std::thread::sleep(Duration::from_millis(40));
        connection.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// Looks at the target as those do who have it open while it is restored.
fn read(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    if let Err(what) = judge::content(&transaction)? {
        eprintln!("a reader of the target saw: {what}");
        std::process::exit(1);
    }
    transaction.commit()?;
    std::thread::sleep(Duration::from_millis(5));
    Ok(())
}
