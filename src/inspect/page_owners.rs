//! Whose some pages of a database are: those that are asked for, whatever the size of the database.

use super::database::Database;
use super::owners::Owner;
use super::page_numbers::PageNumbers;
use super::survey::{Surveyor, survey};
use crate::error::Result;
use crate::format::{PageKind, PageNumber};
use crate::walk::{FreePage, OverflowPart, TreePlace};

/// The owners of some pages. 8 bytes for each, and the names.
#[derive(Clone, Debug, Default)]
pub(super) struct PageOwners {
    names: Vec<String>,
    /// Sorted by page, with the place of the name, from 1 on; 0 for nobody.
    pages: Vec<(PageNumber, u32)>,
}

impl PageOwners {
    /// Of these pages, which come in order, in a version of a database.
    pub(super) fn new(database: &Database, pages: impl Iterator<Item = PageNumber>) -> Result<Self> {
        let owners = Owner::all(database, |_| {})?;
        let mut found = Self { names: Vec::new(), pages: pages.map(|page| (page, 0)).collect() };
        survey(database, &owners, &mut found)?;
        Ok(Self { names: owners.into_iter().map(|owner| owner.name).collect(), ..found })
    }

    /// The owner of a page.
    pub(super) fn of(&self, page: PageNumber) -> Option<&str> {
        self.names.get(self.place_of(page)?).map(String::as_str)
    }

    /// The owners of pages, and how many each of them has: those with most first, then in the order of the schema.
    pub(super) fn count(&self, pages: impl Iterator<Item = PageNumber>) -> (Vec<String>, Vec<u32>) {
        let mut places: Vec<_> = pages.filter_map(|page| self.place_of(page)).collect();
        places.sort_unstable();
        let mut counts: Vec<_> = places
            .chunk_by(|a, b| a == b)
            .filter_map(|run| Some((*run.first()?, u32::try_from(run.len()).ok()?)))
            .collect();
        counts.sort_by_key(|&(place, count)| (std::cmp::Reverse(count), place));
        let name = |&(place, count): &(usize, u32)| Some((self.names.get(place)?.clone(), count));
        counts.iter().filter_map(name).unzip()
    }

    fn place_of(&self, page: PageNumber) -> Option<usize> {
        let at = self.pages.binary_search_by_key(&page, |&(page, _)| page).ok()?;
        self.pages.get(at).and_then(|&(_, place)| (place as usize).checked_sub(1))
    }

    fn keep(&mut self, page: PageNumber, owner: usize) {
        let Ok(at) = self.pages.binary_search_by_key(&page, |&(page, _)| page) else { return };
        if let Some((_, place)) = self.pages.get_mut(at) {
            *place = u32::try_from(owner).unwrap_or(u32::MAX).saturating_add(1);
        }
    }
}

impl Surveyor for PageOwners {
    fn tree_page(&mut self, owner: usize, at: TreePlace, _: PageKind, _: PageNumbers) {
        self.keep(at.page, owner);
    }

    fn lost_page(&mut self, owner: usize, at: TreePlace) {
        self.keep(at.page, owner);
    }

    fn overflow_page(&mut self, owner: usize, part: OverflowPart<'_>) {
        self.keep(part.page, owner);
    }

    fn free_page(&mut self, _: FreePage) {}

    fn pointer_map_page(&mut self, _: PageNumber) {}
}
