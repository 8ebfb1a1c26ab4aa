//! Contenders copy the same databases, round after round, in turns; each run is measured and its copies are checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::bench::Bench;
use crate::contender::Contender;
use crate::table::{Amount, Row};
use crate::{databases, machine, memory};

/// A database, and where its copy goes.
pub(crate) struct Pair {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
}

impl Pair {
    /// The copy lies beside its source.
    pub(crate) fn of(source: &Path) -> Self {
        Self { source: source.to_owned(), target: source.with_extension("copy") }
    }

    fn remove_copy(&self) {
        for ending in ["", "-journal", "-wal", "-shm", ".manifest"] {
            let mut path = self.target.clone().into_os_string();
            path.push(ending);
            drop(fs::remove_file(path));
        }
    }
}

pub(crate) struct Race<'a> {
    bench: &'a Bench,
    pairs: Vec<Pair>,
    cold: bool,
    memory: bool,
    /// What lies under the target's name before each run.
    old_copy: Option<PathBuf>,
}

impl<'a> Race<'a> {
    pub(crate) fn of(bench: &'a Bench, pairs: Vec<Pair>) -> Self {
        Self { bench, pairs, cold: false, memory: false, old_copy: None }
    }

    pub(crate) fn of_one(bench: &'a Bench, source: &Path) -> Self {
        Self::of(bench, vec![Pair::of(source)])
    }

    /// The sources are not in the system's cache when a run begins, rather than wholly in it.
    pub(crate) fn cold(mut self) -> Self {
        self.cold = true;
        self
    }

    /// The most memory is measured, not the time.
    pub(crate) fn of_memory(mut self) -> Self {
        self.memory = true;
        self
    }

    pub(crate) fn over(mut self, old_copy: &Path) -> Self {
        self.old_copy = Some(old_copy.to_owned());
        self
    }

    /// A row for each contender, in their order.
    pub(crate) fn run(&self, contenders: Vec<Contender>) -> Vec<Row> {
        let mut rows: Vec<Row> = contenders.iter().map(|contender| self.empty_row(contender)).collect();
        for round in 0..self.bench.options.rounds {
            for turn in 0..contenders.len() {
                // Each round begins with another: the disk may still be busy with what the one before left behind.
                let place = (round + turn) % contenders.len();
                let (contender, row) = (contenders.get(place).unwrap(), rows.get_mut(place).unwrap());
                if row.skipped.is_none() {
                    eprintln!("  {} ({} of {})", contender.label, round + 1, self.bench.options.rounds);
                    match self.run_once(contender, round == 0) {
                        Ok(value) => row.values.push(value),
                        Err(reason) => row.skipped = Some(reason),
                    }
                }
            }
        }
        rows
    }

    fn empty_row(&self, contender: &Contender) -> Row {
        let bytes = self.pairs.iter().map(|pair| databases::copied_bytes(&pair.source)).sum();
        Row {
            label: contender.label.clone(),
            ours: contender.is_litecopy(),
            synced: contender.synced,
            copied_bytes: contender.copies().then_some(bytes),
            amount: if self.memory { Amount::PeakKib } else { Amount::Seconds },
            values: Vec::new(),
            skipped: contender.hindered(),
        }
    }

    /// Seconds or KiB of one run; or why there cannot be one.
    fn run_once(&self, contender: &Contender, first: bool) -> Result<f64, String> {
        Bench::stop_if_told();
        for pair in &self.pairs {
            pair.remove_copy();
            if let Some(old) = &self.old_copy {
                fs::copy(old, &pair.target).unwrap();
            }
        }
        // What was written before must not be written on our time.
        machine::sync();
        for pair in &self.pairs {
            if self.cold { machine::evict(&pair.source)? } else { databases::warm(&pair.source) }
        }
        let commands = contender.commands(&self.pairs);
        let value = if self.memory { peak_kib(commands)? } else { seconds(contender, commands) };
        if contender.copies() {
            self.pairs.iter().for_each(|pair| check(contender, pair));
            if let (true, Some(pair)) = (first && contender.is_litecopy(), self.pairs.first()) {
                databases::assert_right(&pair.source, &pair.target);
            }
        }
        self.pairs.iter().for_each(Pair::remove_copy);
        Ok(value)
    }
}

fn seconds(contender: &Contender, commands: Vec<(Command, Option<&Path>)>) -> f64 {
    let started = Instant::now();
    contender.run(commands);
    started.elapsed().as_secs_f64()
}

/// The most of the processes' peaks.
fn peak_kib(commands: Vec<(Command, Option<&Path>)>) -> Result<f64, String> {
    let peaks: Result<Vec<u32>, String> =
        commands.into_iter().map(|(command, _)| memory::peak_kib(command)).collect();
    Ok(f64::from(peaks?.into_iter().max().unwrap_or(0)))
}

fn check(contender: &Contender, pair: &Pair) {
    let (wanted, is) = (databases::copied_bytes(&pair.source), databases::copied_bytes(&pair.target));
    let right = if contender.packs() { is <= wanted + wanted / 20 } else { is == wanted };
    assert!(right, "{}: a copy of {is} bytes, not {wanted}", contender.label);
}
