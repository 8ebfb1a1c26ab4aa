//! The picture: a group of horizontal bars for each case, as an SVG that is readable on light and on dark ground.

use std::fmt::Write;

use crate::table::{Case, Ended, Row};

const WIDTH: usize = 900;
const LABELS: usize = 300;
const BARS: usize = 440;
const ROW: usize = 20;
const MARGIN: usize = 16;

/// No ground of its own; the colours are told apart by their brightness too.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:18px;font-weight:600}\
.case{font-weight:600}.small{font-size:12px;fill:#59636e}.end{text-anchor:end}.ours{fill:#0969da}.theirs{fill:#9aa4af}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.ours{fill:#4493f8}.theirs{fill:#59636e}}";

/// The cases that were run, their medians as bars.
pub(crate) fn svg(machine: &str, cases: &[&Case]) -> String {
    let mut drawing = Drawing { body: String::new(), y: MARGIN + 16 };
    drawing.line("title", "litecopy beside SQLite's own ways and plain file copies");
    drawing.line(
        "small",
        "Medians; shorter is better. Each group has a scale of its own; its values stand behind the bars.",
    );
    wrapped(machine).iter().for_each(|line| drawing.line("small", line));
    for case in cases {
        drawing.case(case);
    }
    let height = drawing.y;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>How fast litecopy copies, beside others</title>\n<style>{STYLE}</style>\n{}</svg>\n",
        drawing.body
    )
}

/// In lines that fit.
fn wrapped(text: &str) -> Vec<String> {
    const MOST: usize = 130;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.len() + word.len() > MOST) {
            lines.push(String::new());
        }
        let line = lines.last_mut().expect("the first");
        write!(line, "{word} ").unwrap();
    }
    lines
}

struct Drawing {
    body: String,
    /// The base line of the next line of text.
    y: usize,
}

impl Drawing {
    fn line(&mut self, class: &str, text: &str) {
        self.text(class, MARGIN, text);
        self.y += ROW;
    }

    fn text(&mut self, class: &str, x: usize, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{text}</text>", self.y).unwrap();
    }

    fn case(&mut self, case: &Case) {
        let Ended::Rows(rows) = &case.ended else { return };
        self.y += ROW / 2;
        self.line("case", &case.title);
        let longest = rows.iter().filter_map(Row::median).fold(f64::MIN_POSITIVE, f64::max);
        for (row, median) in rows.iter().filter_map(|row| Some((row, row.median()?))) {
            self.bar(row, median, median / longest);
        }
    }

    fn bar(&mut self, row: &Row, median: f64, part: f64) {
        let sync = match row.synced {
            Some(true) => ", sync",
            Some(false) => ", no sync",
            None => "",
        };
        let class = if row.ours { "ours" } else { "theirs" };
        let length = (part * BARS as f64).max(1.0);
        self.text("end", LABELS, &format!("{}{sync}", row.label));
        let (x, y, height) = (LABELS + 10, self.y - ROW / 2 - 4, ROW - 5);
        writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{length:.1}\" height=\"{height}\"/>"
        )
        .unwrap();
        let end = x as f64 + length + 6.0;
        writeln!(self.body, "<text x=\"{end:.1}\" y=\"{}\">{}</text>", self.y, row.shown(median)).unwrap();
        self.y += ROW;
    }
}
