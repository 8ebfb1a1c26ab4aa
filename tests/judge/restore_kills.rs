//! The command is killed at random moments while it writes over a database that others have open: they see the old version
//! or the new one, whole, and so does whoever comes later.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::files::{Folder, beside};
use crate::peer::{BUSY, Peer};
use crate::random::{Random, seed};

/// No fewer kills than this of each sort; more for whoever sets LITECOPY_SOAK_SECONDS.
const KILLS: u64 = 100;

/// Gives one row, in which all is of one version.
const ASK: &str = "SELECT min(version), max(version), count(*), sum(length(body)) FROM t";

#[test]
fn behind_a_journal_that_is_deleted() {
    let left = kill_restores("DELETE", [4096, 4096]);
    assert!(left.hot > 10 && left.unsettled > 3 && left.old > 10 && left.new > 5, "{left:?}");
}

#[test]
fn with_another_page_size() {
    let left = kill_restores("TRUNCATE", [1024, 8192]);
    assert!(left.hot > 10 && left.unsettled > 3 && left.old > 10 && left.new > 5, "{left:?}");
}

#[test]
fn in_a_log() {
    let left = kill_restores("WAL", [4096, 4096]);
    assert!(left.old > 10 && left.new > 5, "{left:?}");
    assert!(left.uncommitted > 10, "{left:?}");
}

/// What killed restores left behind, and how often.
#[derive(Debug, Default)]
struct Left {
    kills: u64,
    /// A hot journal.
    hot: u64,
    /// A hot journal that nobody but the next restore has rolled back.
    unsettled: u64,
    /// Frames without a commit at the end of the log.
    uncommitted: u64,
    /// What was seen afterwards.
    old: u64,
    new: u64,
    /// Looks meanwhile that were answered, and that were refused.
    answered: u64,
    refused: u64,
}

/// Two backups, and what [`ASK`] gives in each.
struct Backups {
    paths: [PathBuf; 2],
    answers: [Vec<Vec<String>>; 2],
}

fn backups(folder: &Folder, page_sizes: [u32; 2]) -> Backups {
    let paths = ["one.db", "two.db"].map(|name| folder.join(name));
    let mut answers = [vec![], vec![]];
    for place in 0..2 {
        let connection = Connection::open(&paths[place]).unwrap();
        let (page_size, rows) = (page_sizes[place], 8_000 + 3_000 * place);
        let sql = format!(
            "PRAGMA page_size = {page_size}; PRAGMA synchronous = OFF; CREATE TABLE t(version, body);
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                SELECT {place}, randomblob(abs(random() % 900)) FROM n;
             CREATE INDEX t_body ON t(substr(body, 1, 30));"
        );
        connection.execute_batch(&sql).unwrap();
        answers[place] = crate::content::rows(&connection, ASK).unwrap();
        connection.close().unwrap();
    }
    Backups { paths, answers }
}

/// Kills one restore after the other into the same database, which a connection in another process has open.
fn kill_restores(journal_mode: &str, page_sizes: [u32; 2]) -> Left {
    let mut random = Random::from_seed(seed(&format!("restore killed, {journal_mode}")));
    let folder = Folder::new();
    let backups = backups(&folder, page_sizes);
    let target = folder.join("app.db");
    fs::copy(&backups.paths[0], &target).unwrap();
    let open = || {
        let mut peer = Peer::connected_to(&target);
        peer.execute("main", &format!("PRAGMA journal_mode = {journal_mode}")).unwrap();
        peer
    };
    let mut peer = open();
    let begun = Instant::now();
    assert!(restore(&backups.paths[1], &target).wait().unwrap().success());
    let mut longest = begun.elapsed();
    let (mut left, mut now) = (Left::default(), 1);
    while left.kills < KILLS || begun.elapsed() < soak_time() {
        let next = 1 - now;
        let mut process = restore(&backups.paths[next], &target);
        let started = Instant::now();
        // Beyond the end at times, so that some are through; where that is, depends on who else uses the disk.
        let mut moment = longest.mul_f64(random.below(1_300) as f64 / 1_000.0);
        let awaits_journal = journal_mode != "WAL" && random.below(2) == 0;
        let mut awaited = awaits_journal.then(|| longest.mul_f64(random.below(300) as f64 / 1_000.0));
        let mut seen = now;
        let mut killed = true;
        while awaited.is_some() || started.elapsed() < moment {
            if let Some(pause) = awaited.filter(|_| has_hot_journal(&target)) {
                (moment, awaited) = (started.elapsed() + pause, None);
            }
            match peer.query_prepared("main", ASK) {
                Ok(answer) => {
                    let version = backups.version(&answer);
                    assert!(seen == now || version == next, "back to the old one");
                    (seen, left.answered) = (version, left.answered + 1);
                }
                Err(failure) => {
                    assert_eq!(failure.code, BUSY, "{failure:?}");
                    left.refused += 1;
                }
            }
            if process.try_wait().unwrap().is_some() {
                (longest, killed) = (started.elapsed(), false);
                break;
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        left.kills += u64::from(killed);
        if killed && !awaits_journal && moment > longest {
            longest = longest.mul_f64(1.3);
        }
        left.look(&target);
        if killed && random.below(3) == 0 {
            // What it left is for the next one to settle.
            left.unsettled += u64::from(has_hot_journal(&target));
            continue;
        }
        if journal_mode == "WAL" && random.below(3) == 0 {
            // Nobody is left who knows of an unpublished commit: the log alone tells.
            peer.kill();
            if random.below(2) == 0 {
                let mut alone = restore(&backups.paths[next], &target);
                thread::sleep(longest.mul_f64(random.below(1_000) as f64 / 1_000.0));
                alone.kill().unwrap();
                alone.wait().unwrap();
                left.kills += 1;
            }
            peer = open();
        }
        let found = backups.version(&peer.query_prepared("main", ASK).unwrap());
        assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
        assert!(killed || found == next, "it was done, and yet it is the old one");
        assert!(found == next || seen == now, "the new one had been seen");
        if found == now {
            left.old += 1
        } else {
            left.new += 1
        }
        now = found;
        match (journal_mode, random.below(6)) {
            ("WAL", 0) => peer.execute("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap(),
            ("WAL", 1) => peer.execute("main", "PRAGMA wal_checkpoint(RESTART)").unwrap(),
            ("WAL", 2) => {
                peer.quit();
                peer = open();
            }
            // A transaction of its own, in what is there.
            _ => peer.execute("main", "UPDATE t SET body = body WHERE rowid % 100 = 0").unwrap(),
        }
    }
    println!("{journal_mode}, pages of {page_sizes:?} bytes: {left:?} in {:?}", begun.elapsed());
    left
}

impl Backups {
    /// Which of the two it is. Panics when it is none, or both.
    #[track_caller]
    fn version(&self, answer: &Vec<Vec<String>>) -> usize {
        self.answers.iter().position(|known| known == answer).unwrap_or_else(|| panic!("a mix: {answer:?}"))
    }
}

impl Left {
    /// Looks at what a killed restore left, before anybody recovers it.
    fn look(&mut self, target: &Path) {
        self.hot += u64::from(has_hot_journal(target));
        let wal = beside(target, "-wal");
        if wal.exists() {
            let bytes = fs::read(&wal).unwrap();
            self.uncommitted += u64::from(ends_without_commit(&bytes));
        }
    }
}

fn has_hot_journal(database: &Path) -> bool {
    // It may be gone at any moment.
    let Ok(mut journal) = fs::File::open(beside(database, "-journal")) else { return false };
    let mut first = [0];
    journal.read_exact(&mut first).is_ok() && first != [0]
}

/// Whether valid frames follow the last commit of a log with pages of 4096 bytes.
fn ends_without_commit(log: &[u8]) -> bool {
    let salts = log.get(16..24);
    let frames = log.get(32..).unwrap_or_default().chunks_exact(24 + 4096);
    let last = frames.take_while(|frame| frame.get(8..16) == salts).last();
    last.is_some_and(|frame| frame[4..8] == [0; 4])
}

fn restore(backup: &Path, target: &Path) -> std::process::Child {
    Command::new(assert_cmd::cargo::cargo_bin!("litecopy"))
        .args([Path::new("restore"), Path::new("--quiet"), backup, target])
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// How long each run takes at the least.
fn soak_time() -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(0, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}
