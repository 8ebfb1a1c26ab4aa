//! A process that dies in the midst of a transaction: what it leaves is a hot journal, or a log without an end.

use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

/// Set for a process that was started to die, to the database and the SQL.
const DATABASE: &str = "LITECOPY_DEAD_WRITER";
const SQL: &str = "LITECOPY_DEAD_WRITER_SQL";

/// Runs `sql` on a database in another process, which then dies with everything open.
pub(crate) fn die_after(database: &Path, sql: &str) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["dead_writer::dies", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DATABASE, database)
        .env(SQL, sql)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "the writer lives");
}

#[test]
#[ignore = "the body of a process that dies, started by the other tests"]
fn dies() {
    let Some(database) = std::env::var_os(DATABASE) else { return };
    let connection = Connection::open(database).unwrap();
    // Refused where litecopy holds a lock: then nothing was begun, which is fine too.
    drop(connection.execute_batch(&std::env::var(SQL).unwrap()));
    // Nothing is closed on this way out, and nothing dumped.
    std::process::exit(1);
}
