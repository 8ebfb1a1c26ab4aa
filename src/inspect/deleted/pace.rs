//! How far the search is, told now and then.

use std::ops::ControlFlow;

use super::report::{DeletedProgress, FoundIn};
use super::side_images::SideImages;
use crate::inspect::Database;

/// After how many pages progress is told.
const EVERY: u64 = 64;

/// Counts pages.
pub(super) struct Pace<'p> {
    done: u64,
    told: Option<u64>,
    pages: u64,
    progress: &'p mut dyn FnMut(DeletedProgress) -> ControlFlow<()>,
}

impl<'p> Pace<'p> {
    /// Every page is read for its live rows, and looked at twice for others; images in side files are looked at twice.
    pub(super) fn new(
        database: &Database,
        sides: &[(SideImages, FoundIn)],
        progress: &'p mut dyn FnMut(DeletedProgress) -> ControlFlow<()>,
    ) -> Self {
        let images: usize = sides.iter().map(|(file, _)| file.images.len()).sum();
        let pages = 3 * u64::from(database.page_count()) + 2 * images as u64;
        Self { done: 0, told: None, pages, progress }
    }

    /// So many pages were gone through.
    pub(super) fn add(&mut self, pages: u64) -> ControlFlow<()> {
        self.at(self.done.saturating_add(pages))
    }

    /// So many pages have been gone through in all.
    pub(super) fn at(&mut self, done: u64) -> ControlFlow<()> {
        self.done = done.min(self.pages);
        let is_near = self.told.is_some_and(|told| self.done.saturating_sub(told) < EVERY);
        if is_near && self.done < self.pages {
            return ControlFlow::Continue(());
        }
        self.told = Some(self.done);
        (self.progress)(DeletedProgress { done: self.done, pages: self.pages })
    }
}
