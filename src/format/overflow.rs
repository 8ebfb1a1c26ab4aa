//! The overflow page: what of a payload does not fit into its cell.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 4 | next page of the chain | 0: last; never 1 |
//! | 4 | usable - 4 | payload | on the last page, the rest is meaningless |
//!
//! The length of a chain is known before it is read, and that is the bound of every walk along it.

use super::btree_page::usable_part;
use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_number::PageNumber;
use super::page_reference::child;

const LINK_BYTES: u32 = 4;

/// One page of an overflow chain. [pages.md#overflow-chain](crate::notes::pages#overflow-chain)
///
/// ```
/// use litecopy::format::OverflowPage;
///
/// let mut bytes = [1; 512];
/// bytes[..4].copy_from_slice(&9_u32.to_be_bytes());
/// let page = OverflowPage::parse(&bytes, 512)?;
/// assert_eq!(page.next.map(|page| page.get()), Some(9));
/// assert_eq!(page.content.len(), 508);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct OverflowPage<'a> {
    /// The next page; `None` on the last.
    pub next: Option<PageNumber>,
    /// The room for payload, all of it; on the last page only the start is payload.
    pub content: &'a [u8],
}

impl<'a> OverflowPage<'a> {
    /// Reads an overflow page, given as a whole, of which `usable_bytes` hold content.
    ///
    /// # Errors
    /// [`Damage::PageUsableBytes`], and [`Damage::PageReference`] when page 1 is to be the next.
    pub fn parse(bytes: &'a [u8], usable_bytes: u32) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(usable_part(bytes, usable_bytes)?);
        let next = match reader.be_u32()? {
            0 => None,
            next => Some(child(next, "the next page of an overflow chain")?),
        };
        Ok(Self { next, content: reader.rest() })
    }
}

/// How many overflow pages a payload has of which `local_bytes` stay in its cell.
///
/// ```
/// use litecopy::format::overflow::chain_length;
///
/// // 908 of 5000 bytes stay in the cell; the others fill one page of 4096 bytes, of which 4 are the link.
/// assert_eq!(chain_length(5000, 908, 4096), 1);
/// ```
#[must_use]
pub fn chain_length(payload_bytes: u32, local_bytes: u32, usable_bytes: u32) -> u32 {
    payload_bytes.saturating_sub(local_bytes).div_ceil(usable_bytes.saturating_sub(LINK_BYTES).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_and_the_rest() {
        let mut bytes = vec![7; 512];
        bytes[..4].copy_from_slice(&[0, 0, 1, 2]);
        let page = OverflowPage::parse(&bytes, 500).unwrap();
        assert_eq!((page.next.map(PageNumber::get), page.content.len()), (Some(258), 496));
        bytes[..4].fill(0);
        assert_eq!(OverflowPage::parse(&bytes, 512).map(|p| p.next), Ok(None));
        bytes[3] = 1;
        assert!(matches!(OverflowPage::parse(&bytes, 512), Err(Damage::PageReference { found: 1, .. })));
        assert!(OverflowPage::parse(&bytes[1..], 480).is_err());
    }

    #[test]
    fn lengths_of_chains() {
        for (payload, local, pages) in [(10, 10, 0), (11, 10, 1), (518, 10, 1), (519, 10, 2), (5, 10, 0)] {
            assert_eq!(chain_length(payload, local, 512), pages);
        }
        assert_eq!(chain_length(0x7fff_ffff, 0, 0), 0x7fff_ffff);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 512), usable in 0..600_u32) {
            let _ = OverflowPage::parse(&bytes, usable);
        }
    }
}
