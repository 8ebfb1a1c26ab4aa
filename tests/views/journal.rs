//! `litecopy journal`: what is hot, what a rollback writes back, and what is told of the rest; SQLite itself rolls back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use litecopy::SourceOptions;
use litecopy::inspect::{JournalContents, JournalRecordReport, JournalVerdict, inspect_journal};
use rusqlite::Connection;

use crate::scene::{Random, Scene, assert_golden, change_byte, said, seed, steady, with_suffix};

const PAGE: usize = 512;

/// A database of some twenty pages, and its bytes before a transaction that has spilled from a cache of so many pages.
fn spilled(cache_pages: u32) -> (Scene, Vec<u8>) {
    let scene = Scene::new(
        "PRAGMA page_size = 512; CREATE TABLE t(a INTEGER PRIMARY KEY, b); 
         INSERT INTO t(b) VALUES (zeroblob(300)), (zeroblob(300)), (zeroblob(300)), (zeroblob(300)), (zeroblob(300));
         INSERT INTO t(b) SELECT b FROM t; INSERT INTO t(b) SELECT b FROM t",
    );
    let before = fs::read(scene.path()).unwrap();
    scene.run(&format!("PRAGMA cache_size = {cache_pages}; BEGIN; UPDATE t SET b = zeroblob(301)"));
    scene.run("INSERT INTO t(b) SELECT b FROM t");
    (scene, before)
}

fn inspect(path: &Path) -> JournalContents {
    inspect_journal(path, &SourceOptions::new()).unwrap()
}

/// The pages that a rollback writes back.
fn rolled_back(journal: &JournalContents) -> BTreeSet<u32> {
    let records = journal.segments.iter().flat_map(|segment| &segment.records);
    records.filter(|record| record.rolled_back).map(|record| record.page).collect()
}

/// Lets SQLite recover the database, and gives the bytes that it has then.
fn recovered(path: &Path) -> Vec<u8> {
    let sqlite = Connection::open(path).unwrap();
    sqlite.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(())).unwrap();
    drop(sqlite);
    fs::read(path).unwrap()
}

fn page(bytes: &[u8], number: u32) -> &[u8] {
    let start = (number as usize - 1) * PAGE;
    bytes.get(start..start + PAGE).unwrap_or_default()
}

#[test]
fn a_hot_journal_has_the_pages_that_sqlite_writes_back() {
    for cache_pages in [5, 12, 20] {
        let (scene, before) = spilled(cache_pages);
        let path = scene.left_by_a_crash("crash.db");
        let journal = inspect(&path);
        assert_eq!((journal.state, journal.read_under_lock), (JournalVerdict::Hot, true), "{}", journal.why);
        assert!(cache_pages > 5 || journal.segments.len() > 1, "{:?}", journal.segments);
        let bytes = fs::read(with_suffix(&path, "-journal")).unwrap();
        let first = &journal.segments[0];
        assert_eq!(first.initial_page_count as usize, before.len() / PAGE);
        assert_eq!((first.page_size as usize, first.sector_size), (PAGE, 512));
        for segment in &journal.segments {
            assert_eq!(segment.record_count.unwrap() as usize, segment.records.len());
            for record in &segment.records {
                assert!(record.checksum_ok && record.rolled_back);
                let offset = usize::try_from(record.offset).unwrap();
                assert_eq!(bytes[offset..offset + 4], record.page.to_be_bytes());
                assert_eq!(&bytes[offset + 4..offset + 4 + PAGE], page(&before, record.page));
            }
        }
        let found = fs::read(&path).unwrap();
        let pages = u32::try_from(before.len() / PAGE).unwrap();
        let changed: Vec<_> = (1..=pages).filter(|&n| page(&found, n) != page(&before, n)).collect();
        assert!(!changed.is_empty());
        assert!(changed.iter().all(|n| rolled_back(&journal).contains(n)));
        assert_eq!(recovered(&path), before);
        assert_eq!(inspect(&path).state, JournalVerdict::None);
    }
}

#[test]
fn a_living_writers_journal_is_cold() {
    let (scene, _) = spilled(12);
    let journal = inspect(&scene.path());
    assert_eq!((journal.state, journal.read_under_lock), (JournalVerdict::Cold, false));
    assert!(journal.why.contains("its writer lives"), "{}", journal.why);
    scene.run("ROLLBACK");
    assert_eq!(inspect(&scene.path()).state, JournalVerdict::None);
}

#[test]
fn what_a_transaction_leaves_is_told() {
    for (mode, state) in [
        ("PERSIST", JournalVerdict::Zeroed),
        ("TRUNCATE", JournalVerdict::Empty),
        ("DELETE", JournalVerdict::None),
    ] {
        let scene =
            Scene::new("PRAGMA page_size = 512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(3000))");
        scene.run(&format!("PRAGMA journal_mode = {mode}"));
        let before = fs::read(scene.path()).unwrap();
        scene.run("UPDATE t SET a = zeroblob(2990)");
        let journal = inspect(&scene.path());
        assert_eq!((journal.state, journal.state.name()), (state, state_in_json(&scene).as_str()), "{mode}");
        if state == JournalVerdict::Zeroed {
            // The header is gone; the records are not.
            let segment = &journal.segments[0];
            assert!(segment.header_is_zeroed && segment.records.len() > 1, "{segment:?}");
            assert!(segment.records.iter().all(|record| record.checksum_ok && !record.rolled_back));
            let bytes = fs::read(scene.file("-journal")).unwrap();
            for record in &segment.records {
                let offset = usize::try_from(record.offset).unwrap() + 4;
                assert_eq!(&bytes[offset..offset + PAGE], page(&before, record.page), "page {}", record.page);
            }
        } else {
            assert!(journal.segments.is_empty());
        }
    }
}

fn state_in_json(scene: &Scene) -> String {
    let text = said("journal", &scene.path(), &["--json"]);
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_record_ends_the_rollback_as_in_sqlite() {
    let (scene, before) = spilled(12);
    let path = scene.left_by_a_crash("crash.db");
    let whole = inspect(&path);
    let records = |journal: &JournalContents| -> Vec<JournalRecordReport> {
        journal.segments.iter().flat_map(|segment| segment.records.clone()).collect()
    };
    let third = records(&whole)[2];
    // The image's last byte but 199 is summed.
    change_byte(&with_suffix(&path, "-journal"), third.offset + 4 + 312, |byte| byte ^ 1);
    let journal = inspect(&path);
    let count = records(&whole).len();
    let records = records(&journal);
    assert_eq!(records.len(), count);
    let facts: Vec<_> = records.iter().map(|record| (record.checksum_ok, record.rolled_back)).collect();
    assert_eq!(facts[..4], [(true, true), (true, true), (false, false), (true, false)]);
    let found = fs::read(&path).unwrap();
    let after = recovered(&path);
    for record in records {
        let expected = if record.rolled_back { &before } else { &found };
        assert_eq!(page(&after, record.page), page(expected, record.page), "page {}", record.page);
    }
}

#[test]
fn a_journal_whose_super_journal_is_gone_is_cold() {
    let (scene, _) = spilled(12);
    let path = scene.left_by_a_crash("crash.db");
    let beside = with_suffix(&path, "-journal");
    let mut bytes = fs::read(&beside).unwrap();
    let name = format!("{}/main.db-mj0123459AB", path.parent().unwrap().display()).into_bytes();
    let lock_page = 1_u32 + (1 << 30) / 512;
    bytes.extend(lock_page.to_be_bytes());
    bytes.extend(&name);
    bytes.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    bytes.extend(name.iter().map(|&byte| u32::from(byte)).sum::<u32>().to_be_bytes());
    bytes.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    fs::write(&beside, bytes).unwrap();
    let journal = inspect(&path);
    assert_eq!(journal.state, JournalVerdict::Cold, "{}", journal.why);
    assert!(journal.super_journal.unwrap().to_str().unwrap().ends_with("main.db-mj0123459AB"));
    let found = fs::read(&path).unwrap();
    assert_eq!(recovered(&path), found, "SQLite takes it for committed too");
}

#[test]
fn a_journal_alone_says_the_same() {
    let (scene, _) = spilled(5);
    let path = scene.left_by_a_crash("crash.db");
    let beside = inspect(&path);
    assert_eq!(inspect(&with_suffix(&path, "-journal")), beside);
    fs::remove_file(&path).unwrap();
    let alone = inspect(&path);
    assert_eq!((alone.state, &alone.segments), (JournalVerdict::Hot, &beside.segments));
    assert!(alone.why.contains("is not here"), "{}", alone.why);
}

#[test]
fn no_damage_makes_it_fail() {
    let mut random = Random(seed());
    let (scene, _) = spilled(5);
    let path = scene.left_by_a_crash("crash.db");
    let beside = with_suffix(&path, "-journal");
    let whole = fs::read(&beside).unwrap();
    for _ in 0..500 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let place = if random.below(2) == 0 { random.below(64) } else { random.below(bytes.len()) };
            bytes[place] = u8::try_from(random.below(256)).unwrap();
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(whole.len() + 1));
        }
        fs::write(&beside, &bytes).unwrap();
        let journal = inspect(&path);
        let records: usize = journal.segments.iter().map(|segment| segment.records.len()).sum();
        assert!(records <= bytes.len() / 520, "{records} records");
    }
}

#[test]
fn people_see_what_a_rollback_would_do() {
    let (scene, _) = spilled(5);
    let path = scene.left_by_a_crash("golden.db");
    let offset = inspect(&path).segments[1].records[1].offset;
    change_byte(&with_suffix(&path, "-journal"), offset + 4 + 312, |byte| byte ^ 1);
    assert_golden("journal", &steady(&said("journal", &path, &[]), path.parent().unwrap()));
}
