//! Goes along the pages of a snapshot that lead to each other: the freelist, the b-trees, their overflow chains.
//!
//! Whatever the bytes say, each walk ends: no page is visited twice, none outside the database, no b-tree deeper than 20
//! pages, no chain longer than its payload needs or the limit lets it be (C10). What cannot be is an error, so that no page is
//! taken for something that it is not (C11).

use super::header_error;
use super::page_set::PageSet;
use super::snapshot::Snapshot;
use crate::error::{Error, Problem, Result};
use crate::format::btree_cell::CellPayload;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::overflow::chain_length;
use crate::format::{
    BtreePage, Damage, DatabaseHeader, FreelistTrunk, OverflowPage, PageNumber, PointerMap, Record, Value,
};
use crate::limits::Limit;

/// How deep SQLite lets a b-tree be.
const MOST_DEPTH: u32 = 20;

/// A walk over a snapshot, and what it has found.
pub(super) struct PageWalk<'s> {
    snapshot: &'s Snapshot,
    header: DatabaseHeader,
    pointer_map: Option<PointerMap>,
    /// Every page that has a place in the database, as far as it is known.
    pub(super) placed: PageSet,
    pub(super) btree: PageSet,
    /// Pages of which only the start counts, and how many bytes.
    pub(super) cut: Vec<(PageNumber, u32)>,
}

impl<'s> PageWalk<'s> {
    /// Begins with the header of the first page.
    pub(super) fn new(snapshot: &'s Snapshot) -> Result<Self> {
        let header = snapshot.read_header()?;
        let map = || PointerMap::new(header.usable_bytes(), lock_byte_page(snapshot.page_size));
        Ok(Self {
            snapshot,
            header,
            pointer_map: header.is_auto_vacuum().then(map),
            placed: PageSet::new(snapshot.page_count),
            btree: PageSet::new(0),
            cut: Vec::new(),
        })
    }

    pub(super) fn usable_bytes(&self) -> u32 {
        self.header.usable_bytes()
    }

    /// Places the pages of the freelist. Of the trunks only the numbers of their leaves count, of the leaves nothing.
    pub(super) fn walk_freelist(&mut self) -> Result<()> {
        let stated = self.header.freelist_page_count;
        let mut bytes = self.page_buffer();
        let (mut found, mut trunk_count) = (0_u32, 0_u64);
        let (mut from, mut next) = (PageNumber::FIRST, self.header.first_freelist_trunk);
        while let Some(page) = next {
            self.place(page, "a freelist trunk", from)?;
            trunk_count += 1;
            self.allow(Limit::ChainLength, trunk_count)?;
            self.snapshot.read_pages(page, &mut bytes)?;
            let trunk =
                FreelistTrunk::parse(&bytes, self.usable_bytes()).map_err(|it| self.damaged(page, it))?;
            for leaf in trunk.leaves() {
                let leaf = leaf.map_err(|damage| self.damaged(page, damage))?;
                self.place(leaf, "a freelist leaf", page)?;
            }
            self.cut.push((page, 8 + 4 * trunk.leaf_count));
            found = found.saturating_add(1 + trunk.leaf_count);
            if found > stated {
                break;
            }
            (from, next) = (page, trunk.next);
        }
        if found != stated {
            return Err(self.damaged(PageNumber::FIRST, Damage::FreelistCount { stated, found }));
        }
        Ok(())
    }

    /// Places the pages of the pointer map. On the last of them, only the entries of pages that there are count.
    pub(super) fn walk_pointer_map(&mut self) -> Result<()> {
        let Some(map) = self.pointer_map else { return Ok(()) };
        let page_count = self.snapshot.page_count;
        let mut next = PageNumber::FIRST.next();
        while let Some(page) = next.filter(|page| page.get() <= page_count) {
            // Where the lock bytes have this page, the map has the one behind.
            if let Some(page) = map.map_page_of(page).filter(|page| page.get() <= page_count) {
                self.placed.insert(page);
                let entries = map.entries_per_page().min(page_count - page.get());
                self.cut.push((page, entries * crate::format::pointer_map::POINTER_MAP_ENTRY_BYTES));
            }
            next = page.checked_add(map.entries_per_page() + 1);
        }
        Ok(())
    }

    /// Places the pages of all b-trees: that of the schema, and those whose roots it names.
    pub(super) fn walk_trees(&mut self) -> Result<()> {
        self.btree = PageSet::new(self.snapshot.page_count);
        let mut roots = Vec::new();
        self.walk_tree(PageNumber::FIRST, Some(&mut roots))?;
        for root in roots {
            self.walk_tree(root, None)?;
        }
        Ok(())
    }

    /// Places the pages of one b-tree. That of the schema gives the roots of the others.
    fn walk_tree(&mut self, root: PageNumber, mut roots: Option<&mut Vec<PageNumber>>) -> Result<()> {
        self.place(root, "the root of a b-tree", PageNumber::FIRST)?;
        let mut is_table = roots.is_some().then_some(true);
        let mut bytes = self.page_buffer();
        let mut waiting = vec![(root, 1)];
        while let Some((page, depth)) = waiting.pop() {
            if depth > MOST_DEPTH {
                return Err(self.damaged(page, Damage::BtreeDepth { most: MOST_DEPTH }));
            }
            self.snapshot.read_pages(page, &mut bytes)?;
            let btree =
                BtreePage::parse(&bytes, page, self.usable_bytes()).map_err(|it| self.damaged(page, it))?;
            if *is_table.get_or_insert(btree.kind.is_table()) != btree.kind.is_table() {
                let damage = Damage::BtreePageType { offset: 0, found: btree.kind as u8 };
                return Err(self.damaged(page, damage));
            }
            self.btree.insert(page);
            let first_child = waiting.len();
            for cell in btree.cells() {
                let cell = cell.map_err(|damage| self.damaged(page, damage))?;
                if let Some(child) = cell.left_child {
                    self.place(child, "a child in a b-tree", page)?;
                    waiting.push((child, depth + 1));
                }
                if let Some(payload) = cell.payload {
                    self.read_payload(&payload, page, roots.as_deref_mut())?;
                }
            }
            if let Some(child) = btree.right_child {
                self.place(child, "a child in a b-tree", page)?;
                waiting.push((child, depth + 1));
            }
            // In the order of the keys, which is mostly that of the pages.
            if let Some(children) = waiting.get_mut(first_child..) {
                children.reverse();
            }
        }
        Ok(())
    }

    /// Places the overflow pages of a payload; that of a row of the schema also gives its root page.
    fn read_payload(
        &mut self,
        cell: &CellPayload<'_>,
        page: PageNumber,
        roots: Option<&mut Vec<PageNumber>>,
    ) -> Result<()> {
        let Some(roots) = roots else { return self.walk_chain(cell, page, None) };
        self.allow(Limit::RecordBytes, cell.payload_bytes.into())?;
        let mut payload = cell.local.to_vec();
        self.walk_chain(cell, page, Some(&mut payload))?;
        let column = Record::parse(&payload).and_then(|record| record.values().nth(3).transpose());
        match column.map_err(|damage| self.damaged(page, damage))? {
            // Views, triggers and virtual tables have none.
            None | Some(Value::Null | Value::Integer(0)) => {}
            Some(Value::Integer(found)) => match u32::try_from(found).ok().and_then(PageNumber::new) {
                Some(root) => roots.push(root),
                None => return Err(self.not_a_root(page)),
            },
            Some(_) => return Err(self.not_a_root(page)),
        }
        Ok(())
    }

    fn not_a_root(&self, page: PageNumber) -> Error {
        self.damaged(page, Damage::PageReference { found: 0, role: "the root of a b-tree" })
    }

    /// Places the overflow pages of a payload, as many as it needs, and adds what they hold to `content`.
    fn walk_chain(
        &mut self,
        cell: &CellPayload<'_>,
        page: PageNumber,
        mut content: Option<&mut Vec<u8>>,
    ) -> Result<()> {
        let local_bytes = u32::try_from(cell.local.len()).unwrap_or(u32::MAX);
        let mut missing_bytes = cell.payload_bytes.saturating_sub(local_bytes);
        if missing_bytes == 0 {
            return Ok(());
        }
        let pages = chain_length(cell.payload_bytes, local_bytes, self.usable_bytes());
        self.allow(Limit::ChainLength, pages.into())?;
        let mut bytes = self.page_buffer();
        let (mut from, mut next) = (page, cell.first_overflow);
        while missing_bytes > 0 {
            let page = next.ok_or_else(|| self.damaged(from, Damage::OverflowChainEnd { missing_bytes }))?;
            self.place(page, "a page of an overflow chain", from)?;
            self.snapshot.read_pages(page, &mut bytes)?;
            let overflow =
                OverflowPage::parse(&bytes, self.usable_bytes()).map_err(|it| self.damaged(page, it))?;
            let room = u32::try_from(overflow.content.len()).unwrap_or(u32::MAX);
            let taken = missing_bytes.min(room);
            if let Some(content) = &mut content {
                content.extend(overflow.content.iter().take(taken as usize));
            }
            if taken < room {
                self.cut.push((page, self.usable_bytes() - room + taken));
            }
            missing_bytes -= taken;
            (from, next) = (page, overflow.next);
        }
        Ok(())
    }

    /// Gives a page its place, the only one it can have. `from` names it.
    fn place(&mut self, page: PageNumber, role: &'static str, from: PageNumber) -> Result<()> {
        let outside = page.get() > self.snapshot.page_count
            || page == lock_byte_page(self.snapshot.page_size)
            || self.pointer_map.is_some_and(|map| map.is_map_page(page));
        if outside {
            return Err(self.damaged(from, Damage::PageReference { found: page.get(), role }));
        }
        if !self.placed.insert(page) {
            return Err(self.damaged(from, Damage::PageNamedTwice { page: page.get(), role }));
        }
        Ok(())
    }

    fn allow(&self, limit: Limit, wanted: u64) -> Result<()> {
        self.snapshot.view.options.limits.check(limit, wanted, &self.snapshot.view.name)
    }

    fn page_buffer(&self) -> Vec<u8> {
        vec![0; self.snapshot.page_size.bytes_usize()]
    }

    fn damaged(&self, page: PageNumber, damage: Damage) -> Error {
        self.snapshot.damaged(page, damage)
    }
}

impl Snapshot {
    /// The header on the first page. The snapshot has pages.
    pub(crate) fn read_header(&self) -> Result<DatabaseHeader> {
        let mut first = vec![0; self.page_size.bytes_usize()];
        self.read_pages(PageNumber::FIRST, &mut first)?;
        DatabaseHeader::parse(&first).map_err(|damage| header_error(&self.view.name, damage))
    }

    /// The error for a page that breaks a rule.
    pub(super) fn damaged(&self, page: PageNumber, damage: Damage) -> Error {
        Error::new(&self.view.name, Problem::Damaged { offset: page.offset(self.page_size), damage })
    }
}
