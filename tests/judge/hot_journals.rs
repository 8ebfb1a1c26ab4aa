//! Hot journals of every sort: real SQLite writers killed (SIGKILL) in the middle of a transaction, and what is then left
//! damaged in every way that a crashed disk could think of.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use litecopy::{MemoryTarget, StepOutcome};

use crate::files::{Folder, patch};
use crate::judge::{assert_same_bytes, logical_image};
use crate::peer::Peer;
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, PAGE_BYTES, Scene, copied_in_steps, cut_to, number_at, size_bytes};

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const JOURNAL_MODES: [&str; 3] = ["DELETE", "TRUNCATE", "PERSIST"];

/// Kills a writer in the middle of a transaction whose pages have spilled into the file.
#[track_caller]
fn killed_writer(settings: &str, change: &str) -> Scene {
    let scene = Scene::with("PRAGMA auto_vacuum = INCREMENTAL");
    scene.killed_after(&format!("PRAGMA cache_size = 5; {settings}; BEGIN; {change}"));
    scene
}

/// The headers of a journal, as its first one says where they can be.
fn segment_count(scene: &Scene) -> usize {
    let journal = fs::read(scene.journal()).unwrap();
    let sector_bytes = number_at(&scene.journal(), 20) as usize;
    journal.chunks(sector_bytes).filter(|sector| sector.starts_with(&MAGIC)).count()
}

#[test]
fn of_every_journal_mode_with_several_segments() {
    for journal_mode in JOURNAL_MODES {
        let scene = killed_writer(&format!("PRAGMA journal_mode = {journal_mode}"), BIG_CHANGE);
        assert!(segment_count(&scene) >= 3, "{} segments", segment_count(&scene));
        assert!(scene.assert_hot(), "nothing to roll back");
        scene.assert_copied();
    }
}

/// A journal kept from transaction to transaction has old records behind the new ones.
#[test]
fn over_the_records_of_an_older_transaction() {
    let scene = Scene::with("PRAGMA journal_mode = PERSIST");
    let older = format!("PRAGMA journal_mode = PERSIST; {BIG_CHANGE} PRAGMA cache_size = 5;");
    scene.killed_after(&format!("{older} BEGIN; UPDATE t SET c = 'half' WHERE a < 40;"));
    assert!(scene.assert_hot());
    scene.assert_copied();
}

#[test]
fn of_a_writer_that_does_not_sync() {
    for journal_mode in JOURNAL_MODES {
        let settings = format!("PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = OFF");
        let scene = killed_writer(&settings, BIG_CHANGE);
        assert_eq!(number_at(&scene.journal(), 8), u32::MAX, "the count is to be made from the size");
        assert!(scene.assert_hot());
        scene.assert_copied();
        // The same writer killed before anything spilled.
        let scene = killed_writer(&settings, "UPDATE t SET c = 'x' WHERE a = 1");
        assert_eq!(number_at(&scene.journal(), 8), u32::MAX);
        assert!(!scene.assert_hot(), "nothing was written yet");
        scene.assert_copied();
    }
}

#[test]
fn of_a_database_that_grew() {
    let scene = killed_writer("", "INSERT INTO ballast SELECT randomblob(3000) FROM t; DELETE FROM t;");
    let initial = u64::from(number_at(&scene.journal(), 16));
    assert!(size_bytes(&scene.path) > initial * PAGE_BYTES, "not grown");
    assert!(scene.assert_hot());
    scene.assert_copied();
}

#[test]
fn of_a_database_that_shrank() {
    let change = "DELETE FROM ballast; PRAGMA incremental_vacuum; UPDATE t SET c = zeroblob(300);";
    let scene = killed_writer("", change);
    assert!(scene.assert_hot());
    scene.assert_copied();
}

/// What the system lost of the file is brought back as far as the journal has it; the rest reads as zeros, as in SQLite.
#[test]
fn of_a_file_that_lost_its_end() {
    let scene = killed_writer("PRAGMA synchronous = OFF", "UPDATE ballast SET a = randomblob(1500);");
    let whole = size_bytes(&scene.path);
    cut_to(&scene.path, whole - 7 * PAGE_BYTES);
    assert!(scene.assert_hot());
    scene.assert_copied();
    assert_eq!(copied_in_steps(&scene.path).len() as u64, whole);
    cut_to(&scene.path, whole / 2);
    let (images, copies) = (Folder::for_judging(), Folder::for_judging());
    let copy = copies.join("copy.db");
    litecopy::copy_database(&scene.path, &copy).unwrap();
    assert_same_bytes(&logical_image(&scene.path, &images), &copy);
}

/// `VACUUM` writes the whole file anew, here with pages of another size: killed as soon as the journal is hot, and when
/// the header of the file has the new size already.
#[test]
fn of_a_vacuum_to_another_page_size() {
    for (from, to) in [(1024, 4096), (4096, 512)] {
        let scene = Scene::empty();
        crate::states::fill(&scene.path, &format!("PRAGMA page_size = {from}"));
        let (mut early, mut late) = (0, 0);
        let begun = Instant::now();
        while (early < 2 || late < 2) && begun.elapsed() < Duration::from_secs(20) {
            let mut writer = Peer::start();
            let sql = format!("PRAGMA page_size = {to}; VACUUM; PRAGMA page_size = {from}; VACUUM;");
            writer.repeat(&scene.path, "PRAGMA cache_size = 5", &sql);
            let header_is_new = || {
                page_bytes_in(&scene.path, 16).is_some_and(|code| {
                    page_bytes_in(&scene.journal(), 26).is_some_and(|journal| journal != code)
                })
            };
            let want_late = early >= 2;
            crate::peer::until("a hot journal", || {
                begins_with_magic(&scene.journal()) && (!want_late || header_is_new())
            });
            writer.kill();
            if !begins_with_magic(&scene.journal()) {
                continue;
            }
            scene.assert_hot();
            scene.assert_copied();
            if header_is_new() { late += 1 } else { early += 1 }
        }
        println!("{from} to {to}: killed {early} times before, {late} after the new header");
        assert!(early > 0 && late > 0, "never killed in the middle");
    }
}

/// The two low bytes of a page size, which both headers have; 65536 is not used here.
fn page_bytes_in(file: &Path, at: u64) -> Option<[u8; 2]> {
    let mut code = [0; 2];
    let mut file = File::open(file).ok()?;
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut code)).ok()?;
    Some(code)
}

fn begins_with_magic(journal: &Path) -> bool {
    let mut first = [0];
    File::open(journal).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first == [MAGIC[0]]
}

/// Without the promise that a sector's neighbours survive (`psow=0`), headers are as long as a device's sector.
#[test]
fn with_sectors_of_4096_bytes() {
    for journal_mode in JOURNAL_MODES {
        let scene = Scene::new();
        let mut writer = Peer::start();
        let uri = format!("file:{}?psow=0", scene.path.display());
        writer.open("main", uri.as_ref()).unwrap();
        let settings = format!("PRAGMA journal_mode = {journal_mode}; PRAGMA cache_size = 5;");
        writer.execute("main", &format!("{settings} BEGIN; {BIG_CHANGE}")).unwrap();
        writer.kill();
        assert_eq!(number_at(&scene.journal(), 20), 4096);
        assert!(segment_count(&scene) >= 2);
        assert!(scene.assert_hot());
        scene.assert_copied();
    }
}

#[test]
fn of_the_first_transaction_of_a_database() {
    for settings in ["", "PRAGMA synchronous = OFF"] {
        let scene = Scene::empty();
        let table = "CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(90000)), (randomblob(90000));";
        scene.killed_after(&format!("PRAGMA cache_size = 5; {settings}; BEGIN; {table}"));
        assert_eq!(number_at(&scene.journal(), 16), 0, "pages before the transaction");
        assert!(size_bytes(&scene.path) > 0);
        assert!(scene.assert_hot());
        scene.assert_copied();
        assert!(copied_in_steps(&scene.path).is_empty());
    }
}

/// A journal that a crash left shorter than it was.
#[test]
fn with_a_torn_tail() {
    let mut random = Random::from_seed(seed("torn journals"));
    for settings in ["", "PRAGMA synchronous = OFF"] {
        let scene = killed_writer(settings, BIG_CHANGE);
        let whole = size_bytes(&scene.journal());
        let mut lengths = vec![1, 7, 8, 12, 27, 28, 511, 512, 513, 516, 512 + 1028, 512 + 1032, whole - 1];
        lengths.extend((0..25).map(|_| random.below(whole)));
        lengths.sort_unstable();
        let mut copied = 0;
        for length in lengths.into_iter().rev() {
            cut_to(&scene.journal(), length);
            copied += u32::from(scene.assert_judged_alike(&format!("cut to {length} of {whole} bytes")));
        }
        assert!(copied > 0);
    }
}

/// One wrong byte anywhere in the records: what comes before it is rolled back, nothing after.
#[test]
fn with_a_wrong_byte() {
    let seed = seed("wrong bytes in journals");
    let mut random = Random::from_seed(seed);
    for settings in ["", "PRAGMA synchronous = OFF"] {
        let scene = killed_writer(settings, BIG_CHANGE);
        let whole = fs::read(scene.journal()).unwrap();
        let mut places: Vec<u64> = (0..25).map(|_| random.below(whole.len() as u64)).collect();
        // The page number and the checksum of the first two records.
        for record in [512, 512 + 1032] {
            places.extend([record, record + 3, record + 4, record + 1028, record + 1031]);
        }
        for place in places {
            let byte = whole[usize::try_from(place).unwrap()];
            patch(&scene.journal(), place, &[byte ^ 1 << random.below(8)]);
            scene.assert_judged_alike(&format!("LITECOPY_SEED={seed}, wrong byte at {place}"));
            fs::write(scene.journal(), &whole).unwrap();
        }
    }
}

#[test]
fn with_wrong_headers() {
    let scene = killed_writer("", BIG_CHANGE);
    let whole = fs::read(scene.journal()).unwrap();
    let initial = number_at(&scene.journal(), 16);
    let later = 512 * whole.chunks(512).skip(1).position(|sector| sector.starts_with(&MAGIC)).unwrap() + 512;
    let mut edits: Vec<(u64, u32)> = vec![(0, 1), (0, 0x0100_0000), (4, 0)];
    for count in [0, 1, 2, 1000, u32::MAX, u32::MAX - 1] {
        edits.push((8, count));
    }
    edits.push((12, 7));
    edits.extend([0, 1, initial - 1, initial + 1, initial + 50].map(|pages| (16, pages)));
    edits.extend([0, 31, 32, 256, 1024, 4096, 65536, 131_072, 513].map(|sector| (20, sector)));
    edits.extend([0, 256, 1000, 131_072].map(|page| (24, page)));
    for (field, value) in (0_u64..28).step_by(4).zip([0, 0, 0, 7, 3, 4096, 4096]) {
        edits.push((later as u64 + field, value));
    }
    for (place, value) in edits {
        patch(&scene.journal(), place, &value.to_be_bytes());
        let copied = scene.assert_judged_alike(&format!("{value:#x} at {place}"));
        println!("{value:#x} at {place}: {}", if copied { "copied" } else { "refused" });
        fs::write(scene.journal(), &whole).unwrap();
    }
}

/// A difference: a journal whose pages have another size than the database that it would bring back. SQLite goes through
/// with it, whatever comes of it; we do not guess.
#[test]
fn of_pages_of_another_size_are_refused() {
    let scene = killed_writer("", BIG_CHANGE);
    for page_bytes in [512_u32, 2048, 65536] {
        patch(&scene.journal(), 24, &page_bytes.to_be_bytes());
        let message = scene.assert_damaged();
        assert!(message.contains("holds pages of"), "{message}");
    }
}

/// Somebody else rolls the journal back between our steps: the content is the same, so nothing starts again.
#[test]
fn rolled_back_by_another_between_our_steps() {
    for journal_mode in JOURNAL_MODES {
        let scene = killed_writer(&format!("PRAGMA journal_mode = {journal_mode}"), BIG_CHANGE);
        assert!(scene.assert_hot());
        let images = Folder::new();
        let image = logical_image(&scene.path, &images);
        let mut backup = litecopy::CopyOptions::new().begin(&scene.path, MemoryTarget::new()).unwrap();
        for _ in 0..3 {
            assert_eq!(backup.step(3).unwrap(), StepOutcome::More);
        }
        let mut other = Peer::connected_to(&scene.path);
        assert_eq!(other.query("main", "SELECT count(*) FROM t").unwrap(), [["120"]]);
        assert!(!scene.journal().exists(), "rolled back");
        while backup.step(3).unwrap() != StepOutcome::Done {}
        assert_eq!(backup.progress().restarts, 0);
        assert!(backup.finish().unwrap().output == fs::read(image).unwrap());
    }
}

/// While we look, it cannot be rolled back: whoever comes has to wait for the step to end, and is not harmed.
#[test]
fn cannot_be_rolled_back_during_a_step() {
    let scene = killed_writer("", BIG_CHANGE);
    let images = Folder::new();
    let image = logical_image(&scene.path, &images);
    let options = litecopy::CopyOptions::new().consistency(litecopy::Consistency::Hold);
    let mut backup = options.begin(&scene.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(3).unwrap(), StepOutcome::More);
    let mut other = Peer::connected_to(&scene.path);
    let refused = other.query("main", "SELECT count(*) FROM t").unwrap_err();
    assert_eq!(refused.code, crate::peer::BUSY, "{refused:?}");
    while backup.step(3).unwrap() != StepOutcome::Done {}
    assert!(backup.finish().unwrap().output == fs::read(image).unwrap());
    assert_eq!(other.query("main", "SELECT count(*) FROM t").unwrap(), [["120"]]);
}
