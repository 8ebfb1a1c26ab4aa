//! A cursor over bytes that cannot panic: all bounds checks of the formats live here.
//!
//! Every method either moves past what it returns, or fails with [`Damage::Short`] and stays where it was.

use super::damage::Damage;
use super::varint::read_varint;
use super::wal_checksum::ByteOrder;

/// Reads numbers and slices from bytes, front to back.
///
/// ```
/// use litecopy::format::byte_reader::ByteReader;
///
/// let mut reader = ByteReader::new(&[0, 0, 1, 0, 0x81, 0x00]);
/// assert_eq!(reader.be_u32()?, 256);
/// assert_eq!(reader.varint()?, 128);
/// assert!(reader.u8().is_err(), "there is no more");
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Clone, Debug)]
pub struct ByteReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> ByteReader<'a> {
    /// A reader that stands at the first of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// A reader that stands `offset` bytes into `bytes`. Beyond the end is allowed: then nothing can be read.
    #[must_use]
    pub fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, position: offset }
    }

    /// The offset of the next byte, counted from the start of what the reader was made of.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let rest = self.rest();
        let taken = rest.get(..count).ok_or_else(|| self.short(count))?;
        self.position = self.position.saturating_add(count);
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let taken = *self.rest().first_chunk::<N>().ok_or_else(|| self.short(N))?;
        self.position = self.position.saturating_add(N);
        Ok(taken)
    }

    /// Moves on by `count` bytes.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn skip(&mut self, count: usize) -> Result<(), Damage> {
        self.bytes(count).map(|_| ())
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Damage::Short`] at the end.
    pub fn u8(&mut self) -> Result<u8, Damage> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn be_u16(&mut self) -> Result<u16, Damage> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, big-endian.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn be_u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next eight bytes, big-endian.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn be_u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next two bytes in the given order.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn u16_in(&mut self, order: ByteOrder) -> Result<u16, Damage> {
        self.array().map(|bytes| match order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    /// The next four bytes in the given order.
    ///
    /// # Errors
    /// [`Damage::Short`] when fewer are left.
    pub fn u32_in(&mut self, order: ByteOrder) -> Result<u32, Damage> {
        self.array().map(|bytes| match order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The next variable-length integer, 1 to 9 bytes. [records.md#varint](crate::notes::records#varint)
    ///
    /// # Errors
    /// [`Damage::Short`] when the bytes end within it.
    pub fn varint(&mut self) -> Result<u64, Damage> {
        let rest = self.rest();
        let (value, length) = read_varint(rest).ok_or_else(|| self.short(rest.len().saturating_add(1)))?;
        self.position = self.position.saturating_add(length);
        Ok(value)
    }

    fn short(&self, needed: usize) -> Damage {
        Damage::Short { offset: self.position, needed, available: self.rest().len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_come_in_order() {
        let bytes = [
            0x01, // u8
            0x02, 0x03, // u16
            0x04, 0x05, 0x06, 0x07, // u32
            0, 0, 0, 0, 0, 0, 0, 0x08, // u64
            0xaa, 0xbb, 0xcc, // slice
        ];
        let mut reader = ByteReader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.be_u16(), Ok(0x0203));
        assert_eq!(reader.be_u32(), Ok(0x0405_0607));
        assert_eq!(reader.be_u64(), Ok(8));
        assert_eq!(reader.position(), 15);
        assert_eq!(reader.be_u32(), Err(Damage::Short { offset: 15, needed: 4, available: 3 }));
        assert_eq!(reader.bytes(3), Ok(&[0xaa, 0xbb, 0xcc][..]));
        assert_eq!(reader.u8(), Err(Damage::Short { offset: 18, needed: 1, available: 0 }));
        assert!(reader.bytes(usize::MAX).is_err());
    }

    #[test]
    fn either_byte_order() {
        let bytes = [1, 2, 3, 4];
        assert_eq!(ByteReader::new(&bytes).u32_in(ByteOrder::Little), Ok(0x0403_0201));
        assert_eq!(ByteReader::new(&bytes).u32_in(ByteOrder::Big), Ok(0x0102_0304));
        assert_eq!(ByteReader::new(&bytes).u16_in(ByteOrder::Little), Ok(0x0201));
    }

    #[test]
    fn standing_beyond_the_end_reads_nothing() {
        let mut reader = ByteReader::at(&[1, 2], usize::MAX);
        assert_eq!(reader.rest(), &[] as &[u8]);
        assert!(reader.u8().is_err());
        assert!(reader.varint().is_err());
    }

    #[test]
    fn a_varint_is_passed_as_a_whole_or_not_at_all() {
        let mut reader = ByteReader::new(&[0x81, 0x00, 0x80, 0x80]);
        assert_eq!(reader.varint(), Ok(128));
        assert_eq!(reader.varint(), Err(Damage::Short { offset: 2, needed: 3, available: 2 }));
        assert_eq!(reader.position(), 2);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in 0..60_usize) {
            let mut reader = ByteReader::at(&bytes, at);
            while reader.varint().is_ok() {}
            let _ = reader.be_u64();
            prop_assert!(reader.position() <= bytes.len().max(at));
        }
    }
}
