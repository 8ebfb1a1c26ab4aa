//! A new file, a replaced file, a folder: room, permissions, what killed runs leave, and what lies beside an old file.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use litecopy::{CopyOptions, DatabaseSet, ErrorKind, FileTarget, OwnerPolicy, StepOutcome};
use rusqlite::Connection;

use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::{Peer, until};

/// A database of so many pages and some, without holes.
fn database(path: &Path, page_bytes: u32, page_count: u32) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "PRAGMA page_size = {page_bytes}; CREATE TABLE t(id INTEGER PRIMARY KEY, b);
         WITH i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < {page_count})
         INSERT INTO t SELECT n, randomblob({page_bytes} - 100) FROM i;"
    );
    connection.execute_batch(&sql).unwrap();
}

fn temporary_names(folder: &Folder) -> Vec<String> {
    folder.names().into_iter().filter(|name| name.starts_with(".litecopy-")).collect()
}

fn bytes_in(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The command in the midst of a copy: it stands still, because nobody reads the progress that it wants to tell.
struct Stuck {
    child: Child,
    _progress: io::PipeReader,
}

impl Stuck {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let (progress, mut full) = io::pipe().unwrap();
        // As much as a pipe holds.
        full.write_all(&[b'\n'; 65_536]).unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
        command.arg("copy").args(arguments).args(["--progress", "json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(full);
        let child = command.spawn().unwrap();
        // Something in it: before that it may not be locked yet, and be taken for a left-over, for which another is made.
        let has_content = |name: &String| {
            let path = folder.join(name);
            fs::read_dir(&path).map_or_else(|_| bytes_in(&path) > 0, |entries| entries.count() > 0)
        };
        until("the copy has begun", || temporary_names(folder).iter().any(has_content));
        Self { child, _progress: progress }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_and_what_a_living_one_has_is_not() {
    let sources = Folder::new();
    let source = sources.join("source.db");
    database(&source, 1024, 100);
    let targets = Folder::new();
    let target = targets.join("copy.db");
    let arguments = [source.to_str().unwrap(), target.to_str().unwrap(), "--pages", "1"];
    let stuck = Stuck::start(&targets, &arguments);
    let living = temporary_names(&targets);
    assert_eq!(living.len(), 1);
    litecopy::copy_database(&source, &target).unwrap();
    assert_eq!(temporary_names(&targets), living, "of a living run");
    fs::remove_file(&target).unwrap();

    stuck.kill();
    assert_eq!(temporary_names(&targets), living);
    litecopy::copy_database(&source, targets.join("other.db")).unwrap();
    assert_eq!(temporary_names(&targets), living, "of another target");
    litecopy::copy_database(&source, &target).unwrap();
    assert_eq!(targets.names(), ["copy.db", "other.db"]);
    assert_right_copy(&source, &target);
}

#[test]
fn the_folder_that_a_killed_run_left_is_removed_by_the_next() {
    let sources = Folder::new();
    let [source, logs] = ["source.db", "logs.db"].map(|name| sources.join(name));
    database(&source, 1024, 1500);
    database(&logs, 1024, 10);
    let set = DatabaseSet::open(&source).unwrap().attach("logs", &logs).unwrap();
    let targets = Folder::new();
    let target = targets.join("set");
    let attached = format!("logs={}", logs.display());
    let arguments = [source.to_str().unwrap(), target.to_str().unwrap(), "--all", "--attach", &attached];
    let stuck = Stuck::start(&targets, &arguments);
    let living = temporary_names(&targets);
    CopyOptions::new().copy_set(&set, &target).unwrap();
    assert_eq!(temporary_names(&targets), living, "of a living run");
    fs::remove_dir_all(&target).unwrap();
    stuck.kill();
    assert_eq!(temporary_names(&targets), living);
    CopyOptions::new().copy_set(&set, &target).unwrap();
    assert_eq!(targets.names(), ["set"]);
    assert_right_copy(&source, &target.join("source.db"));
}

/// The command under a mask.
fn copy_under(mask: &str, arguments: &[&std::ffi::OsStr]) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask $0; exec \"$@\"", mask, env!("CARGO_BIN_EXE_litecopy"), "copy"])
        .args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// As `cp` makes one: ours, with the source's bits less those of the mask. Unless all is to be kept.
#[test]
fn a_new_file_is_ours_with_the_bits_of_the_source_less_the_mask() {
    let made = makers::usual();
    let targets = Folder::new();
    let ours = fs::metadata(targets.path()).unwrap();
    for (mode, mask, expected) in
        [(0o666, "022", 0o644), (0o666, "000", 0o666), (0o640, "077", 0o600), (0o444, "022", 0o444)]
    {
        fs::set_permissions(&made.path, Permissions::from_mode(mode)).unwrap();
        if ours.uid() == 0 {
            chown(&made.path, Some(12_345), Some(54_321)).unwrap();
        }
        let copy = targets.join(&format!("{mode:o} {mask}.db"));
        copy_under(mask, &[made.path.as_os_str(), copy.as_os_str()]);
        let metadata = fs::metadata(&copy).unwrap();
        assert_eq!(metadata.mode() & 0o7777, expected, "{mode:o} under {mask}");
        assert_eq!((metadata.uid(), metadata.gid()), (ours.uid(), ours.gid()));
        let kept = targets.join(&format!("kept {mode:o} {mask}.db"));
        if mask == "022" {
            CopyOptions::new().owner(OwnerPolicy::Keep).copy(&made.path, &kept).unwrap();
        } else {
            copy_under(mask, &[made.path.as_os_str(), kept.as_os_str(), "--owner".as_ref(), "keep".as_ref()]);
        }
        let [source, kept] = [&made.path, &kept].map(|path| fs::metadata(path).unwrap());
        assert_eq!(
            (kept.mode() & 0o7777, kept.uid(), kept.gid()),
            (mode, source.uid(), source.gid()),
            "kept {mode:o} under {mask}"
        );
    }
}

#[test]
fn a_replaced_file_stays_whose_it_was() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    litecopy::copy_database(&made.path, &target).unwrap();
    fs::set_permissions(&made.path, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o660)).unwrap();
    let is_root = fs::metadata(targets.path()).unwrap().uid() == 0;
    if is_root {
        chown(&made.path, Some(12_345), Some(54_321)).unwrap();
        chown(&target, Some(2_345), Some(4_321)).unwrap();
    } else {
        println!("SKIPPED in part: only root can give a file to others");
    }
    let before = fs::metadata(&target).unwrap();
    CopyOptions::new().replace(true).copy(&made.path, &target).unwrap();
    let after = fs::metadata(&target).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
}

/// The bits of the group are then the mask of the list: the group itself may do nothing.
#[test]
fn an_access_control_list_is_kept_and_its_mask_is_not_given_to_the_group() {
    let made = makers::usual();
    fs::set_permissions(&made.path, Permissions::from_mode(0o600)).unwrap();
    let listed = Command::new("setfacl").args(["-m", "u:1111:r"]).arg(&made.path).status();
    if !listed.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no access control lists here");
        return;
    }
    assert_eq!(fs::metadata(&made.path).unwrap().mode() & 0o777, 0o640);
    let list = |path: &Path| {
        let output = Command::new("getfacl").args(["-cnp"]).arg(path).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = list(&made.path);
    assert!(expected.contains("user:1111:r--") && expected.contains("group::---"), "{expected}");
    let [here, restored] = ["copy.db", "restored.db"].map(|name| made.path.with_file_name(name));
    litecopy::copy_database(&made.path, &here).unwrap();
    litecopy::restore(&made.path, &restored).unwrap();
    assert_eq!([list(&here), list(&restored)], [expected.clone(), expected]);
    // What takes its place has the list as well.
    CopyOptions::new().replace(true).copy(makers::usual().path, &here).unwrap();
    assert_eq!(list(&here), list(&restored));
}

#[test]
fn what_is_no_database_is_not_replaced() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("passwd");
    fs::write(&target, "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    let before = Fingerprint::of(targets.path());
    let options = CopyOptions::new().replace(true);
    for refresh in [false, true] {
        let error = options.clone().refresh(refresh).copy(&made.path, &target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TargetExists, "{error}");
    }
    assert_same(&before, &Fingerprint::of(targets.path()));
    fs::write(&target, "").unwrap();
    options.copy(&made.path, &target).unwrap();
    assert_right_copy(&made.path, &target);
}

/// It would be taken for a stale one, and removed.
#[test]
fn a_source_that_is_called_as_a_side_file_of_the_target_is_left() {
    for suffix in ["-wal", "-journal", "-shm"] {
        for there in [false, true] {
            let folder = Folder::new();
            let target = folder.join("ship");
            if there {
                Connection::open(&target).unwrap().execute_batch("CREATE TABLE old(x)").unwrap();
            }
            let source = beside(&target, suffix);
            fs::copy(makers::usual().path, &source).unwrap();
            let before = Fingerprint::of(folder.path());
            let options = CopyOptions::new();
            let errors = [
                options.clone(),
                options.clone().replace(true),
                options.clone().in_place(true),
                options.clone().refresh(true),
                options.clone().replace(true).refresh(true),
            ]
            .map(|options| options.copy(&source, &target).unwrap_err());
            for (place, error) in errors.iter().enumerate() {
                let expected =
                    if there && place == 0 { ErrorKind::TargetExists } else { ErrorKind::TargetIsSideFile };
                assert!(error.kind() == expected || error.kind() == ErrorKind::TargetIsSideFile, "{error}");
            }
            assert_same(&before, &Fingerprint::of(folder.path()));
        }
    }
}

/// In a file system of its own, of 1 MiB in memory; only root can have that.
#[test]
fn too_little_room_is_seen_before_the_first_byte() {
    let sources = Folder::new();
    let source = sources.join("source.db");
    database(&source, 1024, 2000);
    let mount = Folder::new();
    let script = r#"
        mount -t tmpfs -o size=1m tmpfs "$place" || exit 77
        "$litecopy" copy "$source" "$place/copy.db" --progress json
        code=$?
        ls -A "$place" >&2
        exit $code"#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]);
    command.env("litecopy", assert_cmd::cargo::cargo_bin!("litecopy"));
    command.env("place", mount.path()).env("source", &source);
    let Some(output) = command.output().ok().filter(|output| output.status.code() != Some(77)) else {
        println!("SKIPPED: no file system of our own to be had");
        return;
    };
    let said = String::from_utf8(output.stderr).unwrap();
    if !said.contains("event") {
        println!("SKIPPED: no file system of our own to be had: {said}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "steps were told, or something was left behind: {said}");
    let needed_bytes = fs::metadata(&source).unwrap().len();
    assert!(said.contains(r#""kind":"no_space""#), "{said}");
    assert!(said.contains(&format!("{needed_bytes} bytes are needed, 1048576 are free")), "{said}");
}

/// Holes of the source need no room, and stay holes.
#[test]
fn a_database_with_holes_is_copied_with_holes() {
    let made = makers::past_the_lock_byte_page().make();
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    litecopy::copy_database(&made.path, &copy).unwrap();
    let [source, copy] = [&made.path, &copy].map(|path| fs::metadata(path).unwrap());
    assert_eq!(source.len(), copy.len());
    // Holes are found in runs of 256 KiB.
    assert!(
        copy.blocks() < 2 * source.blocks() && copy.blocks() * 512 < copy.len() / 100,
        "{} and {}",
        copy.blocks(),
        source.blocks()
    );
}

#[test]
fn a_copy_that_begins_again_writes_only_what_differs() {
    let folder = Folder::new();
    let source = folder.join("source.db");
    database(&source, 1024, 1000);
    let mut other = Peer::connected_to(&source);
    let targets = Folder::new();
    let target = FileTarget::new(targets.join("copy.db"));
    let mut backup = CopyOptions::new().begin(&source, target).unwrap();
    for _ in 0..3 {
        assert_eq!(backup.step(900).unwrap(), StepOutcome::More);
        other.execute("main", "UPDATE t SET b = randomblob(900) WHERE id IN (10, 500)").unwrap();
    }
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Done);
    assert_eq!(backup.progress().restarts, 3);
    let size_bytes = u64::from(backup.progress().page_count) * 1024;
    let written_bytes = backup.finish().unwrap().report.written_bytes.unwrap();
    assert_right_copy(&source, &targets.join("copy.db"));
    // Page 1 and the page of each row, three times.
    assert!(written_bytes > size_bytes && written_bytes <= size_bytes + 3 * 5 * 1024, "{written_bytes}");
}

#[test]
fn without_sync_it_is_the_same_copy() {
    let made = makers::usual();
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    CopyOptions::new().sync(false).copy(&made.path, &copy).unwrap();
    assert_right_copy(&made.path, &copy);
    CopyOptions::new().sync(false).replace(true).copy(&made.path, &copy).unwrap();
    assert_eq!(targets.names(), ["copy.db"]);
}

/// A wal-index of nobody, and empty files that count as none.
#[test]
fn stale_side_files_of_a_replaced_file_go_with_it() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    makers::left_log(&target);
    let index = fs::read(beside(&target, "-shm")).unwrap();
    let connection = Connection::open(&target).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    connection.close().unwrap();
    assert_eq!(targets.names(), ["copy.db"]);
    fs::write(beside(&target, "-shm"), index).unwrap();
    fs::write(beside(&target, "-wal"), []).unwrap();
    fs::write(beside(&target, "-journal"), []).unwrap();
    CopyOptions::new().replace(true).copy(&made.path, &target).unwrap();
    assert_eq!(targets.names(), ["copy.db"]);
    assert_right_copy(&made.path, &target);
}

/// Somebody is still connected to a database that was moved away from under its name: its log would be found by that name.
#[test]
fn a_wal_index_in_use_is_in_the_way() {
    let made = makers::usual();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    let mut user = Peer::connected_to(&target);
    let sql = "PRAGMA journal_mode = WAL; CREATE TABLE u(a); PRAGMA wal_checkpoint(TRUNCATE);";
    user.execute("main", sql).unwrap();
    assert_eq!(fs::metadata(beside(&target, "-wal")).unwrap().len(), 0);
    fs::rename(&target, targets.join("moved.db")).unwrap();
    for has_old in [false, true] {
        if has_old {
            fs::copy(&made.path, &target).unwrap();
        }
        let before = targets.names();
        let error = CopyOptions::new().replace(true).copy(&made.path, &target).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SideFileInTheWay, "{error}");
        assert_eq!(targets.names(), before);
    }
}

/// A connection that is idle, and holds no lock, would go on with the old file, and join the log of the new one.
#[test]
fn what_somebody_has_open_without_a_lock_is_not_replaced() {
    for journal_mode in ["DELETE", "TRUNCATE"] {
        let made = makers::usual();
        let targets = Folder::new();
        let target = targets.join("copy.db");
        let mut user = Peer::connected_to(&target);
        let sql =
            format!("PRAGMA journal_mode = {journal_mode}; CREATE TABLE u(a); INSERT INTO u VALUES (1);");
        user.execute("main", &sql).unwrap();
        let before = Fingerprint::of(targets.path());
        for refresh in [false, true] {
            let options = CopyOptions::new().replace(true);
            let error = options.refresh(refresh).copy(&made.path, &target).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TargetInUse, "{error}");
            let holders: Vec<_> = error.lock_holders().iter().map(|it| (it.lock, it.process_id)).collect();
            // A child that another test is just starting has what this process has open, for a moment.
            assert!(holders.contains(&("OPEN", Some(user.process_id()))), "{error}");
        }
        assert_same(&before, &Fingerprint::of(targets.path()));
        user.execute("main", "INSERT INTO u VALUES (2);").unwrap();
        // It opens the file while the copy runs, and is met at the end.
        user.close("main").unwrap();
        let mut opened = false;
        let options = CopyOptions::new().replace(true).pages_per_step(1);
        let error = options.begin(&made.path, FileTarget::new(&target)).unwrap().run(|_| {
            if !opened {
                user.open("main", &target).unwrap();
                opened = true;
            }
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(error.map(drop).unwrap_err().kind(), ErrorKind::TargetInUse);
        user.close("main").unwrap();
        CopyOptions::new().replace(true).copy(&made.path, &target).unwrap();
        assert_right_copy(&made.path, &target);
    }
}

/// Each of them opens the old file, and none takes another for an application that has it open.
#[test]
fn copies_that_replace_one_file_at_the_same_moment_all_succeed() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    CopyOptions::new().copy(&made.path, &copy).unwrap();
    for words in [["copy", "--replace"], ["refresh", "--replace"]] {
        let run = || {
            let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
            command.args(words).args([&made.path, &copy]).stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::piped()).spawn().unwrap()
        };
        let running: Vec<Child> = (0..8).map(|_| run()).collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(folder.names(), ["copy.db"]);
        assert_right_copy(&made.path, &copy);
    }
}

/// A process that lives on after its copy does not keep the copy open, nor what it replaced.
#[test]
fn a_finished_copy_is_replaced_while_who_made_it_lives_on() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    for replace in [false, true] {
        CopyOptions::new().replace(replace).copy(&made.path, &copy).unwrap();
        let mut other = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
        let output = other.args(["copy", "--replace"]).args([&made.path, &copy]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
