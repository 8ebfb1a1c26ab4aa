//! Pages that the target is known to have already, by the sums of an older manifest.

use crate::error::Result;
use crate::format::{PageNumber, PageSize};
use crate::manifest::Manifest;
use crate::targets::Target;
use std::path::Path;
use std::time::Duration;

/// How much later than the manifest says the copy may have been written last: times there are whole seconds, and its end
/// is told before the copy is shown.
const TOLERANCE: Duration = Duration::from_secs(2);

/// What is known of the pages of a copy: 4 bytes a page.
///
/// Two pages of one sum are taken to be equal, which is wrong once in 4 billion times that a page has changed
/// (`[manifest.md#refreshing-with-a-manifest]`).
#[derive(Debug)]
pub(super) struct KnownPages {
    page_size: PageSize,
    sums: Vec<u32>,
}

impl KnownPages {
    /// What the manifest tells of the copy at `path`; nothing when the copy is not of that size, or was written since.
    pub(super) fn of(path: &Path, manifest: &Manifest) -> Option<Self> {
        let found = path.metadata().ok()?;
        let last = manifest.ended.checked_add(TOLERANCE)?;
        let stands = found.len() == manifest.size_bytes() && found.modified().ok()? <= last;
        stands.then(|| Self { page_size: manifest.page_size, sums: manifest.page_sums.clone() })
    }

    /// Writes those pages that the target is not known to have; afterwards it is.
    pub(super) fn write_others(
        &mut self,
        target: &mut impl Target,
        page_size: PageSize,
        first: PageNumber,
        pages: &[u8],
    ) -> Result<()> {
        if page_size != self.page_size {
            // What is there has its pages elsewhere.
            self.sums.clear();
        }
        let page_bytes = page_size.bytes_usize();
        let mut run = 0..0;
        for (place, page) in (0_u32..).zip(pages.chunks_exact(page_bytes)) {
            if self.is_known(first, place, page) {
                write_run(target, first, page_bytes, pages, &run)?;
                run = place + 1..place + 1;
            } else {
                run.end = place + 1;
            }
        }
        write_run(target, first, page_bytes, pages, &run)
    }

    /// Whether the target has this page; from now on it does.
    fn is_known(&mut self, first: PageNumber, place: u32, page: &[u8]) -> bool {
        let sum = crc32fast::hash(page);
        let number = first.get() as usize - 1 + place as usize;
        match self.sums.get_mut(number) {
            Some(known) => std::mem::replace(known, sum) == sum,
            None => false,
        }
    }
}

fn write_run(
    target: &mut impl Target,
    first: PageNumber,
    page_bytes: usize,
    pages: &[u8],
    run: &std::ops::Range<u32>,
) -> Result<()> {
    let bytes = pages.get(run.start as usize * page_bytes..run.end as usize * page_bytes).unwrap_or_default();
    match first.checked_add(run.start) {
        Some(first) if !bytes.is_empty() => target.write_pages(first, bytes),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Shape;
    use crate::targets::MemoryTarget;

    fn number(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    #[test]
    fn what_is_known_is_not_written_and_what_was_written_is_known() {
        let page_size = PageSize::new(512).unwrap();
        let sum = |fill: u8| crc32fast::hash(&[fill; 512]);
        let mut known = KnownPages { page_size, sums: vec![sum(1), sum(2), sum(3)] };
        let mut target = MemoryTarget::new();
        target.begin(Shape { page_size, page_count: 4 }).unwrap();
        let pages = [[1; 512], [9; 512], [3; 512], [4; 512]].concat();
        known.write_others(&mut target, page_size, number(1), &pages).unwrap();
        // Back to what it was before: it was written over, so it has to be written again.
        known.write_others(&mut target, page_size, number(2), &[2; 512]).unwrap();
        known.write_others(&mut target, page_size, number(2), &[2; 512]).unwrap();
        let bytes = target.publish(4).unwrap();
        let firsts: Vec<u8> = bytes.chunks(512).map(|page| page[0]).collect();
        assert_eq!(firsts, [0, 2, 0, 4], "zeros where nothing was written");
    }

    #[test]
    fn pages_of_another_size_are_not_known() {
        let page_size = PageSize::new(1024).unwrap();
        let small = PageSize::new(512).unwrap();
        let mut known = KnownPages { page_size: small, sums: vec![crc32fast::hash(&[1; 1024]); 2] };
        let mut target = MemoryTarget::new();
        target.begin(Shape { page_size, page_count: 1 }).unwrap();
        known.write_others(&mut target, page_size, number(1), &[1; 1024]).unwrap();
        assert_eq!(target.publish(1).unwrap(), [1; 1024]);
    }
}
