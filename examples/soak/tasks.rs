//! What litecopy does all the time, and whether what came of it is right.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use litecopy::{Consistency, CopyOptions, ErrorKind, Result};

use crate::Sum;
use crate::judge::{commits, sound};
use crate::process::Process;
use crate::random::Random;

/// The exit code of a restore that gave up as busy.
const BUSY: i32 = 5;

/// Copies the source in all ways; each copy must be a version of the time in which it was made.
pub(crate) fn copy(source: &Path, folder: &Path, end: Instant, sum: &Sum) {
    let ways = [
        CopyOptions::new(),
        CopyOptions::new().consistency(Consistency::Hold).pages_per_step(20),
        CopyOptions::new().pages_per_step(50).verify(true).sync(false),
        CopyOptions::new().scrub(true),
    ];
    for (number, options) in ways.iter().cycle().enumerate() {
        if Instant::now() >= end {
            break;
        }
        let target = folder.join(format!("copy-{number}.db"));
        let options = options.clone().lock_timeout(Duration::from_secs(10));
        let versions = Versions::from_now(source);
        made(options.copy(source, &target).map(drop), &target, &versions, &sum.copies, sum);
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", target.display()));
        }
    }
}

/// Brings one copy up to date over and over.
pub(crate) fn refresh(source: &Path, kept: &Path, end: Instant, sum: &Sum) {
    let versions = Versions::from_now(source);
    let first = CopyOptions::new().lock_timeout(Duration::from_secs(30)).copy(source, kept);
    made(first.map(drop), kept, &versions, &sum.copies, sum);
    while Instant::now() < end {
        let options = CopyOptions::new().refresh(true).lock_timeout(Duration::from_secs(10));
        let versions = Versions::from_now(source);
        made(options.copy(source, kept).map(drop), kept, &versions, &sum.refreshes, sum);
    }
}

/// Restores the newest version into the target, beside its readers; every other time the process that does so is killed.
pub(crate) fn restore(source: &Path, target: &Path, end: Instant, random: &mut Random, sum: &Sum) {
    let backup = target.with_extension("backup");
    while Instant::now() < end {
        let versions = Versions::from_now(source);
        let copied =
            CopyOptions::new().replace(true).lock_timeout(Duration::from_secs(10)).copy(source, &backup);
        made(copied.map(drop), &backup, &versions, &sum.copies, sum);
        let mut restorer = Process::start("restorer", &[&backup, target]);
        if random.once_in(2) {
            std::thread::sleep(Duration::from_micros(random.below(40_000) as u64));
            if !restorer.has_ended() {
                restorer.kill();
                Sum::count(&sum.killed_restores);
                // The old content, or the new; and whoever comes next can go on.
                if let Err(what) = sound(target) {
                    sum.say_wrong(&format!("the target of a killed restore: {what}"));
                }
                continue;
            }
        }
        match restorer.wait() {
            Some(0) if sound(target).is_ok() && sound(target) == sound(&backup) => Sum::count(&sum.restores),
            Some(BUSY) => Sum::count(&sum.busy),
            code => sum.say_wrong(&format!(
                "a restore ended with {code:?}; backup {:?}, target {:?}",
                sound(&backup),
                sound(target)
            )),
        }
    }
}

/// The role of the restorer.
pub(crate) fn restore_once(backup: &Path, target: &Path) -> i32 {
    let options = CopyOptions::new().in_place(true).lock_timeout(Duration::from_secs(10));
    match options.copy(backup, target) {
        Ok(_) => 0,
        Err(error) if gave_up(error.kind()) => BUSY,
        Err(error) => {
            eprintln!("the restorer: {error}");
            1
        }
    }
}

/// The versions that a source has from a moment on.
struct Versions<'a> {
    source: &'a Path,
    first: i64,
}

impl<'a> Versions<'a> {
    fn from_now(source: &'a Path) -> Self {
        Self { source, first: commits(source).unwrap_or_default() }
    }

    /// Whether that of so many transfers was one of them until now.
    fn has(&self, transfers: i64) -> bool {
        self.first <= transfers && commits(self.source).is_ok_and(|last| transfers <= last)
    }
}

/// Judges what was made.
fn made(result: Result<()>, copy: &Path, versions: &Versions<'_>, counter: &AtomicU64, sum: &Sum) {
    match result {
        Ok(()) => match sound(copy) {
            Ok(transfers) if versions.has(transfers) => Sum::count(counter),
            Ok(transfers) => {
                sum.say_wrong(&format!("{}: the version of {transfers} is of another time", copy.display()));
            }
            Err(what) => sum.say_wrong(&format!("{}: {what}", copy.display())),
        },
        Err(error) if gave_up(error.kind()) => Sum::count(&sum.busy),
        Err(error) => sum.say_wrong(&error.to_string()),
    }
}

fn gave_up(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Busy | ErrorKind::TargetInUse | ErrorKind::DeadlinePassed | ErrorKind::Stalled)
}
