//! How long a copy takes and how much memory, beside SQLite's own ways and plain file copies, in one run.
//!
//! `cargo bench --bench copy [-- --quick] [--only CASE] [--rounds N] [--megabytes N] [--out FOLDER]` makes its databases with
//! the bundled SQLite in a temporary folder and has each contender of a case copy them, round after round, in turns. Every
//! copy is made in a process of its own: the command `litecopy`, `cp`, or this executable started again ([`jobs`]). Times are
//! those of the wall clock, from before the process is started until it has ended. After each case a table of medians is
//! printed, with the goals that were set for it. A full run also writes `benches/copy.md` and `benches/copy.svg`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it stands")]

mod bench;
mod cases;
mod clones;
#[path = "../common/mod.rs"]
mod common;
mod contender;
mod databases;
mod goal;
mod jobs;
mod machine;
#[path = "../common/memory.rs"]
mod memory;
mod options;
mod picture;
mod race;
mod table;

use std::fs;
use std::process::ExitCode;

use bench::Bench;
use options::Options;
use table::Case;

fn main() -> ExitCode {
    if jobs::is_child() {
        jobs::run();
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> = cases::CASES.iter().map(|(name, ..)| *name).collect();
    let options = match Options::parse(std::env::args().skip(1), &names) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let bench = Bench::new(options);
    let machine = machine::describe(bench.folder());
    println!("{machine}");
    let (mut cases, mut drawn) = (Vec::new(), Vec::new());
    for (name, is_drawn, run) in cases::CASES.iter().filter(|(name, ..)| bench.options.wants(name)) {
        eprintln!("{name}");
        let case = run(&bench).unwrap_or_else(|reason| Case::skipped(name, reason));
        println!("{}", table::markdown(&case));
        cases.push(case);
        drawn.push(*is_drawn);
    }
    if let Some(folder) = bench.options.out_folder() {
        let drawn: Vec<&Case> =
            cases.iter().zip(drawn).filter_map(|(case, drawn)| drawn.then_some(case)).collect();
        fs::write(folder.join("copy.svg"), picture::svg(&machine, &drawn)).unwrap();
        fs::write(folder.join("copy.md"), table::page(&machine, &cases)).unwrap();
        eprintln!("written: copy.md and copy.svg in {}", folder.display());
    }
    ExitCode::SUCCESS
}
