//! Root runs the command in a user's folder, and the user turns names into links between any two of its calls: no file of
//! root's is changed, handed over, or shown. Needs root to be tried.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{Folder, beside};
use crate::fingerprint::Fingerprint;
use crate::moments::{Pair, is_chosen, try_pairs};
use crate::scene::{Mode, SOURCE_FIRST, TARGET, Templates, open};
use crate::shim::Run;
use crate::tell;

/// Nobody, whose rights are everybody's.
const USER: u32 = 65534;

/// What the rows of root's own database hold.
const SECRET: &[u8] = b"nobody but root may read this";

/// The words of a run, and whether there is a target before.
const RUNS: &[(&[&str], bool)] = &[
    (&["copy"], false),
    (&["copy", "--replace"], true),
    (&["copy", "--replace", "--verify"], false),
    (&["copy", "--in-place"], true),
    (&["restore"], true),
    (&["refresh"], true),
    (&["refresh", "--replace"], true),
];

/// Which name in the user's folder becomes a link, and to which of root's files.
const LINKS: &[(&str, &str)] = &[
    ("copy.db", "passwd"),
    ("copy.db", "root.db"),
    ("copy.db", "nothing"),
    ("copy.db-journal", "passwd"),
    ("copy.db-journal", "nothing"),
    ("copy.db-wal", "root.db-wal"),
    ("copy.db-wal", "nothing"),
    ("copy.db-shm", "root.db-shm"),
    ("app.db", "root.db"),
    ("app.db-journal", "root.db-journal"),
    ("app.db-wal", "root.db-wal"),
    ("app.db-shm", "root.db-shm"),
    // Whatever the command has made for the moment.
    (".litecopy-*", "passwd"),
    (".litecopy-*", "nothing"),
];

struct LinkByUser<'t> {
    run: &'static (&'static [&'static str], bool),
    link: &'static (&'static str, &'static str),
    templates: &'t Templates,
}

struct UserScene {
    folder: Folder,
    roots: Fingerprint,
    _live: rusqlite::Connection,
}

impl UserScene {
    fn user(&self, name: &str) -> PathBuf {
        self.folder.path().join("user").join(name)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

impl Pair for LinkByUser<'_> {
    type Scene = UserScene;

    fn name(&self) -> String {
        format!("{}, {} leads to root's {}", self.run.0.join(" "), self.link.0, self.link.1)
    }

    fn prepare(&self) -> UserScene {
        let folder = Folder::for_judging();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (user, root) = (folder.join("user"), folder.join("root"));
        fs::create_dir(&user).unwrap();
        chown(&user, Some(USER), Some(USER)).unwrap();
        fs::create_dir(&root).unwrap();
        self.templates.put("source", Mode::Rollback, &user.join("app.db"));
        if self.run.1 {
            self.templates.put("target", Mode::Rollback, &user.join("copy.db"));
        }
        for entry in fs::read_dir(&user).unwrap() {
            chown(entry.unwrap().path(), Some(USER), Some(USER)).unwrap();
        }
        fs::write(root.join("passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
        // A dead writer's journal, as bytes.
        fs::write(root.join("root.db-journal"), SECRET).unwrap();
        self.templates.put("stranger", Mode::Rollback, &root.join("root.db"));
        let hidden = String::from_utf8(SECRET.to_vec()).unwrap();
        let live = open(&root.join("root.db"));
        live.execute_batch(&format!("PRAGMA journal_mode = WAL; UPDATE t SET pad = '{hidden}';")).unwrap();
        for entry in fs::read_dir(&root).unwrap() {
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
        UserScene { roots: Fingerprint::of(&root), folder, _live: live }
    }

    fn command(&self, scene: &UserScene) -> (PathBuf, Vec<OsString>) {
        let (verb, options) = self.run.0.split_first().unwrap();
        let words = [verb, "--timeout=300ms", "--sleep=5ms", "--deadline=5s"]
            .into_iter()
            .chain(options.iter().copied());
        let paths = [scene.user("app.db").into(), scene.user("copy.db").into()];
        (scene.folder.path().to_owned(), words.map(OsString::from).chain(paths).collect())
    }

    fn act(&self, scene: &mut UserScene) {
        let (name, to) = self.link;
        // In one move where the user may, else as can be.
        let script = "for name in $1; do ln -s \"$2\" .making && mv -fT .making \"$name\"; done";
        let status = Command::new("sh")
            .args(["-c", script, "sh", name])
            .arg(scene.root().join(to))
            .current_dir(scene.folder.path().join("user"))
            .uid(USER)
            .gid(USER)
            .status()
            .unwrap();
        assert!(status.success());
    }

    fn judge(&self, scene: UserScene, run: &Run) -> Result<(), String> {
        if Fingerprint::of(&scene.root()) != scene.roots {
            return Err("a file of root's changed, or there is a new one".to_owned());
        }
        for entry in fs::read_dir(scene.folder.path().join("user")).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_file() && is_shown(&metadata) && holds_secret(&path) {
                return Err(format!("{} shows what is in root's files", path.display()));
            }
        }
        match run.status.code() {
            Some(0) => is_copy(&scene.user("copy.db")),
            Some(1 | 5) => Ok(()),
            other => Err(format!("exit {other:?}")),
        }
    }
}

/// Whether the user may read it.
fn is_shown(metadata: &fs::Metadata) -> bool {
    metadata.uid() == USER || metadata.mode() & 0o004 != 0
}

fn holds_secret(path: &Path) -> bool {
    fs::read(path).unwrap().windows(SECRET.len()).any(|bytes| bytes == SECRET)
}

/// Exit 0 is said of the source's content only, if the user has not taken it away since.
fn is_copy(path: &Path) -> Result<(), String> {
    for suffix in ["-wal", "-journal", "-shm"] {
        let beside = beside(path, suffix);
        if beside.is_symlink() {
            fs::remove_file(beside).unwrap();
        }
    }
    if path.is_symlink() {
        return Ok(());
    }
    let version = open(path).query_row("SELECT max(version) FROM t", [], |row| row.get::<_, i64>(0));
    match version {
        Ok(SOURCE_FIRST) => Ok(()),
        Ok(TARGET) => Err("exit 0 without a copy".to_owned()),
        other => Err(format!("exit 0, and {other:?}")),
    }
}

#[test]
fn a_user_turns_names_into_links_while_root_copies() {
    let of = "links by a user";
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        tell(&format!("SKIP: {of}: needs root"));
        return;
    }
    let templates = &Templates::new();
    let pairs: Vec<LinkByUser<'_>> = RUNS
        .iter()
        .flat_map(|run| LINKS.iter().map(move |link| LinkByUser { run, link, templates }))
        .filter(|pair| {
            is_chosen("LITECOPY_JOB", &pair.run.0.join(" ")) && is_chosen("LITECOPY_ACT", &pair.name())
        })
        .collect();
    try_pairs(of, &pairs);
}
