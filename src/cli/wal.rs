//! `litecopy wal`: the log as a timeline of commits, or frame by frame.

use std::io;
use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{
    CommitOwners, WalCommit, WalEnd, WalEndReason, WalFrameReport, WalFrameState, WalTimeline,
};
use litecopy::{ErrorKind, Result};
use serde_json::json;

use super::exit_code::Ending;
use super::numbers::{counted, grouped, size};
use super::output::{Output, say_error, say_failure, say_lines};
use super::page_runs::{run, runs};
use super::paint::Paint;
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;

/// Show the write-ahead log: its commits, what each of them wrote, and where the log ends and why
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct WalArguments {
    /// The database, or the log itself, also one whose database is not there; it is only read
    file: PathBuf,

    /// List the frames instead of the commits, those behind the end too
    #[arg(long)]
    frames: bool,

    /// Print JSON objects, one a line: the header, the commits or frames, the end
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

const HELP: &str = "\
A frame is committed (the newest image of its page), superseded (committed, but a newer frame has the page), uncommitted (valid, \
but no commit follows), stale (behind the valid frames: of an earlier generation, or damaged) or unsummed (the same, with zeros for \
salts and sums).

The valid frames end by: end-of-file; salt (the next frame is of an earlier generation); checksum; page-number (the next frame is for \
page 0); partial-frame (the file ends within it); no-commit (the file ends, with a transaction that is not committed).

Tables and indexes are named as of the version that the commit made, as long as that is not too much work; else, or with --as-of, as of one version for all.";

impl WalArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let options = self.reading.options();
        let timeout = Some(self.reading.timeout());
        let timeline = match WalTimeline::open(&self.file, &options, timeout) {
            Ok(timeline) => timeline,
            Err(error) => return say_failure(&error),
        };
        let owners = match CommitOwners::new(&timeline, &options, timeout) {
            Ok(owners) => Some(owners),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchVersion | ErrorKind::VersionGone) => {
                return say_failure(&error);
            }
            // A database that cannot be walked keeps nobody from seeing its log.
            Err(error) => {
                say_error(&format!("litecopy: note: the tables are not named: {error}"));
                None
            }
        };
        // What goes wrong in the middle is told at the end: then the line of the end is missing.
        let mut told = Ok(());
        let said = say_lines(|output| {
            let parts = Parts { timeline: &timeline, owners };
            told = if self.json {
                json_lines(output, parts, self.frames)?
            } else {
                text(output, parts, self.frames)?
            };
            Ok(())
        });
        told.map_or_else(|error| say_failure(&error), |()| said)
    }
}

/// The parts of a log, with the names of the tables.
struct Parts<'t> {
    timeline: &'t WalTimeline,
    owners: Option<CommitOwners>,
}

impl Parts<'_> {
    fn commits(&mut self) -> impl Iterator<Item = Result<WalCommit>> {
        self.timeline.commits().map(|commit| {
            let mut commit = commit?;
            self.owners.as_mut().map_or(Ok(()), |owners| owners.name_commit(&mut commit)).map(|()| commit)
        })
    }

    fn frames(&mut self) -> impl Iterator<Item = Result<WalFrameReport>> {
        self.timeline.frames().map(|frame| {
            let mut frame = frame?;
            self.owners.as_mut().map_or(Ok(()), |owners| owners.name_frame(&mut frame)).map(|()| frame)
        })
    }
}

fn json_lines(output: &mut Output, mut parts: Parts<'_>, frames: bool) -> io::Result<Result<()>> {
    output.json(&json!({ "header": parts.timeline.header() }))?;
    let told = if frames {
        each(parts.frames(), |frame| output.json(&frame))?
    } else {
        each(parts.commits(), |commit| output.json(&commit))?
    };
    if told.is_ok() {
        output.json(&json!({ "end": parts.timeline.end() }))?;
    }
    Ok(told)
}

/// Prints items until one is an error, which is given back: inside that of the report, outside that of stdout.
fn each<T>(
    items: impl Iterator<Item = Result<T>>,
    mut print: impl FnMut(T) -> io::Result<()>,
) -> io::Result<Result<()>> {
    for item in items {
        match item {
            Ok(item) => print(item)?,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

fn text(output: &mut Output, mut parts: Parts<'_>, frames: bool) -> io::Result<Result<()>> {
    let paint = Paint::of_stdout();
    let timeline = parts.timeline;
    let lines = Lines::new(timeline.end(), paint);
    for line in head(timeline, paint) {
        output.styled_line(&line)?;
    }
    if timeline.end().file_frames > 0 {
        let told = if frames {
            output.styled_line(&lines.frame_titles())?;
            each(parts.frames(), |frame| output.styled_line(&lines.frame(&frame)))?
        } else {
            output.styled_line(&lines.commit_titles())?;
            let mut page_count = None;
            each(parts.commits(), |commit| {
                let before = page_count.replace(commit.page_count);
                output.styled_line(&lines.commit(&commit, before))
            })?
        };
        if told.is_err() {
            return Ok(told);
        }
        for line in lines.uncounted().iter().filter(|_| !frames) {
            output.styled_line(line)?;
        }
    }
    for line in end_lines(timeline.end(), paint) {
        output.styled_line(&line)?;
    }
    Ok(Ok(()))
}

fn head(timeline: &WalTimeline, paint: Paint) -> Vec<String> {
    let end = timeline.end();
    let title = format!("log {}", printable_path(timeline.path()));
    let mut lines = vec![format!("{}, {}", paint.bold(&title), size(end.file_bytes))];
    let Some(header) = timeline.header() else { return lines };
    let [salt_1, salt_2] = header.salt;
    lines.push(format!(
        "{} of {} bytes, {}-endian sums, checkpoint sequence {}, salts {salt_1:08x} {salt_2:08x}",
        counted(end.file_frames.into(), "frame", "frames"),
        grouped(header.page_size.into()),
        header.byte_order,
        header.checkpoint_sequence,
    ));
    if let Some(damage) = &header.damage {
        lines.push(format!("SQLite takes it for none: {damage}"));
    }
    lines.push(String::new());
    lines
}

/// Lines of commits and frames, in columns that fit this log.
struct Lines<'e> {
    end: &'e WalEnd,
    paint: Paint,
    commit_width: usize,
    frame_width: usize,
}

/// The widest bar: each further block stands for twice as many pages.
const BAR: usize = 10;

/// The colours of what counts, what is not committed, and what no longer counts.
const COMMITTED: [u8; 3] = [46, 160, 110];
const UNCOMMITTED: [u8; 3] = [214, 150, 40];

impl<'e> Lines<'e> {
    fn new(end: &'e WalEnd, paint: Paint) -> Self {
        let digits = |number: u32| number.to_string().len();
        Self {
            end,
            paint,
            commit_width: digits(end.commits).max("commit".len()),
            frame_width: (2 * digits(end.file_frames) + 1).max("frames".len()),
        }
    }

    fn commit_titles(&self) -> String {
        let (commit, frames) = (self.commit_width, self.frame_width);
        self.paint.dim(&format!(
            "    {:>commit$}  {:>frames$}  {:>7}  {:<BAR$}  {:>11}  {:<8}  written",
            "commit", "frames", "pages", "", "database", ""
        ))
    }

    fn commit(&self, commit: &WalCommit, before: Option<u32>) -> String {
        let (commit_width, frame_width) = (self.commit_width, self.frame_width);
        let pages = commit.pages.len();
        let blocks = (usize::BITS - pages.leading_zeros()) as usize;
        let bar = format!("{:<BAR$}", "\u{2587}".repeat(blocks.min(BAR)));
        format!(
            "  {} {:>commit_width$}  {:>frame_width$}  {:>7}  {}  {:>11}  {:<8}  {}",
            self.paint.coloured(COMMITTED, "\u{25cf}"),
            commit.commit,
            run(commit.first_frame, commit.last_frame),
            grouped(pages as u64),
            self.paint.coloured(COMMITTED, &bar),
            grouped(commit.page_count.into()),
            growth(commit.page_count, before),
            written(commit),
        )
    }

    /// The frames that no reader sees, as lines of the timeline.
    fn uncounted(&self) -> Vec<String> {
        let (commit_width, frame_width) = (self.commit_width, self.frame_width);
        let WalEnd { committed_frames, valid_frames, file_frames, .. } = *self.end;
        let line = |sign: &str, first: u32, last: u32, words: &str| {
            let frames = run(first.saturating_add(1), last);
            format!("  {sign} {:>commit_width$}  {frames:>frame_width$}  {words}", "-")
        };
        let mut lines = Vec::new();
        if valid_frames > committed_frames {
            let sign = self.paint.coloured(UNCOMMITTED, "\u{25cb}");
            lines.push(line(&sign, committed_frames, valid_frames, "not committed: nobody sees these"));
        }
        if file_frames > valid_frames {
            let words = match (self.end.stale_frames, self.end.unsummed_frames) {
                (_, 0) => "stale: behind the end".to_owned(),
                (0, _) => "unsummed: behind the end".to_owned(),
                (stale, unsummed) => format!("{stale} stale, {unsummed} unsummed: behind the end"),
            };
            lines.push(self.paint.dim(&line("\u{b7}", valid_frames, file_frames, &words)));
        }
        lines
    }

    fn frame_titles(&self) -> String {
        let (commit, frame) = (self.commit_width, self.frame_width);
        self.paint.dim(&format!(
            "    {:>frame$}  {:>10}  {:>commit$}  {:<12} {:<18} {:<14} {}",
            "frame", "page", "commit", "state", "salts", "commits to", "owner"
        ))
    }

    fn frame(&self, frame: &WalFrameReport) -> String {
        let (commit_width, frame_width) = (self.commit_width, self.frame_width);
        let [salt_1, salt_2] = frame.salt;
        let line = format!(
            "{:>frame_width$}  {:>10}  {:>commit_width$}  {:<12} {salt_1:08x} {salt_2:08x}  {:<14} {}",
            frame.frame,
            frame.page,
            frame.commit.map_or_else(|| "-".to_owned(), |commit| commit.to_string()),
            frame.state.name(),
            match frame.commit_page_count {
                0 => String::new(),
                count => counted(count.into(), "page", "pages"),
            },
            frame.owner.as_deref().map(printable).unwrap_or_default(),
        );
        let (sign, line) = match frame.state {
            WalFrameState::Committed => (self.paint.coloured(COMMITTED, "\u{25cf}"), line),
            WalFrameState::Superseded => (self.paint.coloured(COMMITTED, "\u{25cb}"), line),
            WalFrameState::Uncommitted => (self.paint.coloured(UNCOMMITTED, "\u{25cb}"), line),
            _ => (self.paint.dim("\u{b7}"), self.paint.dim(&line)),
        };
        format!("  {sign} {}", line.trim_end())
    }
}

/// How much longer or shorter the database became.
fn growth(page_count: u32, before: Option<u32>) -> String {
    match before.map_or(0, |before| i64::from(page_count) - i64::from(before)) {
        0 => String::new(),
        change => format!("{change:+}"),
    }
}

/// What a commit wrote: its tables, or where these are not known its pages.
fn written(commit: &WalCommit) -> String {
    if commit.owners.is_empty() {
        return format!("pages {}", runs(&commit.pages));
    }
    let owners = commit.owners.iter().zip(&commit.owner_page_counts);
    owners.map(|(name, pages)| format!("{} {pages}", printable(name))).collect::<Vec<_>>().join(", ")
}

fn end_lines(end: &WalEnd, paint: Paint) -> Vec<String> {
    if end.file_bytes == 0 {
        return vec!["there is no log, or an empty one".to_owned()];
    }
    let why = match end.reason {
        WalEndReason::EndOfFile => "the file ends with a commit",
        WalEndReason::Salt => "the next frame is of an earlier generation",
        WalEndReason::Checksum if end.detail.is_none() => "the header is not what its writer summed",
        WalEndReason::Checksum => "the next frame is not what its writer summed",
        WalEndReason::PageNumber => "the next frame is for page 0",
        WalEndReason::PartialFrame => "the file ends in the middle of what would come next",
        WalEndReason::NoCommit => "the file ends, and the last transaction is not committed",
        _ => "it ends",
    };
    let detail = end.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let mut lines = vec![
        String::new(),
        format!("{} {}: {why}{detail}", paint.bold("ends by"), paint.bold(end.reason.name())),
    ];
    lines.push(format!(
        "{} in {} of {}; a reader sees {}",
        counted(end.commits.into(), "commit", "commits"),
        grouped(end.committed_frames.into()),
        counted(end.file_frames.into(), "frame", "frames"),
        match end.commits {
            0 => "the database file alone".to_owned(),
            _ => counted(end.page_count.into(), "page", "pages"),
        },
    ));
    lines
}
