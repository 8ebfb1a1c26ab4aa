//! The power goes after each call of a run: whatever the disk has kept of what was not synced, the target is old or new,
//! and once the command has said that it is done it is new.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::disk::{Disk, Found, Luck};
use crate::files::Folder;
use crate::kinds::{KINDS, Kind, State};
use crate::random::{Random, seed};
use crate::shim::{Call, Shim};
use crate::sources::Sources;
use crate::tell;

/// States tried at each cut beside those in which all names, and all content, are kept or lost.
const DRAWS: u64 = 10;

/// What was tried of a run.
#[derive(Debug, Default)]
struct Tried {
    cuts: usize,
    /// Different states that SQLite has looked at, and how many of them were old.
    states: usize,
    old: usize,
}

#[test]
fn old_or_new_after_a_power_cut_and_new_when_done() {
    let Some(shim) = Shim::new("power cuts") else { return };
    let seed = seed("power cuts");
    let sources = Sources::new(150);
    for kind in KINDS {
        let (disk, calls) = record(&shim, &sources, kind);
        let tried = cut_everywhere(&sources, kind, disk, &calls, seed).unwrap();
        tell(&format!("{}: {tried:?}", kind.name));
        assert!(tried.cuts >= 6 && tried.states >= 2 && tried.old > 0, "{}: {tried:?}", kind.name);
    }
}

/// Without its syncs the same run is not safe, and this must be seen: else the test above could not fail.
#[test]
fn a_run_that_does_not_sync_is_found_out() {
    let Some(shim) = Shim::new("power cuts without syncs") else { return };
    let seed = seed("power cuts without syncs");
    let sources = Sources::new(150);
    for kind in KINDS {
        let (disk, calls) = record(&shim, &sources, kind);
        for (what, of_folders) in [("files", false), ("folders", true)] {
            let mut without = calls.clone();
            without.retain(|call| call.name != "sync" || call.is_sync_of_folder() != of_folders);
            assert!(without.len() < calls.len(), "{}: no {what} were synced", kind.name);
            let found = cut_everywhere(&sources, kind, disk.clone(), &without, seed);
            tell(&format!("{}, without syncs of {what}: {found:?}", kind.name));
            assert!(found.is_err(), "{}: {what} need not be synced", kind.name);
        }
    }
}

/// A run from its beginning: the disk before it, and its calls.
fn record(shim: &Shim, sources: &Sources, kind: &Kind) -> (Disk, Vec<Call>) {
    let folder = kind.prepare(sources);
    let disk = Disk::of(folder.path());
    let run = shim.record(folder.path(), &kind.arguments(sources, folder.path()));
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    (disk, run.calls)
}

/// Cuts the power before the first call that changes something, and after each; gives the first state that must not be.
fn cut_everywhere(
    sources: &Sources,
    kind: &Kind,
    mut disk: Disk,
    calls: &[Call],
    seed: u64,
) -> Result<Tried, String> {
    let mut random = Random::from_seed(seed);
    let mut tried = Tried::default();
    let mut seen = HashSet::new();
    let mut cut = |disk: &Disk, tried: &mut Tried, after: &str, is_done: bool| {
        tried.cuts += 1;
        for (names, content) in draws(&mut random) {
            let found = disk.after_a_cut(&mut random, names, content);
            if !seen.insert((is_done, key_of(&found))) {
                continue;
            }
            let state = look(sources, kind, &found)
                .and_then(|state| match state {
                    State::Old if is_done => Err("the old, though it said that it is done".to_owned()),
                    state => Ok(state),
                })
                .map_err(|why| {
                    format!("cut after {after} ({names:?} of the names, {content:?} of the content): {why}")
                })?;
            tried.states += 1;
            tried.old += usize::from(state == State::Old);
        }
        Ok::<(), String>(())
    };
    cut(&disk, &mut tried, "nothing", false)?;
    for (number, call) in calls.iter().enumerate() {
        disk.follow(call);
        if call.done
            && ["create", "write", "size", "sync", "rename", "remove", "mkdir"].contains(&&*call.kind)
        {
            let after = format!("call {number}, {} of {}", call.name, call.path.display());
            cut(&disk, &mut tried, &after, false)?;
        }
    }
    cut(&disk, &mut tried, "the end", true)?;
    Ok(tried)
}

/// How much of the names and of the content is kept: all and nothing of either, then by chance.
fn draws(random: &mut Random) -> Vec<(Luck, Luck)> {
    let extremes = [Luck::Nothing, Luck::Everything];
    let mut draws: Vec<_> =
        extremes.iter().flat_map(|names| extremes.map(|content| (*names, content))).collect();
    for _ in 0..DRAWS {
        let content = [Luck::Some(2), Luck::Some(50), Luck::Some(98), Luck::Everything, Luck::Nothing];
        draws.push((Luck::Some(50), *random.one_of(&content)));
    }
    draws
}

fn key_of(found: &Found) -> u64 {
    let mut hasher = DefaultHasher::new();
    found.hash(&mut hasher);
    hasher.finish()
}

/// Lets SQLite look at a state.
fn look(sources: &Sources, kind: &Kind, found: &Found) -> Result<State, String> {
    let folder = Folder::for_judging();
    for (path, content) in found {
        write_to(&folder.join(path), content.as_deref());
    }
    kind.make_link(folder.path());
    kind.look(sources, folder.path())
}

fn write_to(path: &Path, content: Option<&[u8]>) {
    match content {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::create_dir(path).unwrap(),
    }
}
