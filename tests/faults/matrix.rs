//! The fault matrix: in each kind of target each call is made to fail, the 1st, the 2nd and so on, until a run passes
//! untouched.

use std::path::Path;

use crate::kinds::{KINDS, Kind, State};
use crate::shim::{Call, Deed, Fault, Run, Shim};
use crate::sources::Sources;
use crate::tell;

/// What a row of [`TRIES`] demands beyond the promise of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// Right or refused.
    Promise,
    /// Refused: done it is not. What comes after the last sync of a folder only tidies up.
    Refused,
    /// Right: nobody need ever know of it.
    Unnoticed,
    /// Right or refused, but what was to be removed may be left.
    MayLeaveTemporary,
}
use Deed::{Fail, FailOn, Interrupt, Short};
use Demand::{MayLeaveTemporary, Promise, Refused, Unnoticed};

/// Kinds of calls, what happens to the N-th of them (or to each), and what is demanded then.
const TRIES: &[(&[&str], Deed, Demand)] = &[
    (&["open"], Fail(libc::EIO), Promise),
    (&["open"], Fail(libc::EMFILE), Promise),
    (&["open"], Interrupt, Unnoticed),
    (&["create"], Fail(libc::EIO), Promise),
    (&["create"], FailOn(libc::ENOSPC), Promise),
    (&["create"], Interrupt, Unnoticed),
    (&["read"], Fail(libc::EIO), Promise),
    (&["read"], Interrupt, Unnoticed),
    (&["read"], Short, Unnoticed),
    (&["write"], Fail(libc::EIO), Promise),
    (&["write"], FailOn(libc::ENOSPC), Promise),
    (&["write"], Interrupt, Unnoticed),
    (&["write"], Short, Unnoticed),
    (&["size"], Fail(libc::EIO), Promise),
    (&["size"], FailOn(libc::ENOSPC), Promise),
    (&["size"], Interrupt, Unnoticed),
    (&["sync"], Fail(libc::EIO), Refused),
    (&["sync"], FailOn(libc::EDQUOT), Refused),
    (&["advice"], FailOn(libc::EIO), Unnoticed),
    (&["sync"], Interrupt, Unnoticed),
    (&["rename"], Fail(libc::EIO), Promise),
    (&["rename"], Fail(libc::ENOSPC), Promise),
    (&["rename"], Fail(libc::ENOSYS), Promise),
    (&["mkdir"], Fail(libc::EIO), Promise),
    (&["mkdir"], FailOn(libc::ENOSPC), Promise),
    (&["lock"], Fail(libc::EIO), Promise),
    (&["lock"], FailOn(libc::ENOLCK), Promise),
    (&["mode"], Fail(libc::EPERM), Promise),
    (&["mode"], Fail(libc::EIO), Promise),
    (&["list"], Fail(libc::EIO), Promise),
    (&["look"], Fail(libc::EIO), Promise),
    (&["remove"], Fail(libc::EIO), MayLeaveTemporary),
    (&["create", "write", "size", "sync", "rename", "remove"], FailOn(libc::EIO), MayLeaveTemporary),
];

/// No fewer faults than this in each kind of target.
const FAULTS: usize = 50;

#[test]
fn every_call_fails_once_in_every_kind_of_target() {
    let Some(shim) = Shim::new("the fault matrix") else { return };
    let sources = Sources::new(150);
    for kind in KINDS {
        let mut counts = Counts::default();
        let concerns = |kinds: &[&str]| !kinds.iter().any(|one| kind.met_elsewhere.contains(one));
        for (kinds, deed, demand) in TRIES.iter().filter(|(kinds, ..)| concerns(kinds)) {
            try_all(&shim, &sources, kind, kinds, *deed, *demand, &mut counts);
            sources.assert_untouched();
        }
        tell(&format!("{}: {counts:?}", kind.name));
        assert!(counts.faults >= FAULTS, "{}: {counts:?}", kind.name);
        assert!(counts.refused > 10 && counts.unnoticed > 3, "{}: {counts:?}", kind.name);
    }
}

/// How many faults were injected, and what came of them.
#[derive(Debug, Default)]
struct Counts {
    faults: usize,
    refused: usize,
    unnoticed: usize,
    /// Refused, though the new is there: the fault came after the rename.
    refused_late: usize,
}

/// The N-th call of these kinds meets its fate, from the first on until there is no N-th.
fn try_all(
    shim: &Shim,
    sources: &Sources,
    kind: &Kind,
    kinds: &[&str],
    deed: Deed,
    demand: Demand,
    counts: &mut Counts,
) {
    for at in 1.. {
        let folder = kind.prepare(sources);
        let run =
            shim.run(folder.path(), &kind.arguments(sources, folder.path()), Some(Fault { kinds, at, deed }));
        let what = format!("{}, {kinds:?} number {at}: {deed:?}", kind.name);
        let state = kind.look(sources, folder.path()).unwrap_or_else(|why| panic!("{what}: {why}"));
        let left_over = kind.left_over(folder.path(), state);
        if demand != MayLeaveTemporary || run.fault_count() == 0 {
            assert!(left_over.is_empty(), "{what}: {left_over:?}\n{}", run.stderr);
        }
        if run.fault_count() == 0 {
            assert_eq!((run.status.code(), state), (Some(0), State::New), "{what}: {}", run.stderr);
            return;
        }
        counts.faults += run.fault_count();
        match run.status.code() {
            Some(0) => {
                assert_eq!(state, State::New, "{what}: done, it said");
                assert!(demand != Refused || only_tidied_up(&run), "{what}: done, it said");
                counts.unnoticed += 1;
                if matches!(deed, Interrupt | Short) {
                    return;
                }
            }
            // 5: SQLite, too, takes a lock that the system does not give for one that somebody else has.
            Some(code) if demand != Unnoticed && (code == 1 || (code == 5 && kinds == ["lock"])) => {
                assert_told(&what, &run, folder.path());
                counts.refused += 1;
                // Whoever is refused must know whether anything has changed.
                assert_eq!(
                    run.stderr.contains("of the finished cop"),
                    state == State::New,
                    "{what}: {}",
                    run.stderr
                );
                counts.refused_late += usize::from(state == State::New);
            }
            other => panic!("{what}: ended with {other:?}: {}", run.stderr),
        }
    }
}

/// Whether the first fault came after the last sync of a folder.
fn only_tidied_up(run: &Run) -> bool {
    let last = run.calls.iter().rposition(Call::is_sync_of_folder);
    run.calls.iter().position(|call| call.faulty) > last
}

/// One line says which file and what about it; a second one may give advice.
fn assert_told(what: &str, run: &Run, folder: &Path) {
    let lines: Vec<&str> = run.stderr.lines().collect();
    let says = lines.first().and_then(|line| line.strip_prefix("litecopy: ")).unwrap_or_default();
    let named = says.split_once(": ").map_or("", |(path, _)| path);
    let is_named = named.starts_with(folder.to_str().unwrap()) && !named.contains(".litecopy-");
    assert!(is_named && lines.len() <= 2, "{what}: {}", run.stderr);
    assert!(lines.get(1).is_none_or(|advice| advice.starts_with("  ")), "{what}: {}", run.stderr);
}
