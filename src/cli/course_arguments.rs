//! What can be said about the course of a copy: its steps, what it holds, how long it waits.

use std::time::Duration;

use clap::{Args, ValueEnum};
use litecopy::{AtLimit, Consistency, CopyOptions, HoldLimits};

/// Pages a step when none are given, but for `--consistency step`: few enough that a commit hardly waits for one, and that the
/// bar moves.
const PAGES: i32 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct CourseArguments {
    /// What is held while pages are copied. auto: ends beside any writer and holds commits up as little as can be; hold: one
    /// snapshot, for which commits wait in rollback mode; step: nothing between steps, each commit makes it start again
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = ConsistencyKind::Auto)]
    consistency: ConsistencyKind,

    /// Pages copied each time the source is locked. 0 or less: with `--consistency step` all in one go, else 1,000, and
    /// with `--rate` fewer if need be
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pages: i32,

    /// Wait this long before trying again when the source is locked (seconds, or with a unit: 250ms, 2s, 1m)
    #[arg(long, value_name = "SECONDS", default_value = "0.25", value_parser = duration)]
    sleep: Duration,

    /// Give up when the source has been locked by another this long
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = duration)]
    timeout: Duration,

    /// Give up when the whole copy takes longer than this [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    deadline: Option<Duration>,

    /// Copy no more than so many bytes a second, by pauses between steps (50MB, 64MiB); not while commits wait for it
    /// [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    rate: Option<u64>,

    /// Pause for a moment whenever a writer waits for a lock or is at work
    #[arg(long)]
    gentle: bool,

    /// Believe that steps lead nowhere when the pages left have met no new low for so long: then auto holds, and step ends
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = duration)]
    patience: Duration,

    /// Hold a snapshot for no longer than this [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    max_hold: Option<Duration>,

    /// Hold a snapshot in WAL mode while the log grows by no more than this (bytes, or with a unit: 64MiB, 1GB) [default: no
    /// limit]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_log_growth: Option<u64>,

    /// What to do when a snapshot was held for as long as it may be: go on in steps, or fail
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = AtLimitKind::Step)]
    at_limit: AtLimitKind,
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
    /// The options that follow from it.
    pub(crate) fn options(&self) -> CopyOptions {
        let consistency = match self.consistency {
            ConsistencyKind::Auto => Consistency::Auto,
            ConsistencyKind::Hold => Consistency::Hold,
            ConsistencyKind::Step => Consistency::Step,
        };
        let then = match self.at_limit {
            AtLimitKind::Step => AtLimit::Step,
            AtLimitKind::Fail => AtLimit::Fail,
        };
        let is_told = self.pages > 0 || self.rate.is_some() || consistency == Consistency::Step;
        let pages = if is_told { self.pages } else { PAGES };
        CopyOptions::new()
            .consistency(consistency)
            .pages_per_step(pages)
            .sleep(self.sleep)
            .lock_timeout(Some(self.timeout))
            .deadline(self.deadline)
            .patience(self.patience)
            .rate(self.rate)
            .gentle(self.gentle)
            .hold_limits(
                HoldLimits::new().time(self.max_hold).log_growth_bytes(self.max_log_growth).then(then),
            )
    }
}

/// A number of bytes that is more than 0.
fn rate(words: &str) -> Result<u64, String> {
    match bytes(words)? {
        0 => Err("a rate is more than 0".to_owned()),
        rate => Ok(rate),
    }
}

/// A length of time: seconds, with a fraction if wanted, or a number with one of the units ms, s, m, h.
pub(crate) fn duration(words: &str) -> Result<Duration, String> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_in_seconds = match &words[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number * unit_in_seconds)
        .map_err(|_| "a length of time is 0 or more, and not for ever".to_owned())
}

/// A number of bytes, with a fraction and one of the units kB, MB, GB, KiB, MiB, GiB if wanted.
pub(crate) fn bytes(words: &str) -> Result<u64, String> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match words[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        unit => return Err(format!("`{unit}` is no unit of size; use kB, MB, GB, KiB, MiB or GiB")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| "not a number of bytes".to_owned())?;
    let bytes = number * unit;
    if !(0.0..=9e18).contains(&bytes) {
        return Err("a size is 0 or more, and no more than 9 EB".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at above")]
    Ok(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        assert_eq!(duration("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2 s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "x", "-1", "inf", "nan", "1d", "1e400", "5 parsecs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_size_is_bytes_or_has_a_unit() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("50MB"), Ok(50_000_000));
        assert_eq!(bytes("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(bytes("64mib"), Ok(67_108_864));
        assert_eq!(rate("50MiB"), Ok(52_428_800));
        assert!(rate("0.4").is_err());
        for wrong in ["", "x", "-1", "inf", "nan", "1e30", "5 pages"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
