//! What all walks over one snapshot share: which pages have a place already, and where faults are told.

use super::chain_pages::ChainPages;
use super::fault::{Fault, FaultSink};
use super::page_reader::PageReader;
use super::pointer_check::PointerCheck;
use super::role::{Named, Role};
use crate::error::Result;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_set::PageSet;
use crate::format::{Damage, DatabaseHeader, PageNumber, PointerMap};
use crate::limits::Limit;
use crate::source::Snapshot;

/// After how many pages a watch is told of them.
const TOLD_AT_ONCE: u32 = 256;

/// A walk over a snapshot that has pages, and what it has reached.
pub(crate) struct Walk<'s, F> {
    pub(crate) snapshot: &'s Snapshot,
    pub(super) header: DatabaseHeader,
    pub(super) pointer_map: Option<PointerMap>,
    lock_byte_page: PageNumber,
    /// Every page that has a place in the database, as far as it is known.
    pub(crate) placed: PageSet,
    pub(crate) sink: F,
    pub(super) chain_reader: PageReader,
    /// Kept if they are wanted.
    pub(crate) chain_pages: Option<ChainPages>,
    pointer_check: Option<PointerCheck>,
    /// Pages that no watch was told of.
    untold: u32,
}

impl<'s, F: FaultSink> Walk<'s, F> {
    /// Begins with the header of the first page.
    pub(crate) fn new(snapshot: &'s Snapshot, header: DatabaseHeader, sink: F) -> Self {
        let lock_byte_page = lock_byte_page(snapshot.page_size());
        let map = || PointerMap::new(header.usable_bytes(), lock_byte_page);
        Self {
            snapshot,
            header,
            pointer_map: header.is_auto_vacuum().then(map),
            lock_byte_page,
            placed: PageSet::new(snapshot.page_count()),
            sink,
            chain_reader: PageReader::default(),
            chain_pages: None,
            pointer_check: None,
            untold: 0,
        }
    }

    /// From now on the pointer map must say of each page what the walk finds.
    pub(crate) fn check_pointers(&mut self) {
        self.pointer_check = self.pointer_map.map(PointerCheck::new);
    }

    pub(crate) fn header(&self) -> &DatabaseHeader {
        &self.header
    }

    pub(crate) fn usable_bytes(&self) -> u32 {
        self.header.usable_bytes()
    }

    /// Tells of a fault; the walk goes on where this gives `Ok`.
    pub(crate) fn tell(&mut self, fault: Fault) -> Result<()> {
        self.sink.tell(fault, self.snapshot)
    }

    /// Gives a page its place, the only one that it can have. `false`: it cannot have it, which has been told.
    pub(super) fn place(&mut self, page: PageNumber, role: Role, named: Named) -> Result<bool> {
        let outside = page.get() > self.snapshot.page_count()
            || page == self.lock_byte_page
            || self.pointer_map.is_some_and(|map| map.is_map_page(page));
        let damage = if outside {
            Damage::PageReference { found: page.get(), role: role.name() }
        } else if !self.placed.insert(page) {
            Damage::PageNamedTwice { page: page.get(), role: role.name() }
        } else {
            self.check_pointer(page, role, named.page)?;
            self.untold += 1;
            if self.untold == TOLD_AT_ONCE {
                self.untold = 0;
                self.snapshot.pass_pages(TOLD_AT_ONCE)?;
            }
            return Ok(true);
        };
        self.tell(named.fault(damage))?;
        Ok(false)
    }

    fn check_pointer(&mut self, page: PageNumber, role: Role, from: PageNumber) -> Result<()> {
        let Some(check) = &mut self.pointer_check else { return Ok(()) };
        match check.fault_of(self.snapshot, page, role, from) {
            Some(fault) => self.tell(fault),
            None => Ok(()),
        }
    }

    /// Whether the file may have so much; if not, that has been told of what names it.
    pub(super) fn allow(&mut self, limit: Limit, wanted: u64, named: Named) -> Result<bool> {
        match self.snapshot.limits().allow(limit, wanted) {
            Ok(()) => Ok(true),
            Err(exceeded) => {
                self.tell(Fault { cell: named.cell, ..Fault::limit(named.page, exceeded) })?;
                Ok(false)
            }
        }
    }
}
