//! `litecopy acquire`: a bundle of evidence, and whether one is still what it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use litecopy::inspect::JsonName;
use litecopy::{AcquireOptions, Acquired, BundleReport, FileRole, verify_bundle};
use serde_json::json;

use super::advice::advice_on_bundle;
use super::exit_code::{Ending, message_with};
use super::interrupt;
use super::numbers::{counted, grouped, size};
use super::output::{say_error, say_failure, say_report};
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;
use super::values::duration;

/// What the help says beyond the options.
const HELP: &str = "\
FOLDER gets the files as they lie there (found.db, found.db-wal, found.db-shm, found.db-journal, super-journal), merged.db, which is what \
copy would have given at that moment, manifest.json, report.txt for people, and SHA256SUMS for `sha256sum -c`. It appears whole or not at \
all. The files are read under shared locks, as any reader of SQLite holds them: in rollback mode commits wait until they are copied and read \
again; in WAL mode they go on. The SHA-256 of manifest.json is printed: whoever has written it down elsewhere can prove that nothing in the \
bundle was changed since, also not on purpose.

Exit codes:
  0  done: the bundle is there and on disk; --verify: it is what it was
  1  refused or failed: nothing is there, unless stderr says that only stdout could not be written, or only the last sync failed, which \
leaves the bundle there; --verify: something is wrong with it, or it could not be checked
  2  wrong use
  5  the database was still busy at the timeout, or not done within --max-hold
130  stopped by Ctrl-C, a termination or a hang-up; nothing is there";

/// Take a database as evidence: its files as they are, the merged copy, and what proves both; or check such a bundle
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct AcquireArguments {
    /// The database to take; it is only read
    #[arg(required_unless_present = "verify", requires = "folder", conflicts_with = "as_of")]
    file: Option<PathBuf>,

    /// The folder that the bundle becomes; nothing may be there yet
    #[arg(required_unless_present = "verify")]
    folder: Option<PathBuf>,

    /// Check the bundle in FOLDER: each file, that nothing else is there, and that the merged copy is what the files as found give
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["file", "folder"])]
    verify: Option<PathBuf>,

    /// What was printed when the bundle was made: 64 hexadecimal digits. Without it, a bundle that was made anew as a whole cannot be told
    /// from the first
    #[arg(long, value_name = "DIGITS", conflicts_with = "file", value_parser = sha256)]
    manifest_sha256: Option<[u8; 32]>,

    /// Give up when the files have been held still for this long [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = duration, conflicts_with = "verify")]
    max_hold: Option<Duration>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

impl AcquireArguments {
    pub(crate) fn run(&self) -> Ending {
        match (&self.verify, &self.file, &self.folder) {
            (Some(bundle), ..) => self.check(bundle),
            (None, Some(file), Some(folder)) => self.acquire(file, folder),
            // Refused before.
            _ => Ending::WrongUse,
        }
    }

    fn acquire(&self, file: &Path, folder: &Path) -> Ending {
        interrupt::listen();
        self.reading.confine(&[file], &[folder]);
        // Drawn on a terminal only.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{bar:40} {percent:>3}%  {bytes} of {total_bytes}  {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let options = AcquireOptions::new()
            .source(self.reading.options())
            .lock_timeout(Some(self.reading.timeout()))
            .max_hold(self.max_hold)
            .cancel(interrupt::token());
        let acquired = options.acquire(file, folder, |progress| {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
        });
        bar.finish_and_clear();
        let acquired = match acquired {
            Ok(acquired) => acquired,
            Err(error) => {
                say_error(&message_with(&error, advice_on_bundle(&error)));
                let ending = Ending::of(&error);
                return if interrupt::came().is_some() { Ending::Interrupted } else { ending };
            }
        };
        let text = text(&acquired);
        say_report(Ok(for_programs(&acquired)), file, self.json, |_| text)
    }

    fn check(&self, bundle: &Path) -> Ending {
        self.reading.confine_to_folder_of(&bundle.join(FileRole::Database.name()));
        let report = match verify_bundle(bundle, self.manifest_sha256) {
            Ok(report) => report,
            Err(error) => {
                let ending = say_failure(&error);
                say_error("  nothing was checked: this says nothing about the bundle");
                return ending;
            }
        };
        let intact = report.intact;
        let said = say_report(Ok(report), bundle, self.json, verdict);
        if intact { said } else { Ending::Failed }
    }
}

fn for_programs(acquired: &Acquired) -> serde_json::Value {
    let manifest = &acquired.manifest;
    json!({
        "folder": JsonName(acquired.folder.as_os_str()),
        "manifest_sha256": acquired.manifest_sha256_digits(),
        "page_size": manifest.page_size.bytes(),
        "page_count": manifest.page_sums.len(),
        "bundle": manifest.bundle,
    })
}

fn text(acquired: &Acquired) -> String {
    let manifest = &acquired.manifest;
    let Some(bundle) = &manifest.bundle else { return String::new() };
    let bytes = bundle.files.iter().map(|file| file.size_bytes).sum();
    let mut lines = vec![format!(
        "{}: {} as found, {}",
        printable_path(&acquired.folder),
        counted(bundle.files.len() as u64, "file", "files"),
        size(bytes)
    )];
    for file in &bundle.files {
        lines.push(format!("  {}  {}  {} bytes", file.sha256, file.name, grouped(file.size_bytes)));
    }
    match &bundle.no_merged_copy {
        None => lines.push(format!(
            "  merged.db: {} of {} bytes",
            counted(manifest.page_sums.len() as u64, "page", "pages"),
            manifest.page_size.bytes()
        )),
        Some(why) => lines.push(format!("  no merged copy: {}", printable(why))),
    }
    if bundle.journal.hot {
        lines.push("  the journal is hot: it was rolled back in merged.db only".to_owned());
    }
    for file in bundle.files.iter().filter(|file| !file.is_unchanged()) {
        lines.push(format!(
            "  note: somebody went on writing {}; its first {} bytes stayed as they are here",
            file.name,
            grouped(file.same_bytes)
        ));
    }
    if bundle.files.iter().any(|file| file.before.accessed != file.after.accessed) {
        lines.push(
            "  note: reading has marked a time of access, which only a file's owner and root can avoid"
                .to_owned(),
        );
    }
    lines.push("  the source was the same when it was read again".to_owned());
    lines
        .push(format!("SHA-256 of manifest.json, to be written down: {}", acquired.manifest_sha256_digits()));
    lines.join("\n")
}

fn verdict(report: &BundleReport) -> String {
    let folder = printable_path(&report.folder);
    let mut lines = Vec::new();
    if report.intact {
        let merged = if report.merged_copy_compared {
            "and merged.db is what the files as found give"
        } else {
            "there is no merged copy"
        };
        lines.push(format!("{folder}: intact: each file is what it was, nothing else is there, {merged}"));
    } else {
        lines.push(format!("{folder}: not intact"));
    }
    for finding in &report.findings {
        lines.push(format!("  {}: {}", printable_path(&finding.file), printable(&finding.detail)));
    }
    if !report.compared_with_given {
        lines.push(
            "  note: without --manifest-sha256 it cannot be told whether the bundle was made anew as a whole"
                .to_owned(),
        );
    }
    if let Some(sum) = &report.manifest_sha256 {
        lines.push(format!("  SHA-256 of manifest.json: {sum}"));
    }
    lines.join("\n")
}

fn sha256(words: &str) -> Result<[u8; 32], String> {
    let (pairs, rest) = words.trim().as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).filter(|_| rest.is_empty());
    bytes.ok_or_else(|| "a SHA-256 is 64 hexadecimal digits".to_owned())
}
