//! What a case found, as a table in Markdown.

use std::fmt::Write;

use crate::goal::{Goal, Verdict};

pub(crate) struct Case {
    pub(crate) title: String,
    /// What is measured, in a sentence or two.
    pub(crate) about: String,
    pub(crate) ended: Ended,
    pub(crate) verdicts: Vec<Verdict>,
}

pub(crate) enum Ended {
    Rows(Vec<Row>),
    /// Why this machine cannot run the case.
    Skipped(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    Seconds,
    /// The most memory that the process had resident.
    PeakKib,
}

pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) ours: bool,
    /// Whether a sync is part of it; none where nothing is copied.
    pub(crate) synced: Option<bool>,
    pub(crate) copied_bytes: Option<u64>,
    pub(crate) amount: Amount,
    /// One a round.
    pub(crate) values: Vec<f64>,
    pub(crate) skipped: Option<String>,
}

impl Case {
    /// The goals are judged by the rows.
    pub(crate) fn of(title: String, about: &str, rows: Vec<Row>, goals: &[Goal]) -> Self {
        let verdicts = goals.iter().map(|goal| goal.judge(&rows)).collect();
        Self { title, about: about.to_owned(), ended: Ended::Rows(rows), verdicts }
    }

    pub(crate) fn skipped(name: &str, reason: String) -> Self {
        Self {
            title: name.to_owned(),
            about: String::new(),
            ended: Ended::Skipped(reason),
            verdicts: Vec::new(),
        }
    }
}

impl Row {
    /// Of times the median, of memory the most; none when it was skipped.
    pub(crate) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        match self.amount {
            Amount::Seconds => sorted.get(sorted.len() / 2).copied(),
            Amount::PeakKib => sorted.last().copied(),
        }
    }

    /// With its unit.
    pub(crate) fn shown(&self, value: f64) -> String {
        match self.amount {
            Amount::PeakKib => format!("{:.1} MiB", value / 1024.0),
            Amount::Seconds if value < 0.1 => format!("{:.1} ms", value * 1_000.0),
            Amount::Seconds if value < 10.0 => format!("{value:.2} s"),
            Amount::Seconds => format!("{value:.1} s"),
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn range(&self) -> String {
        let sorted = self.sorted();
        let ends = sorted.first().zip(sorted.last());
        ends.map_or(String::new(), |(least, most)| format!("{} to {}", self.shown(*least), self.shown(*most)))
    }
}

/// One case: its title, what it is about, its table, its goals.
pub(crate) fn markdown(case: &Case) -> String {
    let mut text = format!("\n## {}\n\n", case.title);
    let rows = match &case.ended {
        Ended::Skipped(reason) => return format!("{text}Skipped: {reason}.\n"),
        Ended::Rows(rows) => rows,
    };
    let first = rows.iter().find_map(Row::median);
    let of_memory = rows.first().is_some_and(|row| row.amount == Amount::PeakKib);
    let (what, beside) =
        if of_memory { ("peak memory", "above the first") } else { ("median", "to the first") };
    writeln!(text, "{}\n", case.about).unwrap();
    writeln!(text, "| | sync | {what} | least to most | MB/s | {beside} |").unwrap();
    writeln!(text, "|---|---|---:|---:|---:|---:|").unwrap();
    for row in rows {
        writeln!(text, "| {} |", cells(row, first).join(" | ")).unwrap();
    }
    if !case.verdicts.is_empty() {
        text.push('\n');
    }
    for Verdict { words, reached } in &case.verdicts {
        let ending = match reached {
            Some(true) => ", **reached**",
            Some(false) => ", **not reached**",
            None => "",
        };
        writeln!(text, "- Goal: {words}{ending}").unwrap();
    }
    text
}

fn cells(row: &Row, first: Option<f64>) -> Vec<String> {
    let sync = match row.synced {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let (label, sync) = (row.label.clone(), sync.to_owned());
    if let Some(reason) = &row.skipped {
        return vec![label, sync, format!("skipped: {reason}"), String::new(), String::new(), String::new()];
    }
    let Some(median) = row.median() else { return vec![label, sync] };
    let rate = |bytes: u64| format!("{:.0}", bytes as f64 / median / 1e6);
    let (rate, beside) = match row.amount {
        Amount::Seconds => (
            row.copied_bytes.map_or(String::new(), rate),
            first.map(|first| format!("{:.2}", median / first)),
        ),
        Amount::PeakKib => (String::new(), first.map(|first| row.shown(median - first))),
    };
    vec![label, sync, row.shown(median), row.range(), rate, beside.unwrap_or_default()]
}

/// All cases, as `copy.md`.
pub(crate) fn page(machine: &str, cases: &[Case]) -> String {
    let mut text = format!(
        "# How fast a copy is\n\nMade by `cargo bench --bench copy`; [the picture](copy.svg). {machine}\n\n\
         Each copy is made by a process of its own, unless said otherwise, and timed by the clock on the wall, from before the \
         process starts until it has ended. *Sync* says whether the copy is on disk by then, the file and its name. The \
         contenders copy in turns, each round begins with another, and everything is synced between them. MB are millions of \
         bytes. The ratios hold better than the times.\n"
    );
    for case in cases {
        text.push_str(&markdown(case));
    }
    text
}
