//! A copy that is brought up to date: equal to a new one, by writing what differs alone, whatever happened to source and
//! copy in between.

use std::fs;

use litecopy::inspect::verify_copy;
use litecopy::{Consistency, Copied, CopyOptions, ErrorKind, FileTarget, quiet};

use crate::files::{Folder, beside};
use crate::judge::{assert_right_copy, assert_same_bytes, logical_image};
use crate::makers;
use crate::peer::Peer;

/// Changes that a source can undergo between two copies.
const CHANGES: [&str; 7] = [
    "SELECT 1;",
    "UPDATE t SET b = 'another' WHERE a = 1;",
    "CREATE TABLE IF NOT EXISTS more AS SELECT randomblob(3000) AS x FROM t;",
    "DROP TABLE more;",
    "DELETE FROM t WHERE a % 2; VACUUM;",
    "PRAGMA page_size = 8192; VACUUM;",
    "PRAGMA page_size = 1024; VACUUM;",
];

#[test]
fn it_becomes_what_a_new_copy_would_be() {
    for journal_mode in ["DELETE", "WAL"] {
        for (replace, consistency) in [(false, Consistency::Auto), (true, Consistency::Step)] {
            let made = makers::usual();
            let mut other = Peer::connected_to(&made.path);
            let folder = Folder::new();
            let copy = folder.join("copy.db");
            let options =
                CopyOptions::new().refresh(true).replace(replace).consistency(consistency).pages_per_step(50);
            for sql in CHANGES {
                // Page sizes change in rollback mode only.
                let sql =
                    format!("PRAGMA journal_mode = DELETE; {sql} PRAGMA journal_mode = {journal_mode};");
                other.execute("main", &sql).unwrap();
                options.copy(&made.path, &copy).unwrap();
                assert_eq!(folder.names(), ["copy.db"]);
                let new = Folder::new();
                assert_right_copy(&logical_image(&made.path, &new), &copy);
                litecopy::copy_database(&made.path, new.join("new.db")).unwrap();
                assert_same_bytes(&new.join("new.db"), &copy);
            }
        }
    }
}

#[test]
fn only_what_differs_is_written() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let grow = "CREATE TABLE large(a INTEGER PRIMARY KEY, b);
                INSERT INTO large WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                    SELECT i, randomblob(900) FROM n;";
    other.execute("main", grow).unwrap();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    let options = CopyOptions::new().refresh(true);
    let first = options.copy(&made.path, &copy).unwrap();
    assert!(first.written_bytes.unwrap() > first.size_bytes() * 9 / 10, "{first:?}");
    other.execute("main", "UPDATE large SET b = randomblob(900) WHERE a BETWEEN 400 AND 500;").unwrap();
    for replace in [false, true] {
        let report = options.clone().replace(replace).copy(&made.path, &copy).unwrap();
        let most = if replace { 0 } else { first.size_bytes() / 50 };
        assert!(report.written_bytes.unwrap() <= most, "{report:?}");
        assert_eq!(report.read_bytes, first.read_bytes);
    }
    assert_right_copy(&made.path, &copy);
}

/// What a refresh that was killed leaves beside the copy is rolled back by the next one; what damaged the copy is mended.
#[test]
fn whatever_happened_to_the_copy() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    makers::hot_journal(&copy, "PERSIST");
    assert!(fs::metadata(beside(&copy, "-journal")).unwrap().len() > 0);
    CopyOptions::new().refresh(true).copy(&made.path, &copy).unwrap();
    assert_right_copy(&made.path, &copy);
    fs::remove_file(&copy).unwrap();
    makers::left_log(&copy);
    CopyOptions::new().refresh(true).copy(&made.path, &copy).unwrap();
    assert_right_copy(&made.path, &copy);
    let mut bytes = fs::read(&copy).unwrap();
    bytes.truncate(10_000);
    bytes[5_000..].fill(7);
    fs::write(&copy, bytes).unwrap();
    CopyOptions::new().refresh(true).copy(&made.path, &copy).unwrap();
    assert_right_copy(&made.path, &copy);
}

#[test]
fn a_copy_in_use_and_the_source_itself_are_left_alone() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    litecopy::copy_database(&made.path, &copy).unwrap();
    let before = fs::read(&copy).unwrap();
    let mut reader = Peer::connected_to(&copy);
    reader.execute("main", "BEGIN; SELECT * FROM t;").unwrap();
    let options = CopyOptions::new().refresh(true).lock_timeout(std::time::Duration::ZERO);
    for replace in [false, true] {
        let error = options.clone().replace(replace).copy(&made.path, &copy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TargetInUse, "{error}");
    }
    assert_eq!(fs::read(&copy).unwrap(), before);
    let error = options.copy(&made.path, &made.path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SameFile, "{error}");
}

/// Each new manifest is of what is there, and no older one hides what became of the copy since.
#[test]
fn with_a_manifest_all_is_compared() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    let refreshed = |options: CopyOptions| {
        let options = options.refresh(true).manifest(true);
        let Copied { report, manifest, .. } =
            options.begin(&made.path, FileTarget::new(&copy)).unwrap().run(quiet).unwrap();
        assert_right_copy(&made.path, &copy);
        let manifest = manifest.unwrap();
        assert!(verify_copy(&copy, &manifest).unwrap().unchanged);
        report
    };
    for consistency in [Consistency::Step, Consistency::Auto, Consistency::Hold] {
        for (round, sql) in CHANGES.iter().enumerate() {
            other.execute("main", sql).unwrap();
            let report = refreshed(CopyOptions::new().consistency(consistency).pages_per_step(7));
            if sql.starts_with("SELECT") && round > 0 {
                assert_eq!(report.written_bytes, Some(0));
            }
        }
    }
    // What came over the copy leaves its size and its times as they were: an older copy, or rot.
    let (image, times) = (fs::read(&copy).unwrap(), fs::metadata(&copy).unwrap().modified().unwrap());
    for replace in [false, true] {
        let mut bytes = image.clone();
        bytes[5_000..6_000].fill(7);
        fs::write(&copy, bytes).unwrap();
        fs::File::options().write(true).open(&copy).unwrap().set_modified(times).unwrap();
        refreshed(CopyOptions::new().replace(replace));
    }
}

/// An idle connection keeps what it has read as long as bytes 24 to 39 of the header are the same: here they are, in another
/// database.
#[test]
fn who_has_the_copy_open_notices_whatever_its_header_says() {
    let folder = Folder::new();
    let [copy, source] = ["copy.db", "app.db"].map(|name| folder.join(name));
    let connection = rusqlite::Connection::open(&source).unwrap();
    connection
        .execute_batch("CREATE TABLE t(v); INSERT INTO t VALUES (1); PRAGMA schema_version = 7")
        .unwrap();
    connection.close().unwrap();
    litecopy::copy_database(&source, &copy).unwrap();
    let header = fs::read(&source).unwrap()[..100].to_vec();
    let mut idle = Peer::connected_to(&copy);
    let rows = |version: &str| Ok(vec![vec![version.to_owned()]]);
    assert_eq!(idle.query_prepared("main", "SELECT v FROM t"), rows("1"));
    let connection = rusqlite::Connection::open(&source).unwrap();
    connection.execute_batch("UPDATE t SET v = 2").unwrap();
    connection.close().unwrap();
    crate::files::patch(&source, 0, &header);
    CopyOptions::new().refresh(true).copy(&source, &copy).unwrap();
    assert_eq!(idle.query_prepared("main", "SELECT v FROM t"), rows("2"));
    idle.quit();
    // With nobody there it becomes the image of its source.
    CopyOptions::new().refresh(true).copy(&source, &copy).unwrap();
    assert_same_bytes(&source, &copy);
}
