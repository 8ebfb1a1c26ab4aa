//! `litecopy verify`: whether a copy is still what its manifest says.

use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{PageRange, VerifyReport, verify_copy};

use super::exit_code::Ending;
use super::manifest_file;
use super::numbers::{counted, grouped};
use super::output::{say_error, say_failure, say_report};
use super::printable::printable_path;

/// How many runs of pages people are told of; programs are told all.
const MOST_RUNS: usize = 20;

/// What the help of `verify` says beyond its options.
const HELP: &str = "\
Exit codes:
  0  unchanged: each page is what the manifest says
  1  changed: stdout says which pages. Or it could not be checked: then stdout is empty, and stderr says why
  2  wrong use
  5  it differs, but a writer is at work in it: try again";

/// Say whether a copy is still what it was when it was made, and which pages are not
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct VerifyArguments {
    /// The copy to check; it is only read
    pub(crate) copy: PathBuf,

    /// What `litecopy copy --manifest FILE` wrote when it made the copy
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl VerifyArguments {
    pub(crate) fn run(&self) -> Ending {
        let checked =
            manifest_file::read(&self.manifest).and_then(|manifest| verify_copy(&self.copy, &manifest));
        let report = match checked {
            Ok(report) => report,
            Err(error) => {
                let ending = say_failure(&error);
                say_error("  nothing was checked: this says nothing about the copy");
                return ending;
            }
        };
        let changed = !report.unchanged;
        let said = say_report(Ok(report), &self.copy, self.json, text);
        if changed { Ending::Failed } else { said }
    }
}

fn text(report: &VerifyReport) -> String {
    let path = printable_path(&report.path);
    let pages = counted(u64::from(report.page_count), "page", "pages");
    let mut lines = Vec::new();
    if report.unchanged {
        lines.push(format!("{path}: unchanged, all of {pages}"));
    } else if report.changed_count > 0 {
        let count = grouped(u64::from(report.changed_count));
        lines.push(format!("{path}: changed, {count} of {pages}: {}", runs(&report.changed)));
    }
    if report.size_bytes != report.expected_bytes {
        let (is, was) = (grouped(report.size_bytes), grouped(report.expected_bytes));
        lines.push(format!("{path}: changed, it has {is} bytes instead of {was}"));
    } else if report.changed_count == 0 && !report.sha256_agrees {
        lines.push(format!(
            "{path}: each page has its CRC32, but the whole has not its SHA-256: it was changed on purpose, or its \
             manifest was"
        ));
    }
    if !report.read_under_lock {
        lines.push(format!("note: {path} could not be locked; somebody may have been writing it"));
    }
    if let Some(side_file) = &report.side_file {
        let side_file = printable_path(side_file);
        lines.push(format!("note: {side_file} was not looked at; SQLite would see {path} through it"));
    }
    lines.join("\n")
}

fn runs(changed: &[PageRange]) -> String {
    let words = |range: &PageRange| match range.first == range.last {
        true => range.first.to_string(),
        false => format!("{}-{}", range.first, range.last),
    };
    let mut text = changed.iter().take(MOST_RUNS).map(words).collect::<Vec<_>>().join(", ");
    if changed.len() > MOST_RUNS {
        text.push_str(&format!(
            ", and {} more runs (--json lists all)",
            grouped((changed.len() - MOST_RUNS) as u64)
        ));
    }
    text
}
