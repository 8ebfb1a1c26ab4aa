//! A copy in memory: the image that a deserialize call takes.

use super::target::Target;
use crate::error::{Error, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_one_edit::{fresh_page_one, leave_wal_mode};
use crate::format::page_size::PageSize;
use crate::format::shape::Shape;
use crate::os::random_access::read_padded;
use std::io;
use std::path::Path;

/// A database image in a `Vec<u8>`, page after page.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, MemoryTarget, quiet};
///
/// let image: Vec<u8> = CopyOptions::new().begin("app.db", MemoryTarget::new())?.run(quiet)?.output;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryTarget {
    page_size: PageSize,
    bytes: Vec<u8>,
    for_deserialize: bool,
}

impl MemoryTarget {
    /// An image that is byte for byte the file that a copy would be.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An image as `sqlite3_deserialize` takes it: with a header that says rollback mode, for there is no shared memory that a
    /// log could have (`[targets.md#memory]`), and with a first page even if the source is empty.
    #[must_use]
    pub fn for_deserialize() -> Self {
        Self { for_deserialize: true, ..Self::default() }
    }

    /// Grows or cuts the image, with zeros for what is new.
    fn resize(&mut self, size_bytes: u64) -> Result<()> {
        let too_large = || {
            Error::io("hold the copy", Path::new("memory"))(io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("{size_bytes} bytes are too many"),
            ))
        };
        let size = usize::try_from(size_bytes).map_err(|_| too_large())?;
        self.bytes.try_reserve(size.saturating_sub(self.bytes.len())).map_err(|_| too_large())?;
        self.bytes.resize(size, 0);
        Ok(())
    }
}

impl Target for MemoryTarget {
    type Output = Vec<u8>;

    fn begin(&mut self, shape: Shape) -> Result<()> {
        self.page_size = shape.page_size;
        self.bytes.clear();
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let start = first.offset(self.page_size);
        let end = start.saturating_add(pages.len() as u64);
        if end > self.bytes.len() as u64 {
            self.resize(end)?;
        }
        let place =
            usize::try_from(start).ok().and_then(|start| self.bytes.get_mut(start..)?.get_mut(..pages.len()));
        if let Some(place) = place {
            place.copy_from_slice(pages);
        }
        Ok(())
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        self.resize(self.page_size.bytes_of(page_count))
    }

    fn publish(mut self, page_count: u32) -> Result<Vec<u8>> {
        self.seal(page_count)?;
        if self.for_deserialize {
            if self.bytes.is_empty() {
                return Ok(fresh_page_one(None));
            }
            leave_wal_mode(&mut self.bytes);
        }
        Ok(self.bytes)
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        read_padded(&self.bytes, buffer, first.offset(self.page_size))
            .map(drop)
            .map_err(Error::io("read back", Path::new("memory")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lie_at_their_places_and_the_end_is_cut() {
        let mut target = MemoryTarget::new();
        let page_size = PageSize::new(512).unwrap();
        target.begin(Shape { page_size, page_count: 4 }).unwrap();
        target.write_pages(PageNumber::new(3).unwrap(), &[3; 1024]).unwrap();
        target.write_pages(PageNumber::FIRST, &[1; 512]).unwrap();
        target.seal(3).unwrap();
        let mut page = [0; 512];
        target.read_back(PageNumber::new(3).unwrap(), &mut page).unwrap();
        assert_eq!(page, [3; 512]);
        let bytes = target.publish(3).unwrap();
        assert_eq!(bytes.len(), 3 * 512);
        assert_eq!((bytes[0], bytes[511], bytes[512], bytes[1024]), (1, 1, 0, 3));
    }

    #[test]
    fn an_empty_image_to_be_deserialized_has_a_page() {
        assert!(MemoryTarget::new().publish(0).unwrap().is_empty());
        assert_eq!(MemoryTarget::for_deserialize().publish(0).unwrap().len(), 4096);
    }
}
