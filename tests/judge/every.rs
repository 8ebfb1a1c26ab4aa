//! `--every`: the copy is made again when something was committed, and only then, until it is interrupted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::files::Folder;
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::Peer;

/// The command at work, killed when it is dropped.
struct Running {
    process: Child,
    said: Receiver<String>,
}

impl Running {
    fn start(verb: &[&str], source: &Path, copy: &Path) -> Self {
        Self::start_every("20ms", verb, source, copy)
    }

    fn start_every(every: &str, verb: &[&str], source: &Path, copy: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
        command.args(verb).arg(source).arg(copy).args(["--every", every]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = process.stdout.take().unwrap();
        let (sender, said) = channel();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, said }
    }

    /// Waits until one more copy is done.
    #[track_caller]
    fn await_copy(&self) {
        self.said.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_copy_is_made_again_after_a_commit_and_only_then() {
    let verbs: [&[&str]; 3] = [&["copy", "--replace"], &["refresh"], &["refresh", "--replace"]];
    for (verb, journal_mode) in verbs.iter().zip(["DELETE", "WAL", "DELETE"]) {
        let made = makers::usual();
        let mut other = Peer::connected_to(&made.path);
        let setup = format!("PRAGMA journal_mode = {journal_mode}; PRAGMA busy_timeout = 5000;");
        other.execute("main", &setup).unwrap();
        let folder = Folder::new();
        let copy = folder.join("copy.db");
        let mut running = Running::start(verb, &made.path, &copy);
        running.await_copy();
        for value in ["one", "two", "three"] {
            other.execute("main", &format!("UPDATE t SET b = '{value}' WHERE a = 1;")).unwrap();
            running.await_copy();
        }
        let interrupt = Command::new("kill").args(["-INT", &running.process.id().to_string()]).status();
        assert!(interrupt.unwrap().success());
        assert_eq!(running.process.wait().unwrap().code(), Some(130));
        assert_eq!(running.said.iter().count(), 0, "copied again without a commit");
        assert_right_copy(&made.path, &copy);
    }
}

/// A supervisor that ends the service by SIGTERM has what it wanted. While it waits, it does nothing but wait.
#[test]
fn a_termination_is_no_failure_and_waiting_takes_no_time() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    let mut running = Running::start_every("0", &["copy", "--replace"], &made.path, &copy);
    running.await_copy();
    thread::sleep(Duration::from_millis(500));
    let ticks = cpu_ticks(running.process.id());
    assert!(ticks.is_none_or(|ticks| ticks < 20), "{ticks:?} ticks of 10 ms for half a second of waiting");
    let terminate = Command::new("kill").args(["-TERM", &running.process.id().to_string()]).status();
    assert!(terminate.unwrap().success());
    assert_eq!(running.process.wait().unwrap().code(), Some(0));
}

/// What the process took of the processor, in user and system mode; `None` where the system does not tell.
fn cpu_ticks(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// A source, or a copy, that is away for a while is waited for; a copy that was deleted is made again.
#[test]
fn it_goes_on_while_source_or_copy_are_away() {
    let made = makers::usual();
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    let running = Running::start(&["copy", "--replace"], &made.path, &copy);
    running.await_copy();
    std::fs::remove_file(&copy).unwrap();
    running.await_copy();
    let away = made.path.with_extension("away");
    std::fs::rename(&made.path, &away).unwrap();
    std::fs::remove_file(&copy).unwrap();
    // Nothing can be copied now; the next look but one finds it back.
    thread::sleep(Duration::from_millis(300));
    std::fs::rename(&away, &made.path).unwrap();
    running.await_copy();
    assert_right_copy(&made.path, &copy);
}
