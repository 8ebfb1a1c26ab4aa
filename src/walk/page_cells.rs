//! The cells of a page, in the order of their keys, and no more of them than fit into it.

use super::fault::Fault;
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
}

impl<'p> PageCells<'p> {
    pub(crate) fn new(page: BtreePage<'p>, number: PageNumber) -> Self {
        Self { page, number, next: 0, room: page.usable_bytes() }
    }
}

impl<'p> Iterator for PageCells<'p> {
    type Item = Result<(u16, BtreeCell<'p>), Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.page.cell_count {
            return None;
        }
        let index = self.next;
        self.next += 1;
        if let Some(cell) = self.page.sound_cell(index)
            && let Some(room) = self.room.checked_sub(cell.stored_bytes)
        {
            self.room = room;
            return Some(Ok((index, cell)));
        }
        Some(self.unsound(index))
    }
}

impl<'p> PageCells<'p> {
    /// What is wrong with a cell. It is kept apart: where cells are gone through, one that is sound shall not pass through memory.
    #[cold]
    fn unsound(&mut self, index: u16) -> Result<(u16, BtreeCell<'p>), Fault> {
        let cell = match self.page.cell(index) {
            Ok(cell) => cell,
            Err(damage) => return Err(cell_fault(&self.page, self.number, index, damage)),
        };
        let Some(room) = self.room.checked_sub(cell.stored_bytes) else {
            self.next = self.page.cell_count;
            let damage = Damage::CellsTooLong { cell: index, usable_bytes: self.page.usable_bytes() };
            return Err(Fault::new(self.number, damage).at(cell.offset).of_cell(index));
        };
        self.room = room;
        Ok((index, cell))
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
