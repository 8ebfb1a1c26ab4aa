//! Where the image of each page lies: one place a page, sorted by page.

use super::page_number::PageNumber;
use std::cmp::Reverse;

/// Places of pages in a log or a journal. Where a page has several, the greatest counts: what was written last.
///
/// Memory: one entry a page, and for a while as many again that do not count any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageIndex<P> {
    entries: Vec<(PageNumber, P)>,
}

impl<P> Default for PageIndex<P> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<P: Copy + Ord> PageIndex<P> {
    /// Adds a place. What is asked for must be [tidied](Self::tidy) first.
    pub(crate) fn push(&mut self, page: PageNumber, place: P) {
        self.entries.push((page, place));
    }

    /// Adds the place of a page that has none yet, to an index that is tidy and stays so.
    pub(crate) fn insert(&mut self, page: PageNumber, place: P) {
        let ascends = self.entries.last().is_none_or(|&(last, _)| last < page);
        self.entries.push((page, place));
        if !ascends {
            self.tidy();
        }
    }

    /// Moves all entries of another index to this one, which is tidied before it needs more memory: pages that are written
    /// again and again must not make it long.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.entries.append(&mut other.entries);
        if self.entries.len() == self.entries.capacity() {
            self.tidy();
        }
    }

    /// Sorts it, and keeps of each page the greatest place.
    pub(crate) fn tidy(&mut self) {
        self.entries.sort_unstable_by_key(|&(page, place)| (page, Reverse(place)));
        self.entries.dedup_by_key(|&mut (page, _)| page);
    }

    /// The entries of `count` pages from `first` on.
    pub(crate) fn run(&self, first: PageNumber, count: u32) -> &[(PageNumber, P)] {
        let start = self.entries.partition_point(|&(page, _)| page < first);
        let rest = self.entries.get(start..).unwrap_or_default();
        let end = u64::from(first.get()) + u64::from(count);
        rest.get(..rest.partition_point(|&(page, _)| u64::from(page.get()) < end)).unwrap_or_default()
    }

    /// The place of a page.
    pub(crate) fn place(&self, page: PageNumber) -> Option<P> {
        self.run(page, 1).first().map(|&(_, place)| place)
    }

    /// All entries, by page.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PageNumber, P)> {
        self.entries.iter().copied()
    }

    /// How many pages it has behind the first `page_count`.
    pub(crate) fn count_behind(&self, page_count: u64) -> u64 {
        let within = self.entries.partition_point(|&(page, _)| u64::from(page.get()) <= page_count);
        self.entries.len().saturating_sub(within) as u64
    }

    /// The memory that its entries take.
    pub(crate) fn size_bytes(&self) -> u64 {
        size_of_val(self.entries.as_slice()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    #[test]
    fn the_greatest_place_of_each_page_counts() {
        let mut index = PageIndex::default();
        for (number, place) in [(5, 1), (2, 2), (5, 3), (9, 4), (5, 2)] {
            index.push(page(number), place);
        }
        index.tidy();
        assert_eq!(index.iter().collect::<Vec<_>>(), [(page(2), 2), (page(5), 3), (page(9), 4)]);
        assert_eq!((index.place(page(5)), index.place(page(6))), (Some(3), None));
        assert_eq!(index.run(page(3), 6), [(page(5), 3)]);
        assert_eq!(index.run(page(3), 7).len(), 2);
        assert_eq!(index.run(page(9), u32::MAX), [(page(9), 4)]);
        index.insert(page(12), 1);
        index.insert(page(3), 2);
        assert_eq!(
            (index.place(page(3)), index.place(page(12)), index.iter().count()),
            (Some(2), Some(1), 5)
        );

        index.entries.retain(|&(page, _)| [2, 5, 9].contains(&page.get()));
        assert_eq!([0, 2, 5, 9].map(|count| index.count_behind(count)), [3, 2, 1, 0]);
    }

    #[test]
    fn pages_written_again_and_again_do_not_make_it_long() {
        let mut index = PageIndex::default();
        for place in 0..10_000 {
            let mut more = PageIndex::default();
            more.push(page(1 + place % 10), place);
            index.append(&mut more);
            assert!(index.size_bytes() < 100 * size_of::<(PageNumber, u32)>() as u64);
        }
        index.tidy();
        assert_eq!(index.iter().count(), 10);
    }
}
