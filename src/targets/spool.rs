//! What is kept of a copy until a stream takes it, so that nobody waits for whoever reads the stream.
//!
//! Small copies stay in memory; larger ones go to a file that has no name from the beginning, so that nothing is left of it
//! whatever happens (`[targets.md#a-stream]`).

use super::target::Target;
use crate::error::{Error, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use crate::format::shape::Shape;
use crate::os::random_access::{ReadAt, read_padded};
use crate::os::unnamed_file;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// How much is kept in memory.
const MOST_MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// A copy that waits for its stream.
#[derive(Debug)]
pub(crate) struct Spool {
    /// Where its file lies.
    folder: PathBuf,
    page_size: PageSize,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// Nothing is created before there is too much for memory; then in `folder`, or where the system keeps such files.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        let folder = folder.unwrap_or_else(std::env::temp_dir);
        Self { folder, page_size: PageSize::DEFAULT, kept: Kept::Memory(Vec::new()) }
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(bytes.len()));
        if let (Kept::Memory(kept), Some(end)) = (&mut self.kept, end.filter(|&end| end <= MOST_MEMORY_BYTES))
        {
            if kept.len() < end {
                kept.resize(end, 0);
            }
            if let Some(place) = kept.get_mut(end - bytes.len()..end) {
                place.copy_from_slice(bytes);
            }
            return Ok(());
        }
        let mut file = self.file()?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    /// The file, to which memory is moved the first time.
    fn file(&mut self) -> io::Result<&File> {
        if let Kept::Memory(kept) = &self.kept {
            let mut file = unnamed_file::create(&self.folder)?;
            file.write_all(kept)?;
            self.kept = Kept::File(file);
        }
        match &self.kept {
            Kept::File(file) => Ok(file),
            Kept::Memory(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl Target for Spool {
    type Output = ();

    fn begin(&mut self, shape: Shape) -> Result<()> {
        (self.page_size, self.kept) = (shape.page_size, Kept::Memory(Vec::new()));
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let written = self.write_at(pages, first.offset(self.page_size));
        written.map_err(Error::io("keep what a stream is to take in", &self.folder))
    }

    fn publish(self, _page_count: u32) -> Result<()> {
        Ok(())
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let kept: &dyn ReadAt = match &self.kept {
            Kept::Memory(kept) => kept,
            Kept::File(file) => file,
        };
        let read = read_padded(kept, buffer, first.offset(self.page_size));
        read.map(drop).map_err(Error::io("read what a stream is to take in", &self.folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_memory_goes_to_a_file_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(Some(folder.path().to_owned()));
        let page_size = PageSize::new(65_536).unwrap();
        spool.begin(Shape { page_size, page_count: 300 }).unwrap();
        let page = |number| PageNumber::new(number).unwrap();
        for number in [1, 300, 2, 256, 257] {
            spool.write_pages(page(number), &vec![u8::try_from(number % 251).unwrap(); 65_536]).unwrap();
        }
        assert!(matches!(spool.kept, Kept::File(_)));
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        assert!(cfg!(windows) || count() == 0);
        for (number, found) in [(1, 1), (2, 2), (3, 0), (256, 5), (257, 6), (300, 49), (301, 0)] {
            let mut bytes = vec![9; 65_536];
            spool.read_back(page(number), &mut bytes).unwrap();
            assert_eq!((bytes[0], bytes[65_535]), (found, found), "page {number}");
        }
        drop(spool);
        assert_eq!(count(), 0);
    }
}
