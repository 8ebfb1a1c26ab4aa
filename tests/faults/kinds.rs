//! The kinds of targets, and what stands in the target's folder afterwards: the old, the new, or what must never be.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::files::Folder;
use crate::sources::Sources;

/// What the names of temporary files and folders begin with.
const TEMPORARY: &str = ".litecopy-";
const SIDE_FILES: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A kind of target: how it is asked for, and which databases are in the target's folder before and after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    arguments: fn(&Sources, &Path) -> Vec<OsString>,
    before: Databases,
    after: Databases,
    /// Other files that are there afterwards.
    others: &'static [&'static str],
    /// A symbolic link that is there before and stays, and where it leads.
    pub(crate) link: Option<(&'static str, &'static str)>,
    /// Kinds of calls that need not be made to fail, since another row meets them in the same places.
    pub(crate) met_elsewhere: &'static [&'static str],
}

/// Paths in the folder, and which of the [`Sources`] lies there.
type Databases = &'static [(&'static str, &'static str)];

const COPY: Databases = &[("copy.db", "source.db")];

/// The calls that change nothing.
const QUIET: &[&str] = &["open", "read", "lock", "list", "look"];

/// To try another kind of target, add a row.
pub(crate) const KINDS: &[Kind] = &[
    row("a new file", |from, to| copy(&["copy", "--pages=20"], from, to), &[], COPY),
    row("a replaced file", replace, &[("copy.db", "old.db")], COPY),
    row("a replaced file with a hot journal", replace, &[("copy.db", "hot.db")], COPY),
    row("a replaced file with a log", replace, &[("copy.db", "log.db")], COPY),
    Kind {
        link: Some(("link.db", "copy.db")),
        met_elsewhere: &[
            "open", "create", "read", "write", "size", "sync", "rename", "lock", "list", "mode", "remove",
        ],
        ..row("a replaced file that a link leads to", replace_by_link, &[("copy.db", "old.db")], COPY)
    },
    row("a set in a new folder", set, &[], &[("set/source.db", "source.db"), ("set/other.db", "other.db")]),
    Kind {
        others: &["bundle/manifest.json", "bundle/report.txt", "bundle/SHA256SUMS"],
        ..row(
            "a bundle of evidence",
            acquire,
            &[],
            &[("bundle/merged.db", "source.db"), ("bundle/found.db", "source.db")],
        )
    },
    row("in place", restore, &[("copy.db", "old.db")], COPY),
    Kind {
        met_elsewhere: QUIET,
        ..row("in place over a hot journal", restore, &[("copy.db", "hot.db")], COPY)
    },
    Kind { met_elsewhere: QUIET, ..row("in place over a log", restore, &[("copy.db", "log.db")], COPY) },
    row("in place over other pages", restore, &[("copy.db", "pages.db")], COPY),
    row("a new file that is read back", |from, to| copy(&["copy", "--verify"], from, to), &[], COPY),
    row("a copy brought up to date", refresh, &[("copy.db", "old.db")], COPY),
    row("in place over a longer one", restore_other, &[("copy.db", "source.db")], &[("copy.db", "other.db")]),
];

const fn row(
    name: &'static str,
    arguments: fn(&Sources, &Path) -> Vec<OsString>,
    before: Databases,
    after: Databases,
) -> Kind {
    Kind { name, arguments, before, after, others: &[], link: None, met_elsewhere: &[] }
}

fn copy(options: &[&str], from: &Sources, to: &Path) -> Vec<OsString> {
    words(options, &[from.path("source.db"), to.join("copy.db")])
}

fn replace(from: &Sources, to: &Path) -> Vec<OsString> {
    copy(&["copy", "--replace"], from, to)
}

fn replace_by_link(from: &Sources, to: &Path) -> Vec<OsString> {
    words(&["copy", "--replace"], &[from.path("source.db"), to.join("link.db")])
}

fn set(from: &Sources, to: &Path) -> Vec<OsString> {
    let other = format!("--attach=other={}", from.path("other.db").display());
    words(&["copy", "--all", &other], &[from.path("source.db"), to.join("set")])
}

fn acquire(from: &Sources, to: &Path) -> Vec<OsString> {
    words(&["acquire", "--timeout=50ms"], &[from.path("source.db"), to.join("bundle")])
}

/// Nobody else is there to be waited for: what looks so is a fault.
const RESTORE: [&str; 3] = ["restore", "--timeout=50ms", "--sleep=10ms"];

fn restore(from: &Sources, to: &Path) -> Vec<OsString> {
    copy(&RESTORE, from, to)
}

fn restore_other(from: &Sources, to: &Path) -> Vec<OsString> {
    words(&RESTORE, &[from.path("other.db"), to.join("copy.db")])
}

fn refresh(from: &Sources, to: &Path) -> Vec<OsString> {
    copy(&["refresh", "--timeout=50ms", "--sleep=10ms"], from, to)
}

fn words(words: &[&str], paths: &[PathBuf]) -> Vec<OsString> {
    words.iter().map(OsString::from).chain(paths.iter().map(OsString::from)).collect()
}

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Old,
    New,
}

impl Kind {
    /// A folder as it is before the run.
    pub(crate) fn prepare(&self, sources: &Sources) -> Folder {
        let folder = Folder::for_judging();
        self.restore(sources, folder.path());
        folder
    }

    /// Puts what is there before the run into a folder, and takes everything else out of it.
    pub(crate) fn restore(&self, sources: &Sources, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
        for (name, content) in self.before {
            sources.put(content, &folder.join(name));
        }
        self.make_link(folder);
    }

    /// Makes the link that stays, if there is one.
    pub(crate) fn make_link(&self, folder: &Path) {
        if let Some((name, to)) = self.link {
            symlink(to, folder.join(name)).unwrap();
        }
    }

    pub(crate) fn arguments(&self, sources: &Sources, folder: &Path) -> Vec<OsString> {
        (self.arguments)(sources, folder)
    }

    /// What stands in the folder, as SQLite sees it; an error when that is neither the old nor the new, whole.
    pub(crate) fn look(&self, sources: &Sources, folder: &Path) -> Result<State, String> {
        if let Some((name, to)) = self.link
            && fs::read_link(folder.join(name)).ok().as_deref() != Some(Path::new(to))
        {
            return Err(format!("{name} is not the link that it was"));
        }
        let is = |state: &[(&str, &'static str)], others: &[&str]| -> Result<(), String> {
            let expected: Vec<&str> = state.iter().map(|(name, _)| *name).collect();
            for name in names(folder) {
                let is_side_file = |database: &&str| {
                    SIDE_FILES.iter().any(|suffix| name.strip_suffix(suffix) == Some(*database))
                };
                let is_folder = |database: &&str| Path::new(database).parent() == Some(Path::new(&name));
                let known =
                    |database: &&str| name == **database || is_side_file(database) || is_folder(database);
                if !expected.iter().any(known) && !others.contains(&name.as_str()) && !is_temporary(&name) {
                    return Err(format!("{name} is there"));
                }
            }
            for (name, content) in state {
                let path = folder.join(name);
                if !path.exists() {
                    return Err(format!("{name} is not there"));
                }
                sources.compare(&path, content).map_err(|why| format!("{name} is not {content}: {why}"))?;
            }
            match others.iter().find(|name| !folder.join(name).exists()) {
                Some(missing) => Err(format!("{missing} is not there")),
                None => Ok(()),
            }
        };
        match (is(self.before, &[]), is(self.after, self.others)) {
            (Ok(()), _) => Ok(State::Old),
            (_, Ok(())) => Ok(State::New),
            (Err(old), Err(new)) => Err(format!("not the old: {old}; not the new: {new}")),
        }
    }

    /// Names in the folder that are neither of the old nor of the new; an old database may have side files.
    pub(crate) fn left_over(&self, folder: &Path, state: State) -> Vec<String> {
        let mut names = names(folder);
        names.retain(|name| !self.others.contains(&name.as_str()));
        for (known, _) in self.before.iter().chain(self.after) {
            names.retain(|name| name != known && Path::new(known).parent() != Some(Path::new(name)));
            if state == State::Old {
                names.retain(|name| {
                    !SIDE_FILES.iter().any(|suffix| name.strip_suffix(suffix) == Some(*known))
                });
            }
        }
        names
    }
}

/// Every file and folder below, by its path from there; links left out, and of temporary folders only their own name.
fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let file_type = entry.file_type().unwrap();
        if file_type.is_dir() && !is_temporary(&name) {
            found.extend(names(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        }
        if !file_type.is_symlink() {
            found.push(name);
        }
    }
    found.sort();
    found
}

pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}
