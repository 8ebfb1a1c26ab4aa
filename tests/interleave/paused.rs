//! A command that pauses before one of its system calls.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, mkfifoat};

use crate::shim::{Run, Shim};

/// How long it may take to the pause.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Paused {
    process: Child,
    told: File,
    let_go: File,
    log: PathBuf,
    _scratch: tempfile::TempDir,
}

impl Paused {
    /// Starts the command; it pauses before the call of this number, from 1, on a file in `folder`.
    pub(crate) fn start(shim: &Shim, folder: &Path, arguments: &[OsString], at: u64) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let [tell, go, log] = ["tell", "go", "log"].map(|name| scratch.path().join(name));
        let (told, let_go) = (pipe(&tell), pipe(&go));
        let mut command = shim.command(folder, &log, arguments);
        command.env("FAULTS_TELL", &tell).env("FAULTS_GO", &go);
        command.env("FAULTS_AT", at.to_string()).env("FAULTS_DO", "pause");
        Self { process: command.spawn().unwrap(), told, let_go, log, _scratch: scratch }
    }

    /// Lets `act` act at the pause, and then the command come to its end. Where it makes fewer calls it does not pause.
    pub(crate) fn finish(mut self, act: impl FnOnce()) -> Run {
        let begun = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            if self.told.read(&mut [0]).is_ok_and(|count| count == 1) {
                act();
                self.let_go.write_all(&[0]).unwrap();
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "neither a pause nor an end after {PATIENCE:?}");
            thread::sleep(Duration::from_micros(100));
        }
        Run::to_end(self.process, &self.log)
    }
}

/// A named pipe, opened both ways, so that neither end waits for the other.
fn pipe(path: &Path) -> File {
    mkfifoat(CWD, path, 0o600.into()).unwrap();
    File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}
