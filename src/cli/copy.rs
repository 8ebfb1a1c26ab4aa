//! `litecopy copy`: one database into one new file.

use std::ops::ControlFlow;

use litecopy::{Consistency, CopyOptions, CopyReport, JournalMode};
use serde_json::json;

use super::arguments::{CopyArguments, ProgressKind};
use super::exit_code::{Ending, json_message, message};
use super::notes::Note;
use super::numbers::{counted, size, time};
use super::progress::Reporter;
use super::run::{say, say_error};

/// Pages between two moves of the bar when the whole copy is one snapshot.
const PAGES_BETWEEN_REPORTS: i32 = 1_000;

pub(crate) fn copy(arguments: &CopyArguments) -> Ending {
    let reporter = Reporter::new(arguments.progress, arguments.quiet);
    let result = options(arguments).copy_with_progress(&arguments.source, &arguments.target, |progress| {
        reporter.show(progress);
        ControlFlow::Continue(())
    });
    reporter.clear();
    let for_programs = arguments.progress == ProgressKind::Json;
    match result {
        Ok(_) if arguments.quiet => Ending::Done,
        Ok(report) => {
            let faulty = report.wal_reset_fault.map(Note::wal_reset_fault);
            for note in faulty.into_iter().chain(report.network_file_system.map(Note::network)) {
                say_error(&if for_programs { note.json().to_string() } else { note.text() });
            }
            say(&if for_programs {
                json_summary(arguments, &report).to_string()
            } else {
                summary(arguments, &report)
            })
        }
        Err(error) => {
            if for_programs {
                say_error(&json_message(&error).to_string());
            } else {
                say_error(&message(&error));
            }
            Ending::of(&error)
        }
    }
}

fn options(arguments: &CopyArguments) -> CopyOptions {
    let mut source = arguments.reading.options();
    if let Some(page_size) = arguments.opaque {
        source = source.opaque(page_size);
    }
    let options = CopyOptions::new()
        .sleep(arguments.sleep)
        .lock_timeout(Some(arguments.timeout))
        .deadline(arguments.deadline)
        .source(source)
        .replace(arguments.replace);
    if arguments.pages > 0 {
        return options.consistency(Consistency::Step).pages_per_step(arguments.pages);
    }
    // All in one step. A held snapshot keeps the promise and the locks of one step, and yet tells how far it is.
    options.consistency(Consistency::Hold).pages_per_step(PAGES_BETWEEN_REPORTS)
}

fn summary(arguments: &CopyArguments, report: &CopyReport) -> String {
    let mut line = format!(
        "{} -> {}: {} of {} bytes ({}) in {}, {} mode",
        arguments.source.display(),
        arguments.target.display(),
        counted(u64::from(report.page_count), "page", "pages"),
        report.page_size.bytes(),
        size(copied_bytes(report)),
        time(report.elapsed),
        mode_name(report.mode),
    );
    if report.restarts > 0 {
        line.push_str(&format!(", started again {}", counted(report.restarts, "time", "times")));
    }
    if report.busy_count > 0 {
        line.push_str(&format!(", found it locked {}", counted(report.busy_count, "time", "times")));
    }
    line
}

fn json_summary(arguments: &CopyArguments, report: &CopyReport) -> serde_json::Value {
    json!({
        "event": "done",
        "source": arguments.source.to_string_lossy(),
        "target": arguments.target.to_string_lossy(),
        "page_count": report.page_count,
        "page_size": report.page_size.bytes(),
        "bytes": copied_bytes(report),
        "restarts": report.restarts,
        "busy_count": report.busy_count,
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "journal_mode": mode_name(report.mode),
    })
}

fn copied_bytes(report: &CopyReport) -> u64 {
    u64::from(report.page_count) * u64::from(report.page_size.bytes())
}

fn mode_name(mode: JournalMode) -> &'static str {
    match mode {
        JournalMode::Wal => "wal",
        JournalMode::Rollback => "rollback",
    }
}
