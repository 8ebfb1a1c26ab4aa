//! What cannot be copied rightly is refused at once, with an error that names the path and says what was found, and
//! nothing is left or changed by it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use litecopy::{CopyOptions, ErrorKind};

use crate::files::{Folder, beside, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_same_bytes, logical_image};
use crate::makers;
use crate::peer::Peer;
use crate::random::Random;

/// Panics unless the copy is refused so, with a message that names the path, and the folder stays as it was.
#[track_caller]
fn assert_refused(options: &CopyOptions, source: &Path, target: &Path, kind: ErrorKind, watched: &Folder) {
    let before = Fingerprint::of(watched.path());
    let error = options.copy(source, target).map(drop).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    let names = |path: &Path| message.contains(path.to_str().unwrap());
    assert!(names(source) || names(target), "names neither path: {message}");
    assert!(!message.contains('\n'), "{message}");
    assert_same(&before, &Fingerprint::of(watched.path()));
}

/// A source that is refused, whatever the target; the target's folder stays empty.
#[track_caller]
fn assert_source_refused(source: &Path, kind: ErrorKind, watched: &Folder) {
    let targets = Folder::new();
    assert_refused(&CopyOptions::new(), source, &targets.join("copy.db"), kind, watched);
    assert_eq!(targets.names(), [""; 0], "left behind");
}

#[test]
fn source_and_target_are_one_file() {
    let made = makers::usual();
    let folder = &made.folder;
    fs::create_dir(folder.join("x")).unwrap();
    symlink(&made.path, folder.join("link.db")).unwrap();
    symlink("link.db", folder.join("link of a link.db")).unwrap();
    symlink(folder.path(), folder.join("same folder")).unwrap();
    fs::hard_link(&made.path, folder.join("hard.db")).unwrap();
    let names =
        ["source.db", "./x/../source.db", "link.db", "link of a link.db", "same folder/source.db", "hard.db"];
    for target in names.map(|name| folder.join(name)) {
        for replace in [false, true] {
            let options = CopyOptions::new().replace(replace);
            assert_refused(&options, &made.path, &target, ErrorKind::SameFile, folder);
            assert_refused(&options, &target, &made.path, ErrorKind::SameFile, folder);
        }
    }
}

#[test]
fn the_target_is_a_side_file_of_the_source() {
    let made = makers::usual();
    for suffix in ["-journal", "-wal", "-shm"] {
        let target = beside(&made.path, suffix);
        assert_refused(&CopyOptions::new(), &made.path, &target, ErrorKind::TargetIsSideFile, &made.folder);
    }
}

#[test]
fn the_source_is_not_there() {
    let folder = Folder::new();
    assert_source_refused(&folder.join("missing.db"), ErrorKind::NotFound, &folder);
    assert_source_refused(&folder.join("no folder/missing.db"), ErrorKind::NotFound, &folder);
    symlink("missing.db", folder.join("dangling.db")).unwrap();
    assert_source_refused(&folder.join("dangling.db"), ErrorKind::NotFound, &folder);
}

#[test]
fn the_source_is_not_a_file() {
    let folder = Folder::new();
    assert_source_refused(folder.path(), ErrorKind::NotAFile, &folder);
    assert_source_refused(Path::new("/dev/null"), ErrorKind::NotAFile, &folder);
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_source_refused(&pipe, ErrorKind::NotAFile, &folder);
}

#[test]
fn the_source_is_not_a_database() {
    let folder = Folder::new();
    let file = folder.join("file.db");
    let mut random = Random::from_seed(7);
    let encrypted: Vec<u8> = (0..2048).flat_map(|_| random.next().to_le_bytes()).collect();
    for bytes in [
        b"just some text, longer than the header of a database would be; ".repeat(40),
        encrypted,
        vec![0; 8192],
        b"SQLite format 2\0".repeat(300),
        b"no".to_vec(),
        vec![0; 2],
    ] {
        fs::write(&file, bytes).unwrap();
        assert_source_refused(&file, ErrorKind::NotADatabase, &folder);
    }
}

#[test]
fn the_source_cannot_be_read() {
    let made = makers::usual();
    if fs::metadata(made.folder.path()).unwrap().uid() == 0 {
        println!("SKIPPED: root can read everything");
        return;
    }
    fs::set_permissions(&made.path, fs::Permissions::from_mode(0o000)).unwrap();
    assert_source_refused(&made.path, ErrorKind::PermissionDenied, &made.folder);
}

#[test]
fn the_target_is_there_already() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    for content in [&b""[..], b"precious"] {
        fs::write(&target, content).unwrap();
        assert_refused(&CopyOptions::new(), &made.path, &target, ErrorKind::TargetExists, &targets);
    }
}

/// A link that leads nowhere is there too: nothing is written through it, and it is not replaced by accident.
#[test]
fn the_target_is_a_dangling_link() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    symlink("elsewhere.db", &target).unwrap();
    let error = litecopy::copy_database(&made.path, &target).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TargetExists, "{error}");
    assert_eq!(targets.names(), ["copy.db"]);
    assert_eq!(fs::read_link(&target).unwrap(), Path::new("elsewhere.db"));
}

#[test]
fn the_target_cannot_be_made() {
    let made = makers::usual();
    let targets = Folder::new();
    let inside = targets.join("no folder/copy.db");
    assert_refused(&CopyOptions::new(), &made.path, &inside, ErrorKind::NotFound, &targets);
}

/// SQLite would play them back into the new file.
#[test]
fn a_left_over_side_file_of_the_targets_name() {
    let made = makers::usual();
    for suffix in ["-journal", "-wal"] {
        let targets = Folder::new();
        let target = targets.join("copy.db");
        match suffix {
            "-journal" => makers::hot_journal(&target, "DELETE"),
            _ => makers::left_log(&target),
        }
        fs::remove_file(&target).unwrap();
        assert!(beside(&target, suffix).exists());
        for replace in [false, true] {
            let options = CopyOptions::new().replace(replace);
            assert_refused(&options, &made.path, &target, ErrorKind::SideFileInTheWay, &targets);
        }
    }
}

#[test]
fn a_target_that_is_in_use_is_not_replaced() {
    let made = makers::usual();
    for sql in ["BEGIN; SELECT * FROM u;", "BEGIN IMMEDIATE;", "PRAGMA journal_mode = WAL; SELECT * FROM u;"]
    {
        let targets = Folder::new();
        let target = targets.join("copy.db");
        let mut user = Peer::connected_to(&target);
        user.execute("main", "CREATE TABLE u(a); INSERT INTO u VALUES (1);").unwrap();
        user.execute("main", sql).unwrap();
        println!("in use by {sql}");
        let options = CopyOptions::new().replace(true);
        assert_refused(&options, &made.path, &target, ErrorKind::TargetInUse, &targets);
        assert_eq!(user.query("main", "SELECT a FROM u").unwrap(), [["1"]]);
    }
}

#[test]
fn a_target_that_is_replaced_is_replaced_whole() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    rusqlite::Connection::open(&target).unwrap().execute_batch("CREATE TABLE old(x)").unwrap();
    CopyOptions::new().replace(true).copy(&made.path, &target).unwrap();
    assert_eq!(targets.names(), ["copy.db"]);
    crate::judge::assert_right_copy(&made.path, &target);
}

/// For each rule of the header: what the online backup refuses we refuse, what it copies we copy.
#[test]
fn headers_are_judged_as_sqlite_judges_them() {
    let edits: [(u64, &[u8]); 30] = [
        (0, b"s"),
        (15, b"\x01"),
        (16, &[0, 0]),
        (16, &[1, 0]),
        (16, &[0x10, 0x01]),
        (16, &[0x0c, 0x00]),
        (16, &[0x00, 0x02]),
        (16, &[0x08, 0x00]),
        (16, &[0x20, 0x00]),
        (18, &[0]),
        (18, &[3]),
        (19, &[0]),
        (19, &[3]),
        (19, &[255]),
        (20, &[32]),
        (20, &[255]),
        (21, &[63]),
        (22, &[31]),
        (23, &[33]),
        (28, &[0, 0, 0, 0]),
        (28, &[0, 0, 0, 1]),
        (28, &[0, 1, 0, 0]),
        (28, &[255, 255, 255, 255]),
        (92, &[1]),
        (32, &[255, 255, 255, 255]),
        (36, &[255, 255, 255, 255]),
        (44, &[0, 0, 0, 9]),
        (52, &[0, 0, 0, 77]),
        (56, &[0, 0, 0, 9]),
        (72, b"not checked by anyone"),
    ];
    let made = makers::usual();
    let whole = fs::read(&made.path).unwrap();
    for (at, bytes) in edits {
        let folder = Folder::new();
        let source = folder.join("source.db");
        fs::write(&source, &whole).unwrap();
        patch(&source, at, bytes);
        assert_judged_alike(&source, &folder, &format!("offset {at}: {bytes:?}"));
    }
}

#[test]
fn short_files_are_judged_as_sqlite_judges_them() {
    let made = makers::usual();
    let whole = fs::read(&made.path).unwrap();
    for length in [2, 15, 16, 17, 18, 50, 99, 100, 101, 511, 512, 4095, 4096, 4097, whole.len() - 1] {
        let folder = Folder::new();
        let source = folder.join("source.db");
        fs::write(&source, &whole[..length]).unwrap();
        assert_judged_alike(&source, &folder, &format!("{length} bytes"));
    }
}

/// The C library's backup of a byte copy decides.
#[track_caller]
fn assert_judged_alike(source: &Path, folder: &Folder, what: &str) {
    let (theirs, targets) = (Folder::new(), Folder::new());
    let bytes = theirs.join("bytes.db");
    fs::copy(source, &bytes).unwrap();
    let mut peer = Peer::connected_to(&bytes);
    peer.backup_start("main", &theirs.join("theirs.db")).unwrap();
    let judged = peer.backup_step(-1);
    let target = targets.join("copy.db");
    let before = Fingerprint::of(folder.path());
    let outcome = litecopy::copy_database(source, &target);
    assert_same(&before, &Fingerprint::of(folder.path()));
    match (judged, outcome) {
        (Ok(_), Ok(_)) => {
            let images = Folder::new();
            assert_same_bytes(&logical_image(source, &images), &target);
        }
        (Err(failure), Err(error)) => {
            let expected: &[ErrorKind] = match failure.code {
                11 => &[ErrorKind::Damaged],
                _ => &[ErrorKind::NotADatabase, ErrorKind::Unsupported],
            };
            assert!(expected.contains(&error.kind()), "{what}: SQLite says {failure:?}, litecopy {error}");
            assert!(error.to_string().contains(source.to_str().unwrap()), "{what}: {error}");
            assert_eq!(targets.names(), [""; 0], "{what}: left behind");
        }
        (judged, outcome) => panic!("{what}: SQLite says {judged:?}, litecopy {:?}", outcome.map(drop)),
    }
}
