//! Goes through one b-tree: each page before its children, each interior entry between its two.

use super::fault::{Fault, FaultSink};
use super::page_cells::{PageCells, cell_fault};
use super::page_reader::PageReader;
use super::role::{Named, Role};
use super::walk::Walk;
use crate::error::Error;
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

/// A walk through one b-tree.
pub(crate) struct TreeWalk {
    root: Option<PageNumber>,
    /// Whether the tree is a table's, where it is known; the root tells.
    is_table: Option<bool>,
    usable_bytes: u32,
    levels: Vec<Level>,
    reader: PageReader,
    /// Buffers of levels that are done.
    spare: Vec<Vec<u8>>,
}

/// A page on the way from the root to where the walk stands.
struct Level {
    at: TreePlace,
    /// The page; empty for a leaf, which the reader has.
    bytes: Vec<u8>,
    is_leaf: bool,
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
    Page,
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
        Ok(match self.advance(walk)? {
            None => None,
            Some(Moved::Lost(at)) => Some(Step::Lost { at }),
            Some(Moved::Page) => self.stand(walk).map(|(at, page)| Step::Page { at, page }),
            Some(Moved::Entry(index)) => self.stand(walk).map(|(at, page)| Step::Entry { at, page, index }),
        })
    }

    /// The page where the walk stands.
    fn stand<F: FaultSink>(&self, walk: &Walk<'_, F>) -> Option<(TreePlace, BtreePage<'_>)> {
        let level = self.levels.last()?;
        let bytes = match level.is_leaf {
            true => self.reader.current(walk.snapshot.page_size().bytes_usize()),
            false => &level.bytes,
        };
        Some((level.at, BtreePage::salvage(bytes, level.at.page, self.usable_bytes)?))
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
                Next::Up => {
                    self.spare.extend(self.levels.pop().map(|level| level.bytes));
                }
                Next::Entry(index) => {
                    level.next = Next::Child(index + 1);
                    return Ok(Some(Moved::Entry(index)));
                }
                Next::Child(index) => {
                    let at = level.at;
                    let child = level.step_to_child(index, self.usable_bytes);
                    let Some((page, offset)) = self.told(walk, child)? else { continue };
                    let named = Named::at(at.page, offset);
                    let at = TreePlace { page, parent: Some(at.page), depth: at.depth + 1 };
                    if let Some(moved) = self.enter(walk, at, named)? {
                        return Ok(Some(moved));
                    }
                }
            }
        }
        Ok(None)
    }

    fn told<T, F: FaultSink>(
        &self,
        walk: &mut Walk<'_, F>,
        found: Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Error> {
        match found {
            Ok(found) => Ok(found),
            Err(fault) => walk.tell(fault).map(|()| None),
        }
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
        let is_leaf = page.kind.is_leaf();
        let mut copy = Vec::new();
        if !is_leaf {
            copy = self.spare.pop().unwrap_or_default();
            copy.clear();
            copy.extend_from_slice(bytes);
        }
        let next = if is_leaf { Next::Up } else { Next::Child(0) };
        self.levels.push(Level { at, bytes: copy, is_leaf, next });
        Ok(Some(Moved::Page))
    }
}

impl Level {
    /// The child before the cell `index`, or behind the last, and where it is named; then what comes after it is next.
    fn step_to_child(&mut self, index: u16, usable_bytes: u32) -> Result<Option<(PageNumber, u32)>, Fault> {
        self.next = Next::Up;
        let Some(page) = BtreePage::salvage(&self.bytes, self.at.page, usable_bytes) else { return Ok(None) };
        if index >= page.cell_count {
            return Ok(page.right_child.map(|child| (child, page.right_child_offset())));
        }
        self.next = Next::Entry(index);
        match page.cell(index) {
            Ok(cell) => Ok(cell.left_child.map(|child| (child, cell.offset))),
            Err(damage) => {
                self.next = Next::Child(index + 1);
                Err(cell_fault(&page, self.at.page, index, damage))
            }
        }
    }
}
