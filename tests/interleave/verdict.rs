//! What must be so after a run, whatever was done to it.
//!
//! 1. Each database that is there is whole: SQLite, which recovers it first, calls it sound, and all its rows are of one
//!    version, its own or one of the source's. A commit into the target after the new content was there is still there.
//! 2. Exit 0: the target has a version of the source. Otherwise the error is one that is documented.
//! 3. Of the source's files and of a stranger's nothing changed since the act.
//! 4. Nothing of litecopy's own is left in any folder.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::files::Folder;
use crate::fingerprint::Fingerprint;
use crate::scene::{BUNDLE, NEXT_SOURCE, SOURCE_FIRST, STRANGER, Scene, TARGET};
use crate::shim::Run;

/// The exit codes that the help tells.
const CODES: [i32; 3] = [0, 1, 5];

/// What the folders that are only read looked like after the act.
pub(crate) struct Before {
    source: Fingerprint,
    stranger: Fingerprint,
}

impl Before {
    pub(crate) fn of(scene: &Scene) -> Self {
        let of = |name: &str| Fingerprint::of(&scene.path().join(name));
        Self { source: of("source"), stranger: of("stranger") }
    }
}

/// What is wrong after a run, if anything.
pub(crate) fn judge(mut scene: Scene, before: &Before, run: &Run) -> Result<(), String> {
    let code = run.status.code().ok_or_else(|| format!("{:?}", run.status))?;
    if !CODES.contains(&code) {
        return Err(format!("exit {code}"));
    }
    let now = Before::of(&scene);
    if now.source != before.source {
        return Err("a file of the source changed".to_owned());
    }
    if now.stranger != before.stranger && !scene.stranger_is_target {
        return Err("a stranger's file changed".to_owned());
    }
    let folders = ["source", "target", "stranger", "moved"].map(|name| scene.path().join(name));
    if let Some(left) = folders.iter().flat_map(|folder| names(folder)).find(|path| is_ours(path)) {
        return Err(format!("{} is left", left.display()));
    }
    scene.connections.clear();
    // SQLite refuses what has a link for a side file; what is of interest is the database.
    for path in folders.iter().flat_map(|folder| names(folder)).filter(|path| path.is_symlink()) {
        if !is_database(&path) {
            fs::remove_file(path).unwrap();
        }
    }
    let mut target_versions = Vec::new();
    target_versions.extend(judge_bundle(&scene.path().join(BUNDLE))?);
    for path in folders.iter().flat_map(|folder| names(folder)).filter(|path| is_database(path)) {
        let looked = look(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let known = [SOURCE_FIRST, TARGET, STRANGER, NEXT_SOURCE].contains(&looked.version)
            || scene.source_versions.contains(&looked.version);
        if !known {
            return Err(format!("{}: version {}, which nobody committed", path.display(), looked.version));
        }
        if path == scene.target() && scene.has_late_mark && !looked.is_marked {
            return Err("a commit into the new target is lost".to_owned());
        }
        if !path.starts_with(scene.path().join("source")) {
            target_versions.push(looked.version);
        }
    }
    let is_done = target_versions.iter().any(|version| scene.source_versions.contains(version));
    if code == 0 && !is_done {
        return Err("exit 0 without a copy".to_owned());
    }
    Ok(())
}

/// The version of the merged copy in a bundle of evidence, if there is one: then it is whole, and what the files as found give.
fn judge_bundle(bundle: &Path) -> Result<Option<i64>, String> {
    if !bundle.is_dir() {
        return Ok(None);
    }
    let report = litecopy::verify_bundle(bundle, None).map_err(|error| error.to_string())?;
    if !report.intact || !report.merged_copy_compared {
        return Err(format!("{report:?}"));
    }
    // The bundle itself is not to be written.
    let folder = Folder::for_judging();
    fs::write(folder.join("merged.db"), fs::read(bundle.join("merged.db")).unwrap()).unwrap();
    look(&folder.join("merged.db")).map(|looked| Some(looked.version))
}

struct Looked {
    version: i64,
    is_marked: bool,
}

/// A database as SQLite sees it.
fn look(path: &Path) -> Result<Looked, String> {
    let seen = || -> rusqlite::Result<(String, i64, i64, i64)> {
        let connection = Connection::open(path)?;
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok((
            check,
            one("SELECT min(version) FROM t")?,
            one("SELECT max(version) FROM t")?,
            one("SELECT count(*) FROM mark")?,
        ))
    };
    match seen() {
        Ok((check, first, last, marks)) if check == "ok" && first == last => {
            Ok(Looked { version: first, is_marked: marks > 0 })
        }
        Ok((check, first, last, _)) => Err(format!("{check}, versions {first} to {last}")),
        Err(error) => Err(error.to_string()),
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn is_ours(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with(".litecopy")
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "db") && path.is_file()
}
