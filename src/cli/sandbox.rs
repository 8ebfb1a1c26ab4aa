//! What the command may still open once it has begun with a stranger's file (`--untrusted`): Linux's Landlock keeps the list.
//!
//! | may be | what |
//! |---|---|
//! | read | the sources and their side files, as far as they are there; `/proc`, where locks and mounts are listed |
//! | written, and read | the folders of what is written: targets, manifests, maps, and the temporary one where a pipe is in play |
//! | connected to | nothing |
//!
//! What is open already (the standard streams) stays open. Where a copy is made again and again (`--every`), side files come
//! and go: then the sources' folders may be read.

use std::path::{Path, PathBuf};

use super::notes::Note;

/// What the command has to do with files.
#[derive(Debug, Default)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no other system is told of it"))]
pub(crate) struct Needs<'a> {
    /// The databases that are read.
    pub(crate) sources: Vec<&'a Path>,
    /// The files that are made or written over.
    pub(crate) targets: Vec<&'a Path>,
    /// Folders in which temporary files are made.
    pub(crate) temporary: Vec<PathBuf>,
    /// Whether side files of the sources may come to be meanwhile that have to be read.
    pub(crate) again: bool,
    /// Whether a folder is made beside a source, as its lock.
    pub(crate) lock_folders: bool,
}

/// Lets this process open nothing but what it needs; a note where the system cannot do that.
pub(crate) fn confine(needs: &Needs<'_>) -> Option<Note> {
    match system::confine(needs) {
        Ok(()) => None,
        Err(why) => Some(Note::no_sandbox(&why)),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, make_bitflags,
    };

    use super::Needs;

    /// What is refused unless it is allowed. Later versions can refuse more, of which nothing concerns us.
    const VERSION: ABI = ABI::V4;

    const SIDE_FILES: [&str; 4] = ["", "-journal", "-wal", "-shm"];

    pub(super) fn confine(needs: &Needs<'_>) -> Result<(), String> {
        let status = restrict(needs).map_err(|error| error.to_string())?;
        match status {
            RulesetStatus::NotEnforced => Err("the system has no Landlock".to_owned()),
            _ => Ok(()),
        }
    }

    fn restrict(needs: &Needs<'_>) -> Result<RulesetStatus, RulesetError> {
        let read_file = make_bitflags!(AccessFs::{ReadFile});
        let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
        let lock_folder = make_bitflags!(AccessFs::{MakeDir | RemoveDir});
        let write = make_bitflags!(AccessFs::{
            ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | MakeDir | RemoveDir | Refer
        });
        let mut rules = Ruleset::default()
            .handle_access(AccessFs::from_all(VERSION))?
            .handle_access(AccessNet::from_all(VERSION))?
            .create()?;
        rules = allow(rules, Path::new("/proc"), read)?;
        for source in &needs.sources {
            // One that is not there, or may not be looked at, is told when it is opened.
            let Ok(source) = source.canonicalize() else { continue };
            for suffix in SIDE_FILES {
                let mut name = OsString::from(&source);
                name.push(suffix);
                rules = allow(rules, Path::new(&name), read_file)?;
            }
            if needs.again {
                rules = allow(rules, &folder_of(&source), read)?;
            }
            if needs.lock_folders {
                rules = allow(rules, &folder_of(&source), lock_folder)?;
            }
        }
        for target in &needs.targets {
            rules = allow(rules, &folder_of(target), write)?;
        }
        for folder in &needs.temporary {
            rules = allow(rules, folder, write)?;
        }
        Ok(rules.restrict_self()?.ruleset)
    }

    /// Allows this below a path; nothing where nothing is there.
    fn allow(
        rules: RulesetCreated,
        path: &Path,
        access: BitFlags<AccessFs>,
    ) -> Result<RulesetCreated, RulesetError> {
        match PathFd::new(path) {
            Ok(place) => rules.add_rule(PathBeneath::new(place, access)),
            Err(_) => Ok(rules),
        }
    }

    /// The folder in which the file lies, or will, to which a path leads.
    fn folder_of(path: &Path) -> PathBuf {
        let led_to = path.canonicalize().or_else(|_| path.read_link().map(|link| beside(path, &link)));
        let path = led_to.unwrap_or_else(|_| path.to_owned());
        beside(&path, Path::new("."))
    }

    /// What `name` means in the folder of `path`.
    fn beside(path: &Path, name: &Path) -> PathBuf {
        path.parent().unwrap_or(Path::new("/")).join(name)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Needs;

    pub(super) fn confine(needs: &Needs<'_>) -> Result<(), String> {
        let Needs { sources: _, targets: _, temporary: _, again: _, lock_folders: _ } = needs;
        Err("only Linux has Landlock".to_owned())
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    /// A thread is shut off by itself, so that the other tests go on.
    #[test]
    fn nothing_but_what_is_needed_can_be_opened() {
        let folders =
            [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [from, to, elsewhere] = folders.each_ref().map(tempfile::TempDir::path);
        for name in ["a.db", "a.db-wal", "other"] {
            fs::write(from.join(name), "bytes").unwrap();
        }
        std::os::unix::fs::symlink(from.join("a.db"), to.join("link.db")).unwrap();
        let refused = |result: std::io::Result<File>| {
            result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (source, target) = (to.join("link.db"), to.join("copy.db"));
                let needs = Needs { sources: vec![&source], targets: vec![&target], ..Needs::default() };
                if let Some(note) = confine(&needs) {
                    eprintln!("not tested: {}", note.text());
                    return;
                }
                for readable in [source.clone(), from.join("a.db-wal"), "/proc/locks".into()] {
                    assert!(File::open(&readable).is_ok(), "{}", readable.display());
                }
                for shut in
                    [from.join("other"), "/etc/passwd".into(), elsewhere.to_owned(), "/dev/zero".into()]
                {
                    assert!(refused(File::open(&shut)), "{}", shut.display());
                }
                fs::write(&target, "new").unwrap();
                fs::rename(&target, to.join("renamed.db")).unwrap();
                fs::remove_file(to.join("renamed.db")).unwrap();
                for shut in [from.join("new"), from.join("a.db"), elsewhere.join("new")] {
                    assert!(
                        refused(File::options().append(true).create(true).open(&shut)),
                        "{}",
                        shut.display()
                    );
                }
                let connected = TcpStream::connect("127.0.0.1:9");
                assert_eq!(connected.unwrap_err().kind(), ErrorKind::PermissionDenied);
            });
        });
        assert!(File::open("/etc/passwd").is_ok());
    }
}
