//! Where files lie and who has them open: names that are long and of other scripts, and what SQLite has open is not replaced.

use std::fs;

use litecopy::{CopyOptions, ErrorKind, restore};

use crate::files::Folder;
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::Peer;

#[test]
fn names_in_other_scripts() {
    assert_copied_and_restored(1);
}

/// Longer than the 260 letters that Windows takes without further ado.
#[test]
fn long_names() {
    assert_copied_and_restored(6);
}

fn assert_copied_and_restored(depth: usize) {
    let made = makers::usual();
    let folder = Folder::new();
    let mut within = folder.path().to_owned();
    for _ in 0..depth {
        within.push("Größenverzeichnis für Daten ".repeat(2).trim_end());
    }
    fs::create_dir_all(&within).unwrap();
    if let Err(error) = within.canonicalize() {
        println!(
            "SKIP: a folder of {} letters, which the system itself cannot name, as wine 8: {error}",
            within.as_os_str().len()
        );
        return;
    }
    let [source, copy, restored] = ["数据.db", "Копия №1.db", "αντίγραφο.db"].map(|name| within.join(name));
    assert!(depth == 1 || source.as_os_str().len() > 300);
    fs::copy(&made.path, &source).unwrap();
    CopyOptions::new().copy(&source, &copy).unwrap();
    CopyOptions::new().replace(true).copy(&source, &copy).unwrap();
    restore(&copy, &restored).unwrap();
    let names: Vec<_> = fs::read_dir(&within).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    // SQLite need not know such names.
    for path in [&copy, &restored] {
        let short = folder.join("short.db");
        fs::copy(path, &short).unwrap();
        assert_right_copy(&made.path, &short);
    }
}

/// A connection that rests holds no lock; only who has the file open tells of it.
#[cfg(any(target_os = "linux", windows))]
#[test]
fn what_sqlite_has_open_is_not_replaced() {
    let made = makers::usual();
    let folder = Folder::new();
    let target = folder.join("target.db");
    let mut peer = Peer::connected_to(&target);
    peer.execute("main", "CREATE TABLE old(x); INSERT INTO old VALUES (1);").unwrap();
    let replace = || CopyOptions::new().replace(true).copy(&made.path, &target);
    let error = replace().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TargetInUse, "{error}");
    assert_eq!(peer.query("main", "SELECT x FROM old").unwrap(), [["1"]]);
    assert_eq!(folder.names(), ["target.db"]);
    peer.quit();
    replace().unwrap();
    assert_right_copy(&made.path, &target);
}
