//! Links where names should be, names that lead elsewhere at the end, and names as long as names can be.
//!
//! SQLite opens side files so that a link is not followed, and refuses; so does every verb here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;

use crate::content::{dump, integrity_check};
use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::{Peer, until};

fn command(arguments: &[&Path]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(verb: &str, arguments: &[&Path]) -> Output {
    let verb = Path::new(verb);
    command(&[&[verb], arguments].concat()).output().unwrap()
}

fn is_refused(output: &Output, names: &Path, says: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(names.to_str().unwrap()) && message.contains(says), "{message}");
}

/// A database of a stranger, in WAL mode and in use, with a secret in its log.
fn stranger(folder: &Folder) -> (Peer, std::path::PathBuf) {
    let path = folder.join("stranger.db");
    let mut peer = Peer::connected_to(&path);
    let sql = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE secret(x); INSERT INTO secret VALUES('of a stranger');";
    peer.execute("main", sql).unwrap();
    (peer, path)
}

#[test]
fn a_log_or_journal_that_is_a_link_is_read_by_no_verb() {
    let strangers = Folder::new();
    let (_peer, stranger) = stranger(&strangers);
    for (suffix, leads_to) in [("-wal", "-wal"), ("-journal", ""), ("-shm", "-shm")] {
        let made = makers::usual();
        let wal_mode = "PRAGMA journal_mode = WAL; UPDATE t SET b = b;";
        Connection::open(&made.path).unwrap().execute_batch(wal_mode).unwrap();
        let link = beside(&made.path, suffix);
        symlink(beside(&stranger, leads_to), &link).unwrap();
        if suffix == "-shm" {
            // With a log, or nobody would look at the wal-index.
            fs::copy(beside(&stranger, "-wal"), beside(&made.path, "-wal")).unwrap();
        }
        let targets = Folder::new();
        let before = (Fingerprint::of(made.folder.path()), Fingerprint::of(strangers.path()));
        let copy = targets.join("copy.db");
        for output in [run("copy", &[&made.path, &copy]), run("info", &[&made.path])] {
            is_refused(&output, &link, "is a symbolic link");
        }
        assert_eq!(targets.names(), [""; 0], "{suffix}");
        assert_same(&before.0, &Fingerprint::of(made.folder.path()));
        assert_same(&before.1, &Fingerprint::of(strangers.path()));
    }
}

#[test]
fn side_files_of_a_target_that_are_links_are_neither_written_nor_removed() {
    let strangers = Folder::new();
    let (mut peer, stranger) = stranger(&strangers);
    let source = makers::usual();
    for suffix in ["-wal", "-journal", "-shm"] {
        let made = makers::usual();
        let link = beside(&made.path, suffix);
        let before = (dump(&made.path), Fingerprint::of(strangers.path()));
        symlink(beside(&stranger, if suffix == "-journal" { "-wal" } else { suffix }), &link).unwrap();
        let replace = Path::new("--replace");
        is_refused(&run("copy", &[&source.path, &made.path, replace]), &link, "is a symbolic link");
        // In rollback mode nobody looks at a wal-index, SQLite neither.
        for verb in ["restore", "refresh"].into_iter().filter(|_| suffix != "-shm") {
            is_refused(&run(verb, &[&source.path, &made.path]), &link, "is a symbolic link");
        }
        assert!(link.symlink_metadata().unwrap().is_symlink(), "{suffix}");
        assert_same(&before.1, &Fingerprint::of(strangers.path()));
        fs::remove_file(&link).unwrap();
        assert!(dump(&made.path) == before.0, "{suffix}");
    }
    peer.execute("main", "INSERT INTO secret VALUES('another'); PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    peer.close("main").unwrap();
    assert_eq!(integrity_check(&stranger), "'ok'");
}

/// What is appended to a log with two names, or zeroed in a journal with two, changes under both.
#[test]
fn a_side_file_with_another_name_is_not_written() {
    let source = makers::usual();
    let made = makers::usual();
    let mut peer = Peer::connected_to(&made.path);
    peer.execute("main", "PRAGMA journal_mode = WAL; UPDATE t SET b = 'in the log' WHERE a = 1;").unwrap();
    for suffix in ["-wal", "-shm"] {
        let other = made.folder.join("other name");
        let side_file = beside(&made.path, suffix);
        fs::hard_link(&side_file, &other).unwrap();
        is_refused(&run("restore", &[&source.path, &made.path]), &side_file, "2 names");
        fs::remove_file(&other).unwrap();
    }
    assert!(run("restore", &[&source.path, &made.path]).status.success());
}

/// A deploy script turns the link while the copy runs, and a writer is inside the old database.
#[test]
fn a_target_that_leads_elsewhere_at_the_end_is_left_alone() {
    let folder = Folder::new();
    let [first, second] = ["first", "second"].map(|name| {
        fs::create_dir(folder.join(name)).unwrap();
        let path = folder.join(name).join("old.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE old(x);").unwrap();
        path
    });
    let link = folder.join("link.db");
    symlink(&first, &link).unwrap();
    let source = makers::usual();
    let mut copy = command(&[Path::new("copy"), &source.path, &link]);
    let mut copy = copy.args(["--replace", "--rate", "50K"]).stderr(Stdio::piped()).spawn().unwrap();
    let has_temporary = || {
        let names = fs::read_dir(folder.join("first")).unwrap();
        names.flatten().any(|name| name.file_name().to_string_lossy().starts_with(".litecopy-"))
    };
    until("the copy has begun", has_temporary);
    let mut writer = Peer::connected_to(&first);
    writer.execute("main", "BEGIN IMMEDIATE; INSERT INTO old VALUES(1);").unwrap();
    symlink(&second, folder.join("new link")).unwrap();
    fs::rename(folder.join("new link"), &link).unwrap();
    let ended = {
        copy.wait().unwrap();
        copy.wait_with_output().unwrap()
    };
    is_refused(&ended, &link, "leads elsewhere");
    writer.execute("main", "COMMIT").unwrap();
    writer.close("main").unwrap();
    assert_eq!(dump(&second).len(), dump(&first).len() - 1, "the writer's row is there, and nothing else");
    assert!(!has_temporary());
}

#[test]
fn names_may_be_as_long_as_the_system_lets_them() {
    let folder = Folder::new();
    let longest = "n".repeat(255);
    let made = makers::usual();
    let source = folder.join(&longest);
    fs::copy(&made.path, &source).unwrap();
    let target_folder = Folder::new();
    for name in [&longest, "copy.db"] {
        let copy = target_folder.join(name);
        let output = run("copy", &[&source, &copy]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(&copy).unwrap(), fs::read(&source).unwrap());
    }
    for verb in ["info", "locks"] {
        let output = run(verb, &[&source]);
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(target_folder.names().len(), 2);
    assert_right_copy(&made.path, &target_folder.join("copy.db"));
}

/// A pipe has no end that opens by itself: nobody waits for one.
#[test]
fn pipes_under_the_names_of_side_files_keep_nobody_waiting() {
    for suffix in ["-wal", "-journal"] {
        let made = makers::usual();
        let pipe = beside(&made.path, suffix);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let copy = made.folder.join("copy.db");
        is_refused(&run("copy", &[&made.path, &copy]), &pipe, "is a pipe");
        is_refused(&run("info", &[&made.path]), &pipe, "is a pipe");
        let source = makers::usual();
        is_refused(&run("restore", &[&source.path, &made.path]), &pipe, "is a pipe");
    }
}

/// A container's file that is mounted alone: a rename over it fails, which is known before a page is read.
#[test]
fn a_mounted_file_is_not_replaced_but_written_in_place() {
    let source = makers::usual();
    let folder = Folder::new();
    let (host, target) = (folder.join("host.db"), folder.join("target.db"));
    Connection::open(&host).unwrap().execute_batch("CREATE TABLE old(x);").unwrap();
    fs::write(&target, "").unwrap();
    let mounted = |arguments: &[&str]| {
        let script = "mount --bind \"$0\" \"$1\" || exit 77; shift; exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).args([&host, &target]);
        command
            .arg(assert_cmd::cargo::cargo_bin!("litecopy"))
            .arg(arguments[0])
            .arg(&source.path)
            .arg(&target);
        command.args(&arguments[1..]).output().unwrap()
    };
    let refused = mounted(&["copy", "--replace", "--rate=1"]);
    if refused.status.code() == Some(77) || String::from_utf8_lossy(&refused.stderr).contains("unshare") {
        eprintln!("SKIP: this machine lets us mount nothing");
        return;
    }
    is_refused(&refused, &target, "is mounted there by itself");
    assert!(mounted(&["restore"]).status.success());
    assert_eq!(integrity_check(&host), "'ok'");
    assert!(dump(&host).iter().any(|line| line.starts_with("'table' 't'")));
}

/// A snapshot of a volume, for instance, which has no folder and no side files.
#[test]
fn a_block_device_is_copied_when_it_is_said_that_nobody_writes_it() {
    let made = makers::usual();
    let image = made.folder.join("image");
    // A device has whole blocks, and may be longer than the database.
    let mut bytes = fs::read(&made.path).unwrap();
    bytes.resize(bytes.len() + 64 * 4096, 0);
    fs::write(&image, bytes).unwrap();
    let made_device = Command::new("losetup").args(["--find", "--show", "--read-only"]).arg(&image).output();
    let Some(device) = made_device.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIP: this machine lets us make no block device");
        return;
    };
    let device = String::from_utf8(device.stdout).unwrap().trim().to_owned();
    let copy = made.folder.join("copy.db");
    let refused = run("copy", &[Path::new(&device), &copy]);
    let copied = run("copy", &[Path::new("--immutable"), Path::new(&device), &copy]);
    assert!(Command::new("losetup").args(["--detach", &device]).status().unwrap().success());
    is_refused(&refused, Path::new(&device), "is a block device, which is read only as immutable");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    assert!(fs::read(&copy).unwrap() == fs::read(&made.path).unwrap());
}
