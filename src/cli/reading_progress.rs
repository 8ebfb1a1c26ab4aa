//! Shows how far a long reading is, on stderr, where that is a terminal and stdout is not.

use std::io::{IsTerminal, stderr, stdout};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of pages.
pub(crate) struct ReadingProgress(Option<ProgressBar>);

impl ReadingProgress {
    pub(crate) fn new(page_count: u32) -> Self {
        let seen = stderr().is_terminal() && !stdout().is_terminal();
        Self(seen.then(|| {
            let bar = ProgressBar::with_draw_target(Some(page_count.into()), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(
                "{bar:40} {percent:>3}%  {human_pos} of {human_len} pages  {elapsed}",
            );
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }))
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
