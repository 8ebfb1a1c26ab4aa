//! Goes through all pages of the chosen version and all images in log and journal, and gives the rows that are found there.

use std::ops::ControlFlow;

use super::candidate::Candidate;
use super::former_owners::FormerOwners;
use super::pace::Pace;
use super::page_image::{Content, PageImage, Part};
use super::page_places::PagePlaces;
use super::rebuilt::Rebuilt;
use super::report::{Found, FoundIn};
use super::shape_set::ShapeSet;
use super::side_images::{SideImage, SideImages};
use crate::error::Result;
use crate::format::PageNumber;
use crate::inspect::Database;
use crate::source::PageOrigin;
use crate::walk::PageReader;

/// One time through all pages.
pub(super) struct PagePass<'a> {
    pub(super) database: &'a Database,
    pub(super) places: &'a PagePlaces,
    pub(super) sides: &'a [(SideImages, FoundIn)],
    pub(super) former: &'a FormerOwners,
    /// What is looked for: the shapes of the tables, in their order, then others, which are no rows.
    pub(super) set: &'a ShapeSet,
    pub(super) tables: &'a [Candidate],
}

/// A row that was found.
pub(super) struct PassFind {
    /// Which of the tables it is of.
    pub(super) table: usize,
    pub(super) rebuilt: Rebuilt,
    pub(super) found: Found,
    /// Whether its page had it as a row.
    pub(super) is_cell: bool,
}

/// Who is given what is found.
type Visit<'v> = &'v mut dyn FnMut(PassFind) -> ControlFlow<()>;

impl PagePass<'_> {
    /// Gives all that is found to `visit`, until that breaks off.
    pub(super) fn run(&self, pace: &mut Pace<'_>, visit: Visit<'_>) -> Result<ControlFlow<()>> {
        let mut ending = self.pages(pace, visit)?;
        if ending.is_continue() {
            ending = self.superseded(visit)?;
        }
        for side in 0..self.sides.len() {
            if ending.is_continue() {
                ending = self.images(side, pace, visit)?;
            }
        }
        Ok(ending)
    }

    /// Whether a page is of none of the tables that are looked for.
    fn is_of_others(&self, own: Option<usize>) -> bool {
        own.is_some_and(|own| own >= self.tables.len())
    }

    fn pages(&self, pace: &mut Pace<'_>, visit: Visit<'_>) -> Result<ControlFlow<()>> {
        let database = self.database;
        let (mut reader, mut beside) = (PageReader::default(), vec![0; database.page_size().bytes_usize()]);
        for number in (1..=database.page_count()).filter_map(PageNumber::new) {
            if pace.add(1).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(place) = self.places.of(number).filter(|place| !self.is_of_others(place.own)) else {
                continue;
            };
            let bytes = reader.read(database.snapshot(), number)?;
            let usable_bytes = database.header().usable_bytes();
            let image = PageImage {
                number,
                bytes,
                usable_bytes,
                page_count: database.page_count(),
                own: place.own,
                content: place.content,
            };
            let mut overflow = |number: PageNumber| {
                // What is in use now is of another row.
                let is_there =
                    !self.places.is_used(number) && database.read_page(number, &mut beside).is_ok();
                is_there.then(|| beside.clone())
            };
            let place_of = |part: Part| match (place.found_in, part) {
                (Some(found_in), _) => found_in,
                (None, Part::FreeBlock) => FoundIn::FreeBlock,
                (None, _) => FoundIn::Unallocated,
            };
            if self.search(&image, &mut overflow, &place_of, None, visit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Pages of the file that this version does not have: the log has a newer image of them, or they lie behind its end.
    fn superseded(&self, visit: Visit<'_>) -> Result<ControlFlow<()>> {
        let (database, snapshot) = (self.database, self.database.snapshot());
        let there = u32::try_from(snapshot.pages_there()?).unwrap_or(u32::MAX);
        let is_superseded = |number: PageNumber| {
            number.get() > database.page_count() || matches!(snapshot.origin(number), PageOrigin::Log { .. })
        };
        let mut bytes = vec![0; database.page_size().bytes_usize()];
        for number in (1..=there).filter_map(PageNumber::new).filter(|&number| is_superseded(number)) {
            let own = self.former.below_log(number).or_else(|| self.places.owner(number));
            if self.is_of_others(own) {
                continue;
            }
            snapshot.read_below_log(number, &mut bytes)?;
            let (usable_bytes, content) = (database.header().usable_bytes(), Content::Unused);
            let image = PageImage {
                number,
                bytes: &bytes,
                usable_bytes,
                page_count: database.page_count(),
                own,
                content,
            };
            let mut overflow = |number: PageNumber| {
                let mut page = vec![0; database.page_size().bytes_usize()];
                snapshot.read_below_log(number, &mut page).is_ok().then_some(page)
            };
            if self.search(&image, &mut overflow, &|_| FoundIn::Unreachable, None, visit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn images(&self, side: usize, pace: &mut Pace<'_>, visit: Visit<'_>) -> Result<ControlFlow<()>> {
        let Some((file, found_in)) = self.sides.get(side) else { return Ok(ControlFlow::Continue(())) };
        let database = self.database;
        let usable_bytes = database.header().usable_bytes();
        let mut bytes = vec![0; database.page_size().bytes_usize()];
        for (index, image) in file.images.iter().enumerate() {
            if pace.add(1).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let own = self.former.of_image(side, index).or_else(|| self.places.owner(image.page));
            if self.is_of_others(own) {
                continue;
            }
            file.read(image, &mut bytes)?;
            let (number, content) = (image.page, Content::Unused);
            let page = PageImage {
                number,
                bytes: &bytes,
                usable_bytes,
                page_count: database.page_count(),
                own,
                content,
            };
            let mut overflow = |number: PageNumber| match file.has(number) {
                true => file.newest(index, number),
                // It was the same then.
                false => {
                    let mut page = vec![0; database.page_size().bytes_usize()];
                    database.read_page(number, &mut page).is_ok().then_some(page)
                }
            };
            if self.search(&page, &mut overflow, &|_| *found_in, Some(image), visit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn search(
        &self,
        image: &PageImage<'_>,
        overflow: &mut dyn FnMut(PageNumber) -> Option<Vec<u8>>,
        place_of: &dyn Fn(Part) -> FoundIn,
        side: Option<&SideImage>,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        for record in image.records(self.set) {
            // What is of an index is no row.
            let Some(table) = self.tables.get(record.shape) else { continue };
            let Some(rebuilt) = Rebuilt::new(image, &record, &table.layout, overflow) else { continue };
            let found = Found {
                page: image.number.get(),
                offset: rebuilt.row.offset(),
                place: place_of(record.part),
                frame: side.and_then(|side| side.frame),
                commit: side.and_then(|side| side.commit),
            };
            let is_cell = record.part == Part::Cell;
            visit(PassFind { table: record.shape, rebuilt, found, is_cell })?;
        }
        ControlFlow::Continue(())
    }
}
