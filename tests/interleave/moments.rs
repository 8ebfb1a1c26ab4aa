//! One act at many calls of one run, and what came of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::paused::Paused;
use crate::random::{Random, seed};
use crate::shim::{Run, Shim};
use crate::tell;

/// At how many calls each act is done to each run, unless all are asked for.
const MOMENTS: u64 = 8;

/// How many workers: a run mostly waits.
const WORKERS: usize = 3;

/// A run of the command, an act of somebody else, and what must be so afterwards.
pub(crate) trait Pair: Sync {
    /// What the run works on.
    type Scene;

    fn name(&self) -> String;
    fn prepare(&self) -> Self::Scene;
    /// The folder whose files' calls count, and the words of the command.
    fn command(&self, scene: &Self::Scene) -> (PathBuf, Vec<OsString>);
    fn act(&self, scene: &mut Self::Scene);
    fn judge(&self, scene: Self::Scene, run: &Run) -> Result<(), String>;
}

/// Tries each pair at many calls, several pairs at once; panics with all that was wrong.
pub(crate) fn try_pairs<P: Pair>(of: &str, pairs: &[P]) {
    if Shim::new(of).is_none() {
        return;
    }
    let seed = seed(of);
    let next = Mutex::new(pairs.iter());
    let (wrong, codes) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<i32, u64>::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                // One each, for each has a log of its own.
                let shim = Shim::new(of).unwrap();
                while let Some(pair) = { next.lock().unwrap().next() } {
                    let (found, codes_found) = try_pair(&shim, seed, pair);
                    wrong.lock().unwrap().extend(found);
                    let mut codes = codes.lock().unwrap();
                    codes_found.into_iter().for_each(|code| *codes.entry(code).or_default() += 1);
                }
            });
        }
    });
    let (wrong, codes) = (wrong.into_inner().unwrap(), codes.into_inner().unwrap());
    let runs: u64 = codes.values().sum();
    tell(&format!("{of}: {} pairs, {runs} runs, exit codes {codes:?}, {} wrong", pairs.len(), wrong.len()));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What was wrong, and how each run ended.
fn try_pair<P: Pair>(shim: &Shim, seed: u64, pair: &P) -> (Vec<String>, Vec<i32>) {
    let scene = pair.prepare();
    let (folder, arguments) = pair.command(&scene);
    let calls = shim.run(&folder, &arguments, None).calls.len() as u64;
    drop(scene);
    let (mut wrong, mut codes) = (Vec::new(), Vec::new());
    for at in moments(calls, seed) {
        let mut scene = pair.prepare();
        let (folder, arguments) = pair.command(&scene);
        let run = Paused::start(shim, &folder, &arguments, at).finish(|| pair.act(&mut scene));
        codes.push(run.status.code().unwrap_or(-1));
        if let Err(why) = pair.judge(scene, &run) {
            let call = run.calls.get(usize::try_from(at).unwrap() - 1).map_or("none", |call| &call.name);
            let said = run.stderr.lines().next().unwrap_or_default();
            let code = run.status.code();
            let name = pair.name();
            wrong.push(format!("{name}, before call {at} of {calls} ({call}): {why} ({code:?}: {said})"));
        }
    }
    (wrong, codes)
}

/// The numbers of the calls before which it is done: each of them, or a few in equal parts of the run.
fn moments(calls: u64, seed: u64) -> Vec<u64> {
    if std::env::var_os("LITECOPY_ALL_MOMENTS").is_some() {
        return (1..=calls + 1).collect();
    }
    let mut random = Random::from_seed(seed);
    (0..MOMENTS).map(|part| 1 + (part * calls + random.below(calls.max(1))) / MOMENTS).collect()
}

/// Whether a run or an act is among those that are asked for; all are where nobody asks.
pub(crate) fn is_chosen(variable: &str, name: &str) -> bool {
    std::env::var(variable).map_or(true, |wanted| name.contains(&wanted))
}
