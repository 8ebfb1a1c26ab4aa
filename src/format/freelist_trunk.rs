//! The freelist trunk page: a list of free pages, and the way to the next such list.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 4 | next trunk | 0: last; never 1 |
//! | 4 | 4 | leaf count k | at most usable / 4 - 2; SQLite writes at most usable / 4 - 8 |
//! | 8 | 4 * k | leaves | neither 0 nor 1 |
//!
//! What stands behind the leaves is old content. Leaves hold nothing that counts, and need not be in the file.

use super::btree_page::usable_part;
use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_number::PageNumber;
use super::page_reference::child;

/// A trunk page whose header keeps the rules. [pages.md#freelist](crate::notes::pages#freelist)
///
/// ```
/// use litecopy::format::FreelistTrunk;
///
/// let mut bytes = [0; 512];
/// bytes[3] = 9; // the next trunk
/// bytes[7] = 1; // one leaf
/// bytes[11] = 5;
/// let trunk = FreelistTrunk::parse(&bytes, 512)?;
/// assert_eq!(trunk.next.map(|page| page.get()), Some(9));
/// assert_eq!(trunk.leaves().map(|leaf| leaf.unwrap().get()).collect::<Vec<_>>(), [5]);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FreelistTrunk<'a> {
    /// The next trunk; `None` on the last.
    pub next: Option<PageNumber>,
    /// How many leaves the page lists.
    pub leaf_count: u32,
    leaf_bytes: &'a [u8],
}

impl<'a> FreelistTrunk<'a> {
    /// Reads a trunk page, given as a whole, of which `usable_bytes` hold content.
    ///
    /// # Errors
    /// [`Damage::PageUsableBytes`], [`Damage::PageReference`] when page 1 is to be the next trunk, and
    /// [`Damage::TrunkLeafCount`].
    pub fn parse(bytes: &'a [u8], usable_bytes: u32) -> Result<Self, Damage> {
        let usable = usable_part(bytes, usable_bytes)?;
        let mut reader = ByteReader::new(usable);
        let next = match reader.be_u32()? {
            0 => None,
            next => Some(child(next, "the next freelist trunk")?),
        };
        let leaf_count = reader.be_u32()?;
        let most = most_leaves(usable_bytes);
        let damage = Damage::TrunkLeafCount { found: leaf_count, most };
        if leaf_count > most {
            return Err(damage);
        }
        let leaf_bytes = reader.bytes((leaf_count as usize).saturating_mul(4)).map_err(|_| damage)?;
        Ok(Self { next, leaf_count, leaf_bytes })
    }

    /// The leaves, each with its own error: [`Damage::PageReference`] for one that cannot be.
    pub fn leaves(&self) -> impl Iterator<Item = Result<PageNumber, Damage>> + 'a {
        self.leaf_bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&leaf| child(u32::from_be_bytes(leaf), "a freelist leaf"))
    }
}

/// The most leaves that a trunk page can list.
#[must_use]
pub fn most_leaves(usable_bytes: u32) -> u32 {
    (usable_bytes / 4).saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0xee; 512];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        bytes
    }

    #[test]
    fn a_trunk_and_its_leaves() {
        let bytes = page(&[9, 3, 5, 0, 7]); // next trunk 9, three leaves, one of which cannot be
        let trunk = FreelistTrunk::parse(&bytes, 512).unwrap();
        assert_eq!((trunk.next.map(PageNumber::get), trunk.leaf_count), (Some(9), 3));
        let leaves: Vec<_> = trunk.leaves().map(|leaf| leaf.map(PageNumber::get)).collect();
        assert_eq!(leaves, [Ok(5), Err(Damage::PageReference { found: 0, role: "a freelist leaf" }), Ok(7)]);
    }

    #[test]
    fn the_most_leaves_for_each_usable_size() {
        for (usable, most) in [(512, 126), (1024, 254), (4096, 1022), (8192, 2046), (65536, 16382)] {
            assert_eq!(most_leaves(usable), most);
        }
        assert_eq!(FreelistTrunk::parse(&page(&[0, 126]), 512).map(|t| t.leaves().count()), Ok(126));
        assert_eq!(
            FreelistTrunk::parse(&page(&[0, 127]), 512),
            Err(Damage::TrunkLeafCount { found: 127, most: 126 })
        );
        assert!(FreelistTrunk::parse(&page(&[0, u32::MAX]), 512).is_err());
        assert!(FreelistTrunk::parse(&page(&[0, 121]), 485).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 512), usable in 0..600_u32, k in 0..200_u8) {
            let mut bytes = bytes;
            bytes[4..8].copy_from_slice(&[0, 0, 0, k]);
            if let Ok(trunk) = FreelistTrunk::parse(&bytes, usable) {
                prop_assert_eq!(trunk.leaves().count(), usize::from(k));
            }
        }
    }
}
