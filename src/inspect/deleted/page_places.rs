//! What each page of the chosen version is, as far as it matters for what is left in it.

use std::collections::HashMap;

use super::page_image::Content;
use super::report::FoundIn;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_set::PageSet;
use crate::format::{DatabaseHeader, PageNumber, PointerMap};
use crate::walk::ChainPages;

/// Whose the pages are.
pub(super) struct PagePlaces {
    /// Of each page the table that has it, counted from 1; 0 for none.
    owners: Vec<u16>,
    /// All that have a place in a b-tree or a chain.
    used: PageSet,
    free: PageSet,
    /// Of trunk pages of the freelist, where the list ends.
    trunks: Vec<(PageNumber, u32)>,
    chains: PageSet,
    /// The last pages of chains, and where they end.
    chain_ends: Vec<(PageNumber, u32)>,
    lock_byte_page: PageNumber,
    pointer_map: Option<PointerMap>,
}

/// What to look at in a page, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PagePlace {
    pub(super) content: Content,
    /// The table that it is of.
    pub(super) own: Option<usize>,
    /// What it is; `None` for one in use, whose parts are told apart.
    pub(super) found_in: Option<FoundIn>,
}

impl PagePlaces {
    pub(super) fn new(page_count: u32, header: &DatabaseHeader) -> Self {
        let lock_byte_page = lock_byte_page(header.page_size);
        let map = || PointerMap::new(header.usable_bytes(), lock_byte_page);
        Self {
            owners: vec![0; page_count as usize + 1],
            used: PageSet::new(page_count),
            free: PageSet::new(page_count),
            trunks: Vec::new(),
            chains: PageSet::new(page_count),
            chain_ends: Vec::new(),
            lock_byte_page,
            pointer_map: header.is_auto_vacuum().then(map),
        }
    }

    /// Gives a page to a table.
    pub(super) fn own(&mut self, page: PageNumber, table: usize) {
        let owner = u16::try_from(table + 1).unwrap_or(0);
        if let Some(place) = self.owners.get_mut(page.get() as usize) {
            *place = owner;
        }
    }

    /// The table that a page is of.
    pub(super) fn owner(&self, page: PageNumber) -> Option<usize> {
        let owner = self.owners.get(page.get() as usize).copied().unwrap_or_default();
        usize::from(owner).checked_sub(1)
    }

    /// All pages that a table has.
    pub(super) fn owners(&self) -> impl Iterator<Item = (PageNumber, usize)> {
        let pages = (0..self.owners.len()).filter_map(|page| PageNumber::new(u32::try_from(page).ok()?));
        pages.filter_map(|page| Some((page, self.owner(page)?)))
    }

    /// Gives pages that nothing uses, and that no table has had, to those that had them.
    pub(super) fn own_unused(&mut self, owners: &HashMap<PageNumber, usize>) {
        for (&page, &table) in owners {
            if !self.is_used(page) && self.owner(page).is_none() {
                self.own(page, table);
            }
        }
    }

    pub(super) fn set_used(&mut self, used: &PageSet, chains: Option<ChainPages>) {
        self.used = used.clone();
        if let Some(chains) = chains {
            (self.chains, self.chain_ends) = (chains.pages, chains.ends);
            self.chain_ends.sort_unstable();
        }
    }

    pub(super) fn add_free(&mut self, page: PageNumber) {
        self.free.insert(page);
    }

    /// Adds a trunk page whose list ends at this byte.
    pub(super) fn add_trunk(&mut self, page: PageNumber, end: u32) {
        self.free.insert(page);
        self.trunks.push((page, end));
    }

    /// Makes it ready to be asked.
    pub(super) fn sort(&mut self) {
        self.trunks.sort_unstable();
    }

    pub(super) fn is_used(&self, page: PageNumber) -> bool {
        self.used.contains(page)
    }

    pub(super) fn is_free(&self, page: PageNumber) -> bool {
        self.free.contains(page)
    }

    /// What to look at in a page; `None`: nothing is left there.
    pub(super) fn of(&self, page: PageNumber) -> Option<PagePlace> {
        let own = self.owner(page);
        let ends_at = |list: &[(PageNumber, u32)]| {
            let place = list.binary_search_by_key(&page, |(number, _)| *number).ok()?;
            list.get(place).map(|(_, end)| Content::Behind(*end as usize))
        };
        let unused = |found_in| PagePlace { content: Content::Unused, own, found_in: Some(found_in) };
        if self.chains.contains(page) {
            let found_in = Some(FoundIn::OverflowSlack);
            return ends_at(&self.chain_ends).map(|content| PagePlace { content, own: None, found_in });
        }
        if self.is_used(page) {
            return Some(PagePlace { content: Content::Used, own, found_in: None });
        }
        if self.is_free(page) {
            let place = unused(FoundIn::Freelist);
            return Some(ends_at(&self.trunks).map_or(place, |content| PagePlace { content, ..place }));
        }
        let is_special =
            page == self.lock_byte_page || self.pointer_map.is_some_and(|map| map.is_map_page(page));
        (!is_special).then(|| unused(FoundIn::Unreachable))
    }
}
