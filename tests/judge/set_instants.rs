//! All databases of a set are copied as of one instant, while a process commits in all of them in one transaction, or is
//! killed in the middle of it.
//!
//! A few seconds for each pair of journal modes; `LITECOPY_SOAK_SECONDS` makes it as long as one likes, `LITECOPY_SEED`
//! repeats the choices of a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use litecopy::{CopyOptions, ErrorKind, copy_database};

use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::pair::{Pair, TRANSACTION, in_folder};
use crate::peer::{BUSY, Peer};
use crate::random::{Random, seed};

/// No fewer copies in a run than this, however long they take.
const FEWEST_COPIES: u64 = 200;

fn soak_time() -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(3, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

#[test]
fn never_a_half_in_rollback_mode() {
    never_a_half(["DELETE", "DELETE"]);
}

#[test]
fn never_a_half_with_zeroed_and_cut_journals() {
    never_a_half(["PERSIST", "TRUNCATE"]);
}

#[test]
fn never_a_half_with_logs() {
    never_a_half(["WAL", "WAL"]);
}

#[test]
fn never_a_half_with_a_journal_and_a_log() {
    never_a_half(["DELETE", "WAL"]);
    never_a_half(["WAL", "DELETE"]);
}

/// Copies the set over and over while a process commits in both files without a pause.
fn never_a_half(modes: [&str; 2]) {
    let mut random = Random::from_seed(seed(&format!("sets, {modes:?}")));
    let pair = Pair::new(modes);
    let stop = AtomicBool::new(false);
    let (copies, given_up, commits, busy) = thread::scope(|scope| {
        let writing = scope.spawn(|| write(&pair, modes, &stop));
        let stops = StopsWhenDropped(&stop);
        let (copies, given_up) = copy_again_and_again(&pair, &mut random, &writing);
        drop(stops);
        let (commits, busy) = writing.join().unwrap();
        (copies, given_up, commits, busy)
    });
    println!("{modes:?}: {copies} copies, {given_up} given up, beside {commits} commits, {busy} times busy");
    assert!(commits > copies, "the writer hardly wrote");
    let committed = Pair::verify([&pair.main, &pair.aux]);
    assert_eq!(u64::try_from(committed), Ok(commits));
}

/// Also when the copying fails, so that nobody waits for the writer for ever.
struct StopsWhenDropped<'s>(&'s AtomicBool);

impl Drop for StopsWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Writes until it is told to stop; gives how often it committed, and how often it was told BUSY.
fn write(pair: &Pair, modes: [&str; 2], stop: &AtomicBool) -> (u64, u64) {
    let (mut commits, mut busy, mut connections) = (0, 0, 0);
    while !stop.load(Ordering::SeqCst) {
        // Closing both now and then lets the logs and their indexes go and come.
        let [main, aux] = modes;
        let settings = format!(
            "PRAGMA main.synchronous = OFF; PRAGMA aux.synchronous = {}; PRAGMA wal_autocheckpoint = 50;
             PRAGMA main.journal_mode = {main}; PRAGMA aux.journal_mode = {aux};",
            if connections % 2 == 0 { "OFF" } else { "NORMAL" }
        );
        let mut peer = pair.writer(&settings);
        connections += 1;
        for _ in 0..200 {
            match peer.execute("w", TRANSACTION) {
                Ok(()) => commits += 1,
                Err(failure) => {
                    assert_eq!(failure.code, BUSY, "{failure:?}");
                    busy += 1;
                    // Refused before it had begun, or in the middle.
                    drop(peer.execute("w", "ROLLBACK"));
                }
            }
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
        peer.quit();
    }
    (commits, busy)
}

fn copy_again_and_again<T>(
    pair: &Pair,
    random: &mut Random,
    writing: &thread::ScopedJoinHandle<'_, T>,
) -> (u64, u64) {
    let set = pair.set();
    let (mut copies, mut given_up, mut last) = (0, 0, 0);
    let begun = Instant::now();
    while begun.elapsed() < soak_time() || copies < FEWEST_COPIES {
        assert!(
            begun.elapsed() < soak_time() + Duration::from_secs(120),
            "{copies} copies, {given_up} given up"
        );
        assert!(!writing.is_finished(), "the writer failed");
        let targets = Folder::new();
        let options = CopyOptions::new()
            .pages_per_step(*random.one_of(&[-1, 7, 30]))
            .sleep(Duration::from_micros(random.below(2000)))
            .lock_timeout(Some(Duration::from_secs(5)));
        match options.copy_set(&set, targets.join("set")) {
            Ok(_) => {
                assert_eq!(targets.names(), ["set"]);
                let [main, aux] = in_folder(&targets.join("set"));
                let number = Pair::verify([&main, &aux]);
                assert!(number >= last, "{number} after {last}");
                (copies, last) = (copies + 1, number);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                assert_eq!(targets.names(), [""; 0], "left behind");
                given_up += 1;
            }
        }
    }
    (copies, given_up)
}

/// The same check finds halves where each database is copied by itself.
#[test]
fn copied_one_after_the_other_they_are_of_two_transactions() {
    let pair = Pair::new(["WAL", "WAL"]);
    let mut peer = Peer::start();
    let settings = pair.attach("PRAGMA main.synchronous = OFF; PRAGMA aux.synchronous = OFF;");
    peer.repeat(&pair.main, &settings, TRANSACTION);
    crate::peer::until("two transactions are seen", || {
        let targets = Folder::new();
        let [main, aux] = in_folder(targets.path());
        copy_database(&pair.main, &main).unwrap();
        copy_database(&pair.aux, &aux).unwrap();
        let [main, aux] = Pair::counts([&main, &aux]);
        main != aux
    });
}

#[test]
fn killed_in_the_middle_of_commits_with_a_super_journal() {
    let seen = kill_writers(["DELETE", "DELETE"]);
    assert!(seen.with_super_journal > 0, "no kill met a super-journal");
}

#[test]
fn killed_in_the_middle_of_commits_with_zeroed_journals() {
    kill_writers(["PERSIST", "PERSIST"]);
}

/// SQLite itself does not promise that both or none is there after a crash with logs: only each for itself is judged.
#[test]
fn killed_in_the_middle_of_commits_with_logs() {
    kill_writers(["WAL", "WAL"]);
}

/// What the killed writers left.
#[derive(Debug, Default)]
struct Left {
    /// A journal names a super-journal that is there: the transaction is rolled back.
    with_super_journal: u32,
    /// A journal names one that is gone: the transaction is committed.
    without_super_journal: u32,
}

/// Kills a writer at random moments, many of them in the middle of a commit over both files: the copies are what SQLite
/// recovers, and of one transaction.
fn kill_writers(modes: [&str; 2]) -> Left {
    let mut random = Random::from_seed(seed(&format!("sets, killed, {modes:?}")));
    let pair = Pair::new(modes);
    let mut left = Left::default();
    let modes_again =
        format!("PRAGMA main.journal_mode = {}; PRAGMA aux.journal_mode = {};", modes[0], modes[1]);
    for _ in 0..40 {
        let mut peer = Peer::start();
        // EXTRA syncs the folder after each removal, so that commits have more moments to be killed in.
        let settings = pair.attach("PRAGMA main.synchronous = EXTRA; PRAGMA aux.synchronous = EXTRA;");
        peer.repeat(&pair.main, &format!("{settings} {modes_again}"), TRANSACTION);
        thread::sleep(Duration::from_micros(3_000 + random.below(20_000)));
        peer.kill();
        for path in [&pair.main, &pair.aux] {
            match super_journal_of(path) {
                Some(super_journal) if super_journal.exists() => left.with_super_journal += 1,
                Some(_) => left.without_super_journal += 1,
                None => {}
            }
        }
        let copies = copy_as_recovered(&pair);
        if modes != ["WAL", "WAL"] {
            let [main, aux] = in_folder(&copies.join("set"));
            Pair::verify([&main, &aux]);
        }
    }
    println!("{modes:?}: {left:?}");
    left
}

/// Copies the set, which must be what SQLite recovers, and leave all as it was.
#[track_caller]
fn copy_as_recovered(pair: &Pair) -> Folder {
    let targets = Folder::new();
    let before = Fingerprint::of(pair.folder.path());
    CopyOptions::new().copy_set(&pair.set(), targets.join("set")).unwrap();
    assert_same(&before, &Fingerprint::of(pair.folder.path()));
    let [main, aux] = in_folder(&targets.join("set"));
    assert_right_copy(&pair.main, &main);
    assert_right_copy(&pair.aux, &aux);
    targets
}

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The super-journal that the journal of a database names at its end.
fn super_journal_of(database: &Path) -> Option<PathBuf> {
    let journal = fs::read(beside(database, "-journal")).ok()?;
    let (rest, end) = journal.split_at_checked(journal.len().checked_sub(16)?)?;
    let length = u32::from_be_bytes(end[..4].try_into().unwrap()) as usize;
    let name = rest.get(rest.len().checked_sub(length)?..)?;
    (end[8..] == MAGIC && journal[0] != 0).then(|| PathBuf::from(String::from_utf8(name.to_vec()).unwrap()))
}

/// A journal that brings back `old`, and names a super-journal, as SQLite writes it.
fn write_journal(database: &Path, old: &[u8], super_journal: &Path) {
    const PAGE_BYTES: usize = 1024;
    let nonce = 0x1234_5678_u32;
    let page_count = u32::try_from(old.len() / PAGE_BYTES).unwrap();
    let mut journal = MAGIC.to_vec();
    for number in [page_count, nonce, page_count, 512, 1024] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    for (number, page) in (1_u32..).zip(old.chunks(PAGE_BYTES)) {
        let sampled = (1..=5).map(|step| u32::from(page[PAGE_BYTES - 200 * step]));
        journal.extend(number.to_be_bytes());
        journal.extend(page);
        journal.extend((nonce + sampled.sum::<u32>()).to_be_bytes());
    }
    let name = super_journal.to_str().unwrap().as_bytes();
    journal.extend((0x4000_0000_u32 / 1024 + 1).to_be_bytes());
    journal.extend(name);
    journal.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    journal.extend(name.iter().map(|byte| u32::from(*byte)).sum::<u32>().to_be_bytes());
    journal.extend(MAGIC);
    fs::write(beside(database, "-journal"), journal).unwrap();
}

/// The moments around the one that commits: the removal of the super-journal.
#[test]
fn a_super_journal_decides_for_all() {
    let pair = Pair::new(["DELETE", "DELETE"]);
    let files = [&pair.main, &pair.aux];
    let old = files.map(|path| fs::read(path).unwrap());
    let mut peer = pair.writer("");
    peer.execute("w", TRANSACTION).unwrap();
    peer.quit();
    let new = files.map(|path| fs::read(path).unwrap());
    let super_journal = pair.folder.path().canonicalize().unwrap().join("main.db-mj012345989");
    let children: Vec<u8> = files
        .iter()
        .flat_map(|path| {
            let journal = beside(&path.canonicalize().unwrap(), "-journal");
            [journal.to_str().unwrap().as_bytes(), &[0]].concat()
        })
        .collect();
    let number_in_copies = || {
        let copies = copy_as_recovered(&pair);
        let [main, aux] = in_folder(&copies.join("set"));
        Pair::verify([&main, &aux])
    };
    for (path, old) in files.iter().zip(&old) {
        write_journal(path, old, &super_journal);
    }
    fs::write(&super_journal, &children).unwrap();
    assert_eq!(number_in_copies(), 0, "about to be committed");
    // Half recovered: main is rolled back already.
    fs::write(&pair.main, &old[0]).unwrap();
    fs::remove_file(beside(&pair.main, "-journal")).unwrap();
    assert_eq!(number_in_copies(), 0, "half recovered");
    fs::write(&pair.main, &new[0]).unwrap();
    write_journal(&pair.main, &old[0], &super_journal);
    fs::remove_file(&super_journal).unwrap();
    assert_eq!(number_in_copies(), 1, "committed");
    fs::remove_file(beside(&pair.main, "-journal")).unwrap();
    assert_eq!(number_in_copies(), 1, "committed, and half tidied up");
}
