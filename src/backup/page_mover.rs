//! Moves pages from a snapshot to a target, run by run, and treats them on the way.

#[cfg(feature = "manifest")]
use super::manifest_maker::ManifestMaker;
use super::page_cursor::{PageCursor, Run};
use super::page_sums::PageSums;
use super::treatment::Treatment;
use crate::error::{Error, Result};
use crate::format::page_one_edit::fresh_page_one;
use crate::format::{PageNumber, PageOneEdit, Shape};
use crate::halt::Halt;
#[cfg(feature = "manifest")]
use crate::manifest::Manifest;
use crate::source::Snapshot;
use crate::targets::{AnyTarget, Target};
use crate::walk::{PageMap, Part};
use std::io;

/// Empty pages in stretches shorter than this are read and written along with their neighbours: to leave each of them out takes
/// longer.
const SHORT_BYTES: u32 = 64 * 1024;

/// The way that the pages of one copy take.
#[derive(Debug, Default)]
pub(super) struct PageMover {
    treatment: Treatment,
    buffer: Vec<u8>,
    moved_bytes: u64,
    /// Of the version at hand, when something of it is to be left out.
    map: Option<PageMap>,
    /// Of the pages in the target, when they are to be compared.
    sums: Option<PageSums>,
    /// Of the version at hand.
    shape: Shape,
    halt: Halt,
    #[cfg(feature = "manifest")]
    maker: ManifestMaker,
    #[cfg(feature = "manifest")]
    manifest: Option<Manifest>,
}

impl PageMover {
    pub(super) fn new(treatment: Treatment) -> Self {
        Self { treatment, ..Self::default() }
    }

    /// From now on moving and comparing end early when they have to.
    pub(super) fn halt_by(&mut self, halt: Halt) {
        self.halt = halt;
    }

    /// How much it has moved in all.
    pub(super) fn moved_bytes(&self) -> u64 {
        self.moved_bytes
    }

    /// What the copy was when it was sealed, if that was asked for.
    #[cfg(feature = "manifest")]
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Whether what becomes of a page depends on others of its version: what was a page of a table may be free in the
    /// next, without a word about it on the page itself or in the log. Then only pages of one version will do.
    pub(super) fn leaves_out(&self) -> bool {
        self.treatment.leaves_out()
    }

    /// Moves up to `limit` of the pages that the cursor has before it. A cursor that stands at the first page begins a
    /// version anew: what is known of another is forgotten.
    pub(super) fn move_pages(
        &mut self,
        snapshot: &Snapshot,
        target: &mut impl Target,
        cursor: &mut PageCursor,
        limit: u32,
    ) -> Result<()> {
        self.shape = snapshot.shape();
        #[cfg(feature = "manifest")]
        self.maker.note(snapshot.stamp());
        if cursor.passed() == 0 && cursor.remaining().min(limit) > 0 {
            self.look_at(snapshot, target)?;
        }
        let mut left = limit;
        while let Some((passed, run)) = cursor.advance(left) {
            left -= passed;
            self.halt.check(target.shown_path())?;
            let mut rest = run;
            while let Some(run) = rest {
                let short = (SHORT_BYTES / self.shape.page_size.bytes()).max(1);
                let (part, count) = match &self.map {
                    Some(map) => map.part(run.first, run.count, short),
                    None => (Part::Full, run.count),
                };
                self.move_run(snapshot, target, Run { count, ..run }, part)?;
                rest = run.behind(count);
            }
        }
        Ok(())
    }

    /// Ends the copy of the version at hand: makes it durable, and compares it with what was written. Gives its page count.
    pub(super) fn seal(&mut self, target: &mut impl Target) -> Result<u32> {
        let Shape { page_size, mut page_count } = self.shape;
        if page_count == 0 && target.page_one_edit().is_some() {
            // A target that edits page 1 also knows what to make of an empty source: it alone.
            if self.treatment.compares() {
                return Err(cannot_compare(target));
            }
        } else if let (0, Some(edit)) = (page_count, self.treatment.fidelity.edit()) {
            page_count = 1;
            let mut page = fresh_page_one(None);
            edit.apply(&mut page, page_count);
            self.sums = self.new_sums();
            self.write(target, PageNumber::FIRST, &page)?;
        }
        target.seal(page_count)?;
        if self.treatment.compares() {
            let mut sums = self.sums.take().unwrap_or_else(|| PageSums::new(page_size));
            self.compare(target, &mut sums, Shape { page_size, page_count })?;
        }
        Ok(page_count)
    }

    fn compare(&mut self, target: &mut impl Target, sums: &mut PageSums, shape: Shape) -> Result<()> {
        #[cfg(feature = "manifest")]
        if self.treatment.manifest {
            self.manifest = Some(self.maker.compare(sums, target, shape, (&self.halt, &mut self.buffer))?);
            return Ok(());
        }
        sums.compare(target, shape.page_count, (&self.halt, &mut self.buffer), |_| ())
    }

    /// Learns what there is to know of a version before its first page is moved.
    fn look_at(&mut self, snapshot: &Snapshot, target: &mut impl Target) -> Result<()> {
        if self.edit(target).is_some() {
            // What cannot be read cannot be edited.
            snapshot.read_header()?;
        }
        self.sums = self.new_sums();
        self.map = match self.treatment {
            Treatment { scrub: true, .. } => Some(PageMap::of_all(snapshot)?),
            Treatment { skip_free: true, .. } => Some(PageMap::of_freelist(snapshot)?),
            _ => None,
        };
        Ok(())
    }

    fn new_sums(&self) -> Option<PageSums> {
        self.treatment.compares().then(|| PageSums::new(self.shape.page_size))
    }

    /// What is changed on page 1: what the target needs, or what the fidelity asks for.
    fn edit(&self, target: &mut impl Target) -> Option<PageOneEdit> {
        let asked = self.treatment.fidelity.edit();
        match target.page_one_edit() {
            Some(needed) => {
                let sqlite_version = asked.and_then(|edit| edit.sqlite_version);
                Some(PageOneEdit { sqlite_version, ..needed })
            }
            None => asked,
        }
    }

    /// Moves pages of one kind; where all are empty they are not even read. The shortest way is that within the system, for
    /// as many pages at once as can be.
    fn move_run(
        &mut self,
        snapshot: &Snapshot,
        target: &mut impl Target,
        run: Run,
        part: Part,
    ) -> Result<()> {
        if part == Part::Full && self.take_run(snapshot, target, run)? {
            return Ok(());
        }
        let pieces = run.pieces(self.shape.page_size);
        for (place, piece) in pieces.enumerate() {
            let again = part == Part::Full && (place > 0 || piece != run);
            if !(again && self.take_run(snapshot, target, piece)?) {
                self.pass_run(snapshot, target, piece, part)?;
            }
        }
        Ok(())
    }

    /// Has the system move pages, if they are just what lies in the source's file.
    fn take_run(&mut self, snapshot: &Snapshot, target: &mut impl Target, run: Run) -> Result<bool> {
        if self.treats(run, target) {
            return Ok(false);
        }
        let Some((file, offset)) = snapshot.plain_pages(run.first, run.count) else { return Ok(false) };
        let taken = target.take_pages(run.first, run.count, file, offset)?;
        if taken {
            self.moved_bytes += self.shape.page_size.bytes_of(run.count);
        }
        Ok(taken)
    }

    /// Moves pages through our hands.
    fn pass_run(
        &mut self,
        snapshot: &Snapshot,
        target: &mut impl Target,
        run: Run,
        part: Part,
    ) -> Result<()> {
        let mut pages = std::mem::take(&mut self.buffer);
        pages.resize(run.count as usize * self.shape.page_size.bytes_usize(), 0);
        if part == Part::Empty {
            pages.fill(0);
        } else {
            self.moved_bytes += pages.len() as u64;
            snapshot.read_pages(run.first, &mut pages)?;
        }
        if let Some(map) = &self.map {
            map.clear_unused(snapshot, run.first, &mut pages)?;
        }
        if let (PageNumber::FIRST, Some(edit)) = (run.first, self.edit(target)) {
            edit.apply(&mut pages, self.shape.page_count);
        }
        self.write(target, run.first, &pages)?;
        self.buffer = pages;
        Ok(())
    }

    /// Whether these pages have to pass through our hands.
    fn treats(&self, run: Run, target: &mut impl Target) -> bool {
        self.sums.is_some()
            || (run.first == PageNumber::FIRST && self.edit(target).is_some())
            || self.map.as_ref().is_some_and(|map| map.touches(run.first, run.count))
    }

    fn write(&mut self, target: &mut impl Target, first: PageNumber, pages: &[u8]) -> Result<()> {
        if let Some(sums) = &mut self.sums {
            sums.note(first, pages);
        }
        target.write_pages(first, pages)
    }
}

fn cannot_compare(target: &mut impl Target) -> Error {
    let unsupported =
        io::Error::new(io::ErrorKind::Unsupported, "there is no page in the source to compare it with");
    Error::from_io("verify", target.shown_path(), unsupported)
}
