//! The records of a rollback journal: pages as they were before the transaction.
//!
//! | offset | bytes | field |
//! |---:|---:|---|
//! | 0 | 4 | page number; 0 or the lock-byte page ends the journal |
//! | 4 | page size | image |
//! | 4 + page size | 4 | checksum |
//!
//! The checksum is the nonce of the segment plus every 200th byte of the image, counted from its end, without
//! the first byte, modulo 2^32. The page number is not covered.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_number::PageNumber;
use super::page_size::PageSize;

/// What a record has besides the image, in bytes.
pub const RECORD_OVERHEAD_BYTES: usize = 8;

const CHECKSUM_STEP: usize = 200;

/// One record of a rollback journal, not yet known to be valid. [journal.md#records](crate::notes::journal#records)
///
/// ```
/// use litecopy::PageSize;
/// use litecopy::format::JournalRecord;
/// use litecopy::format::journal_record::journal_checksum;
///
/// let (nonce, image) = (0x5eed, [0; 512]);
/// let mut bytes = 7_u32.to_be_bytes().to_vec();
/// bytes.extend_from_slice(&image);
/// bytes.extend_from_slice(&journal_checksum(nonce, &image).to_be_bytes());
///
/// let record = JournalRecord::parse(&bytes, PageSize::new(512).unwrap())?;
/// record.check(nonce)?;
/// assert_eq!(record.page_number.map(|page| page.get()), Some(7));
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord<'a> {
    /// The page; `None` for the 0 that ends the journal.
    pub page_number: Option<PageNumber>,
    /// The page as it was before the transaction.
    pub image: &'a [u8],
    /// The checksum as stored.
    pub checksum: u32,
}

impl<'a> JournalRecord<'a> {
    /// Takes a record of a page of this size apart.
    ///
    /// # Errors
    /// [`Damage::Short`] when there are fewer bytes than [`record_bytes`] says.
    pub fn parse(bytes: &'a [u8], page_size: PageSize) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        Ok(Self {
            page_number: PageNumber::new(reader.be_u32()?),
            image: reader.bytes(page_size.bytes_usize())?,
            checksum: reader.be_u32()?,
        })
    }

    /// Checks the image against the checksum, with the nonce of the record's segment.
    ///
    /// # Errors
    /// [`Damage::JournalRecordChecksum`] when they do not match.
    pub fn check(&self, nonce: u32) -> Result<(), Damage> {
        let computed = journal_checksum(nonce, self.image);
        if self.checksum != computed {
            return Err(Damage::JournalRecordChecksum { stored: self.checksum, computed });
        }
        Ok(())
    }
}

/// Appends the record of a page to `journal`, for a segment with this nonce.
pub(crate) fn append_record(journal: &mut Vec<u8>, page_number: PageNumber, image: &[u8], nonce: u32) {
    journal.extend(page_number.get().to_be_bytes());
    journal.extend(image);
    journal.extend(journal_checksum(nonce, image).to_be_bytes());
}

/// The length of a record in bytes.
#[must_use]
pub const fn record_bytes(page_size: PageSize) -> usize {
    page_size.bytes_usize() + RECORD_OVERHEAD_BYTES
}

/// The checksum of a page image in a segment with this nonce. [journal.md#checksum](crate::notes::journal#checksum)
#[must_use]
pub fn journal_checksum(nonce: u32, image: &[u8]) -> u32 {
    // The offsets length - 200, length - 400, ... that are above 0.
    let mut sum = nonce;
    let mut offset = image.len();
    while let Some(next) = offset.checked_sub(CHECKSUM_STEP).filter(|&next| next > 0) {
        sum = sum.wrapping_add(image.get(next).copied().map_or(0, u32::from));
        offset = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample_page() -> Vec<u8> {
        (0..4096_u32).map(|i| u8::try_from((7 * i + 3) % 256).unwrap()).collect()
    }

    #[test]
    fn a_known_checksum() {
        assert_eq!(journal_checksum(0x1234_5678, &sample_page()), 0x1234_6044);
    }

    #[test]
    fn the_first_byte_never_counts() {
        let mut image = [0; 400];
        image[200] = 5;
        image[0] = 9;
        assert_eq!(journal_checksum(1, &image), 6);
        assert_eq!(journal_checksum(u32::MAX, &image), 4);
        assert_eq!(journal_checksum(7, &[]), 7);
    }

    #[test]
    fn a_record_is_taken_apart_and_checked() {
        let mut bytes = vec![0, 0, 0, 5];
        bytes.extend(sample_page());
        bytes.extend(0x1234_6044_u32.to_be_bytes());
        assert_eq!(bytes.len(), record_bytes(PageSize::DEFAULT));
        let record = JournalRecord::parse(&bytes, PageSize::DEFAULT).unwrap();
        assert_eq!(record.page_number.map(PageNumber::get), Some(5));
        assert_eq!(record.image, sample_page());
        assert_eq!(record.check(0x1234_5678), Ok(()));
        assert_eq!(
            record.check(0x1234_5679),
            Err(Damage::JournalRecordChecksum { stored: 0x1234_6044, computed: 0x1234_6045 })
        );
        assert!(JournalRecord::parse(&bytes[..4103], PageSize::DEFAULT).is_err());
        let mut written = Vec::new();
        append_record(&mut written, PageNumber::new(5).unwrap(), record.image, 0x1234_5678);
        assert_eq!(written, bytes);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), nonce in any::<u32>()) {
            let _ = journal_checksum(nonce, &bytes);
            if let Ok(record) = JournalRecord::parse(&bytes, PageSize::ALL[0]) {
                let _ = record.check(nonce);
            }
        }
    }
}
