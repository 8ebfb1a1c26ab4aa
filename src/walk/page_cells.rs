//! The cells of a page, in the order of their keys, and no more of them than fit into it.

use super::fault::Fault;
use crate::format::whole_cell::{WholeCell, WholeCells};
use crate::format::{BtreeCell, BtreePage, Damage, PageNumber};

/// The cells of a page, each with its place among them, and its own fault.
///
/// Cells that lie over each other could make what is read of a page a thousand times as long as the page (C10): where
/// they are together longer than it, the rest is left out.
pub(crate) struct PageCells<'p> {
    page: BtreePage<'p>,
    number: PageNumber,
    next: u16,
    room: u32,
    whole: WholeCells<'p>,
}

impl<'p> PageCells<'p> {
    pub(crate) fn new(page: BtreePage<'p>, number: PageNumber) -> Self {
        Self { page, number, next: 0, room: page.usable_bytes(), whole: WholeCells::new(page) }
    }
}

impl<'p> PageCells<'p> {
    /// The next cell of a leaf, where it is sound and has no overflow chain; else what it is, the iterator tells. A cell
    /// that is gone through so does not pass through memory.
    #[inline]
    pub(crate) fn next_whole(&mut self) -> Option<WholeCell<'p>> {
        let cell = self.whole.get(self.next)?;
        self.room = self.room.checked_sub(cell.stored_bytes)?;
        self.next += 1;
        Some(cell)
    }

    fn next_sound(&mut self) -> Option<(u16, BtreeCell<'p>)> {
        let cell = self.page.sound_cell(self.next)?;
        self.room = self.room.checked_sub(cell.stored_bytes)?;
        let index = self.next;
        self.next += 1;
        Some((index, cell))
    }

    /// What is wrong with the cell that is next, which is passed over; `None` where all have been passed.
    #[cold]
    fn fault(&mut self) -> Option<Fault> {
        let index = self.next;
        if index >= self.page.cell_count {
            return None;
        }
        self.next += 1;
        Some(match self.page.cell(index) {
            Err(damage) => cell_fault(&self.page, self.number, index, damage),
            Ok(cell) => {
                self.next = self.page.cell_count;
                let damage = Damage::CellsTooLong { cell: index, usable_bytes: self.page.usable_bytes() };
                Fault::new(self.number, damage).at(cell.offset).of_cell(index)
            }
        })
    }
}

impl<'p> Iterator for PageCells<'p> {
    type Item = Result<(u16, BtreeCell<'p>), Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.next_sound() {
            Some(cell) => Some(Ok(cell)),
            None => self.fault().map(Err),
        }
    }
}

/// How many times as long as their page the cells may be together that are read in spite of what is wrong with it.
const MOST_OVERLAP: u32 = 4;

/// Gives each cell of a page that can be read, and tells what is wrong on the way: one that stands before the content of the page, or
/// lies over another, may be whole all the same.
pub(crate) fn salvage_cells<'p>(
    page: BtreePage<'p>,
    number: PageNumber,
    faults: &mut Vec<Fault>,
    mut give: impl FnMut(u16, &BtreeCell<'p>),
) {
    let mut room = page.usable_bytes();
    let mut is_overfull = false;
    let mut lenient = page;
    lenient.content_start = page.pointers_end();
    for index in 0..page.cell_count {
        let cell = match page.sound_cell(index) {
            Some(cell) => cell,
            None => {
                if let Err(damage) = page.cell(index) {
                    faults.push(cell_fault(&page, number, index, damage));
                }
                match lenient.cell(index) {
                    Ok(cell) => cell,
                    Err(_) => continue,
                }
            }
        };
        match room.checked_sub(cell.stored_bytes) {
            Some(left) => room = left,
            None => {
                let damage = Damage::CellsTooLong { cell: index, usable_bytes: page.usable_bytes() };
                faults.push(Fault::new(number, damage).at(cell.offset).of_cell(index));
                if is_overfull {
                    return;
                }
                is_overfull = true;
                room = page.usable_bytes().saturating_mul(MOST_OVERLAP - 1);
            }
        }
        give(index, &cell);
    }
}

/// The fault of a cell: where its pointer is wrong, at the pointer, else where the cell begins.
#[cold]
pub(super) fn cell_fault(page: &BtreePage<'_>, number: PageNumber, index: u16, damage: Damage) -> Fault {
    let offset = page.cell_offset(index).unwrap_or(page.pointer_offset(index));
    Fault::new(number, damage).at(offset).of_cell(index)
}
