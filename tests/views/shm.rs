//! `litecopy shm`: what the wal-index says is what SQLite says, and what is wrong with it is found.

use std::fs;
use std::path::Path;

use litecopy::SourceOptions;
use litecopy::inspect::{ShmContents, inspect_shm};

use crate::scene::{Random, Scene, assert_golden, change_byte, said, seed, steady, with_suffix};

fn inspect(path: &Path) -> ShmContents {
    inspect_shm(path, &SourceOptions::new(), None).unwrap()
}

#[test]
fn a_wal_index_in_use_agrees_with_its_log() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    // More frames than two hash blocks have, each page many times.
    scene.run("INSERT INTO t(b) VALUES (randomblob(2300000)); UPDATE t SET b = randomblob(2300000)");
    let shm = inspect(&scene.path());
    assert!(shm.agrees_with_log == Some(true) && shm.headers_agree, "{:?}", shm.differences);
    assert_eq!((shm.headers.len(), shm.size_bytes % 32768), (2, 0));
    assert!(shm.somebody_is_connected && shm.locks.iter().any(|lock| lock.lock == "DMS"));
    assert_eq!((shm.page_count, shm.backfill), (scene.number("PRAGMA page_count"), 0));
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(1)?, row.get::<_, u32>(2)?));
    let (frames, backfilled) = scene.sqlite.query_row("PRAGMA wal_checkpoint", (), row).unwrap();
    assert!(frames > 4062 + 4096, "{frames}");
    let shm = inspect(&scene.path());
    assert_eq!((shm.mx_frame, shm.backfill, shm.backfill_attempted), (frames, backfilled, backfilled));
    assert_eq!(shm.agrees_with_log, Some(true), "{:?}", shm.differences);
    assert_eq!(shm.read_marks[0], Some(0));
}

#[test]
fn each_state_of_a_log_agrees() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a)");
    for sql in [
        "PRAGMA wal_checkpoint(PASSIVE)",
        "INSERT INTO t VALUES (1)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "INSERT INTO t VALUES (zeroblob(9000))",
        "PRAGMA wal_checkpoint(RESTART)",
        "BEGIN; INSERT INTO t VALUES (2); ROLLBACK",
        "INSERT INTO t VALUES (3)",
        "PRAGMA cache_size = 3; BEGIN; INSERT INTO t VALUES (zeroblob(90000)); ROLLBACK",
        "INSERT INTO t VALUES (4)",
    ] {
        scene.run(sql);
        let shm = inspect(&scene.path());
        assert_eq!(shm.agrees_with_log, Some(true), "{sql}: {:?}", shm.differences);
    }
}

#[test]
fn what_is_wrong_is_found() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a)");
    scene.run("INSERT INTO t VALUES (zeroblob(9000))");
    let path = scene.left_by_a_crash("crash.db");
    let shm = inspect(&path);
    assert!(
        shm.agrees_with_log == Some(true) && !shm.somebody_is_connected && shm.locks.is_empty(),
        "{:?}",
        shm.differences
    );
    for (offset, words) in [
        (8, "header"),
        (16, "header"),
        (48 + 16, "copies"),
        (136 + 4 * 4, "listed"),
        (16384 + 2 * 383, "search for page 1"),
    ] {
        let path = scene.left_by_a_crash("changed.db");
        change_byte(&with_suffix(&path, "-shm"), offset, |byte| byte ^ 3);
        let shm = inspect(&path);
        assert!(
            shm.agrees_with_log == Some(false) && shm.differences[0].contains(words),
            "{offset}: {:?}",
            shm.differences
        );
    }
    change_byte(&with_suffix(&path, "-wal"), 32 + 100, |byte| byte ^ 1);
    let shm = inspect(&path);
    assert!(shm.differences[0].contains("last frame"), "{:?}", shm.differences);
}

#[test]
fn where_there_is_none_it_says_so() {
    let scene = Scene::new("CREATE TABLE t(a)");
    let shm = inspect(&scene.path());
    assert_eq!((shm.size_bytes, shm.agrees_with_log), (0, None));
    assert!(said("shm", &scene.path(), &[]).contains("there is none"));
    let json: serde_json::Value = serde_json::from_str(&said("shm", &scene.path(), &["--json"])).unwrap();
    assert!(json["agrees_with_log"].is_null(), "there is nothing to compare");
}

#[test]
fn no_damage_makes_it_fail() {
    let mut random = Random(seed());
    let scene = Scene::in_wal_mode("CREATE TABLE t(a)");
    scene.run("INSERT INTO t VALUES (zeroblob(9000))");
    let path = scene.left_by_a_crash("crash.db");
    let whole = fs::read(with_suffix(&path, "-shm")).unwrap();
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(5) {
            let place = if random.below(2) == 0 { random.below(200) } else { random.below(bytes.len()) };
            bytes[place] = u8::try_from(random.below(256)).unwrap();
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(whole.len() + 1));
        }
        fs::write(with_suffix(&path, "-shm"), &bytes).unwrap();
        let shm = inspect(&path);
        assert!(shm.differences.len() <= 21 && shm.headers.len() <= 2);
    }
}

#[test]
fn people_see_marks_and_whether_it_agrees() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a)");
    scene.run("INSERT INTO t VALUES (zeroblob(9000)); PRAGMA wal_checkpoint; INSERT INTO t VALUES (1)");
    let path = scene.left_by_a_crash("golden.db");
    assert_golden("shm", &steady(&said("shm", &path, &[]), path.parent().unwrap()));
    let json: serde_json::Value = serde_json::from_str(&said("shm", &path, &["--json"])).unwrap();
    assert_eq!((&json["headers_agree"], &json["agrees_with_log"]), (&true.into(), &true.into()));
}
