//! A set of pages of a database, at one bit a page.

use super::page_number::PageNumber;

/// Pages from 1 to a highest one.
#[derive(Clone, Debug)]
pub(crate) struct PageSet {
    words: Vec<u64>,
    page_count: u32,
}

impl PageSet {
    /// The empty set of pages up to `page_count`.
    pub(crate) fn new(page_count: u32) -> Self {
        Self { words: vec![0; (page_count as usize).div_ceil(64)], page_count }
    }

    /// The same, which takes memory only up to the highest page that is added: for a page count that is nothing but a claim.
    pub(crate) fn growing(page_count: u32) -> Self {
        Self { words: Vec::new(), page_count }
    }

    /// Whether it can have no page at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.page_count == 0
    }

    /// Adds a page; `false` when it is in already, or behind the highest.
    pub(crate) fn insert(&mut self, page: PageNumber) -> bool {
        if page.get() > self.page_count {
            return false;
        }
        let (word, bit) = place(page);
        self.words.resize(self.words.len().max(word + 1), 0);
        let Some(word) = self.words.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Adds all pages of another set of as many; `false` when both have one in common.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let mut common = 0;
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            common |= *word & other;
            *word |= other;
        }
        common == 0
    }

    /// Takes a page out.
    pub(crate) fn remove(&mut self, page: PageNumber) {
        let (word, bit) = place(page);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// How many pages are in it.
    pub(crate) fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    pub(crate) fn contains(&self, page: PageNumber) -> bool {
        let (word, bit) = place(page);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether `first` is in the set, and how many of the `count` pages from it on are all in it, or all out of it.
    pub(crate) fn stretch(&self, first: PageNumber, count: u32) -> (bool, u32) {
        let inside = self.contains(first);
        let mut length = 0;
        while length < count {
            let Some(page) = first.checked_add(length) else { break };
            let (word, bit) = place(page);
            let word = self.words.get(word).copied().unwrap_or_default();
            // How far the same goes on within this word.
            let others = if inside { !word } else { word } >> bit.trailing_zeros();
            let left = 64 - bit.trailing_zeros();
            let same = others.trailing_zeros().min(left);
            length += same;
            if same < left {
                break;
            }
        }
        (inside, length.clamp(1, count.max(1)))
    }

    /// Makes this the set of the pages that are not in it, and of those in `more`.
    pub(crate) fn invert_and_add(&mut self, more: &Self) {
        for (word, more) in self.words.iter_mut().zip(&more.words) {
            *word = !*word | more;
        }
    }
}

/// In which word the page is, and at which bit.
fn place(page: PageNumber) -> (usize, u64) {
    let index = page.get() - 1;
    ((index / 64) as usize, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    #[test]
    fn pages_go_in_once_and_come_out() {
        let mut set = PageSet::new(65);
        assert!(set.insert(page(65)) && !set.insert(page(65)) && set.contains(page(65)));
        assert!(!set.insert(page(66)) && !set.insert(page(u32::MAX)) && !set.contains(page(66)));
        assert_eq!(PageSet::new(0).stretch(page(1), 7), (false, 7));
    }

    #[test]
    fn what_is_not_in_it_and_more() {
        let (mut set, mut more) = (PageSet::new(70), PageSet::new(70));
        for number in (1..=70).filter(|&number| number != 69) {
            set.insert(page(number));
        }
        more.insert(page(3));
        set.invert_and_add(&more);
        let inside: Vec<u32> = (1..=70).filter(|&number| set.contains(page(number))).collect();
        assert_eq!(inside, [3, 69]);
    }

    proptest! {
        #[test]
        fn a_stretch_is_what_counting_gives(members in proptest::collection::vec(1..300_u32, 0..200), first in 1..300_u32, count in 1..300_u32) {
            let mut set = PageSet::new(300);
            for number in members {
                set.insert(page(number));
            }
            let (inside, length) = set.stretch(page(first), count);
            let same = |number: &u32| set.contains(page(*number)) == inside;
            let expected = (first..first + count).take_while(same).count();
            prop_assert_eq!((inside, length as usize), (set.contains(page(first)), expected));
        }
    }
}
