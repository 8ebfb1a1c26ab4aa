//! The pointer map of databases that vacuum by themselves: what each page is, and which page leads to it.
//!
//! A page of the map has J = usable / 5 entries for the J pages behind it. The first is page 2, and one
//! follows every J + 1 pages; where that would be the page of the lock bytes, it is the page behind. An entry:
//!
//! | offset | bytes | field |
//! |---:|---:|---|
//! | 0 | 1 | 1 root, 2 free, 3 first overflow page, 4 later overflow page, 5 other b-tree page |
//! | 1 | 4 | 0; 0; page of the cell; overflow page before; parent b-tree page |
//!
//! Page 1 and the pages of the map have no entry.

use super::btree_page::usable_part;
use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_number::PageNumber;

/// The length of an entry in bytes.
pub const POINTER_MAP_ENTRY_BYTES: u32 = 5;

/// Where the entries of a database's pointer map lie. [pages.md#pointer-map](crate::notes::pages#pointer-map)
///
/// ```
/// use litecopy::format::PointerMap;
/// use litecopy::format::lock_bytes::lock_byte_page;
/// use litecopy::{PageNumber, PageSize};
///
/// let size = PageSize::new(4096).unwrap();
/// let map = PointerMap::new(size.bytes(), lock_byte_page(size));
/// assert!(map.is_map_page(PageNumber::new(2).unwrap()));
/// assert_eq!(map.map_page_of(PageNumber::new(3).unwrap()), PageNumber::new(2));
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PointerMap {
    usable_bytes: u32,
    lock_byte_page: PageNumber,
}

impl PointerMap {
    /// The map of a database with so many usable bytes a page and its lock bytes in this page.
    #[must_use]
    pub fn new(usable_bytes: u32, lock_byte_page: PageNumber) -> Self {
        Self { usable_bytes, lock_byte_page }
    }

    /// The page of the map that has the entry of this page, or is it; `None` for page 1.
    #[must_use]
    pub fn map_page_of(&self, page: PageNumber) -> Option<PageNumber> {
        let behind_first = page.get().checked_sub(2)?;
        let interval = self.entries_per_page().saturating_add(1);
        let map_page = PageNumber::new((behind_first / interval).saturating_mul(interval).saturating_add(2))?;
        if map_page == self.lock_byte_page { map_page.next() } else { Some(map_page) }
    }

    /// Whether this page is one of the map.
    #[must_use]
    pub fn is_map_page(&self, page: PageNumber) -> bool {
        self.map_page_of(page) == Some(page)
    }

    /// Where the entry of this page begins in [`Self::map_page_of`]; `None` for a page that has none.
    #[must_use]
    pub fn entry_offset(&self, page: PageNumber) -> Option<u32> {
        let map_page = self.map_page_of(page)?;
        let index = page.get().checked_sub(map_page.get())?.checked_sub(1)?;
        index.checked_mul(POINTER_MAP_ENTRY_BYTES)
    }

    /// The entry of `page`, read from the page of the map that has it; `None` for a page that has none.
    ///
    /// # Errors
    /// [`Damage::PageUsableBytes`] for what cannot be a page, [`Damage::PointerMapType`].
    pub fn entry(&self, map_page: &[u8], page: PageNumber) -> Result<Option<PointerMapEntry>, Damage> {
        let usable = usable_part(map_page, self.usable_bytes)?;
        let Some(offset) = self.entry_offset(page) else { return Ok(None) };
        let mut reader = ByteReader::at(usable, offset as usize);
        let found = reader.u8()?;
        let kind = PointerKind::from_byte(found).ok_or(Damage::PointerMapType { offset, found })?;
        Ok(Some(PointerMapEntry { kind, parent: PageNumber::new(reader.be_u32()?) }))
    }

    /// How many entries a page of the map has.
    #[must_use]
    pub fn entries_per_page(&self) -> u32 {
        self.usable_bytes / POINTER_MAP_ENTRY_BYTES
    }
}

/// What the pointer map says of a page.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PointerMapEntry {
    /// What the page is.
    pub kind: PointerKind,
    /// The page that leads to it; `None` for a root and for a free page.
    pub parent: Option<PageNumber>,
}

/// What a page is, to the pointer map; the number is the type byte.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PointerKind {
    /// The root of a b-tree.
    Root = 1,
    /// A freelist trunk or leaf.
    Free = 2,
    /// The first page of an overflow chain; its parent holds the cell.
    FirstOverflow = 3,
    /// A later page of an overflow chain; its parent is the page before.
    LaterOverflow = 4,
    /// A b-tree page that is no root.
    Btree = 5,
}

impl PointerKind {
    /// The kind that a type byte means.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Root, Self::Free, Self::FirstOverflow, Self::LaterOverflow, Self::Btree]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::lock_bytes::lock_byte_page;
    use crate::format::page_size::PageSize;
    use proptest::prelude::*;

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    fn map(page_bytes: u32) -> PointerMap {
        PointerMap::new(page_bytes, lock_byte_page(PageSize::new(page_bytes).unwrap()))
    }

    #[test]
    fn entries_for_each_usable_size() {
        for (usable, entries) in [(512, 102), (1024, 204), (4096, 819), (8192, 1638), (65536, 13107)] {
            assert_eq!(map(usable).entries_per_page(), entries);
        }
    }

    #[test]
    fn pages_and_their_entries() {
        let map = map(1024);
        assert_eq!(map.map_page_of(page(1)), None);
        assert_eq!(map.entry_offset(page(1)), None);
        assert!(map.is_map_page(page(2)));
        assert_eq!(map.entry_offset(page(2)), None);
        assert_eq!(map.entry_offset(page(3)), Some(0));
        assert_eq!(map.entry_offset(page(206)), Some(1015));
        assert!(map.is_map_page(page(207)));
        assert_eq!(map.entry_offset(page(208)), Some(0));
    }

    #[test]
    fn the_map_steps_aside_for_the_lock_bytes() {
        let map = map(1024);
        let lock = page(1_048_577);
        assert_eq!(map.map_page_of(lock), Some(page(1_048_578)));
        assert_eq!(map.entry_offset(lock), None);
        assert!(!map.is_map_page(lock));
        assert!(map.is_map_page(page(1_048_578)));
        assert_eq!(map.entry_offset(page(1_048_579)), Some(0));
        // The map goes on as if it had not stepped aside.
        assert_eq!(map.map_page_of(page(1_048_577 + 204)), Some(page(1_048_578)));
        assert!(map.is_map_page(page(1_048_577 + 205)));
    }

    #[test]
    fn only_pages_of_1024_bytes_collide() {
        let colliding: Vec<u32> = PageSize::ALL
            .iter()
            .map(|size| size.bytes())
            .filter(|&bytes| {
                map(bytes).is_map_page(lock_byte_page(PageSize::new(bytes).unwrap()).next().unwrap())
            })
            .collect();
        assert_eq!(colliding, [1024]);
    }

    #[test]
    fn an_entry_is_read() {
        let mut bytes = vec![0; 512];
        bytes[5..10].copy_from_slice(&[5, 0, 0, 1, 4]); // a b-tree page whose parent is page 260
        let map = map(512);
        let entry = map.entry(&bytes, page(4)).unwrap().unwrap();
        assert_eq!((entry.kind, entry.parent), (PointerKind::Btree, Some(page(260))));
        assert_eq!(map.entry(&bytes, page(3)), Err(Damage::PointerMapType { offset: 0, found: 0 }));
        assert_eq!(map.entry(&bytes, page(2)), Ok(None));
        assert!(map.entry(&bytes[..511], page(4)).is_err());
    }

    proptest! {
        #[test]
        fn geometry_agrees_with_itself(number in 2..=u32::MAX, usable in 480..=65536_u32, lock in 1..=u32::MAX) {
            let map = PointerMap::new(usable, page(lock));
            if let (Some(map_page), Some(offset)) = (map.map_page_of(page(number)), map.entry_offset(page(number))) {
                prop_assert!(map_page < page(number));
                prop_assert!(offset + 5 <= usable);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 512), number in 1..=u32::MAX, usable in 0..600_u32) {
            let map = PointerMap::new(usable, page(7));
            let _ = map.entry(&bytes, page(number));
        }
    }
}
