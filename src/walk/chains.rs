//! Overflow chains, and payloads put together from them. `[pages.md#overflow-chain]`

use super::chain_pages::ChainPages;
use super::fault::{Fault, FaultSink};
use super::role::{Named, Role};
use super::walk::Walk;
use crate::error::Result;
use crate::format::btree_cell::CellPayload;
use crate::format::overflow::chain_length;
use crate::format::{BtreeCell, Damage, OverflowPage, PageNumber};
use crate::limits::Limit;

/// One page of an overflow chain.
pub(crate) struct OverflowPart<'b> {
    pub(crate) page: PageNumber,
    /// The page that leads to it: that of the cell, or the one before in the chain.
    pub(crate) from: PageNumber,
    /// The part of the payload that lies in it; nothing where the page cannot be read.
    pub(crate) content: &'b [u8],
    /// How many bytes of the page count, its link included.
    pub(crate) used_bytes: u32,
}

impl<F: FaultSink> Walk<'_, F> {
    /// From now on the pages of chains are remembered.
    pub(crate) fn keep_chain_pages(&mut self) {
        self.chain_pages = Some(ChainPages::new(self.snapshot.page_count()));
    }

    /// Goes along the overflow chain of a cell in `page` (with its index there), as far as its payload needs it, and gives each of its pages to
    /// `visit`. `false`: not all of it is there, which has been told.
    pub(crate) fn chain(
        &mut self,
        (index, cell): (u16, &BtreeCell<'_>),
        page: PageNumber,
        mut visit: impl FnMut(OverflowPart<'_>),
    ) -> Result<bool> {
        let Some(CellPayload { payload_bytes, local, first_overflow: Some(first) }) = cell.payload else {
            return Ok(true);
        };
        let local_bytes = u32::try_from(local.len()).unwrap_or(u32::MAX);
        let usable_bytes = self.usable_bytes();
        let length = chain_length(payload_bytes, local_bytes, usable_bytes);
        let named = Named { page, cell: Some(index), offset: Some(cell.offset) };
        if !self.allow(Limit::ChainLength, length.into(), named)? {
            return Ok(false);
        }
        let mut reader = std::mem::take(&mut self.chain_reader);
        let mut missing_bytes = payload_bytes.saturating_sub(local_bytes);
        let mut role = Role::FirstOverflow;
        let (mut from, mut next) = (named, Some(first));
        while missing_bytes > 0 {
            let Some(page) = next else {
                let damage = Damage::OverflowChainEnd { missing_bytes };
                self.tell(from.fault(damage))?;
                break;
            };
            if !self.place(page, role, from)? {
                break;
            }
            let bytes = match reader.read(self.snapshot, page) {
                Ok(bytes) => bytes,
                Err(error) => {
                    visit(OverflowPart { page, from: from.page, content: &[], used_bytes: 0 });
                    self.tell(Fault::unreadable(page, error))?;
                    break;
                }
            };
            let overflow = match OverflowPage::parse(bytes, usable_bytes) {
                Ok(overflow) => overflow,
                Err(damage) => {
                    visit(OverflowPart { page, from: from.page, content: &[], used_bytes: 0 });
                    self.tell(Fault::new(page, damage).at(0))?;
                    break;
                }
            };
            let room = u32::try_from(overflow.content.len()).unwrap_or(u32::MAX);
            let taken = missing_bytes.min(room);
            let content = overflow.content.get(..taken as usize).unwrap_or_default();
            let used_bytes = usable_bytes.saturating_sub(room).saturating_add(taken);
            visit(OverflowPart { page, from: from.page, content, used_bytes });
            missing_bytes -= taken;
            if let Some(kept) = &mut self.chain_pages {
                kept.pages.insert(page);
                kept.ends.extend((missing_bytes == 0).then_some((page, used_bytes)));
            }
            (from, next, role) = (Named::by(page), overflow.next, Role::LaterOverflow);
        }
        self.chain_reader = reader;
        if let (0, Some(next)) = (missing_bytes, next) {
            self.tell(Fault::new(from.page, Damage::OverflowChainLength { next: next.get() }).at(0))?;
        }
        Ok(missing_bytes == 0)
    }

    /// As [`payload`](Self::payload); where the chain is broken, and short, its pages are free again for whom they belong to.
    pub(crate) fn whole_payload(
        &mut self,
        cell: (u16, &BtreeCell<'_>),
        page: PageNumber,
        payload: &mut Vec<u8>,
    ) -> Result<bool> {
        /// What is read again and again for broken cells stays in proportion to them (C10).
        const MOST_RELEASED: usize = 8;
        let mut pages = Vec::new();
        let is_whole = self.payload_and_pages(cell, page, payload, |page| {
            if pages.len() <= MOST_RELEASED {
                pages.push(page)
            }
        })?;
        if !is_whole && pages.len() <= MOST_RELEASED {
            pages.into_iter().for_each(|page| self.placed.remove(page));
        }
        Ok(is_whole)
    }

    /// Puts the payload of a cell in `page` together, in `payload`, as far as it is there. `false`: not all of it is, or it is
    /// more than the limits allow; either has been told. It grows page by page: what a length claims is not believed.
    pub(crate) fn payload(
        &mut self,
        cell: (u16, &BtreeCell<'_>),
        page: PageNumber,
        payload: &mut Vec<u8>,
    ) -> Result<bool> {
        self.payload_and_pages(cell, page, payload, |_| {})
    }

    fn payload_and_pages(
        &mut self,
        (index, cell): (u16, &BtreeCell<'_>),
        page: PageNumber,
        payload: &mut Vec<u8>,
        mut visit: impl FnMut(PageNumber),
    ) -> Result<bool> {
        payload.clear();
        let Some(stored) = cell.payload else { return Ok(true) };
        if !self.allow(
            Limit::RecordBytes,
            stored.payload_bytes.into(),
            Named { page, cell: Some(index), offset: None },
        )? {
            return Ok(false);
        }
        payload.extend_from_slice(stored.local);
        self.chain((index, cell), page, |part| {
            visit(part.page);
            payload.extend_from_slice(part.content);
        })
    }
}
