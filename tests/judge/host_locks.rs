//! A host that locks at every moment, while litecopy opens and closes the same files in its process (C8).
//!
//! The system's list says whether the host's lock still stands: to open the file here for that would itself drop it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use litecopy::Source;
use rusqlite::Connection;

use crate::files::Folder;
use crate::makers;
use crate::peer::until;

/// The byte of RESERVED.
const RESERVED: &str = "1073741825";

/// Whether this process holds a write lock on the file of that number, from that byte on. The system gives its list in parts, between
/// which others lock and unlock, and what stands then is left out at times: what is gone is so each time.
fn holds(inode: u64, first_byte: &str) -> bool {
    (0..20).any(|_| is_listed(inode, first_byte))
}

fn is_listed(inode: u64, first_byte: &str) -> bool {
    let list = fs::read_to_string("/proc/locks").unwrap();
    let process = std::process::id().to_string();
    list.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(3..8).is_some_and(|it| {
            it[0] == "WRITE"
                && it[1] == process
                && it[2].ends_with(&format!(":{inode}"))
                && it[3] == first_byte
        })
    })
}

fn databases(folder: &Folder, count: usize) -> Vec<PathBuf> {
    let made = folder.join("made.db");
    Connection::open(&made).unwrap().execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(1);").unwrap();
    let paths: Vec<PathBuf> = (0..count).map(|number| folder.join(&format!("{number}.db"))).collect();
    for path in &paths {
        fs::copy(&made, path).unwrap();
    }
    paths
}

/// More databases than descriptors are kept for: those that are closed must not be those that the host has just locked.
#[test]
fn a_host_that_locks_whenever_a_descriptor_is_closed_keeps_its_locks() {
    let folder = Folder::new();
    let paths = databases(&folder, 260);
    let inodes: Vec<u64> = paths.iter().map(|path| fs::metadata(path).unwrap().ino()).collect();
    let connections: Vec<Connection> = paths.iter().map(|path| Connection::open(path).unwrap()).collect();
    let (looks, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for path in &paths {
                    Source::open(path).unwrap().stamp().unwrap();
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let mut lost = BTreeSet::new();
        for round in 0..400 {
            let number = round * 7 % paths.len();
            // Refused while somebody looks; that is no loss.
            if connections[number].execute_batch("BEGIN IMMEDIATE").is_err() {
                continue;
            }
            let before = looks.load(Ordering::Relaxed);
            until("some looks were taken", || looks.load(Ordering::Relaxed) > before + 3);
            if !holds(inodes[number], RESERVED) {
                lost.insert(number);
            }
            connections[number].execute_batch("ROLLBACK").unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(lost, BTreeSet::new(), "locks of the host are gone");
    });
}

/// The copy's own descriptor is one of a database as soon as the name is there.
#[test]
fn a_host_that_locks_the_copy_as_soon_as_it_is_there_keeps_its_lock() {
    let made = makers::usual();
    let targets = Folder::new();
    for round in 0..60 {
        let target = targets.join(&format!("{round}.db"));
        std::thread::scope(|scope| {
            let copier = scope.spawn(|| litecopy::copy_database(&made.path, &target).map(drop));
            // A POSIX lock, as SQLite's are, and at once: SQLite itself would take longer.
            let host = loop {
                if let Ok(host) = fs::File::options().read(true).write(true).open(&target) {
                    break host;
                }
            };
            rustix::fs::fcntl_lock(&host, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
            copier.join().unwrap().unwrap();
            assert!(holds(host.metadata().unwrap().ino(), "0"), "round {round}");
        });
    }
}

/// Copies all databases of a folder, in a process that may have few files open.
const MANY: &str = "LITECOPY_JUDGE_MANY";

#[test]
fn more_databases_than_a_process_may_have_files_open() {
    if let Some(folder) = std::env::var_os(MANY) {
        return copy_all(Path::new(&folder));
    }
    let folder = Folder::new();
    let paths = databases(&folder, 700);
    // Somebody else has them open, so that nothing but a look tells that our process has not.
    let _open: Vec<fs::File> = paths.iter().map(|path| fs::File::open(path).unwrap()).collect();
    let this_test = "host_locks::more_databases_than_a_process_may_have_files_open";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 512; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(this_test)
        .env(MANY, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("700 copied"), "{said}");
}

fn copy_all(folder: &Path) {
    let targets = Folder::new();
    for number in 0..700 {
        let (source, target) = (folder.join(format!("{number}.db")), targets.join(&format!("{number}.db")));
        litecopy::copy_database(&source, &target).unwrap();
    }
    println!("{} copied", targets.names().len());
}
