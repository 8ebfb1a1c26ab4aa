//! One run of the bench: its options, its folder, and what the command `litecopy` knows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::databases;
use crate::options::Options;

/// Set by Ctrl-C. What is run then is ended by it too, but not what this process does itself.
static STOPPED: AtomicBool = AtomicBool::new(false);

pub(crate) struct Bench {
    pub(crate) options: Options,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        ctrlc::set_handler(|| STOPPED.store(true, Ordering::Relaxed)).unwrap();
        Self { options, folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    /// Unwinds after Ctrl-C, so that the folder and what is mounted in it go.
    pub(crate) fn stop_if_told() {
        assert!(!STOPPED.load(Ordering::Relaxed), "stopped");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The large size, in millions of bytes.
    pub(crate) fn large(&self) -> u64 {
        self.options.megabytes
    }

    /// A tenth of the large size.
    pub(crate) fn small(&self) -> u64 {
        (self.large() / 10).max(1)
    }

    /// So many in a full run, fewer in a quick one.
    pub(crate) fn count(&self, full: usize) -> usize {
        if self.options.quick { full.div_ceil(25) } else { full }
    }

    /// A database in rollback mode, which several cases share; none may change it.
    pub(crate) fn rollback(&self, megabytes: u64) -> PathBuf {
        let path = self.folder().join(format!("rollback-{megabytes}.db"));
        if !path.exists() {
            databases::rollback(&path, megabytes);
        }
        path
    }

    /// What is missing in this `litecopy` for these arguments: a verb and its options.
    pub(crate) fn missing(arguments: &[&str]) -> Option<String> {
        let (verb, options) = arguments.split_first()?;
        if !verb.starts_with('-') && !knows(&["--help"], verb) {
            return Some(format!("this litecopy has no `{verb}`"));
        }
        let names =
            options.iter().filter(|option| option.starts_with("--")).filter_map(|o| o.split('=').next());
        let unknown = names.into_iter().find(|name| !knows(&[verb, "--help"], name));
        unknown.map(|name| format!("this litecopy has no `{name}`"))
    }
}

pub(crate) fn litecopy() -> Command {
    Command::new(env!("CARGO_BIN_EXE_litecopy"))
}

/// Whether a help text lists this verb or option: at the head of a line, which explanations have further to the right.
fn knows(help: &[&str], word: &str) -> bool {
    const EXPLANATION: usize = 10;
    let text = String::from_utf8(litecopy().args(help).output().unwrap().stdout).unwrap();
    let heads = text.lines().filter(|line| line.len() - line.trim_start().len() < EXPLANATION);
    let mut words =
        heads.flat_map(|line| line.split([' ', ',', '[', '=']).filter(|part| !part.is_empty()).take(2));
    words.any(|known| known == word)
}
