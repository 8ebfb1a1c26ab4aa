//! Shows how far a long reading is, on stderr, where that is a terminal.

use std::io::{IsTerminal, stderr, stdout};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use litecopy::{Database, ReportWatch};

/// How often a bar that follows a report is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// A bar of pages.
pub(crate) struct ReadingProgress(Option<ProgressBar>);

impl ReadingProgress {
    /// Beside output that goes on meanwhile: not where both are on one terminal.
    pub(crate) fn new(page_count: u32) -> Self {
        let seen = stderr().is_terminal() && !stdout().is_terminal();
        Self(seen.then(|| bar(page_count.into())))
    }

    /// From now on there are so many pages.
    pub(crate) fn set_length(&self, pages: u64) {
        if let Some(bar) = &self.0
            && bar.length() != Some(pages)
        {
            bar.set_length(pages);
        }
    }

    pub(crate) fn show(&self, pages: u32) {
        if let Some(bar) = &self.0
            && bar.position() != u64::from(pages)
        {
            bar.set_position(pages.into());
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A bar that follows a report, which is printed when it is done. Dropped, it is gone.
pub(crate) struct ReportProgress {
    /// Dropped when the report is done.
    going_on: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl ReportProgress {
    /// Of a report on these databases that reads each of their pages so many times.
    pub(crate) fn new(databases: &[&Database], times: u64) -> Self {
        if !stderr().is_terminal() {
            return Self { going_on: None, drawing: None };
        }
        let page_count: u64 = databases.iter().map(|database| u64::from(database.page_count())).sum();
        let watches: Vec<_> = databases.iter().map(|database| database.watch()).collect();
        let (going_on, done) = channel::<()>();
        let bar = bar(page_count.saturating_mul(times));
        let drawing = std::thread::spawn(move || {
            while done.recv_timeout(DRAWN_EVERY) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(watches.iter().map(ReportWatch::pages_read).sum());
            }
            bar.finish_and_clear();
        });
        Self { going_on: Some(going_on), drawing: Some(drawing) }
    }
}

impl Drop for ReportProgress {
    fn drop(&mut self) {
        self.going_on.take();
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
    }
}

fn bar(page_count: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(page_count), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{bar:40} {percent:>3}%  {human_pos} of {human_len} pages  {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
