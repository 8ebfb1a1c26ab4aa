//! A user who may read and nothing more, and a mount that nobody can write to: every state is copied right there, also
//! where SQLite itself gives up.
//!
//! The copier is this executable, started again without rights. It first shows that it has none.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write, stderr};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;

use crate::files::Folder;
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::peer::Peer;
use crate::states::{BIG_CHANGE, Scene, copied_in_steps};

/// Set for a process that was started to copy: what, and where to.
const SOURCE: &str = "LITECOPY_JUDGE_SOURCE";
const TARGET: &str = "LITECOPY_JUDGE_TARGET";
/// The user and group "nobody".
const NOBODY: u32 = 65534;

/// A state, whoever keeps it, and whether SQLite can read it without rights.
type Row = (&'static str, fn(&Scene) -> Option<Peer>, bool);

const ROWS: [Row; 8] = [
    ("rollback mode", |_| None, true),
    ("rollback mode, a writer in a transaction", |scene| Some(scene.peer("BEGIN IMMEDIATE")), true),
    (
        "a hot journal",
        |scene| {
            scene.killed_after(&format!("PRAGMA cache_size = 5; BEGIN; {BIG_CHANGE}"));
            assert!(scene.assert_hot());
            None
        },
        false,
    ),
    ("a log and others connected", |scene| Some(log(scene)), true),
    (
        "a log and a wal-index, nobody connected",
        |scene| {
            log(scene).kill();
            None
        },
        true,
    ),
    (
        "a log without a wal-index",
        |scene| {
            log(scene).kill();
            fs::remove_file(scene.wal_index()).unwrap();
            None
        },
        false,
    ),
    (
        "a log that was written by a connection alone",
        |scene| {
            scene.killed_after(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; UPDATE t SET c = 'in the log'",
            );
            None
        },
        false,
    ),
    (
        "WAL mode without a log",
        |scene| {
            log(scene).quit();
            None
        },
        false,
    ),
];

fn log(scene: &Scene) -> Peer {
    scene.peer("PRAGMA journal_mode = WAL; UPDATE t SET c = 'in the log' WHERE a % 3 = 0;")
}

#[test]
fn as_a_user_without_rights() {
    let copier = Copier::new();
    for (what, make, sqlite_can) in ROWS {
        let state = State::new(make);
        let mut command = Command::new(&copier.path);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = copier.run(&mut command, &state);
        assert_copied(what, &state, &output, sqlite_can);
    }
}

#[test]
fn on_a_mount_that_is_read_only() {
    let copier = Copier::new();
    let probe = Folder::new();
    if !on_read_only_mount(probe.path()).arg("true").status().is_ok_and(|status| status.success()) {
        // Past the test harness, which would keep it for itself.
        writeln!(stderr(), "SKIP: copying from a read-only mount: this machine does not let us make one")
            .unwrap();
        return;
    }
    for (what, make, sqlite_can) in ROWS {
        let state = State::new(make);
        let mut command = on_read_only_mount(state.scene.folder.path());
        command.arg(&copier.path);
        let output = copier.run(&mut command, &state);
        assert_copied(what, &state, &output, sqlite_can);
    }
}

/// Runs what is added to it where the folder is mounted read-only, seen by nobody else.
fn on_read_only_mount(folder: &Path) -> Command {
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", mount]).arg(folder);
    command
}

const ARGUMENTS: [&str; 5] =
    ["no_rights::copier_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"];

/// A state whose files and folder only let themselves be read.
struct State {
    scene: Scene,
    _keeper: Option<Peer>,
    targets: Folder,
}

impl State {
    fn new(make: fn(&Scene) -> Option<Peer>) -> Self {
        let scene = Scene::new();
        let keeper = make(&scene);
        for name in scene.folder.names() {
            set_mode(&scene.folder.join(&name), 0o444);
        }
        set_mode(scene.folder.path(), 0o555);
        let targets = Folder::new();
        if is_root() {
            chown(targets.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Self { scene, _keeper: keeper, targets }
    }

    fn target(&self) -> PathBuf {
        self.targets.join("copy.db")
    }
}

impl Drop for State {
    fn drop(&mut self) {
        set_mode(self.scene.folder.path(), 0o755);
    }
}

#[track_caller]
fn assert_copied(what: &str, state: &State, output: &Output, sqlite_can: bool) {
    let said = String::from_utf8_lossy(&output.stdout);
    let told = said.lines().find(|line| line.starts_with("SQLite: ")).unwrap_or_default();
    println!("{what}: {told}");
    assert!(output.status.success(), "{what}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(told == "SQLite: 120 rows", sqlite_can, "{what}: {told}");
    let bundle = if cfg!(feature = "evidence") { &["bundle"][..] } else { &[] };
    assert_eq!(state.targets.names(), [bundle, &["copy.db"]].concat(), "{what}");
    assert_right_copy(&state.scene.path, &state.target());
}

/// This executable where everybody can start it.
struct Copier {
    _folder: Folder,
    path: PathBuf,
}

impl Copier {
    fn new() -> Self {
        let folder = Folder::new();
        set_mode(folder.path(), 0o755);
        let path = folder.join("copier");
        fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
        Self { _folder: folder, path }
    }

    /// Lets it copy, while nothing of the source changes.
    fn run(&self, command: &mut Command, state: &State) -> Output {
        let before = Fingerprint::of(state.scene.folder.path());
        let output = command
            .args(ARGUMENTS)
            .env(SOURCE, &state.scene.path)
            .env(TARGET, state.target())
            .current_dir("/")
            .output()
            .expect("a copier can be started");
        assert_same(&before, &Fingerprint::of(state.scene.folder.path()));
        output
    }
}

#[test]
#[ignore = "the body of a copier process, started by the other tests"]
fn copier_process() {
    let (Some(source), Some(target)) = (std::env::var_os(SOURCE), std::env::var_os(TARGET)) else { return };
    let (source, target) = (PathBuf::from(source), PathBuf::from(target));
    assert_no_rights(&source);
    litecopy::copy_database(&source, &target).unwrap();
    assert!(copied_in_steps(&source) == fs::read(&target).unwrap());
    #[cfg(feature = "evidence")]
    acquire(&source, &target);
    assert_no_rights(&source);
    match rows_read_by_sqlite(&source) {
        Ok(count) => println!("\nSQLite: {count} rows"),
        Err(error) => println!("\nSQLite: {error}"),
    }
}

/// A bundle of evidence beside the copy, whose merged copy is the same.
#[cfg(feature = "evidence")]
fn acquire(source: &Path, copy: &Path) {
    let bundle = copy.with_file_name("bundle");
    let acquired = litecopy::AcquireOptions::new().acquire(source, &bundle, |_| {}).unwrap();
    let report = litecopy::verify_bundle(&bundle, Some(acquired.manifest_sha256)).unwrap();
    assert!(report.intact, "{report:#?}");
    assert!(fs::read(bundle.join("merged.db")).unwrap() == fs::read(copy).unwrap());
    for file in &acquired.manifest.bundle.unwrap().files {
        assert!(file.is_unchanged(), "{file:?}");
    }
}

fn rows_read_by_sqlite(source: &Path) -> rusqlite::Result<i64> {
    Connection::open(source)?.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
}

#[track_caller]
fn assert_no_rights(source: &Path) {
    let refused = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
    let to_write = OpenOptions::new().write(true).open(source).unwrap_err();
    assert!(refused.contains(&to_write.kind()), "{to_write}");
    let to_create = File::create(source.with_file_name("new")).unwrap_err();
    assert!(refused.contains(&to_create.kind()), "{to_create}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    fs::metadata(Folder::new().path()).unwrap().uid() == 0
}
