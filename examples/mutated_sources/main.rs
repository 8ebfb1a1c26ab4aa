//! Gives the command files that are damaged at random, and sees that it ends as it says, in time, and touches nothing else.
//!
//! ```sh
//! cargo run --release --example mutated_sources -- 10000      # so many runs, with a new seed
//! cargo run --release --example mutated_sources -- 10000 7    # the same again: seed 7
//! cargo run --release --example mutated_sources -- 1 7 123    # run 123 of seed 7 alone
//! ```
//!
//! Each run takes the files of a real SQLite (database, log, wal-index, journal, manifest of a copy), damages them, repairs some of
//! the sums, and gives them to a verb. Wrong is: an end by a signal, an exit code that the help does not name, more
//! than 5 seconds of the processor or 200 MB, a changed source, a file left behind. A wrong run is kept under `target/mutated_sources/`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for developers, which may stop where it stands"
)]

mod damage;
mod random;
mod repair;
mod run;
mod sets;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use random::Random;
use run::{Binary, Outcome};

const USAGE: &str = "usage: mutated_sources [RUNS [SEED [FIRST]]]";

/// After so many wrong runs there is no use in going on.
const MOST_WRONG: u64 = 50;

/// What came of all runs.
#[derive(Default)]
struct Sum {
    /// How often each verb ended with each exit code.
    codes: BTreeMap<(&'static str, i32), u64>,
    slowest: (Duration, u64),
}

fn main() {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>().expect(USAGE));
    let runs = words.next().unwrap_or(1000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos().into());
    let seed = words.next().unwrap_or(now);
    let first = words.next().unwrap_or(0);
    println!("{runs} runs from {first} of seed {seed}");

    let binary = Binary::find();
    let sets = sets::all(&binary);
    let (next, wrong, sum) = (AtomicU64::new(first), AtomicU64::new(0), Mutex::new(Sum::default()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + runs || wrong.load(Ordering::Relaxed) >= MOST_WRONG {
                        break;
                    }
                    let outcome = run::run(&binary, &sets, &mut Random::new(seed, number));
                    note(&outcome, seed, number, &sum, &wrong);
                }
            });
        }
    });
    let (wrong, sum) = (wrong.into_inner(), sum.into_inner().unwrap());
    for ((verb, code), count) in &sum.codes {
        println!("  {verb:<12} exit code {code}: {count}");
    }
    println!(
        "{} mutated sources through the command, seed {seed}: {wrong} wrong; the slowest (run {}) took {:.2?}, all {:.0?}",
        sum.codes.values().sum::<u64>(),
        sum.slowest.1,
        sum.slowest.0,
        begun.elapsed()
    );
    std::process::exit(i32::from(wrong > 0));
}

fn note(outcome: &Outcome, seed: u64, number: u64, sum: &Mutex<Sum>, wrong: &AtomicU64) {
    let mut sum = sum.lock().unwrap();
    *sum.codes.entry((outcome.verb, outcome.code.unwrap_or(-1))).or_default() += 1;
    sum.slowest = sum.slowest.max((outcome.took, number));
    if let Some(why) = &outcome.wrong {
        wrong.fetch_add(1, Ordering::Relaxed);
        let kept = outcome.keep(seed, number);
        println!(
            "WRONG: run {number} of seed {seed}: {why}\n  {}\n  kept in {}",
            outcome.words.join(" "),
            kept.display()
        );
    }
}
