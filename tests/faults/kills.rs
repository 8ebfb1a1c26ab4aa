//! The command is killed (SIGKILL) at random moments, and after each call that changes something, which is before the next
//! one: the target is as it was or new, and the next run succeeds.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::kinds::{KINDS, Kind, State};
use crate::random::{Random, seed};
use crate::shim::{Deed, Fault, SIGKILL, Shim, finish, litecopy};
use crate::sources::Sources;
use crate::tell;

/// No fewer kills than this at random moments, over all kinds of targets; more with `LITECOPY_SOAK_SECONDS`.
const KILLS: usize = 150;

/// The kinds of calls that change something.
const CHANGES: &[&str] = &["create", "write", "size", "sync", "rename", "remove", "mkdir", "mode"];

/// What killed runs left behind, and how often.
#[derive(Debug, Default)]
struct Left {
    old: usize,
    new: usize,
    /// With something beside the database: a temporary file, a journal, a log.
    beside: usize,
    /// The run was over before the kill came.
    too_late: usize,
}

#[test]
fn killed_after_each_call() {
    let Some(shim) = Shim::new("kills at each call") else { return };
    let sources = Sources::new(150);
    for kind in KINDS {
        let mut left = Left::default();
        for at in 1.. {
            let folder = kind.prepare(&sources);
            let arguments = kind.arguments(&sources, folder.path());
            let fault = Fault { kinds: CHANGES, at, deed: Deed::Kill };
            let run = shim.run(folder.path(), &arguments, Some(fault));
            if run.fault_count() == 0 {
                assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
                break;
            }
            assert_eq!(run.status.signal(), Some(SIGKILL), "{}: number {at}", kind.name);
            assert_old_or_new(&sources, kind, folder.path(), &mut left);
        }
        sources.assert_untouched();
        tell(&format!("{}: {left:?}", kind.name));
        assert!(left.old > 4 && left.new > 0 && left.beside > 4, "{}: {left:?}", kind.name);
    }
}

#[test]
fn killed_at_random_moments() {
    let seed = seed("kills at random moments");
    let mut random = Random::from_seed(seed);
    let sources = Sources::new(6000);
    let mut left = Left::default();
    // About as long as a run takes; adapted, for other tests and programs run beside.
    let mut usual = vec![Duration::from_millis(20); KINDS.len()];
    let begun = Instant::now();
    while left.old + left.new < KILLS + left.too_late || begun.elapsed() < soak_time() {
        for (kind, usual) in KINDS.iter().zip(&mut usual) {
            let folder = kind.prepare(&sources);
            let mut process = litecopy(&kind.arguments(&sources, folder.path())).spawn().unwrap();
            thread::sleep(usual.mul_f64(random.below(1000) as f64 / 1000.0));
            process.kill().unwrap();
            let (status, stderr) = finish(process);
            if status.signal() == Some(SIGKILL) {
                *usual = usual.mul_f64(1.1);
            } else {
                assert_eq!(status.code(), Some(0), "{stderr}");
                *usual = usual.mul_f64(0.7);
                left.too_late += 1;
            }
            assert_old_or_new(&sources, kind, folder.path(), &mut left);
        }
    }
    sources.assert_untouched();
    tell(&format!("{left:?} in {:?}, runs of {usual:?}", begun.elapsed()));
    assert!(left.old > 20 && left.beside > 10, "{left:?}");
}

/// How long the random kills go on at the least.
fn soak_time() -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(0, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Looks at what a killed run left, and lets another one do its work.
fn assert_old_or_new(sources: &Sources, kind: &Kind, folder: &Path, left: &mut Left) {
    let state = kind.look(sources, folder).unwrap_or_else(|why| panic!("{}: {why}", kind.name));
    let is_beside = !kind.left_over(folder, State::New).is_empty();
    left.beside += usize::from(is_beside);
    match state {
        State::New => left.new += 1,
        State::Old => left.old += 1,
    }
    // Else it is as if that run had never been, or it was done.
    if is_beside {
        let (status, stderr) = finish(litecopy(&kind.arguments(sources, folder)).spawn().unwrap());
        assert_eq!(status.code(), Some(0), "{}: {stderr}", kind.name);
        assert_eq!(kind.look(sources, folder), Ok(State::New), "{}", kind.name);
        assert_eq!(kind.left_over(folder, State::New), [""; 0], "{}", kind.name);
    }
}
