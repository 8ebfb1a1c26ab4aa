//! How long a copy takes to give up beside a busy database, on a host with 50,000 open files: who is in the way is looked for
//! once, and for no longer than a moment.
//!
//! `cargo bench --bench giving_up` prints it; `LITECOPY_OPEN_FILES` sets how many files are open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench may panic: that is how it fails"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// How many files one process has open.
const OPEN_FILES_OF_ONE: usize = 900;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("open") => open_files(),
        Some("lock") => lock(Path::new(&arguments[2])),
        _ => measure(),
    }
}

fn open_files() {
    let _files: Vec<File> = (0..OPEN_FILES_OF_ONE).map(|_| File::open("/dev/null").unwrap()).collect();
    wait_for_the_end();
}

fn lock(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS t(x); BEGIN EXCLUSIVE").unwrap();
    wait_for_the_end();
}

fn wait_for_the_end() {
    println!("up");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// This program again, doing that until its input ends.
fn start(arguments: &[&str]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child
}

fn measure() {
    let wanted = std::env::var("LITECOPY_OPEN_FILES").map_or(50_000, |number| number.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("app.db");
    let mut others = vec![start(&["lock", database.to_str().unwrap()])];
    others.extend((0..wanted / OPEN_FILES_OF_ONE).map(|_| start(&["open"])));
    let target = folder.path().join("copy.db");
    let (database, target) = (database.to_str().unwrap(), target.to_str().unwrap());
    std::fs::copy(database, folder.path().join("other.db")).unwrap();
    let other = folder.path().join("other.db");
    println!("with {} open files on the host:", OPEN_FILES_OF_ONE * (others.len() - 1));
    for arguments in [
        vec!["copy", database, target, "--timeout", "0.5"],
        vec!["restore", other.to_str().unwrap(), database, "--timeout", "0.5"],
        vec!["locks", database],
        vec!["info", database],
    ] {
        let begun = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_litecopy")).args(&arguments).output().unwrap();
        println!("{:>8}: {:.2?}, {}", arguments[0], begun.elapsed(), output.status);
    }
    for mut other in others {
        drop(other.stdin.take());
        other.wait().unwrap();
    }
}
