//! Options about the course of a copy: its steps, what it holds, how long it waits, whom it belongs to.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use litecopy::{AtLimit, Consistency, CopyOptions, OwnerPolicy};

use super::interrupt;
use super::reading_arguments::ReadingArguments;
use super::values::{bytes, duration, rate};

/// Pages a step when `--pages` is not given, except for `--consistency step`: few enough that commits hardly wait and the bar moves.
const PAGES: i32 = 1_000;

#[derive(Debug, Args)]
#[command(next_help_heading = "How the copy proceeds")]
pub(crate) struct CourseArguments {
    /// What is held while pages are copied. auto: ends beside any writer and delays commits as little as possible; hold: one
    /// snapshot, for which commits wait in rollback mode; step: nothing between steps, and every commit restarts the copy
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = ConsistencyKind::Auto)]
    consistency: ConsistencyKind,

    /// Pages copied each time the source is locked. 0 or less: all at once with `--consistency step`, else 1,000, or fewer
    /// with `--rate`
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pages: i32,

    /// Wait this long before trying again when the source is locked (seconds, or with a unit: 250ms, 2s, 1m)
    #[arg(long, value_name = "SECONDS", default_value = "0.25", value_parser = duration)]
    sleep: Duration,

    /// Give up when the whole copy takes longer than this [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    deadline: Option<Duration>,

    /// Copy at most this many bytes a second, by pausing between steps (50MB, 64MiB); not while commits wait for the copy
    /// [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    rate: Option<u64>,

    /// Pause briefly whenever a writer waits for a lock or is at work
    #[arg(long)]
    gentle: bool,

    /// Give up stepping when the number of remaining pages has not reached a new minimum for this long: then auto holds a
    /// snapshot, and step ends
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = duration)]
    patience: Duration,

    /// Hold a snapshot no longer than this [default: as long as the copy takes]
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    max_hold: Option<Duration>,

    /// Hold a snapshot in WAL mode until the log has grown by this much (bytes, or with a unit: 64MiB, 1GB) [default: no
    /// limit]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_log_growth: Option<u64>,

    /// What to do when --max-hold or --max-log-growth is reached: go on in steps, or fail
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = AtLimitKind::Step)]
    at_limit: AtLimitKind,

    /// Whom a new file belongs to. ours: whoever makes it, with the source's mode less the mask, as cp does; keep: owner, group
    /// and mode of the source, where we may. A file that is replaced stays whose it was
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t = OwnerKind::Ours)]
    owner: OwnerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OwnerKind {
    Ours,
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConsistencyKind {
    Auto,
    Hold,
    Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AtLimitKind {
    Step,
    Fail,
}

impl CourseArguments {
    /// When the whole has to be done that begins now; without `--deadline`, or so far away that the clock cannot tell it, never.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.deadline.and_then(|deadline| Instant::now().checked_add(deadline))
    }

    /// The options that follow from it.
    pub(crate) fn options(&self, reading: &ReadingArguments) -> CopyOptions {
        let consistency = match self.consistency {
            ConsistencyKind::Auto => Consistency::Auto,
            ConsistencyKind::Hold => Consistency::Hold,
            ConsistencyKind::Step => Consistency::Step,
        };
        let then = match self.at_limit {
            AtLimitKind::Step => AtLimit::Step,
            AtLimitKind::Fail => AtLimit::Fail,
        };
        let owner = match self.owner {
            OwnerKind::Ours => OwnerPolicy::Ours,
            OwnerKind::Keep => OwnerPolicy::Keep,
        };
        let is_told = self.pages > 0 || self.rate.is_some() || consistency == Consistency::Step;
        let pages = if is_told { self.pages } else { PAGES };
        CopyOptions::new()
            .consistency(consistency)
            .pages_per_step(pages)
            .sleep(self.sleep)
            .lock_timeout(Some(reading.timeout()))
            .deadline(self.deadline)
            .patience(self.patience)
            .rate(self.rate)
            .gentle(self.gentle)
            .max_hold(self.max_hold)
            .max_log_growth(self.max_log_growth)
            .at_limit(then)
            .owner(owner)
            .cancel(interrupt::token())
    }
}
