//! Shows how far a copy is, on stderr: a bar for people, JSON lines for programs, or nothing.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use litecopy::{Progress, Status};
use serde_json::json;

use super::output::say_error_json;
use super::telling_arguments::ProgressKind;

/// Where progress goes.
pub(crate) enum Reporter {
    Bar(ProgressBar),
    Json,
    Nothing,
}

impl Reporter {
    /// A bar is only for terminals: whatever was asked for, a pipe or a file never gets one.
    pub(crate) fn new(kind: ProgressKind, quiet: bool) -> Self {
        let wants_bar = matches!(kind, ProgressKind::Auto | ProgressKind::Bar) && !quiet;
        if kind == ProgressKind::Json {
            Self::Json
        } else if wants_bar && stderr().is_terminal() {
            Self::Bar(bar())
        } else {
            Self::Nothing
        }
    }

    pub(crate) fn show(&self, progress: &Progress) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(u64::from(progress.page_count));
                bar.set_position(u64::from(progress.page_count.saturating_sub(progress.remaining)));
                bar.set_message(remark(progress));
            }
            // Nobody reading the progress is no reason to stop copying.
            Self::Json => say_error_json(&json_line(progress)),
            Self::Nothing => {}
        }
    }

    /// Takes the bar away, so that what is printed next begins on a clean line.
    pub(crate) fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let template = "{bar:40} {percent:>3}%  {human_pos} of {human_len} pages  {elapsed} {msg}";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What is out of the ordinary, in a few words.
fn remark(progress: &Progress) -> String {
    let waits = match progress.status {
        Status::Busy | Status::Locked => "waiting for a lock",
        _ => "",
    };
    match progress.restarts {
        0 => waits.to_owned(),
        n => format!("{waits} restarted {n}x").trim_start().to_owned(),
    }
}

fn json_line(progress: &Progress) -> serde_json::Value {
    json!({
        "event": "progress",
        "status": progress.status.code(),
        "remaining": progress.remaining,
        "page_count": progress.page_count,
        "restarts": progress.restarts,
    })
}
