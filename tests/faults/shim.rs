//! Runs the command with `shim.c` between it and the kernel, and reads the log of its system calls.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::tell;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How the shim ends a process when it fails itself, and when the kernel does not let it work.
const SHIM_FAILED: i32 = 98;
const SHIM_REFUSED: i32 = 97;
pub(crate) const SIGKILL: i32 = 9;

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It fails with this number, once.
    Fail(i32),
    /// It fails with this number, and so do all that follow.
    FailOn(i32),
    /// It fails because a signal came, and so does each that follows; when repeated it does not.
    Interrupt,
    /// Half of it is done, and so of each that follows.
    Short,
    /// The process is killed right after it.
    Kill,
}

/// One fault to inject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault<'k> {
    /// The kinds of calls that are numbered, from 1.
    pub(crate) kinds: &'k [&'k str],
    pub(crate) at: u64,
    pub(crate) deed: Deed,
}

/// A system call on a file of the target's folder, as `shim.c` saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Whether the fault met it.
    pub(crate) faulty: bool,
    /// Whether the kernel has done it.
    pub(crate) done: bool,
    pub(crate) inode: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) path: PathBuf,
    pub(crate) second: PathBuf,
    pub(crate) data: Vec<u8>,
}

impl Call {
    pub(crate) fn is_sync_of_folder(&self) -> bool {
        // Here all files, and no folders, have it in their names; but for temporary names, which are those of files, and of the
        // folder of a set, whose own folder is synced after it.
        let name = self.path.file_name().unwrap().to_str().unwrap();
        self.name == "sync" && !name.contains(".db") && !name.starts_with(".litecopy-")
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    pub(crate) calls: Vec<Call>,
}

impl Run {
    /// Waits for the end of a command that logs its calls.
    pub(crate) fn to_end(process: Child, log: &Path) -> Self {
        let (status, stderr) = finish(process);
        assert!(![Some(SHIM_FAILED), Some(SHIM_REFUSED)].contains(&status.code()), "{stderr}");
        Self { status, stderr, calls: read_log(&fs::read(log).unwrap()) }
    }

    /// How many calls the fault has met.
    pub(crate) fn fault_count(&self) -> usize {
        self.calls.iter().filter(|call| call.faulty).count()
    }
}

/// The shim, built; and a place for its logs.
pub(crate) struct Shim {
    library: PathBuf,
    logs: tempfile::TempDir,
}

impl Shim {
    /// Builds the shim; `None`, with a word on stderr, where the kernel does not let it work.
    pub(crate) fn new(of: &str) -> Option<Self> {
        static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match LIBRARY.get_or_init(build) {
            Ok(library) => Some(Self { library: library.clone(), logs: tempfile::tempdir().unwrap() }),
            Err(why) => {
                tell(&format!("SKIP: {of}: {why}"));
                None
            }
        }
    }

    /// Runs the command on a target in `folder`.
    pub(crate) fn run(&self, folder: &Path, arguments: &[OsString], fault: Option<Fault<'_>>) -> Run {
        self.run_logged(folder, arguments, fault, false)
    }

    /// Runs it on a system that lacks these, parted by commas: see `FAULTS_LACKS` in `shim.c`.
    pub(crate) fn run_lacking(&self, folder: &Path, arguments: &[OsString], lacks: &str) -> Run {
        let log = self.logs.path().join("log");
        let mut command = self.command(folder, &log, arguments);
        command.env("FAULTS_LACKS", format!(",{lacks},"));
        Run::to_end(command.spawn().unwrap(), &log)
    }

    /// The same without a fault, the log with all that was written.
    pub(crate) fn record(&self, folder: &Path, arguments: &[OsString]) -> Run {
        self.run_logged(folder, arguments, None, true)
    }

    /// The command on files in `folder`, its calls logged in `log`; what the shim is to do can be added.
    pub(crate) fn command(&self, folder: &Path, log: &Path, arguments: &[OsString]) -> Command {
        let mut command = litecopy(arguments);
        command.env("LD_PRELOAD", &self.library).env("FAULTS_FOLDER", folder).env("FAULTS_LOG", log);
        command
    }

    fn run_logged(
        &self,
        folder: &Path,
        arguments: &[OsString],
        fault: Option<Fault<'_>>,
        with_data: bool,
    ) -> Run {
        let log = self.logs.path().join("log");
        let mut command = self.command(folder, &log, arguments);
        if with_data {
            command.env("FAULTS_DATA", "1");
        }
        if let Some(fault) = fault {
            let (deed, number) = match fault.deed {
                Deed::Fail(number) => ("fail", number),
                Deed::FailOn(number) => ("fail-on", number),
                Deed::Interrupt => ("interrupt", libc::EINTR),
                Deed::Short => ("short", 0),
                Deed::Kill => ("kill", 0),
            };
            command.env("FAULTS_KINDS", format!(",{},", fault.kinds.join(",")));
            command.env("FAULTS_AT", fault.at.to_string());
            command.env("FAULTS_DO", deed).env("FAULTS_ERRNO", number.to_string());
        }
        Run::to_end(command.spawn().unwrap(), &log)
    }
}

/// The command as it ships, its standard output and errors in pipes.
pub(crate) fn litecopy(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end of a process that says little, and gives what it said on stderr.
pub(crate) fn finish(mut process: Child) -> (ExitStatus, String) {
    let begun = Instant::now();
    let status = loop {
        match process.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                drop(process.kill());
                panic!("still running after {PATIENCE:?}: {process:?}");
            }
            None => thread::sleep(Duration::from_micros(500)),
        }
    };
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status, said)
}

/// Compiles the shim and tries it.
fn build() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
    let library = folder.join("faults-shim.so");
    // Made under a name of its own and renamed, for another run of these tests may be using the old one.
    let making = folder.join(format!("faults-shim-{}.so", std::process::id()));
    let compiled = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o"])
        .args([&making, &source])
        .output()
        .map_err(|error| format!("no C compiler: {error}"))?;
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    fs::rename(&making, &library).unwrap();
    let tried = Command::new("true")
        .env("LD_PRELOAD", &library)
        .env("FAULTS_FOLDER", "/nowhere")
        .env("FAULTS_LOG", folder.join("faults-log"))
        .status()
        .unwrap();
    match tried.code() {
        Some(0) => Ok(library),
        Some(SHIM_REFUSED) => Err("the kernel does not let a process watch its own system calls".to_owned()),
        other => panic!("the shim does not work: {other:?}"),
    }
}

fn read_log(mut log: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    while !log.is_empty() {
        let end = log.iter().position(|&byte| byte == b'\n').unwrap();
        let line = std::str::from_utf8(&log[..end]).unwrap();
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, name, _, deed, result, inode, offset, length, path, second, data] = fields[..] else {
            panic!("{line}")
        };
        let data: usize = data.parse().unwrap();
        log = &log[end + 1..];
        calls.push(Call {
            kind: kind.to_owned(),
            name: name.to_owned(),
            faulty: deed != "-",
            done: result.parse::<i64>().unwrap() >= 0,
            inode: inode.parse().unwrap(),
            offset: offset.parse().unwrap_or(0),
            length: length.parse().unwrap(),
            path: path.into(),
            second: second.into(),
            data: log[..data].to_vec(),
        });
        log = &log[if data > 0 { data + 1 } else { 0 }..];
    }
    calls
}
