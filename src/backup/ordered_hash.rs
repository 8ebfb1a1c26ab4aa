//! The SHA-256 of a copy, from its pages as they pass by, as long as they come in order.

use crate::format::lock_bytes::lock_byte_page;
use crate::format::{PageNumber, PageSize, Shape};
use sha2::{Digest, Sha256};

/// Hashes the pages of one version from the first to the last.
#[derive(Debug, Default)]
pub(super) struct OrderedHash {
    hasher: Sha256,
    /// The page to come; `None` when one came that was not.
    next: Option<PageNumber>,
}

impl OrderedHash {
    /// Pages that follow each other; the first of all begins anew.
    pub(super) fn see(&mut self, page_size: PageSize, first: PageNumber, pages: &[u8]) {
        if first == PageNumber::FIRST {
            (self.hasher, self.next) = (Sha256::new(), Some(first));
        }
        self.pass_lock_byte_page(page_size);
        self.next = self.next.filter(|&next| next == first).and_then(|next| {
            self.hasher.update(pages);
            next.checked_add(u32::try_from(pages.len() / page_size.bytes_usize()).ok()?)
        });
    }

    /// The hash, if all pages of a copy of that shape came in order.
    pub(super) fn finish(&mut self, shape: Shape) -> Option<[u8; 32]> {
        if shape.page_count > 0 {
            let last = self.next?;
            if last.get() == shape.page_count {
                self.pass_lock_byte_page(shape.page_size);
            }
            if self.next?.get() != shape.page_count.checked_add(1)? {
                return None;
            }
        }
        Some(std::mem::take(&mut self.hasher).finalize().into())
    }

    /// The page of the lock bytes never comes, and is all zeros.
    fn pass_lock_byte_page(&mut self, page_size: PageSize) {
        if self.next == Some(lock_byte_page(page_size)) {
            self.hasher.update(vec![0; page_size.bytes_usize()]);
            self.next = self.next.and_then(PageNumber::next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_size() -> PageSize {
        PageSize::new(65_536).unwrap()
    }

    fn see(hash: &mut OrderedHash, first: u32, count: usize) {
        hash.see(page_size(), PageNumber::new(first).unwrap(), &vec![7; count * 65_536]);
    }

    fn finish(hash: &mut OrderedHash, page_count: u32) -> Option<[u8; 32]> {
        hash.finish(Shape { page_size: page_size(), page_count })
    }

    fn of(bytes: &[u8]) -> Option<[u8; 32]> {
        Some(Sha256::digest(bytes).into())
    }

    #[test]
    fn pages_in_order_are_hashed_from_the_last_beginning_on() {
        let mut hash = OrderedHash::default();
        see(&mut hash, 1, 2);
        see(&mut hash, 1, 1);
        see(&mut hash, 2, 2);
        assert_eq!(finish(&mut hash, 3), of(&vec![7; 3 * 65_536]));
        assert_eq!(finish(&mut OrderedHash::default(), 0), of(&[]));
    }

    #[test]
    fn a_page_that_comes_again_or_not_at_all_ends_it() {
        let mut hash = OrderedHash::default();
        see(&mut hash, 1, 3);
        see(&mut hash, 2, 1);
        assert_eq!(finish(&mut hash, 3), None);
        let mut hash = OrderedHash::default();
        see(&mut hash, 1, 3);
        assert_eq!(finish(&mut hash, 4), None);
    }

    #[test]
    fn the_lock_byte_page_counts_as_zeros() {
        let lock_byte = lock_byte_page(page_size());
        let mut hash = OrderedHash { hasher: Sha256::new(), next: Some(lock_byte) };
        see(&mut hash, lock_byte.get() + 1, 1);
        let expected = of(&[vec![0; 65_536], vec![7; 65_536]].concat());
        assert_eq!(finish(&mut hash, lock_byte.get() + 1), expected);
        let mut hash = OrderedHash { hasher: Sha256::new(), next: Some(lock_byte) };
        assert_eq!(finish(&mut hash, lock_byte.get()), of(&vec![0; 65_536]));
    }
}
