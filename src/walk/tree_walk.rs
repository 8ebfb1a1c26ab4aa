//! Goes through one b-tree: each page before its children, each interior entry between its two.

use super::fault::{Fault, FaultSink};
use super::page_cells::{PageCells, cell_fault};
use super::page_reader::PageReader;
use super::role::{Named, Role};
use super::walk::Walk;
use crate::error::Error;
use crate::format::btree_page::BtreePageHeader;
use crate::format::{BtreePage, Damage, PageNumber};

/// How deep SQLite lets a b-tree be.
const MOST_DEPTH: u32 = 20;

/// Where a page stands in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TreePlace {
    pub(crate) page: PageNumber,
    /// The page that leads to it; `None` for the root.
    pub(crate) parent: Option<PageNumber>,
    /// 1 for the root.
    pub(crate) depth: u32,
}

/// What a walk comes to.
pub(crate) enum Step<'t> {
    /// A page: a leaf with all its cells, or an interior page, whose entries and children follow.
    Page { at: TreePlace, page: BtreePage<'t> },
    /// The cell `index` of an interior page: everything in the child to its left has been passed.
    Entry { at: TreePlace, page: BtreePage<'t>, index: u16 },
    /// A page that belongs here and cannot be decoded, which has been told.
    Lost { at: TreePlace },
}

impl<'t> Step<'t> {
    /// The cells of a leaf, in the order of their keys.
    pub(crate) fn cells(page: BtreePage<'t>, at: TreePlace) -> PageCells<'t> {
        PageCells::new(page, at.page)
    }
}

/// What a walk comes to next.
pub(crate) enum Upcoming {
    /// A child of an interior page, which is not read yet.
    Child(TreePlace),
    /// An entry of an interior page.
    Entry,
    /// The root, or what will be told as a fault.
    Other,
}

/// A walk through one b-tree.
pub(crate) struct TreeWalk {
    root: Option<PageNumber>,
    /// Whether the tree is a table's, where it is known; the root tells.
    is_table: Option<bool>,
    usable_bytes: u32,
    /// The interior pages on the way from the root to where the walk stands.
    levels: Vec<Level>,
    reader: PageReader,
    /// Buffers of levels that are done.
    spare: Vec<Vec<u8>>,
}

/// An interior page whose children are being gone through.
struct Level {
    at: TreePlace,
    header: BtreePageHeader,
    bytes: Vec<u8>,
    next: Next,
}

/// What of an interior page comes next.
#[derive(Clone, Copy)]
enum Next {
    Child(u16),
    Entry(u16),
    Up,
}

enum Moved {
    /// To a leaf, whose bytes the reader has.
    Leaf(TreePlace, BtreePageHeader),
    /// To an interior page, the last of the levels.
    Interior,
    Entry(u16),
    Lost(TreePlace),
}

impl TreeWalk {
    /// A walk through the b-tree of this root; `is_table`: of which sort it must be.
    pub(crate) fn new(root: PageNumber, is_table: Option<bool>, usable_bytes: u32) -> Self {
        Self {
            root: Some(root),
            is_table,
            usable_bytes,
            levels: Vec::new(),
            reader: PageReader::default(),
            spare: Vec::new(),
        }
    }

    /// Goes on; `None` at the end.
    pub(crate) fn next<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<Step<'_>>, Error> {
        let Some(moved) = self.advance(walk)? else { return Ok(None) };
        let level = || self.levels.last().map(|level| (level.at, level.page(self.usable_bytes)));
        Ok(match moved {
            Moved::Lost(at) => Some(Step::Lost { at }),
            Moved::Leaf(at, header) => {
                let bytes = self.reader.current(walk.snapshot.page_size().bytes_usize());
                Some(Step::Page { at, page: header.page(bytes, self.usable_bytes) })
            }
            Moved::Interior => level().map(|(at, page)| Step::Page { at, page }),
            Moved::Entry(index) => level().map(|(at, page)| Step::Entry { at, page, index }),
        })
    }

    /// What comes next; `None` at the end.
    pub(crate) fn upcoming(&mut self) -> Option<Upcoming> {
        if self.root.is_some() {
            return Some(Upcoming::Other);
        }
        loop {
            let level = self.levels.last()?;
            match level.next {
                Next::Up => self.leave(),
                Next::Entry(_) => return Some(Upcoming::Entry),
                Next::Child(index) => {
                    return Some(match level.child(index, self.usable_bytes) {
                        Ok(Some((page, _))) => Upcoming::Child(level.at.child(page)),
                        _ => Upcoming::Other,
                    });
                }
            }
        }
    }

    /// Passes over the child that comes next, and all below it: it has its place, and is not read.
    pub(crate) fn pass_child<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<(), Error> {
        if let Some(level) = self.levels.last_mut()
            && let Next::Child(index) = level.next
            && let Ok(Some((page, offset))) = level.step_to_child(index, self.usable_bytes)
        {
            walk.place(page, Role::TreeChild, Named::at(level.at.page, offset))?;
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.spare.extend(self.levels.pop().map(|level| level.bytes));
    }

    fn advance<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<Moved>, Error> {
        if let Some(root) = self.root.take() {
            let at = TreePlace { page: root, parent: None, depth: 1 };
            if let Some(moved) = self.enter(walk, at, Named::by(PageNumber::FIRST))? {
                return Ok(Some(moved));
            }
        }
        while let Some(level) = self.levels.last_mut() {
            match level.next {
                Next::Up => self.leave(),
                Next::Entry(index) => {
                    level.next = Next::Child(index + 1);
                    return Ok(Some(Moved::Entry(index)));
                }
                Next::Child(index) => {
                    let parent = level.at;
                    let (page, offset) = match level.step_to_child(index, self.usable_bytes) {
                        Ok(Some(child)) => child,
                        Ok(None) => continue,
                        Err(fault) => {
                            walk.tell(fault)?;
                            continue;
                        }
                    };
                    let named = Named::at(parent.page, offset);
                    if let Some(moved) = self.enter(walk, parent.child(page), named)? {
                        return Ok(Some(moved));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Reads a page that is named, and stands on it. `None`: it cannot be here.
    fn enter<F: FaultSink>(
        &mut self,
        walk: &mut Walk<'_, F>,
        at: TreePlace,
        named: Named,
    ) -> Result<Option<Moved>, Error> {
        let role = if at.parent.is_none() { Role::TreeRoot } else { Role::TreeChild };
        if !walk.place(at.page, role, named)? {
            return Ok(None);
        }
        if at.depth > MOST_DEPTH {
            walk.tell(Fault::new(at.page, Damage::BtreeDepth { most: MOST_DEPTH }))?;
            return Ok(Some(Moved::Lost(at)));
        }
        let bytes = match self.reader.read(walk.snapshot, at.page) {
            Ok(bytes) => bytes,
            Err(error) => {
                walk.tell(Fault::unreadable(at.page, error))?;
                return Ok(Some(Moved::Lost(at)));
            }
        };
        let page = match BtreePage::parse(bytes, at.page, self.usable_bytes) {
            Ok(page) => page,
            Err(damage) => {
                walk.tell(Fault::new(at.page, damage))?;
                match BtreePage::salvage(bytes, at.page, self.usable_bytes) {
                    Some(page) => page,
                    None => return Ok(Some(Moved::Lost(at))),
                }
            }
        };
        if *self.is_table.get_or_insert(page.kind.is_table()) != page.kind.is_table() {
            let damage = Damage::BtreePageType { offset: page.header_offset(), found: page.kind as u8 };
            walk.tell(Fault::new(at.page, damage))?;
            return Ok(Some(Moved::Lost(at)));
        }
        // Only a leaf that is a root may be empty; and page 1, which has less room than the page that it came of.
        let may_be_empty = at.parent.is_none() && (page.kind.is_leaf() || at.page == PageNumber::FIRST);
        if page.cell_count == 0 && !may_be_empty {
            walk.tell(Fault::new(at.page, Damage::EmptyBtreePage))?;
        }
        let header = BtreePageHeader::new(&page);
        if page.kind.is_leaf() {
            return Ok(Some(Moved::Leaf(at, header)));
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(bytes);
        self.levels.push(Level { at, header, bytes: copy, next: Next::Child(0) });
        Ok(Some(Moved::Interior))
    }
}

impl Level {
    fn page(&self, usable_bytes: u32) -> BtreePage<'_> {
        self.header.page(&self.bytes, usable_bytes)
    }

    /// The child before the cell `index`, or behind the last, and where it is named.
    fn child(&self, index: u16, usable_bytes: u32) -> Result<Option<(PageNumber, u32)>, Fault> {
        let page = self.page(usable_bytes);
        if index >= page.cell_count {
            return Ok(page.right_child.map(|child| (child, page.right_child_offset())));
        }
        match page.cell(index) {
            Ok(cell) => Ok(cell.left_child.map(|child| (child, cell.offset))),
            Err(damage) => Err(cell_fault(&page, self.at.page, index, damage)),
        }
    }

    /// The same; then what comes after it is next.
    fn step_to_child(&mut self, index: u16, usable_bytes: u32) -> Result<Option<(PageNumber, u32)>, Fault> {
        let child = self.child(index, usable_bytes);
        self.next = match child {
            _ if index >= self.page(usable_bytes).cell_count => Next::Up,
            Ok(_) => Next::Entry(index),
            Err(_) => Next::Child(index + 1),
        };
        child
    }
}

impl TreePlace {
    fn child(self, page: PageNumber) -> Self {
        Self { page, parent: Some(self.page), depth: self.depth + 1 }
    }
}
